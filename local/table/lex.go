package table

import (
	"strconv"
	"strings"
)

// A tokenKind tells the parser what it may do with a token.
type tokenKind byte

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a bare name, a function or a keyword
	tokenName             // #placeholder
	tokenValue            // :placeholder
	tokenNumber           // a list index
	tokenMark             // punctuation and operators
	tokenBad              // a character that has no meaning
)

type token struct {
	kind       tokenKind
	text       string
	start, end int // in the expression
}

// is compares with a mark, or with a keyword regardless of case.
func (t token) is(text string) bool {
	switch t.kind {
	case tokenMark:
		return t.text == text
	case tokenWord:
		return strings.EqualFold(t.text, text)
	}
	return false
}

// isKeyword tells whether a word can never be a name.
func (t token) isKeyword() bool {
	for _, word := range [...]string{"AND", "OR", "NOT", "IN", "BETWEEN", "SET", "REMOVE", "ADD", "DELETE"} {
		if t.is(word) {
			return true
		}
	}
	return false
}

func tokenize(text string) []token {
	var tokens []token
	for i := 0; i < len(text); {
		if strings.IndexByte(" \t\r\n", text[i]) >= 0 {
			i++
			continue
		}
		kind, n := nextToken(text[i:])
		tokens = append(tokens, token{kind, text[i : i+n], i, i + n})
		i += n
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: len(text), end: len(text)})
}

// nextToken tells kind and length of the token text begins with.
func nextToken(text string) (tokenKind, int) {
	word := 0
	for word+1 < len(text) && isWordRune(rune(text[word+1])) {
		word++
	}
	switch c := text[0]; {
	case c == '#' && word > 0:
		return tokenName, 1 + word
	case c == ':' && word > 0:
		return tokenValue, 1 + word
	case c == '0':
		return tokenNumber, 1
	case c >= '1' && c <= '9':
		n := 1
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
		return tokenNumber, n
	case c != '_' && isWordRune(rune(c)):
		return tokenWord, 1 + word
	case strings.HasPrefix(text, "<>"), strings.HasPrefix(text, "<="), strings.HasPrefix(text, ">="):
		return tokenMark, 2
	case strings.IndexByte("()[],.=<>+-", c) >= 0:
		return tokenMark, 1
	}
	// A whole character, so that messages stay valid text.
	for i := range text {
		if i > 0 {
			return tokenBad, i
		}
	}
	return tokenBad, len(text)
}

// A parser reads one expression.
type parser struct {
	scope  *scope
	what   string // the request parameter, for messages
	text   string
	tokens []token
	at     int
	paths  []path // every path read, in order
}

func newParser(s *scope, what, text string) (*parser, error) {
	p := &parser{scope: s, what: what, text: text}
	if text == "" {
		return nil, p.fail("The expression can not be empty;")
	}
	if len(text) > maxExpression {
		return nil, p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	p.tokens = tokenize(text)
	return p, nil
}

func (p *parser) fail(format string, args ...any) error {
	return invalid("Invalid "+p.what+": "+format, args...)
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// accept steps over a mark or keyword if it is the next token.
func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) error {
	if !p.accept(text) {
		return p.unexpected()
	}
	return nil
}

// unexpected reports the next token together with its neighbours.
func (p *parser) unexpected() error {
	from, to := p.peek().start, p.peek().end
	if p.at > 0 {
		from = p.tokens[p.at-1].start
	} else if p.peek().kind == tokenEnd {
		from = 0
	}
	if p.at+1 < len(p.tokens) && p.tokens[p.at+1].kind != tokenEnd {
		to = p.tokens[p.at+1].end
	}
	return p.fail("Syntax error; token: \"%s\", near: \"%s\"", p.peek().text, p.text[from:to])
}

// value reads a :placeholder.
func (p *parser) value() (value, error) {
	t := p.peek()
	if t.kind != tokenValue {
		return value{}, p.unexpected()
	}
	v, ok := p.scope.values[t.text]
	if !ok {
		return value{}, p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	p.at++
	p.scope.usedValues[t.text] = true
	return v, nil
}

// path reads a document path such as a.#b[2].c.
func (p *parser) path() (path, error) {
	first, err := p.segment()
	if err != nil {
		return nil, err
	}
	result := path{first}
	for {
		switch {
		case p.accept("."):
			s, err := p.segment()
			if err != nil {
				return nil, err
			}
			result = append(result, s)
		case p.accept("["):
			n, err := p.index()
			if err != nil {
				return nil, err
			}
			result = append(result, segment{index: n})
		default:
			p.paths = append(p.paths, result)
			return result, nil
		}
	}
}

func (p *parser) segment() (segment, error) {
	t := p.peek()
	switch {
	case t.kind == tokenName:
		name, ok := p.scope.names[t.text]
		if !ok {
			return segment{}, p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.scope.usedNames[t.text] = true
		p.at++
		return segment{name: name, index: -1}, nil
	case t.kind == tokenWord && !t.isKeyword():
		if isReserved(t.text) {
			return segment{}, p.fail("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		p.at++
		return segment{name: t.text, index: -1}, nil
	}
	return segment{}, p.unexpected()
}

func (p *parser) index() (int, error) {
	t := p.peek()
	if t.kind != tokenNumber {
		return 0, p.unexpected()
	}
	p.at++
	if err := p.expect("]"); err != nil {
		return 0, err
	}
	const largest = 99999
	n, err := strconv.Atoi(t.text)
	if err != nil || n > largest {
		return 0, p.fail("List index is not within the allowable range; index: [%s]", t.text)
	}
	return n, nil
}
