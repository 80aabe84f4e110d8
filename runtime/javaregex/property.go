package javaregex

import (
	"strings"
	"unicode"
)

// shorthand is the set of \d, \s and their like; a capital letter means all others.
func (p *parser) shorthand(c rune) set {
	var s set
	switch unicode.ToLower(c) {
	case 'd':
		s = p.posix("Digit")
	case 's':
		s = p.posix("Space")
	case 'w':
		if p.has(unicodeClass) {
			s = union(union(alphabetic(), fromTables(unicode.M, unicode.Nd, unicode.Pc)), of(0x200c, 0x200d))
		} else {
			s = set{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}
		}
	case 'h':
		s = set{'\t', '\t', ' ', ' ', 0xa0, 0xa0, 0x1680, 0x1680, 0x180e, 0x180e, 0x2000, 0x200a, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000}
	case 'v':
		s = set{'\n', '\r', 0x85, 0x85, 0x2028, 0x2029}
	}
	if unicode.IsUpper(c) {
		return negated(s)
	}
	return s
}

// property reads what stands behind \p or \P, which is the character at hand: one letter, or a name in braces.
func (p *parser) property(negate bool) (set, error) {
	name, err := p.propertyName()
	if err != nil {
		return nil, err
	}
	var s set
	var ok bool
	if key, value, found := strings.Cut(name, "="); found {
		key = strings.ToLower(key)
		switch key {
		case "sc", "script":
			s, ok = script(value)
		case "gc", "general_category":
			s, ok = p.category(value)
		case "blk", "block":
			return nil, p.fail("Unicode blocks are not supported: {%s}", name)
		}
		if !ok {
			return nil, p.fail("Unknown Unicode property {name=<%s>, value=<%s>}", key, value)
		}
	} else {
		if strings.HasPrefix(name, "In") {
			return nil, p.fail("Unicode blocks are not supported: {%s}", name)
		}
		if s, ok = p.named(name); !ok {
			return nil, p.fail("Unknown character property name {%s}", name)
		}
	}
	if negate {
		return negated(s), nil
	}
	return s, nil
}

func (p *parser) propertyName() (string, error) {
	if p.next() != '{' {
		return string(p.read()), nil
	}
	p.next()
	start := p.at
	for p.at < p.length && p.text[p.at] != '}' {
		p.at++
	}
	p.at++
	switch {
	case p.at > p.length:
		return "", p.fail("Unclosed character family")
	case start+1 >= p.at:
		return "", p.fail("Empty character family")
	}
	return string(p.text[start : p.at-1]), nil
}

// named is a property by its name alone.
func (p *parser) named(name string) (set, bool) {
	if is, ok := strings.CutPrefix(name, "Is"); ok {
		if s, ok := p.binary(is); ok {
			return s, true
		}
		if s, ok := p.category(is); ok {
			return s, true
		}
		return script(is)
	}
	if s := p.posix(name); s != nil {
		return s, true
	}
	if s, ok := p.category(name); ok {
		return s, true
	}
	return p.javaMethod(name)
}

// posix is a POSIX class: of ASCII, or of Unicode when the expression says so. nil is none.
func (p *parser) posix(name string) set {
	if p.has(unicodeClass) {
		if s, ok := p.binary(name); ok {
			return s
		}
	}
	switch name {
	case "ASCII":
		return of(0, 0x7f)
	case "Alnum":
		return set{'0', '9', 'A', 'Z', 'a', 'z'}
	case "Alpha":
		return set{'A', 'Z', 'a', 'z'}
	case "Blank":
		return set{'\t', '\t', ' ', ' '}
	case "Cntrl":
		return set{0, 0x1f, 0x7f, 0x7f}
	case "Digit":
		return of('0', '9')
	case "Graph":
		return of('!', '~')
	case "Lower":
		return p.folded(of('a', 'z'))
	case "Print":
		return of(' ', '~')
	case "Punct":
		return set{'!', '/', ':', '@', '[', '`', '{', '~'}
	case "Space":
		return set{'\t', '\r', ' ', ' '}
	case "Upper":
		return p.folded(of('A', 'Z'))
	case "XDigit":
		return set{'0', '9', 'A', 'F', 'a', 'f'}
	}
	return nil
}

func alphabetic() set { return fromTables(unicode.L, unicode.Nl, unicode.Other_Alphabetic) }
func lowercase() set  { return fromTables(unicode.Ll, unicode.Other_Lowercase) }
func uppercase() set  { return fromTables(unicode.Lu, unicode.Other_Uppercase) }

// cased is a set of letters of one case, or of all cases if case is not to count.
func (p *parser) cased(s set) set {
	if !p.has(foldCase) {
		return s
	}
	return union(union(lowercase(), uppercase()), fromTables(unicode.Lt))
}

// binary is a property that a character has or has not, by its name in any case.
func (p *parser) binary(name string) (set, bool) {
	switch strings.ToUpper(strings.NewReplacer("_", "", " ", "").Replace(name)) {
	case "ALPHABETIC", "ALPHA":
		return alphabetic(), true
	case "LETTER":
		return fromTables(unicode.L), true
	case "IDEOGRAPHIC":
		return fromTables(unicode.Ideographic), true
	case "LOWERCASE", "LOWER":
		return p.cased(lowercase()), true
	case "UPPERCASE", "UPPER":
		return p.cased(uppercase()), true
	case "TITLECASE":
		return p.cased(fromTables(unicode.Lt)), true
	case "WHITESPACE", "SPACE":
		return fromTables(unicode.White_Space), true
	case "CONTROL", "CNTRL":
		return fromTables(unicode.Cc), true
	case "PUNCTUATION", "PUNCT":
		return fromTables(unicode.P), true
	case "HEXDIGIT", "XDIGIT":
		return union(fromTables(unicode.Nd), fromTables(unicode.Hex_Digit)), true
	case "ASSIGNED":
		return negated(unassigned()), true
	case "NONCHARACTERCODEPOINT":
		return fromTables(unicode.Noncharacter_Code_Point), true
	case "DIGIT":
		return fromTables(unicode.Nd), true
	case "ALNUM":
		return union(alphabetic(), fromTables(unicode.Nd)), true
	case "BLANK":
		return union(fromTables(unicode.Zs), of('\t', '\t')), true
	case "GRAPH":
		return negated(union(union(fromTables(unicode.White_Space, unicode.Cc, unicode.Cs), unassigned()), nil)), true
	case "PRINT":
		graph, _ := p.binary("GRAPH")
		return union(graph, fromTables(unicode.Zs)), true
	case "WORD":
		return union(union(alphabetic(), fromTables(unicode.M, unicode.Nd, unicode.Pc)), of(0x200c, 0x200d)), true
	case "JOINCONTROL":
		return of(0x200c, 0x200d), true
	}
	return nil, false
}

// unassigned are the characters of no category.
func unassigned() set {
	return negated(fromTables(unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C))
}

// category is a general category by its short name, and what Java counts among them.
func (p *parser) category(name string) (set, bool) {
	switch name {
	case "L1":
		return of(0, 0xff), true
	case "all":
		return negated(nil), true
	case "LC":
		return fromTables(unicode.Lu, unicode.Ll, unicode.Lt), true
	case "LD":
		return fromTables(unicode.L, unicode.Nd), true
	case "Cn":
		return unassigned(), true
	case "C":
		return union(fromTables(unicode.C), unassigned()), true
	case "Lu", "Ll", "Lt":
		if p.has(foldCase) {
			return fromTables(unicode.Lu, unicode.Ll, unicode.Lt), true
		}
	}
	if len(name) > 2 {
		return nil, false
	}
	t, ok := unicode.Categories[name]
	if !ok {
		return nil, false
	}
	return fromTables(t), true
}

// script is a script by its name in any case.
func script(name string) (set, bool) {
	for _, code := range [...][2]string{
		{"Latn", "Latin"},
		{"Grek", "Greek"},
		{"Cyrl", "Cyrillic"},
		{"Hani", "Han"},
		{"Hira", "Hiragana"},
		{"Kana", "Katakana"},
		{"Hang", "Hangul"},
		{"Arab", "Arabic"},
		{"Hebr", "Hebrew"},
		{"Deva", "Devanagari"},
		{"Zyyy", "Common"},
		{"Zinh", "Inherited"},
	} {
		if strings.EqualFold(code[0], name) {
			name = code[1]
		}
	}
	for known, t := range unicode.Scripts {
		if strings.EqualFold(known, name) {
			return fromTables(t), true
		}
	}
	return nil, false
}

// javaMethod is a set that Java names after a method of its Character class.
func (p *parser) javaMethod(name string) (set, bool) {
	switch name {
	case "javaLowerCase":
		return p.cased(lowercase()), true
	case "javaUpperCase":
		return p.cased(uppercase()), true
	case "javaTitleCase":
		return p.cased(fromTables(unicode.Lt)), true
	case "javaAlphabetic":
		return alphabetic(), true
	case "javaIdeographic":
		return fromTables(unicode.Ideographic), true
	case "javaDigit":
		return fromTables(unicode.Nd), true
	case "javaLetter":
		return fromTables(unicode.L), true
	case "javaLetterOrDigit":
		return fromTables(unicode.L, unicode.Nd), true
	case "javaDefined":
		return negated(unassigned()), true
	case "javaSpaceChar":
		return fromTables(unicode.Z), true
	case "javaWhitespace":
		blanks := intersection(fromTables(unicode.Z), negated(set{0xa0, 0xa0, 0x2007, 0x2007, 0x202f, 0x202f}))
		return union(blanks, set{'\t', '\r', 0x1c, 0x1f}), true
	case "javaISOControl":
		return set{0, 0x1f, 0x7f, 0x9f}, true
	}
	return nil, false
}
