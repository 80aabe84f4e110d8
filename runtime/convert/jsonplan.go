package convert

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// plan is what writing values of one schema takes, worked out once.
type plan struct {
	schema  *schema.Schema
	logical string // the schema's name when it is that of a logical type
	fields  []planField
	key     *plan
	value   *plan
	head    []byte // the envelope up to the payload, once it was needed
	open    bool   // its schema is being written
}

type planField struct {
	key  []byte // what stands before the value: { or a comma, the name, the colon
	plan *plan
}

// planOf returns the plan of a schema. Schemas are told apart by their address; when there are more than limit, all plans
// are forgotten.
func (w *jsonWriter) planOf(s *schema.Schema) *plan {
	if s == nil {
		return nil
	}
	if w.last != nil && w.last.schema == s {
		return w.last
	}
	p := w.plans[s]
	if p == nil {
		if p = newPlan(s); w.limit <= 0 {
			return p
		}
		if w.plans == nil || len(w.plans) >= w.limit {
			w.plans = map[*schema.Schema]*plan{}
		}
		w.plans[s] = p
	}
	w.last = p
	return p
}

func newPlan(s *schema.Schema) *plan { return plans{}.of(s) }

// plans are those made for one schema and its parts, since a struct may contain itself.
type plans map[*schema.Schema]*plan

func (made plans) of(s *schema.Schema) *plan {
	if s == nil {
		return nil
	}
	if p := made[s]; p != nil {
		return p
	}
	p := &plan{schema: s}
	made[s] = p
	p.key, p.value = made.of(s.Key), made.of(s.Value)
	switch s.Name {
	case schema.DecimalName, schema.DateName, schema.TimeName, schema.TimestampName:
		p.logical = s.Name
	}
	for i, f := range s.Fields {
		key := []byte{','}
		if i == 0 {
			key[0] = '{'
		}
		key = append(appendString(key, f.Name), ':')
		p.fields = append(p.fields, planField{key, made.of(f.Schema)})
	}
	return p
}

// schema writes the schema's JSON form; field is the name it has in a struct, or nil.
func (w *jsonWriter) schema(dst []byte, p *plan, field *string) ([]byte, error) {
	if p == nil {
		return append(dst, "null"...), nil
	}
	if p.open {
		return nil, schema.NewError("java.lang.StackOverflowError", "A schema that contains itself has no form in an envelope", nil)
	}
	p.open = true
	defer func() { p.open = false }()
	s := p.schema
	dst = append(dst, `{"type":"`...)
	dst = append(dst, typeName(s.Type)...)
	dst = append(dst, '"')
	dst, err := w.parts(dst, p)
	if err != nil {
		return nil, err
	}
	dst = append(dst, `,"optional":`...)
	dst = strconv.AppendBool(dst, s.Optional)
	if s.HasName() {
		dst = appendString(append(dst, `,"name":`...), s.Name)
	}
	if s.Version != nil {
		dst = strconv.AppendInt(append(dst, `,"version":`...), int64(*s.Version), 10)
	}
	if s.HasDoc() {
		dst = appendString(append(dst, `,"doc":`...), s.Doc)
	}
	for i, param := range s.Params {
		if i == 0 {
			dst = append(dst, `,"parameters":{`...)
		} else {
			dst = append(dst, ',')
		}
		dst = appendString(dst, param.Name)
		dst = appendString(append(dst, ':'), param.Value)
	}
	if len(s.Params) > 0 {
		dst = append(dst, '}')
	}
	if s.Default != nil {
		if dst, err = w.value(append(dst, `,"default":`...), p, s.Default); err != nil {
			return nil, err
		}
	}
	if field != nil {
		dst = appendString(append(dst, `,"field":`...), *field)
	}
	return append(dst, '}'), nil
}

// parts writes the schemas within a schema.
func (w *jsonWriter) parts(dst []byte, p *plan) ([]byte, error) {
	var err error
	switch p.schema.Type {
	case schema.Array:
		return w.schema(append(dst, `,"items":`...), p.value, nil)
	case schema.MapType:
		if dst, err = w.schema(append(dst, `,"keys":`...), p.key, nil); err != nil {
			return nil, err
		}
		return w.schema(append(dst, `,"values":`...), p.value, nil)
	case schema.StructType:
		dst = append(dst, `,"fields":[`...)
		for i := range p.fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = w.schema(dst, p.fields[i].plan, &p.schema.Fields[i].Name); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	default:
		return dst, nil
	}
}

func typeName(t schema.Type) string {
	switch t {
	case schema.Int8:
		return "int8"
	case schema.Int16:
		return "int16"
	case schema.Int32:
		return "int32"
	case schema.Int64:
		return "int64"
	case schema.Float32:
		return "float"
	case schema.Float64:
		return "double"
	case schema.Boolean:
		return "boolean"
	case schema.String:
		return "string"
	case schema.Bytes:
		return "bytes"
	case schema.Array:
		return "array"
	case schema.MapType:
		return "map"
	case schema.StructType:
		return "struct"
	case schema.Invalid:
	}
	return "unknown"
}

const hexDigits = "0123456789ABCDEF"

// appendString writes a string as Connect's writer does: quotes, backslashes, control characters and those beyond 16 bits
// escaped, all else as it is. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if !special[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r >= 0x10000 || r == utf8.RuneError && n == 1 {
				dst = append(dst, s[done:i]...)
				dst = appendUnusual(dst, r)
				done = i + n
			}
			i += n
			continue
		}
		dst = append(dst, s[done:i]...)
		dst = appendEscape(dst, c)
		i++
		done = i
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

// appendUnusual writes a character beyond 16 bits, as two escaped surrogates, or what stands for bytes that are not UTF-8.
func appendUnusual(dst []byte, r rune) []byte {
	high, low := utf16.EncodeRune(r)
	if high == utf8.RuneError {
		return utf8.AppendRune(dst, r)
	}
	for _, u := range [2]rune{high, low} {
		dst = append(dst, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
	}
	return dst
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
