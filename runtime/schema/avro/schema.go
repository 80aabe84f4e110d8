package avro

// Type is a type of Avro.
type Type uint8

// The types of Avro. The zero Type belongs to no schema.
const (
	Invalid Type = iota
	Null
	Boolean
	Int
	Long
	Float
	Double
	Bytes
	String
	Record
	Enum
	Fixed
	Array
	Map
	Union
)

var typeNames = [...]string{
	"invalid", "null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum", "fixed", "array", "map", "union",
}

// String is Avro's name of the type, such as long.
func (t Type) String() string { return typeNames[t] }

func typeOf(name string) (Type, bool) {
	if name == "error" {
		return Record, true
	}
	for t := Null; t < Union; t++ {
		if typeNames[t] == name {
			return t, true
		}
	}
	return Invalid, false
}

// isNamed tells whether schemas of the type have a name.
func (t Type) isNamed() bool { return t == Record || t == Enum || t == Fixed }

// Schema is an Avro schema. It must not be changed once it is in use, and may then be shared. A record may contain itself.
type Schema struct {
	Type Type
	// Name and Namespace are those of records, enums and fixed types. The Namespace is never inherited: "" is none.
	Name, Namespace string
	// Aliases are other names, as written.
	Aliases []string
	// Doc is the documentation of a named type; nil means there is none.
	Doc *string
	// Fields are a record's.
	Fields []Field
	// Symbols are an enum's, EnumDefault the one that stands for unknown ones, "" if none does.
	Symbols     []string
	EnumDefault string
	// Size is that of a fixed type, in bytes.
	Size int
	// Items is the schema of an array's elements or of a map's values.
	Items *Schema
	// Branches are a union's.
	Branches []*Schema
	// Props are all other attributes, in order, logicalType among them.
	Props Object
}

// Field is one field of a record.
type Field struct {
	Name    string
	Aliases []string
	Doc     *string
	Type    *Schema
	// Default is the JSON value that stands for a missing one, if HasDefault; nil is null.
	Default    any
	HasDefault bool
	// Order is the sort order as written, "" for ascending.
	Order string
	Props Object
}

// FullName is the name with the namespace, or the type's name for schemas without a name.
func (s *Schema) FullName() string {
	switch {
	case !s.Type.isNamed():
		return s.Type.String()
	case s.Namespace == "":
		return s.Name
	}
	return s.Namespace + "." + s.Name
}

// Field returns the field of that name and its place, or nil.
func (s *Schema) Field(name string) (*Field, int) {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i], i
		}
	}
	return nil, -1
}

// text returns a property that is a string.
func (s *Schema) text(prop string) (string, bool) {
	v, _ := s.Props.Get(prop)
	t, ok := v.(string)
	return t, ok
}

// branch returns the place of the first branch of a union whose full name is name, or -1.
func (s *Schema) branch(name string) int {
	for i, b := range s.Branches {
		if b.FullName() == name {
			return i
		}
	}
	return -1
}
