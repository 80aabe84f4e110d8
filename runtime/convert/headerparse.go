package convert

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// parsed is a value with its schema. A nil *parsed is null.
type parsed struct {
	schema *schema.Schema
	value  any
}

var (
	stringSchema  = schema.Of(schema.String)
	booleanSchema = schema.Of(schema.Boolean)
)

// ParseText guesses what a text means, as Connect's Values.parseString does: null, a boolean, the smallest number that
// holds it, a date, time or timestamp, a list or map of such, or else a string. That is the whole text, but of blanks in
// front of a list or map that cannot be read only these. Text never fails.
func ParseText(text string) connect.Datum {
	whole := connect.Datum{Schema: stringSchema, Value: text}
	switch trimmed := trim(text); trimmed {
	case "":
		return whole
	case "null":
		return connect.Datum{}
	case "true", "false":
		return connect.Datum{Schema: booleanSchema, Value: trimmed == "true"}
	}
	p := &headerParser{text: text}
	v, err := p.value(false)
	if err != nil || v == nil {
		return whole
	}
	return connect.Datum{Schema: v.schema, Value: v.value}
}

// trim cuts off what Java's trim does.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

var errNoValue = errors.New("not a list or map")

// headerParser reads tokens: each of :,{}[]" is one, and so is the text between two of them. A backslash takes the next
// of them its meaning.
type headerParser struct {
	text  string
	pos   int
	depth int
}

func (p *headerParser) hasNext() bool { return p.pos < len(p.text) }

func (p *headerParser) next() string {
	start, escaped := p.pos, false
	for ; p.pos < len(p.text); p.pos++ {
		switch p.text[p.pos] {
		case '\\':
			escaped = !escaped
			continue
		case ':', ',', '{', '}', '[', ']', '"':
			if !escaped {
				if p.pos == start {
					p.pos++
				}
				return p.text[start:p.pos]
			}
		}
		escaped = false
	}
	return p.text[start:]
}

// accept takes the next token that is not blank if it is the one given. Blank tokens are left out either way.
func (p *headerParser) accept(want string) bool {
	start := p.pos
	for p.hasNext() {
		token := trim(p.next())
		if token == want {
			return true
		}
		if token != "" {
			break
		}
		start = p.pos
	}
	p.pos = start
	return false
}

// value reads one value. Within a list or map only quoted text is a string, and what means nothing is an error.
func (p *headerParser) value(within bool) (*parsed, error) {
	if !p.hasNext() {
		return nil, errNoValue
	}
	if within {
		switch {
		case p.accept(`"`):
			return p.quoted(), nil
		case p.accept("null"):
			return nil, nil
		case p.accept("true"):
			return &parsed{booleanSchema, true}, nil
		case p.accept("false"):
			return &parsed{booleanSchema, false}, nil
		}
	}
	start := p.pos
	v, began, err := p.nested()
	if v != nil || err == nil {
		return v, err
	}
	p.pos = start
	if !p.hasNext() {
		return nil, errNoValue
	}
	token := p.next()
	if began && trim(token) == "" { // Java goes back in front of the blanks, and takes these for the text
		return &parsed{stringSchema, token}, nil
	}
	return p.simple(trim(token), within)
}

// nested reads a list or a map; errNoValue means there is none. It began when there is a bracket.
func (p *headerParser) nested() (v *parsed, began bool, err error) {
	if p.depth++; p.depth > maxDepth {
		return nil, false, errNoValue
	}
	defer func() { p.depth-- }()
	if p.accept("[") {
		v, err = p.list()
		return v, true, err
	}
	if p.accept("{") {
		v, err = p.mapped()
		return v, true, err
	}
	return nil, false, errNoValue
}

func (p *headerParser) simple(token string, within bool) (*parsed, error) {
	first, _ := utf8.DecodeRuneInString(token)
	digit := isDigit(first)
	if digit {
		// A time has colons, which are tokens of their own.
		start := p.pos
		for range 4 {
			p.next()
		}
		if v, ok := parseTemporal(token + p.text[start:p.pos]); ok {
			return &v, nil
		}
		p.pos = start
		if v, ok := parseTemporal(token); ok {
			return &v, nil
		}
	}
	if digit || first == '+' || first == '-' {
		if v, ok := parseNumber(token); ok {
			return &v, nil
		}
	}
	if within || token == "" {
		return nil, errNoValue
	}
	return &parsed{stringSchema, p.text}, nil
}

// quoted reads up to the closing quote, or to the end. It may be a date, time or timestamp. Java's search for the quote
// passes over blank tokens, so these are missing from the text.
func (p *headerParser) quoted() *parsed {
	var content strings.Builder
	for p.hasNext() {
		token := p.next()
		if token == `"` {
			break
		}
		if trim(token) != "" || !p.hasNext() {
			content.WriteString(token)
		}
	}
	if v, ok := parseTemporal(content.String()); ok {
		return &v
	}
	return &parsed{stringSchema, content.String()}
}

func (p *headerParser) list() (*parsed, error) {
	values := []any{}
	var element merger
	for p.hasNext() {
		if p.accept("]") {
			s := schema.ArrayOf(element.common())
			if err := alignList(values, s.Value); err != nil {
				return nil, err
			}
			return &parsed{s, values}, nil
		}
		if p.accept(",") {
			return nil, errNoValue // an element is missing
		}
		v, err := p.value(true)
		if err != nil {
			return nil, err
		}
		element.add(v)
		values = append(values, v.get())
		start := p.pos
		if p.accept("]") {
			p.pos = start
		} else if !p.accept(",") {
			return nil, errNoValue
		}
	}
	return nil, errNoValue
}

func (p *headerParser) mapped() (*parsed, error) {
	values := schema.NewHashMap(0)
	var key, value merger
	for p.hasNext() {
		if p.accept("}") {
			return alignMap(values, key.common(), value.common())
		}
		if p.accept(",") {
			return nil, errNoValue // an entry is missing
		}
		k, err := p.value(true)
		if err != nil {
			return nil, err
		}
		if k.get() == nil || !p.accept(":") {
			return nil, errNoValue
		}
		v, err := p.value(true)
		if err != nil {
			return nil, err
		}
		values.Set(k.value, v.get())
		p.accept(",")
		key.add(k)
		value.add(v)
	}
	return nil, errNoValue
}

func (v *parsed) get() any {
	if v == nil {
		return nil
	}
	return v.value
}
