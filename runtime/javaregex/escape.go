package javaregex

import "unicode"

// escape reads an escape, whose backslash is next: n is a piece, c a character, or s a set of them. In a class only
// characters and sets are good; ranged tells that a range may begin or end here.
func (p *parser) escape(inClass, ranged bool) (n *node, c rune, s set, err error) {
	c = p.skip()
	if !inClass {
		if n, err := p.anchor(c); n != nil || err != nil {
			return n, 0, nil, err
		}
	}
	switch c {
	case 'd', 'D', 'h', 'H', 's', 'S', 'w', 'W', 'V':
		return nil, 0, p.shorthand(c), nil
	case 'v':
		if ranged {
			return nil, '\v', nil, nil
		}
		return nil, 0, p.shorthand(c), nil
	case '0':
		c, err = p.octal()
	case 'x':
		c, err = p.hex()
	case 'u':
		c, err = p.unicode()
	case 'c':
		if p.at >= p.length {
			return nil, 0, nil, p.fail("Illegal control escape sequence")
		}
		c = p.read() ^ 64
	case 'a':
		c = '\a'
	case 'e':
		c = 0x1b
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'N':
		err = p.fail("Names of characters are not supported")
	default:
		if isAlnum(c) {
			err = p.fail("Illegal/unsupported escape sequence")
		}
	}
	return nil, c, nil, err
}

// anchor is a piece that an escape outside of a class can be, or nil.
func (p *parser) anchor(c rune) (*node, error) {
	switch c {
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return p.reference(int(c - '0')), nil
	case 'k':
		return p.namedReference()
	case 'A', 'G': // the first match is looked for from the begin
		return &node{kind: begin}, nil
	case 'z':
		return &node{kind: end}, nil
	case 'Z':
		return &node{kind: dollar, unix: p.has(unixLines)}, nil
	case 'R':
		return &node{kind: lineBreak}, nil
	case 'b':
		if p.peek() == '{' && p.char(p.at+1) == 'g' {
			return nil, p.fail("Boundaries of grapheme clusters are not supported")
		}
		return &node{kind: boundary, set: p.shorthand('w')}, nil
	case 'B':
		return &node{kind: notBoundary, set: p.shorthand('w')}, nil
	case 'X':
		return nil, p.fail("Grapheme clusters are not supported")
	}
	return nil, nil
}

// reference reads the number of a group that stands before; more digits belong to it as long as there are so many groups.
func (p *parser) reference(n int) *node {
	for {
		c := p.peek()
		if !isDigit(c) || n*10+int(c-'0') > p.groups {
			return &node{kind: backReference, group: n, fold: p.has(foldCase)}
		}
		n = n*10 + int(c-'0')
		p.read()
	}
}

func (p *parser) namedReference() (*node, error) {
	if p.read() != '<' {
		return nil, p.fail(`\k is not followed by '<' for named capturing group`)
	}
	name, err := p.name(p.read())
	if err != nil {
		return nil, err
	}
	n, ok := p.names[name]
	if !ok {
		return nil, p.fail("named capturing group <%s> does not exist", name)
	}
	return &node{kind: backReference, group: n, fold: p.has(foldCase)}, nil
}

// octal reads up to three digits, up to 0377.
func (p *parser) octal() (rune, error) {
	c := p.read()
	if c < '0' || c > '7' {
		return 0, p.fail("Illegal octal escape sequence")
	}
	n := c - '0'
	for digits := 1; digits < 3; digits++ {
		c = p.read()
		if c < '0' || c > '7' || n > 31 {
			p.at--
			break
		}
		n = n*8 + c - '0'
	}
	return n, nil
}

func hexDigit(c rune) (rune, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// hex reads two digits, or any number of them in braces.
func (p *parser) hex() (rune, error) {
	c := p.read()
	if high, ok := hexDigit(c); ok {
		if low, ok := hexDigit(p.read()); ok {
			return high<<4 | low, nil
		}
	} else if _, ok := hexDigit(p.peek()); c == '{' && ok {
		n := rune(0)
		for {
			c = p.read()
			d, ok := hexDigit(c)
			if !ok {
				break
			}
			if n = n<<4 | d; n > unicode.MaxRune {
				return 0, p.fail("Hexadecimal codepoint is too big")
			}
		}
		if c != '}' {
			return 0, p.fail("Unclosed hexadecimal escape sequence")
		}
		return n, nil
	}
	return 0, p.fail("Illegal hexadecimal escape sequence")
}

// unicode reads four digits, and the other half of a pair of surrogates.
func (p *parser) unicode() (rune, error) {
	n, err := p.unit()
	if err != nil || n < 0xd800 || n > 0xdbff || p.char(p.at) != '\\' || p.char(p.at+1) != 'u' {
		return n, err
	}
	at := p.at
	p.at += 2
	low, err := p.unit()
	if err == nil && low >= 0xdc00 && low <= 0xdfff {
		return (n-0xd800)<<10 + low - 0xdc00 + 0x10000, nil
	}
	p.at = at
	return n, err
}

func (p *parser) unit() (rune, error) {
	n := rune(0)
	for range 4 {
		d, ok := hexDigit(p.read())
		if !ok {
			return 0, p.fail("Illegal Unicode escape sequence")
		}
		n = n<<4 | d
	}
	return n, nil
}
