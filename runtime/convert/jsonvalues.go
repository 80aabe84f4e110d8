package convert

import "github.com/sluice-connect/sluice/runtime/schema"

// JSONUnionName is the name of the struct that stands for one of several schemas, where sums are not generalized.
const JSONUnionName = "io.confluent.connect.json.OneOf"

// GlueUnionName is JSONUnionName with AWS Glue's converter.
const GlueUnionName = "oneOf"

// The members of an object that stands for a map's entry.
const (
	keyOfEntry   = "key"
	valueOfEntry = "value"
)

// JSONValues reads and writes values as JSON whose schema is elsewhere, by the rules of Confluent's JSON Schema converter:
// those of JSON, but a union is written as what it holds, a map with other keys than strings as an array of objects with
// key and value, and members that are not there are nil whatever their schema says. It is used by one goroutine at a time.
type JSONValues struct {
	// Numeric writes decimals as numbers, and not as the base64 of their bytes.
	Numeric bool
	// NullsOverDefaults writes null for what is null although it has a default.
	NullsOverDefaults bool
	// Indent writes for people.
	Indent bool
	// Glue takes the rules of AWS Glue's converter instead: what is null is no member of an object, a null that its schema does
	// not allow fails, and all fields of a union take a value whose type they have.
	Glue bool

	plans   map[*schema.Schema]*plan
	scratch []byte
	reader  jsonReader
}

// mostPlans is for how many schemas JSONValues remembers how they are written.
const mostPlans = 1000

// isUnion tells whether a struct stands for one of several schemas.
func (j *JSONValues) isUnion(s *schema.Schema) bool {
	if j.Glue {
		return s.Name == GlueUnionName
	}
	if s.Name == JSONUnionName {
		return true
	}
	_, ok := s.Param(schema.GeneralizedUnion)
	return ok
}

// Append appends the JSON of v. A nil schema takes what v is. written is false when there is nothing to write: a nil that
// has no default and is not optional.
func (j *JSONValues) Append(dst []byte, s *schema.Schema, v any) (out []byte, written bool, err error) {
	w := jsonWriter{numeric: j.Numeric}
	if s == nil {
		if v == nil {
			return dst, false, nil
		}
		out, err = w.free(dst, v)
		return out, err == nil, err
	}
	p := j.plans[s]
	if p == nil {
		p = newPlan(s)
		if j.plans == nil || len(j.plans) >= mostPlans {
			j.plans = map[*schema.Schema]*plan{}
		}
		j.plans[s] = p
	}
	if !j.Indent {
		return j.value(&w, dst, p, v)
	}
	if j.scratch, written, err = j.value(&w, j.scratch[:0], p, v); err != nil || !written {
		return dst, written, err
	}
	return appendIndented(dst, j.scratch), true, nil
}

func (j *JSONValues) value(w *jsonWriter, dst []byte, p *plan, v any) (out []byte, written bool, err error) {
	if v == nil {
		switch {
		case p.schema.Default != nil && !j.NullsOverDefaults:
			v = p.schema.Default
		case p.schema.Optional:
			return append(dst, "null"...), true, nil
		case j.Glue:
			return nil, false, schema.Errorf("Conversion error: null value for field that is required and has no default value")
		default:
			return dst, false, nil
		}
	}
	if p.logical == "" {
		switch v := v.(type) {
		case []any:
			if p.schema.Type == schema.Array {
				out, err = j.array(w, dst, p, v)
				return out, err == nil, err
			}
		case *schema.Map:
			if p.schema.Type == schema.MapType {
				out, err = j.mapped(w, dst, p, v)
				return out, err == nil, err
			}
		case *schema.Struct:
			if p.schema.Type == schema.StructType {
				return j.structOf(w, dst, p, v)
			}
		}
	}
	out, err = w.value(dst, p, v)
	return out, err == nil, err
}

// part writes a value that has a place although there may be nothing to write.
func (j *JSONValues) part(w *jsonWriter, dst []byte, p *plan, v any) ([]byte, error) {
	out, written, err := j.value(w, dst, p, v)
	if err == nil && !written {
		out = append(out, "null"...)
	}
	return out, err
}

func (j *JSONValues) array(w *jsonWriter, dst []byte, p *plan, v []any) ([]byte, error) {
	if err := w.deeper(); err != nil {
		return nil, err
	}
	dst = append(dst, '[')
	for i, e := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = j.part(w, dst, p.value, e); err != nil {
			return nil, err
		}
	}
	w.depth--
	return append(dst, ']'), nil
}

func (j *JSONValues) mapped(w *jsonWriter, dst []byte, p *plan, v *schema.Map) ([]byte, error) {
	if err := w.deeper(); err != nil {
		return nil, err
	}
	object := p.schema.Key.Type == schema.String && !p.schema.Key.Optional
	open, end := byte('['), byte(']')
	if object {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	first := true
	for k, e := range v.All() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if !object {
			dst = append(dst, `{"`+keyOfEntry+`":`...)
		}
		if k == nil && object {
			return nil, schema.NewError("java.lang.NullPointerException", "A map whose keys are the names of members has a null key", nil)
		}
		var err error
		if dst, err = j.part(w, dst, p.key, k); err != nil {
			return nil, err
		}
		if object {
			dst = append(dst, ':')
		} else {
			dst = append(dst, `,"`+valueOfEntry+`":`...)
		}
		if dst, err = j.part(w, dst, p.value, e); err != nil {
			return nil, err
		}
		if !object {
			dst = append(dst, '}')
		}
	}
	w.depth--
	return append(dst, end), nil
}

func (j *JSONValues) structOf(w *jsonWriter, dst []byte, p *plan, v *schema.Struct) (out []byte, written bool, err error) {
	if v.Schema() != p.schema && !v.Schema().Equal(p.schema) {
		return nil, false, schema.Errorf("Mismatching schema.")
	}
	if j.isUnion(p.schema) {
		for i := range p.fields {
			if f := j.field(v, i); f != nil {
				return j.value(w, dst, p.fields[i].plan, f)
			}
		}
		return j.value(w, dst, p, nil)
	}
	if err := w.deeper(); err != nil {
		return nil, false, err
	}
	dst = append(dst, '{')
	open := len(dst)
	for i := range p.fields {
		if j.Glue && v.At(i) == nil {
			continue
		}
		before := len(dst)
		key := p.fields[i].key[1:] // without what stands before the name
		if before > open {
			dst = append(dst, ',')
		}
		dst = append(dst, key...)
		if dst, written, err = j.value(w, dst, p.fields[i].plan, j.field(v, i)); err != nil {
			return nil, false, err
		}
		if !written {
			dst = dst[:before]
		}
	}
	w.depth--
	return append(dst, '}'), true, nil
}

func (j *JSONValues) field(v *schema.Struct, i int) any {
	if j.NullsOverDefaults {
		return v.Raw(i)
	}
	return v.At(i)
}

// Read reads the JSON of a value. An error that is no schema.Error says that b is no JSON. Strings share b's memory.
func (j *JSONValues) Read(s *schema.Schema, b []byte) (any, error) {
	r := &j.reader
	r.apart, r.replaceNull, r.scan.nonNumbers = j, true, !j.Glue
	r.places, r.suspect = r.places[:0], false
	if err := r.scan.scan(b); err != nil {
		return nil, err
	}
	if len(r.scan.nodes) == 0 {
		r.scan.nodes = append(r.scan.nodes, node{kind: missing, next: 1}) // what Jackson makes of no text
	}
	return r.value(s, 0)
}

// entries reads a map with other keys than strings.
func (r *jsonReader) entries(s *schema.Schema, i uint32) (any, error) {
	n := r.scan.nodes[i]
	if n.kind != arrayNode {
		what := "objects"
		if r.apart.Glue {
			what = "tuples"
		}
		return nil, schema.Errorf("Maps with non-string fields should be encoded as JSON array of %s, but found %s", what, n.kind)
	}
	out := schema.NewHashMap(0)
	out.Reserve(int(n.count))
	for e := i + 1; e < n.next; e = r.scan.nodes[e].next {
		entry := r.scan.nodes[e]
		if entry.kind != objectNode {
			return nil, schema.Errorf("Found invalid map entry instead of object: %s", entry.kind)
		}
		if entry.count != 2 {
			return nil, schema.Errorf("Found invalid map entry, expected length 2 but found :%d", entry.count)
		}
		k, err := r.value(s.Key, r.get(e, keyOfEntry))
		if err != nil {
			return nil, err
		}
		v, err := r.value(s.Value, r.get(e, valueOfEntry))
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

// union reads a value that is of one of several schemas: of the first whose type it has, or else of the struct with which it
// shares the most members.
func (r *jsonReader) union(s *schema.Schema, i uint32) (any, error) {
	if r.apart.Glue {
		return r.glueUnion(s, i)
	}
	best, most := -1, -1
	for k := range s.Fields {
		of := s.Fields[k].Schema
		if r.simply(of, i) {
			best = k
			break
		}
		if n := r.shared(of, i); n > most {
			best, most = k, n
		}
	}
	if best < 0 {
		return nil, schema.Errorf("Did not find matching oneof field for data")
	}
	f := &s.Fields[best]
	v, err := r.value(f.Schema, i)
	if err != nil {
		return nil, err
	}
	made := schema.NewStruct(s)
	return made, made.Put(f.Name, v)
}

// simply tells whether a node is of a schema's type, which structs leave to shared.
func (r *jsonReader) simply(s *schema.Schema, i uint32) bool {
	k := r.kind(i)
	switch s.Type {
	case schema.Int8, schema.Int16, schema.Int32, schema.Int64:
		return k == intNode
	case schema.Float32, schema.Float64:
		return k == intNode || k == realNode
	case schema.Boolean:
		return k == trueNode || k == falseNode
	case schema.String:
		return k == stringNode
	case schema.Bytes:
		return k == realNode
	case schema.Array:
		return k == arrayNode
	case schema.MapType:
		return k == objectNode || k == arrayNode
	}
	return false
}

// shared counts the members of an object that are fields of a struct; -1 for what is no struct or no object.
func (r *jsonReader) shared(s *schema.Schema, i uint32) int {
	if s.Type != schema.StructType || r.kind(i) != objectNode {
		return -1
	}
	n := 0
	for k := range s.Fields {
		if r.get(i, s.Fields[k].Name) != none {
			n++
		}
	}
	return n
}

// appendIndented writes JSON as Jackson does for people: names and values apart, arrays in one line.
func appendIndented(dst, text []byte) []byte {
	in := indenter{dst: dst, text: text}
	in.value(0)
	return in.dst
}

// indenter copies JSON that is right and has no blanks.
type indenter struct {
	dst, text []byte
	depth     int
}

func (in *indenter) line() {
	in.dst = append(in.dst, '\n')
	for range in.depth {
		in.dst = append(in.dst, "  "...)
	}
}

// value copies the value at pos and returns where it ends.
func (in *indenter) value(pos int) int {
	switch in.text[pos] {
	case '{':
		return in.object(pos)
	case '[':
		return in.array(pos)
	case '"':
		return in.copy(pos, quotedEnd(in.text, pos))
	}
	end := pos
	for end < len(in.text) && in.text[end] != ',' && in.text[end] != '}' && in.text[end] != ']' {
		end++
	}
	return in.copy(pos, end)
}

func (in *indenter) copy(pos, end int) int {
	in.dst = append(in.dst, in.text[pos:end]...)
	return end
}

func quotedEnd(text []byte, pos int) int {
	for pos++; text[pos] != '"'; pos++ {
		if text[pos] == '\\' {
			pos++
		}
	}
	return pos + 1
}

func (in *indenter) object(pos int) int {
	in.dst = append(in.dst, '{')
	if in.text[pos+1] == '}' {
		in.dst = append(in.dst, " }"...)
		return pos + 2
	}
	in.depth++
	for in.text[pos] != '}' {
		in.line()
		pos = in.copy(pos+1, quotedEnd(in.text, pos+1))
		in.dst = append(in.dst, " : "...)
		if pos = in.value(pos + 1); in.text[pos] == ',' {
			in.dst = append(in.dst, ',')
		}
	}
	in.depth--
	in.line()
	in.dst = append(in.dst, '}')
	return pos + 1
}

func (in *indenter) array(pos int) int {
	in.dst = append(in.dst, "[ "...)
	if in.text[pos+1] == ']' {
		in.dst = append(in.dst, ']')
		return pos + 2
	}
	for in.text[pos] != ']' {
		if pos = in.value(pos + 1); in.text[pos] == ',' {
			in.dst = append(in.dst, ", "...)
		}
	}
	in.dst = append(in.dst, " ]"...)
	return pos + 1
}
