package schema

import (
	"fmt"
	"slices"
)

// Type is the physical type of a schema.
type Type uint8

// The types of Kafka Connect. The zero Type belongs to no schema.
const (
	Invalid Type = iota
	Int8
	Int16
	Int32
	Int64
	Float32
	Float64
	Boolean
	String
	Bytes
	Array
	MapType
	StructType
)

// String is Connect's name of the type in messages, such as INT32.
func (t Type) String() string {
	switch t {
	case Int8:
		return "INT8"
	case Int16:
		return "INT16"
	case Int32:
		return "INT32"
	case Int64:
		return "INT64"
	case Float32:
		return "FLOAT32"
	case Float64:
		return "FLOAT64"
	case Boolean:
		return "BOOLEAN"
	case String:
		return "STRING"
	case Bytes:
		return "BYTES"
	case Array:
		return "ARRAY"
	case MapType:
		return "MAP"
	case StructType:
		return "STRUCT"
	case Invalid:
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// IsPrimitive tells whether values of the type have no parts.
func (t Type) IsPrimitive() bool { return t >= Int8 && t <= Bytes }

// Schema describes a value. A nil *Schema means schemaless data. Schemas are immutable once in use and may be shared by
// any number of records and goroutines; equal schemas need not be the same pointer.
type Schema struct {
	Type     Type
	Optional bool
	// Default is the value that stands for a missing one; nil means there is none.
	Default any
	// Name is the schema's full name; "" means it has none, unless HasName says otherwise. Logical types are known by their name.
	Name string
	// Version is the schema's version; nil means it has none.
	Version *int32
	// Doc is the documentation; "" means there is none, unless HasDoc says otherwise.
	Doc string
	// Params are the schema's parameters, in the order in which they were given.
	Params []Param
	// Key is the schema of a map's keys, Value that of a map's values or an array's elements.
	Key, Value *Schema
	// Fields are a struct's fields in order. Their Index is their place.
	Fields []Field

	byName map[string]int // made by StructOf for structs too wide to search
	blank  blank          // which of the texts that are "" are there
}

// blank tells texts that are there and empty from those that are not there. Connect keeps them apart, and so do users'
// envelopes.
type blank struct{ name, doc bool }

// HasName tells whether the schema has a name, which may be "" when Named said so.
func (s *Schema) HasName() bool { return s.Name != "" || s.blank.name }

// HasDoc tells whether the schema has documentation, which may be "" when Documented said so.
func (s *Schema) HasDoc() bool {
	return s.Doc != "" || s.blank.doc
}

// Param is one parameter of a schema.
type Param struct{ Name, Value string }

// Field is one field of a struct schema.
type Field struct {
	Name   string
	Index  int
	Schema *Schema
}

// wide is the number of fields from which a struct schema keeps an index of its names: below it, comparing is faster
// than hashing.
const wide = 8

// Of returns a required schema of a primitive type. Options refine it.
func Of(t Type, opts ...Option) *Schema {
	s := &Schema{Type: t}
	for _, o := range opts {
		o(s)
	}
	return s
}

// Option refines a schema under construction.
type Option func(*Schema)

// Optional marks the schema as optional: its value may be nil.
func Optional() Option { return func(s *Schema) { s.Optional = true } }

// Default gives the value that stands for a missing one.
func Default(v any) Option { return func(s *Schema) { s.Default = v } }

// Named gives the schema its full name. "" is a name, too; Unnamed takes the name away.
func Named(name string) Option {
	return func(s *Schema) { s.Name, s.blank.name = name, name == "" }
}

// Unnamed takes the schema's name away.
func Unnamed() Option { return func(s *Schema) { s.Name, s.blank.name = "", false } }

// Versioned gives the schema its version.
func Versioned(v int32) Option { return func(s *Schema) { s.Version = &v } }

// Documented gives the schema its documentation, which may be "".
func Documented(doc string) Option {
	return func(s *Schema) { s.Doc, s.blank.doc = doc, doc == "" }
}

// WithParam adds a parameter, or replaces the value of one that is there.
func WithParam(name, value string) Option {
	return func(s *Schema) {
		for i := range s.Params {
			if s.Params[i].Name == name {
				s.Params[i].Value = value
				return
			}
		}
		s.Params = append(s.Params, Param{name, value})
	}
}

// ArrayOf returns the schema of an array whose elements have the schema value.
func ArrayOf(value *Schema, opts ...Option) *Schema {
	s := Of(Array, opts...)
	s.Value = value
	return s
}

// MapOf returns the schema of a map.
func MapOf(key, value *Schema, opts ...Option) *Schema {
	s := Of(MapType, opts...)
	s.Key, s.Value = key, value
	return s
}

// F is a field for StructOf.
func F(name string, s *Schema) Field { return Field{Name: name, Schema: s} }

// StructOf returns the schema of a struct with the given fields, whose Index it sets. It takes over the slice. Field
// names must differ: the later of two equal ones cannot be reached.
func StructOf(fields []Field, opts ...Option) *Schema {
	s := Of(StructType, opts...)
	s.Fields = fields
	for i := range fields {
		fields[i].Index = i
	}
	if len(fields) >= wide {
		s.byName = make(map[string]int, len(fields))
		for i, f := range slices.Backward(fields) {
			s.byName[f.Name] = i
		}
	}
	return s
}

// Field returns the field of that name, or nil.
func (s *Schema) Field(name string) *Field {
	if s.byName != nil {
		if i, ok := s.byName[name]; ok {
			return &s.Fields[i]
		}
		return nil
	}
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// Param returns the value of a parameter and whether it is there.
func (s *Schema) Param(name string) (string, bool) {
	for _, p := range s.Params {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// String is how Java prints a schema in messages: Schema{INT32}, or Schema{com.example.Order:STRUCT} when it has a name.
func (s *Schema) String() string {
	switch {
	case s == nil:
		return "null"
	case s.HasName():
		return "Schema{" + s.Name + ":" + s.Type.String() + "}"
	}
	return "Schema{" + s.Type.String() + "}"
}

// With returns a copy of the schema with the options applied; the parts are shared.
func (s *Schema) With(opts ...Option) *Schema {
	c := *s
	c.Params = slices.Clone(s.Params)
	for _, o := range opts {
		o(&c)
	}
	return &c
}

// Equal tells whether two schemas describe the same data in the same words, as ConnectSchema.equals does: the order of
// parameters does not count, everything else does. Two nil schemas are equal. Structs may contain themselves.
func (s *Schema) Equal(o *Schema) bool { return (&equality{}).equal(s, o) }

// equality compares schemas. Deep down it remembers what it is comparing, so that structs that contain themselves end.
type equality struct {
	depth int
	open  map[[2]*Schema]bool
}

// suspicious is the depth from which schemas may be endless.
const suspicious = 2

func (e *equality) equal(s, o *Schema) bool {
	if s == o {
		return true
	}
	if s == nil || o == nil || !s.equalHead(o) {
		return false
	}
	if e.depth++; e.depth > suspicious && s.Type == StructType {
		pair := [2]*Schema{s, o}
		if e.open[pair] {
			return true
		}
		if e.open == nil {
			e.open = map[[2]*Schema]bool{}
		}
		e.open[pair] = true
	}
	defer func() { e.depth-- }()
	return e.equalFields(s.Fields, o.Fields) && e.equal(s.Key, o.Key) && e.equal(s.Value, o.Value)
}

func (e *equality) equalFields(a, b []Field) bool {
	if len(a) != len(b) || len(a) > 0 && &a[0] == &b[0] {
		return len(a) == len(b)
	}
	for i := range a {
		if a[i].Name != b[i].Name || !e.equal(a[i].Schema, b[i].Schema) {
			return false
		}
	}
	return true
}

// equalHead compares all but the parts.
func (s *Schema) equalHead(o *Schema) bool {
	if s.Type != o.Type || s.Optional != o.Optional || s.Name != o.Name || s.Doc != o.Doc {
		return false
	}
	if (s.Version == nil) != (o.Version == nil) || s.Version != nil && *s.Version != *o.Version {
		return false
	}
	if s.HasName() != o.HasName() || s.HasDoc() != o.HasDoc() {
		return false
	}
	return equalParams(s.Params, o.Params) && s.equalDefault(o)
}

// equalDefault compares defaults. A struct's default has the schema whose default it is.
func (s *Schema) equalDefault(o *Schema) bool {
	a, isStruct := s.Default.(*Struct)
	b, isToo := o.Default.(*Struct)
	if isStruct && isToo && a.schema == s && b.schema == o {
		return equalLists(a.values, b.values)
	}
	return Equal(s.Default, o.Default)
}

func equalParams(a, b []Param) bool {
	if len(a) != len(b) {
		return false
	}
	for _, p := range a {
		if !slices.Contains(b, p) {
			return false
		}
	}
	return true
}
