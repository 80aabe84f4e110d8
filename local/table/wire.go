package table

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// An object is a JSON object under construction. Writing it by hand spares the copies json.Marshal makes of nested raw messages.
type object struct{ buf []byte }

func newObject() *object { return &object{buf: []byte{'{'}} }

func (o *object) name(name string) {
	if len(o.buf) > 1 {
		o.buf = append(o.buf, ',')
	}
	o.buf = appendQuoted(o.buf, name)
	o.buf = append(o.buf, ':')
}

func (o *object) raw(name string, content []byte) {
	o.name(name)
	o.buf = append(o.buf, content...)
}

func (o *object) str(name, content string) {
	o.name(name)
	o.buf = appendQuoted(o.buf, content)
}

func (o *object) num(name string, n float64) {
	o.name(name)
	o.buf = strconv.AppendFloat(o.buf, n, 'f', -1, 64)
}

func (o *object) boolean(name string, b bool) {
	o.name(name)
	o.buf = strconv.AppendBool(o.buf, b)
}

func (o *object) item(name string, it item) {
	o.name(name)
	o.buf = appendItem(o.buf, it)
}

func (o *object) close() []byte { return append(o.buf, '}') }

// appendQuoted appends a JSON string.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			// Rare enough to leave the escaping, and the replacing of what is not UTF-8, to the library.
			quoted, _ := json.Marshal(s)
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendItem(b []byte, it item) []byte {
	b = append(b, '{')
	first := true
	for name, v := range it {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendQuoted(b, name)
		b = append(b, ':')
		b = appendValue(b, v)
	}
	return append(b, '}')
}

// appendValue appends the wire form of a value.
func appendValue(b []byte, v value) []byte {
	b = append(b, `{"`...)
	b = append(b, v.kind.tag()...)
	b = append(b, `":`...)
	switch v.kind {
	case kindS, kindN, kindB:
		b = appendScalar(b, v.kind, v.text)
	case kindBool:
		b = strconv.AppendBool(b, v.flag)
	case kindNull:
		b = append(b, "true"...)
	case kindL:
		b = append(b, '[')
		for i, x := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, x)
		}
		b = append(b, ']')
	case kindM:
		b = appendItem(b, v.m)
	default:
		b = append(b, '[')
		for i, text := range v.set {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendScalar(b, v.kind.element(), text)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendScalar(b []byte, k kind, text string) []byte {
	if k != kindB {
		return appendQuoted(b, text)
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, []byte(text))
	return append(b, '"')
}
