package schema

// CheckFields tells what Connect's SchemaBuilder would refuse about the fields of a struct: a missing name or schema, or a
// name that is there twice. The error is a SchemaBuilderException.
func CheckFields(fields []Field) error {
	var seen map[string]bool
	if len(fields) >= wide {
		seen = make(map[string]bool, len(fields))
	}
	for i, f := range fields {
		if f.Name == "" {
			return builderError("fieldName cannot be null.")
		}
		if f.Schema == nil {
			return builderError("fieldSchema for field " + f.Name + " cannot be null.")
		}
		twice := seen[f.Name]
		if seen == nil {
			for _, o := range fields[:i] {
				twice = twice || o.Name == f.Name
			}
		} else {
			seen[f.Name] = true
		}
		if twice {
			return builderError("Cannot create field because of field name duplication " + f.Name)
		}
	}
	return nil
}

// NewStructOf is StructOf for fields that come from outside: it checks them with CheckFields.
func NewStructOf(fields []Field, opts ...Option) (*Schema, error) {
	if err := CheckFields(fields); err != nil {
		return nil, err
	}
	s := StructOf(fields, opts...)
	return s, CheckDefault(s)
}

// NewArrayOf is ArrayOf for a schema that comes from outside, which must not be nil.
func NewArrayOf(value *Schema, opts ...Option) (*Schema, error) {
	if value == nil {
		return nil, builderError("valueSchema cannot be null.")
	}
	s := ArrayOf(value, opts...)
	return s, CheckDefault(s)
}

// NewMapOf is MapOf for schemas that come from outside, which must not be nil.
func NewMapOf(key, value *Schema, opts ...Option) (*Schema, error) {
	if key == nil {
		return nil, builderError("keySchema cannot be null.")
	}
	if value == nil {
		return nil, builderError("valueSchema cannot be null.")
	}
	s := MapOf(key, value, opts...)
	return s, CheckDefault(s)
}

// CheckDefault tells whether the schema's default fits the schema. The error is a SchemaBuilderException.
func CheckDefault(s *Schema) error {
	if s.Default == nil {
		return nil
	}
	if err := Validate(s, s.Default); err != nil {
		return NewError(SchemaBuilderException, "Invalid default value", err)
	}
	return nil
}

func builderError(message string) error { return NewError(SchemaBuilderException, message, nil) }
