package javaregex

// group reads what stands in parentheses. It is nil when that only sets flags.
func (p *parser) group() (*node, error) {
	saved := p.flags
	n, flagsOnly, err := p.groupBody()
	if err != nil || flagsOnly {
		return nil, err
	}
	if p.read() != ')' {
		return nil, p.fail("Unclosed group")
	}
	p.flags = saved
	return n, nil
}

// groupBody reads up to the closing parenthesis.
func (p *parser) groupBody() (n *node, flagsOnly bool, err error) {
	if p.next() != '?' {
		n, err = p.capture()
		return n, false, err
	}
	switch c := p.skip(); c {
	case ':':
		n, err = p.within(sequence)
	case '=':
		n, err = p.within(ahead)
	case '!':
		n, err = p.within(notAhead)
	case '>':
		n, err = p.within(atomic)
	case '<':
		n, err = p.namedOrBehind()
	case '$', '@':
		err = p.fail("Unknown group type")
	default:
		p.at--
		p.setFlags()
		switch p.read() {
		case ')':
			return nil, true, nil
		case ':':
			n, err = p.within(sequence)
		default:
			err = p.fail("Unknown inline modifier")
		}
	}
	return n, false, err
}

func (p *parser) capture() (*node, error) {
	p.groups++
	n := &node{kind: group, group: p.groups}
	inner, err := p.alternatives()
	n.subs = []*node{inner}
	return n, err
}

func (p *parser) within(k kind) (*node, error) {
	inner, err := p.alternatives()
	return &node{kind: k, subs: []*node{inner}}, err
}

func (p *parser) namedOrBehind() (*node, error) {
	k := behind
	switch c := p.read(); c {
	case '=':
	case '!':
		k = notBehind
	default:
		name, err := p.name(c)
		if err != nil {
			return nil, err
		}
		if _, twice := p.names[name]; twice {
			return nil, p.fail("Named capturing group <%s> is already defined", name)
		}
		p.names[name] = p.groups + 1
		return p.capture()
	}
	n, err := p.within(k)
	if err == nil && n.subs[0].reach(reach{}).unbounded {
		err = p.fail("Look-behind group does not have an obvious maximum length")
	}
	return n, err
}

// name reads the name of a group whose first character was read, and the bracket behind it.
func (p *parser) name(c rune) (string, error) {
	if !isAlpha(c) {
		return "", p.fail("capturing group name does not start with a Latin letter")
	}
	var name []rune
	for ; isAlnum(c); c = p.read() {
		name = append(name, c)
	}
	if c != '>' {
		return "", p.fail("named capturing group is missing trailing '>'")
	}
	return string(name), nil
}

// setFlags reads flags to set and, behind a minus, to take away.
func (p *parser) setFlags() {
	minus := false
	for c := p.peek(); ; c = p.next() {
		if c == '-' && !minus {
			minus = true
			continue
		}
		f := flagOf(c)
		if f == 0 && c != 'c' { // c asks for canonical equivalence, which has no effect within an expression
			return
		}
		if minus {
			p.flags &^= f
		} else {
			p.flags |= f
		}
	}
}

func flagOf(c rune) flags {
	switch c {
	case 'i':
		return foldCase
	case 'm':
		return multiline
	case 's':
		return dotAll
	case 'd':
		return unixLines
	case 'u':
		return unicodeCase
	case 'x':
		return comments
	case 'U':
		return unicodeClass | unicodeCase
	}
	return 0
}
