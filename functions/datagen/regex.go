package datagen

import (
	"fmt"
	"regexp/syntax"
)

// pattern makes texts that match a regular expression.
type pattern struct {
	re       *syntax.Regexp
	least    int // characters, if the expression lets it have so many
	most     int // characters, if the expression lets it have so few
	shortest map[*syntax.Regexp]int
}

// stop is how likely a repetition ends once the text is long enough.
const stop = 0.35

// newPattern parses an expression. Texts shall have at least least and at most most characters, as far as it allows.
func newPattern(expression string, least, most int) (*pattern, error) {
	re, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("regex %q: %w", expression, err)
	}
	p := &pattern{re: re, least: least, most: most, shortest: map[*syntax.Regexp]int{}}
	if _, err := p.measure(re); err != nil {
		return nil, fmt.Errorf("regex %q: %w", expression, err)
	}
	return p, nil
}

// measure notes the length of the shortest text of every part.
func (p *pattern) measure(re *syntax.Regexp) (n int, err error) {
	var parts []int
	for _, sub := range re.Sub {
		m, err := p.measure(sub)
		if err != nil {
			return 0, err
		}
		parts = append(parts, m)
	}
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpStar, syntax.OpQuest:
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return 0, fmt.Errorf("%s matches nothing", re)
		}
		n = 1
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		n = 1
	case syntax.OpCapture, syntax.OpPlus:
		n = parts[0]
	case syntax.OpRepeat:
		n = re.Min * parts[0]
	case syntax.OpConcat:
		for _, m := range parts {
			n += m
		}
	case syntax.OpAlternate:
		n = parts[0]
		for _, m := range parts {
			n = min(n, m)
		}
	default:
		return 0, fmt.Errorf("%s cannot be turned into texts", re)
	}
	p.shortest[re] = n
	return n, nil
}

// text makes one text.
func (p *pattern) text(r *random) string {
	return string(p.add(nil, p.re, 0, r))
}

// add appends a text of re to out. rest is how many characters must follow that.
func (p *pattern) add(out []rune, re *syntax.Regexp, rest int, r *random) []rune {
	switch re.Op {
	case syntax.OpLiteral:
		return append(out, re.Rune...)
	case syntax.OpCharClass:
		return append(out, oneOf(re.Rune, r))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return append(out, ' '+r.below('~'-' '+1))
	case syntax.OpCapture:
		return p.add(out, re.Sub[0], rest, r)
	case syntax.OpStar:
		return p.repeat(out, re.Sub[0], 0, -1, rest, r)
	case syntax.OpPlus:
		return p.repeat(out, re.Sub[0], 1, -1, rest, r)
	case syntax.OpQuest:
		return p.repeat(out, re.Sub[0], 0, 1, rest, r)
	case syntax.OpRepeat:
		return p.repeat(out, re.Sub[0], re.Min, re.Max, rest, r)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			rest += p.shortest[sub]
		}
		for _, sub := range re.Sub {
			rest -= p.shortest[sub]
			out = p.add(out, sub, rest, r)
		}
		return out
	case syntax.OpAlternate:
		return p.add(out, re.Sub[r.below(int32(len(re.Sub)))], rest, r)
	default:
		return out // an empty place
	}
}

// repeat appends least to most texts of re, without a limit if most is -1. It goes on while the text is too short, and
// otherwise as chance will have it.
func (p *pattern) repeat(out []rune, re *syntax.Regexp, least, most, rest int, r *random) []rune {
	one := p.shortest[re]
	for n := 0; most < 0 || n < most; n++ {
		if n < least {
			out = p.add(out, re, rest+(least-n-1)*one, r)
			continue
		}
		length := len(out) + rest
		if length+max(one, 1) > p.most || length >= p.least && r.float64() < stop {
			break
		}
		before := len(out)
		if out = p.add(out, re, rest, r); len(out) == before && length < p.least && r.float64() < stop {
			break // what may be empty need never get longer
		}
	}
	return out
}

// oneOf takes a character from ranges, of the printable ASCII among them if there are any: nobody wants all of Unicode
// from a [^,].
func oneOf(ranges []rune, r *random) rune {
	const first, last = ' ', '~'
	total := int32(0)
	for i := 0; i < len(ranges); i += 2 {
		total += max(0, min(ranges[i+1], last)-max(ranges[i], first)+1)
	}
	low, high := rune(first), rune(last)
	if total == 0 {
		low, high = 0, 0x10FFFF
		for i := 0; i < len(ranges); i += 2 {
			total += ranges[i+1] - ranges[i] + 1
		}
	}
	n := r.below(total)
	for i := 0; i < len(ranges); i += 2 {
		from, to := max(ranges[i], low), min(ranges[i+1], high)
		if size := to - from + 1; size > 0 {
			if n < size {
				return from + n
			}
			n -= size
		}
	}
	return low
}
