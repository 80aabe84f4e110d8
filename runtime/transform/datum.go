package transform

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// side is the part of a record that a transform works on.
type side bool

const (
	value side = false
	key   side = true
)

func (s side) of(r *connect.Record) *connect.Datum {
	if s == key {
		return &r.Key
	}
	return &r.Value
}

// nulls says what a transform takes for a field that is null and has a default.
type nulls struct{ replace bool }

func (n *nulls) define(d *config.Def) {
	d.Bool(&n.replace, "replace.null.with.default", true,
		"Whether a field that is null and has a default takes the default. If not, null stays null.")
}

// get is the value of a field.
func (n *nulls) get(s *schema.Struct, i int) any {
	if n.replace {
		return s.At(i)
	}
	return s.Raw(i)
}

// What Connect says when a transform finds something else than it works on.

func needMap(v any, purpose string) (*schema.Map, error) {
	if m, ok := v.(*schema.Map); ok && m != nil {
		return m, nil
	}
	return nil, schema.Errorf("Only Map objects supported in absence of schema for [%s], found: %s", purpose, schema.JavaClass(v))
}

// hashMap is a copy of m with the order of Java's HashMap, to which entries may be added.
func hashMap(m *schema.Map) *schema.Map {
	if m.Len() == 0 {
		return schema.NewHashMap(0) // a copy of nothing grows like any new one
	}
	return schema.HashMapOf(m)
}

func needStruct(v any, purpose string) (*schema.Struct, error) {
	if s, ok := v.(*schema.Struct); ok && s != nil {
		return s, nil
	}
	return nil, schema.Errorf("Only Struct objects supported for [%s], found: %s", purpose, schema.JavaClass(v))
}

// javaError is an error by which Java code fails that did not mean to.
func javaError(class, message string) error { return schema.NewError("java.lang."+class, message, nil) }

// notStruct is what Connect says when it is to list the fields of something else.
func notStruct() error { return schema.Errorf("Cannot list fields on non-struct type") }

// basics copies what every schema has: name, version, documentation and parameters.
func basics(from *schema.Schema) schema.Option {
	return func(s *schema.Schema) {
		if from.HasName() {
			schema.Named(from.Name)(s)
		}
		if from.HasDoc() {
			schema.Documented(from.Doc)(s)
		}
		s.Version, s.Params = from.Version, from.Params
	}
}

// put sets a field after checking the value, as Connect's Struct.put does.
func put(s *schema.Struct, i int, v any) error {
	f := &s.Schema().Fields[i]
	// Most values are plain ones of plain types, which this tells without a call.
	if t := f.Schema.Type; v == nil && f.Schema.Optional || v != nil && f.Schema.Name == "" && t.IsPrimitive() && schema.TypeOf(v) == t {
		s.SetAt(i, v)
		return nil
	}
	if err := schema.ValidateField(f.Name, f.Schema, v); err != nil {
		return err
	}
	s.SetAt(i, v)
	return nil
}

// fromSink tells whether a record came from Kafka.
func fromSink(r *connect.Record) bool { return r.Kafka != connect.Kafka{} }
