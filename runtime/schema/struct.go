package schema

// Struct is a value of a struct schema. Fields that were not set are nil; Get fills in the default.
type Struct struct {
	schema *Schema
	values []any
}

// NewStruct returns an empty struct of the schema, whose type must be StructType.
func NewStruct(s *Schema) *Struct { return &Struct{schema: s, values: make([]any, len(s.Fields))} }

// StructFrom returns a struct with the given values, one for each field in order, without validating them. It takes over
// the slice.
func StructFrom(s *Schema, values []any) *Struct { return &Struct{schema: s, values: values} }

// Schema is the struct's schema.
func (s *Struct) Schema() *Schema { return s.schema }

// Raw returns the value of the i-th field as it was set, without the default.
func (s *Struct) Raw(i int) any { return s.values[i] }

// At returns the value of the i-th field, or its default when it is nil.
func (s *Struct) At(i int) any {
	if v := s.values[i]; v != nil {
		return v
	}
	return s.schema.Fields[i].Schema.Default
}

// Get returns the value of a field, or its default when it is nil, and whether there is such a field.
func (s *Struct) Get(name string) (any, bool) {
	f := s.schema.Field(name)
	if f == nil {
		return nil, false
	}
	return s.At(f.Index), true
}

// SetAt sets the i-th field without validating the value. Only who made the struct may call it.
func (s *Struct) SetAt(i int, v any) { s.values[i] = v }

// Put sets a field after checking the value against its schema, as Connect does. Only who made the struct may call it.
func (s *Struct) Put(name string, v any) error {
	f := s.schema.Field(name)
	if f == nil {
		return NoField(name)
	}
	if err := ValidateField(f.Name, f.Schema, v); err != nil {
		return err
	}
	s.values[f.Index] = v
	return nil
}

// Validate checks every field's value. Those that are nil and have a default are right.
func (s *Struct) Validate() error {
	for i := range s.schema.Fields {
		f := &s.schema.Fields[i]
		v := s.values[i]
		if v == nil && (f.Schema.Optional || f.Schema.Default != nil) {
			continue
		}
		if err := ValidateField(f.Name, f.Schema, v); err != nil {
			return err
		}
	}
	return nil
}

// NoField is Connect's error for a field that a struct does not have.
func NoField(name string) error { return Errorf("%s is not a valid field name", name) }
