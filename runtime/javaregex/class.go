package javaregex

// class reads a class, whose opening bracket is next; or what stands behind an intersection, up to a bracket or the next
// intersection, when it is not to be closed.
func (p *parser) class(closed bool) (set, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("Classes nest too deep")
	}
	defer func() { p.depth-- }()
	b := classBuilder{parser: p}
	c := p.next()
	if c == '^' && p.char(p.at-1) == '[' {
		c = p.next()
		b.negate = true
	}
	for {
		var done bool
		var err error
		if done, err = b.item(c, closed); err != nil {
			return nil, err
		}
		if done {
			return b.result(), nil
		}
		c = p.peek()
	}
}

// classBuilder collects a class. Single characters and ranges are kept apart, because Java adds single characters below
// 256 to the class only when an intersection or the end comes.
type classBuilder struct {
	*parser
	bits    set
	hasBits bool
	rest    set
	hasRest bool
	negate  bool
}

func (b *classBuilder) result() set {
	s := union(b.rest, b.bits)
	if b.negate {
		return negated(s)
	}
	return s
}

// add puts a set beside the others.
func (b *classBuilder) add(s set) {
	b.rest, b.hasRest = union(b.rest, s), true
}

// item reads one member of a class, whose first character is c. done tells that the class is over.
func (b *classBuilder) item(c rune, closed bool) (done bool, err error) {
	switch c {
	case '[':
		s, err := b.class(true)
		b.add(s)
		return false, err
	case '&':
		if b.next() == '&' {
			return false, b.intersect()
		}
		b.at--
	case ']':
		if b.hasRest || b.hasBits {
			if closed {
				b.next()
			}
			return true, nil
		}
	case 0:
		if b.at >= b.length {
			return false, b.fail("Unclosed character class")
		}
	}
	s, single, err := b.span()
	if err != nil {
		return false, err
	}
	if single {
		b.bits, b.hasBits = union(b.bits, s), true
	} else {
		b.add(s)
	}
	return false, nil
}

// intersect reads what stands behind && and keeps what is in both.
func (b *classBuilder) intersect() error {
	var right set
	has := false
	for c := b.next(); c != ']' && c != '&'; c = b.peek() {
		var s set
		var err error
		if c == '[' {
			s, err = b.class(true)
		} else {
			b.at--
			s, err = b.class(false)
		}
		if err != nil {
			return err
		}
		right, has = union(right, s), true
	}
	if b.hasBits {
		b.add(b.bits)
		b.bits, b.hasBits = nil, false
	}
	switch {
	case !has && !b.hasRest:
		return b.fail("Bad class syntax")
	case !b.hasRest:
		b.add(right)
	case has:
		b.rest = intersection(b.rest, right)
	}
	return nil
}

// span reads a character, a range, or a set. single tells that it is a character below 256.
func (b *classBuilder) span() (s set, single bool, err error) {
	c := b.peek()
	if c == '\\' {
		if k := b.char(b.at + 1); k == 'p' || k == 'P' {
			b.at++
			s, err = b.property(k == 'P')
			return s, false, err
		}
		ranged := b.char(b.at+2) == '-'
		if _, c, s, err = b.escape(true, ranged); err != nil || s != nil {
			return s, false, err
		}
	} else {
		b.next()
	}
	if b.peek() == '-' {
		last := b.char(b.at + 1)
		if last != '[' && last != ']' {
			s, err = b.upTo(c)
			return s, false, err
		}
	}
	return b.parser.single(c), c < 256, nil
}

// upTo reads the end of a range, whose hyphen is next.
func (b *classBuilder) upTo(first rune) (set, error) {
	last := b.next()
	if last == '\\' {
		_, c, s, err := b.escape(true, true)
		if err != nil {
			return nil, err
		}
		if last = c; s != nil {
			last = -1
		}
	} else {
		b.next()
	}
	if last < first {
		return nil, b.fail("Illegal character range")
	}
	return b.folded(of(first, last)), nil
}
