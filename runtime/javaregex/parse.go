package javaregex

import (
	"fmt"
	"strings"
)

// flags are those that an expression can set within.
type flags uint8

const (
	foldCase flags = 1 << iota
	multiline
	dotAll
	unixLines
	unicodeCase
	comments
	unicodeClass
)

// maxDepth bounds how deep groups and classes nest.
const maxDepth = 500

// parser reads an expression from the left to the right. Its places are those of Java's own parser, because messages
// name them.
type parser struct {
	original string
	text     []rune // without \Q and \E, and two zeros at the end
	length   int
	at       int
	flags    flags
	groups   int
	names    map[string]int
	depth    int
}

func newParser(pattern string) *parser {
	p := &parser{text: unquote([]rune(pattern)), names: make(map[string]int)}
	p.original, p.length = pattern, len(p.text)
	p.text = append(p.text, 0, 0)
	return p
}

// unquote takes the quotes \Q and \E away and puts a backslash before what was quoted and has a meaning.
func unquote(text []rune) []rune {
	if !strings.Contains(string(text), `\Q`) {
		return text
	}
	out := make([]rune, 0, len(text)+16)
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		next := rune(0)
		if i+1 < len(text) {
			next = text[i+1]
		}
		switch {
		case quoted && c == '\\' && next == 'E':
			quoted = false
			i++
		case quoted:
			if c < 0x80 && !isAlnum(c) {
				out = append(out, '\\')
			}
			out = append(out, c)
		case c == '\\' && next == 'Q':
			quoted = true
			i++
		case c == '\\' && i+1 < len(text):
			out = append(out, c, next)
			i++
		default:
			out = append(out, c)
		}
	}
	return out
}

func isAlpha(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c rune) bool { return c >= '0' && c <= '9' }
func isAlnum(c rune) bool { return isAlpha(c) || isDigit(c) }

func (p *parser) has(f flags) bool { return p.flags&f != 0 }

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{Description: fmt.Sprintf(format, args...), Pattern: p.original, Index: p.at - 1}
}

// char is the character at a place, 0 behind the end.
func (p *parser) char(at int) rune {
	if at < len(p.text) {
		return p.text[at]
	}
	return 0
}

// peek is the next character, read takes it, and next goes on by one and is the one there. With comments, blanks and
// comments are passed over.

func (p *parser) peek() rune {
	if p.has(comments) {
		p.pass()
	}
	return p.char(p.at)
}

func (p *parser) read() rune {
	if p.has(comments) {
		p.pass()
	}
	c := p.char(p.at)
	p.at++
	return c
}

func (p *parser) next() rune {
	p.at++
	return p.peek()
}

// pass passes over blanks and comments.
func (p *parser) pass() {
	for {
		c := p.char(p.at)
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			p.at++
		case c == '#':
			for p.at < p.length && !p.endsLine(p.char(p.at)) {
				p.at++
			}
		default:
			return
		}
	}
}

func (p *parser) endsLine(c rune) bool {
	if p.has(unixLines) {
		return c == '\n'
	}
	return strings.ContainsRune(terminators, c)
}

// skip takes two characters, a backslash or question mark and the one behind it, which it returns.
func (p *parser) skip() rune {
	c := p.char(p.at + 1)
	p.at += 2
	return c
}

// parse reads the whole expression.
func (p *parser) parse() (*node, error) {
	root, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.at != p.length {
		if p.peek() == ')' {
			return nil, p.fail("Unmatched closing ')'")
		}
		return nil, p.fail("Unexpected internal error")
	}
	return root, nil
}

func (p *parser) alternatives() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("Groups nest too deep")
	}
	defer func() { p.depth-- }()
	all := &node{kind: alternatives}
	for {
		n, err := p.sequence()
		if err != nil {
			return nil, err
		}
		all.subs = append(all.subs, n)
		if p.peek() != '|' {
			break
		}
		p.next()
	}
	if len(all.subs) == 1 {
		return all.subs[0], nil
	}
	return all, nil
}

func (p *parser) sequence() (*node, error) {
	all := &node{kind: sequence}
	for {
		c := p.peek()
		if c == '|' || c == ')' || c == 0 && p.at >= p.length {
			return all, nil
		}
		n, err := p.piece(c)
		if err != nil {
			return nil, err
		}
		if n == nil { // flags
			continue
		}
		if n, err = p.repeated(n); err != nil {
			return nil, err
		}
		all.subs = append(all.subs, n)
	}
}

// piece reads what a repeat can follow, or nil for flags.
func (p *parser) piece(c rune) (*node, error) {
	switch c {
	case '(':
		return p.group()
	case '[':
		s, err := p.class(true)
		return &node{kind: character, set: s}, err
	case '\\':
		return p.escaped()
	case '^':
		p.next()
		if p.has(multiline) {
			return &node{kind: caret, unix: p.has(unixLines)}, nil
		}
		return &node{kind: begin}, nil
	case '$':
		p.next()
		return &node{kind: dollar, multi: p.has(multiline), unix: p.has(unixLines)}, nil
	case '.':
		p.next()
		return p.dot(), nil
	case '?', '*', '+':
		p.next()
		return nil, p.fail("Dangling meta character '%c'", c)
	case '{':
		return &node{kind: sequence}, nil // a repeat of nothing
	}
	p.next()
	return &node{kind: character, set: p.single(c)}, nil
}

func (p *parser) dot() *node {
	switch {
	case p.has(dotAll):
		return &node{kind: dot, set: negated(nil)}
	case p.has(unixLines):
		return &node{kind: dot, set: negated(of('\n', '\n'))}
	}
	return &node{kind: dot, set: negated(lineEnds())}
}

// escaped reads what a backslash begins, outside of classes.
func (p *parser) escaped() (*node, error) {
	if c := p.char(p.at + 1); c == 'p' || c == 'P' {
		p.at++
		s, err := p.property(c == 'P')
		return &node{kind: character, set: s}, err
	}
	n, c, s, err := p.escape(false, false)
	switch {
	case err != nil:
		return nil, err
	case n != nil:
		return n, nil
	case s != nil:
		return &node{kind: character, set: s}, nil
	}
	return &node{kind: character, set: p.single(c)}, nil
}

// repeated reads the repeat behind a piece, if there is one.
func (p *parser) repeated(n *node) (*node, error) {
	r := &node{kind: repeat, subs: []*node{n}, most: -1}
	switch p.peek() {
	case '?':
		r.most = 1
	case '*':
	case '+':
		r.least = 1
	case '{':
		if err := p.counts(r); err != nil {
			return nil, err
		}
	default:
		return n, nil
	}
	switch p.next() {
	case '?':
		p.next()
		r.mode = lazy
	case '+':
		p.next()
		r.mode = possessive
	}
	return r, nil
}

// counts reads {n}, {n,} or {n,m} and stops at the brace that closes it.
func (p *parser) counts(r *node) error {
	c := p.skip()
	if !isDigit(c) {
		return p.fail("Illegal repetition")
	}
	var err error
	if r.least, c, err = p.count(c); err != nil {
		return err
	}
	r.most = r.least
	if c == ',' {
		c = p.read()
		r.most = -1
		if c != '}' {
			if r.most, c, err = p.count(c); err != nil {
				return err
			}
		}
	}
	switch {
	case c != '}':
		return p.fail("Unclosed counted closure")
	case r.most >= 0 && r.most < r.least:
		return p.fail("Illegal repetition range")
	}
	p.at--
	return nil
}

// count reads a number whose first digit was read. It returns the character behind it.
func (p *parser) count(c rune) (n int, behind rune, err error) {
	for ; isDigit(c); c = p.read() {
		n = n*10 + int(c-'0')
		if n > 1<<31-1 {
			return 0, 0, p.fail("Illegal repetition range")
		}
	}
	return n, c, nil
}
