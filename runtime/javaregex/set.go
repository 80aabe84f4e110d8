package javaregex

import (
	"slices"
	"unicode"
)

// set is a set of characters: pairs of first and last, in order and apart from each other. nil is empty.
type set []rune

func of(first, last rune) set { return set{first, last} }

// lineEnds are the characters that end a line.
func lineEnds() set { return set{'\n', '\n', '\r', '\r', 0x85, 0x85, 0x2028, 0x2029} }

func (s set) has(c rune) bool {
	i, _ := slices.BinarySearch(s, c)
	// An even place is the begin of a range, which c is or lies before; an odd one its end.
	return i < len(s) && (i%2 == 1 || s[i] == c)
}

func union(a, b set) set {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	type span struct{ first, last rune }
	spans := make([]span, 0, (len(a)+len(b))/2)
	for _, s := range []set{a, b} {
		for i := 0; i < len(s); i += 2 {
			spans = append(spans, span{s[i], s[i+1]})
		}
	}
	slices.SortFunc(spans, func(x, y span) int { return int(x.first) - int(y.first) })
	out := make(set, 0, 2*len(spans))
	for _, s := range spans {
		if n := len(out); n > 0 && s.first <= out[n-1]+1 {
			out[n-1] = max(out[n-1], s.last)
			continue
		}
		out = append(out, s.first, s.last)
	}
	return out
}

func negated(s set) set {
	out := make(set, 0, len(s)+2)
	first := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > first {
			out = append(out, first, s[i]-1)
		}
		first = s[i+1] + 1
	}
	if first <= unicode.MaxRune {
		out = append(out, first, unicode.MaxRune)
	}
	return out
}

func intersection(a, b set) set { return negated(union(negated(a), negated(b))) }

// fromTables is the union of Unicode's tables.
func fromTables(tables ...*unicode.RangeTable) set {
	var out set
	for _, t := range tables {
		var s set
		add := func(lo, hi, stride rune) {
			if stride == 1 {
				s = append(s, lo, hi)
				return
			}
			for c := lo; c <= hi; c += stride {
				s = append(s, c, c)
			}
		}
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride)) //nolint:gosec // characters
		}
		out = union(out, s)
	}
	return out
}

// single is a character, in both cases if case is not to count.
func (p *parser) single(c rune) set { return p.folded(of(c, c)) }

// folded adds the other case of each character if case is not to count: of ASCII letters only, unless Unicode's are to
// count as well.
func (p *parser) folded(s set) set {
	if !p.has(foldCase) {
		return s
	}
	out := s
	for c := rune('a'); c <= 'z'; c++ {
		if upper := c - 'a' + 'A'; s.has(c) || s.has(upper) {
			out = union(out, union(of(c, c), of(upper, upper)))
		}
	}
	if !p.has(unicodeCase) {
		return out
	}
	if len(s) == 2 && s[0] == s[1] {
		return union(out, sameFold(s[0]))
	}
	for _, r := range unicode.CaseRanges {
		for c := rune(r.Lo); c <= rune(r.Hi); c++ { //nolint:gosec // characters
			if upper := unicode.ToUpper(c); s.has(upper) || s.has(unicode.ToLower(upper)) {
				out = union(out, of(c, c))
			}
		}
	}
	return out
}

// sameFold are the characters that Java takes for a character when case does not count.
func sameFold(c rune) set {
	fold := func(c rune) rune { return unicode.ToLower(unicode.ToUpper(c)) }
	want := fold(c)
	out := of(want, want)
	for f := unicode.SimpleFold(want); f != want; f = unicode.SimpleFold(f) {
		if fold(f) == want {
			out = union(out, of(f, f))
		}
	}
	if want == 'i' { // the Turkish ones, which fold to nothing in Unicode
		out = union(out, of(0x130, 0x131))
	}
	return out
}
