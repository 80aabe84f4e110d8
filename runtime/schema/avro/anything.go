package avro

import (
	"encoding/binary"
	"math"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// anything is the schema of data without one: a record in which one field is set.
func (o *Options) anything() *Schema {
	s, err := Parse(o.anythingText())
	if err != nil {
		panic(err) // it is a constant but for a namespace that is one
	}
	return s
}

func (o *Options) anythingText() string {
	return `{"type":"record","name":"Anything","namespace":"` + o.namespace() + `","fields":[` +
		`{"name":"boolean","type":["null","boolean"],"default":null},` +
		`{"name":"bytes","type":["null","bytes"],"default":null},` +
		`{"name":"double","type":["null","double"],"default":null},` +
		`{"name":"float","type":["null","float"],"default":null},` +
		`{"name":"int","type":["null","int"],"default":null},` +
		`{"name":"long","type":["null","long"],"default":null},` +
		`{"name":"string","type":["null","string"],"default":null},` +
		`{"name":"array","type":["null",{"type":"array","items":"Anything"}],"default":null},` +
		`{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[` +
		`{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}],"default":null}]}`
}

// isAnything tells whether a schema is that of data without one.
func (o *Options) isAnything(s *Schema) bool {
	return s.Type == Record && s.Name == anything && s.Namespace == o.namespace() && s.String() == o.anythingText()
}

// The places of its fields.
const (
	anyBoolean = iota
	anyBytes
	anyDouble
	anyFloat
	anyInt
	anyLong
	anyString
	anyArray
	anyMap
	anyFields
)

// appendAnything writes a value without a schema. A nil sets no field.
func appendAnything(dst []byte, v any) ([]byte, error) {
	var zeros [anyFields]byte
	set := func(field int) []byte { return append(append(dst, zeros[:field]...), 2) }
	rest := func(dst []byte, field int) ([]byte, error) { return append(dst, zeros[:anyFields-field-1]...), nil }
	switch v := v.(type) {
	case nil:
		return append(dst, zeros[:]...), nil
	case bool:
		b := byte(0)
		if v {
			b = 1
		}
		return rest(append(set(anyBoolean), b), anyBoolean)
	case []byte:
		return rest(appendBytes(set(anyBytes), v), anyBytes)
	case float64:
		return rest(binary.LittleEndian.AppendUint64(set(anyDouble), math.Float64bits(v)), anyDouble)
	case float32:
		return rest(binary.LittleEndian.AppendUint32(set(anyFloat), math.Float32bits(v)), anyFloat)
	case int8:
		return rest(appendLong(set(anyInt), int64(v)), anyInt)
	case int16:
		return rest(appendLong(set(anyInt), int64(v)), anyInt)
	case int32:
		return rest(appendLong(set(anyInt), int64(v)), anyInt)
	case int64:
		return rest(appendLong(set(anyLong), v), anyLong)
	case string:
		return rest(appendString(set(anyString), v), anyString)
	case []any:
		dst, err := appendList(set(anyArray), v)
		if err != nil {
			return nil, err
		}
		return rest(dst, anyArray)
	case *schema.Map:
		dst, err := appendEntries(set(anyMap), v)
		if err != nil {
			return nil, err
		}
		return rest(dst, anyMap)
	}
	return nil, schema.Errorf("Unknown Java type for schemaless data: class %s", schema.JavaClass(v))
}

func appendList(dst []byte, list []any) (_ []byte, err error) {
	if len(list) > 0 {
		dst = appendLong(dst, int64(len(list)))
	}
	for _, e := range list {
		if dst, err = appendAnything(dst, e); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

func appendEntries(dst []byte, m *schema.Map) (_ []byte, err error) {
	if m.Len() > 0 {
		dst = appendLong(dst, int64(m.Len()))
	}
	for k, e := range m.All() {
		if dst, err = appendAnything(dst, k); err != nil {
			return nil, err
		}
		if dst, err = appendAnything(dst, e); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

// anything reads a value without a schema: that of the first field that is set.
func (r *reader) anything() (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	var found any
	for field := range anyFields {
		set, err := r.long()
		switch {
		case err != nil:
			return nil, err
		case set == 0:
			continue
		case set != 1:
			return nil, outOfBounds(set, 2)
		}
		v, err := r.anythingField(field)
		if err != nil {
			return nil, err
		}
		if found == nil {
			found = v
		}
	}
	return found, nil
}

func (r *reader) anythingField(field int) (any, error) {
	switch field {
	case anyBoolean:
		return boxed(r.boolean())
	case anyBytes:
		return boxed(r.bytes())
	case anyDouble:
		return boxed(r.double())
	case anyFloat:
		return boxed(r.float())
	case anyInt:
		return boxed(r.int())
	case anyLong:
		return boxed(r.long())
	case anyString:
		return boxed(r.string())
	case anyArray:
		return r.anythings()
	}
	return r.entries()
}

func (r *reader) anythings() (any, error) {
	out := []any{}
	for {
		n, err := r.count(false)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return out, nil
		}
		for range n {
			v, err := r.anything()
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
	}
}

func (r *reader) entries() (any, error) {
	out := schema.NewHashMap(0)
	for {
		n, err := r.count(false)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return out, nil
		}
		for range n {
			k, err := r.anything()
			if err != nil {
				return nil, err
			}
			v, err := r.anything()
			if err != nil {
				return nil, err
			}
			out.Set(k, v)
		}
	}
}
