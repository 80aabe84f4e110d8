package schema

import (
	"math/big"
	"time"
)

// Validate checks a value against a schema as Connect's ConnectSchema.validateValue does: its type, whether it may be nil,
// and its parts. A nil schema accepts everything. The error is a DataException in Connect's words.
func Validate(s *Schema, v any) error {
	return validate(s, v, func() string { return "value" })
}

// ValidateField is Validate for the value of a field, which the message names.
func ValidateField(name string, s *Schema, v any) error {
	return validate(s, v, func() string { return `field: "` + name + `"` })
}

// validate makes the words for the place only when they are needed.
func validate(s *Schema, v any, place func() string) error {
	if s == nil {
		return nil
	}
	if v == nil {
		if s.Optional {
			return nil
		}
		return Errorf("Invalid value: null used for required %s, schema type: %s", place(), s.Type)
	}
	if !Accepts(s, v) {
		name := ""
		if s.HasName() {
			name = ` "` + s.Name + `"`
		}
		return Errorf("Invalid Java object for schema%s with type %s: class %s for %s", name, s.Type, JavaClass(v), place())
	}
	switch s.Type {
	case StructType:
		if v, ok := v.(*Struct); ok {
			if v.schema != s && !v.schema.Equal(s) {
				return Errorf("Struct schemas do not match.")
			}
			return v.Validate()
		}
	case Array:
		if v, ok := v.([]any); ok {
			return validateArray(s, v, place)
		}
	case MapType:
		if v, ok := v.(*Map); ok {
			return validateMap(s, v, place)
		}
	default:
	}
	return nil
}

func validateArray(s *Schema, v []any, place func() string) error {
	element := func() string { return "element of array " + place() }
	if s.Value == nil {
		return Errorf("No schema defined for %s", element())
	}
	for _, e := range v {
		if err := validate(s.Value, e, element); err != nil {
			return err
		}
	}
	return nil
}

func validateMap(s *Schema, v *Map, place func() string) error {
	key := func() string { return "key of map " + place() }
	value := func() string { return "value of map " + place() }
	if s.Key == nil {
		return Errorf("No schema defined for %s", key())
	}
	if s.Value == nil {
		return Errorf("No schema defined for %s", value())
	}
	for k, e := range v.All() {
		if err := validate(s.Key, k, key); err != nil {
			return err
		}
		if err := validate(s.Value, e, value); err != nil {
			return err
		}
	}
	return nil
}

// Accepts tells whether a value that is not nil has a Go type that values of the schema can have. Its parts are not
// looked at.
func Accepts(s *Schema, v any) bool {
	switch s.Name {
	case DecimalName:
		_, ok := v.(Decimal)
		return ok
	case DateName, TimeName, TimestampName:
		_, ok := v.(time.Time)
		return ok
	}
	return TypeOf(v) == s.Type && TypeOf(v) != Invalid
}

// TypeOf is the physical type to which a Go value belongs: Invalid for nil and for the values of logical types.
func TypeOf(v any) Type {
	switch v.(type) {
	case string:
		return String
	case bool:
		return Boolean
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case float32:
		return Float32
	case float64:
		return Float64
	case []byte:
		return Bytes
	case []any:
		return Array
	case *Map:
		return MapType
	case *Struct:
		return StructType
	case Decimal, time.Time, *big.Int, nil:
	}
	return Invalid
}
