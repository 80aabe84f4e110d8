package protobuf

import (
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// fromConnect makes the file of a Connect schema.
type fromConnect struct {
	*Options
	file    *file
	unnamed int
}

// written returns the file of a struct's schema.
func (c *fromConnect) written(s *schema.Schema) (*file, error) {
	full := c.nameOf(s)
	c.file = &file{}
	name := full
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		c.file.pkg, name = full[:i], full[i+1:]
	}
	if c.Scrub {
		parts := strings.Split(c.file.pkg, ".")
		for i, part := range parts {
			parts[i] = scrub(part)
		}
		c.file.pkg = strings.Join(parts, ".")
	}
	c.file.root = &message{name: c.scrubbed(name), of: s}
	if err := c.fill(c.file.root, s); err != nil {
		return nil, err
	}
	return c.file, c.file.check()
}

func (c *fromConnect) nameOf(s *schema.Schema) string {
	if s.Name != "" {
		return s.Name
	}
	c.unnamed++
	return defaultName + strconv.Itoa(c.unnamed)
}

func (c *fromConnect) scrubbed(name string) string {
	if c.Scrub {
		return scrub(name)
	}
	return name
}

// fill gives a message the fields of a struct's schema.
func (c *fromConnect) fill(m *message, s *schema.Schema) error {
	next := int32(1)
	for i := range s.Fields {
		of := s.Fields[i].Schema
		number, given, err := tagOf(of)
		if err != nil {
			return err
		}
		if !given {
			number = next
			next++
		}
		f, err := c.field(m, of, c.scrubbed(s.Fields[i].Name), number)
		if err != nil {
			return err
		}
		if f != nil {
			m.fields = append(m.fields, f)
		}
	}
	return nil
}

// tagOf is the number that a schema wants its field to have.
func tagOf(s *schema.Schema) (number int32, given bool, err error) {
	text, ok := s.Param(tagParam)
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, false, schema.NewError("java.lang.NumberFormatException", "For input string: \""+text+"\"", nil)
	}
	return int32(n), true, nil
}

// field defines a field, and in the message what its type needs. It is nil for a union, which becomes a oneof.
func (c *fromConnect) field(m *message, s *schema.Schema, name string, number int32) (*field, error) {
	f := &field{name: name, number: number}
	switch {
	case s.Type == schema.Array:
		f.label = "repeated"
		s = s.Value
	case s.Type == schema.MapType:
		f.label = "repeated"
	case c.OptionalForNullables && s.Optional:
		f.label = "optional"
	}
	if s.Type == schema.StructType && isUnion(s) {
		return nil, c.oneof(m, s)
	}
	if err := c.typeOf(f, s); err != nil {
		return nil, err
	}
	switch path, known := importOf(f.typ); {
	case known && s.Type != schema.StructType && s.Type != schema.MapType:
		c.file.use(path)
	case s.Type == schema.StructType:
		return f, c.inner(m, f.typ, s)
	case s.Type == schema.MapType:
		return f, c.entry(m, f.typ, s)
	case isEnum(s):
		return f, c.enum(m, s)
	}
	return f, nil
}

// typeOf sets the field's type and what of the Connect schema is noted beside it.
func (c *fromConnect) typeOf(f *field, s *schema.Schema) error {
	switch s.Name {
	case schema.DecimalName:
		for _, note := range []schema.Param{{Name: metaPrecision, Value: precisionParam}, {Name: metaScale, Value: schema.ScaleParam}} {
			if v, ok := s.Param(note.Value); ok {
				f.meta = append(f.meta, schema.Param{Name: note.Name, Value: v})
			}
		}
		f.typ = decimalType
		return nil
	case schema.DateName:
		f.typ = dateType
		return nil
	case schema.TimeName:
		f.typ = timeType
		return nil
	case schema.TimestampName:
		f.typ = timestampType
		return nil
	}
	switch s.Type {
	case schema.Array:
		return schema.NewError(illegalArgument, "Array cannot be nested", nil)
	case schema.MapType:
		f.typ = toEntry(c.scrubbed(lastName(c.nameOf(s))))
	case schema.StructType:
		f.typ = c.scrubbed(lastName(c.nameOf(s)))
		if f.typ == f.name {
			f.typ += "Message" // a field and a message of one name cannot be
		}
	default:
		c.primitive(f, s)
	}
	return nil
}

func (c *fromConnect) primitive(f *field, s *schema.Schema) {
	switch s.Type {
	case schema.Int8:
		f.meta = []schema.Param{{Name: metaType, Value: "int8"}}
	case schema.Int16:
		f.meta = []schema.Param{{Name: metaType, Value: "int16"}}
	}
	names := []string{}
	switch s.Type {
	case schema.Int32:
		names = []string{enumParam}
	case schema.String:
		names = []string{schema.GeneralizedEnum, enumParam}
	}
	for _, name := range names {
		if typ, ok := s.Param(name); ok {
			f.typ = typ
			return
		}
	}
	kind := kindOf(s.Type)
	f.typ = kind.String()
	if s.Type == schema.Int32 || s.Type == schema.Int64 {
		if typ, ok := s.Param(typeParam); ok {
			f.typ = typ
			if as, ok := scalar(typ); ok && s.Type == schema.Int64 {
				kind = wrapped(as)
			}
		}
	}
	if c.WrapperForNullables && s.Optional {
		w, _ := wrapperOf(kind)
		f.typ = wrapperPackage + "." + w.name
	}
}

// wrapped is the kind of the wrapper for a long number that is written as another kind.
func wrapped(k protoreflect.Kind) protoreflect.Kind {
	switch k {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.Uint32Kind
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.Uint64Kind
	}
	return protoreflect.Int64Kind
}

// isUnion tells whether a struct stands for a oneof.
func isUnion(s *schema.Schema) bool {
	_, generalized := s.Param(schema.GeneralizedUnion)
	return generalized || strings.HasPrefix(s.Name, strings.TrimSuffix(unionPrefix, "."))
}

// isEnum tells whether a text or a number is that of an enum.
func isEnum(s *schema.Schema) bool {
	_, generalized := s.Param(schema.GeneralizedEnum)
	_, own := s.Param(enumParam)
	return generalized || own
}

// unionName is the name of the oneof that a struct stands for.
func (c *fromConnect) unionName(s *schema.Schema) (string, error) {
	if c.GeneralizedSums {
		name, ok := s.Param(schema.GeneralizedUnion)
		if !ok {
			return "", schema.Errorf("The union %s has no parameter %s", s.Name, schema.GeneralizedUnion)
		}
		return name, nil
	}
	name, ok := strings.CutPrefix(s.Name, unionPrefix)
	if !ok {
		return "", schema.Errorf("The name of the union %s does not begin with %s", s.Name, unionPrefix)
	}
	return c.scrubbed(lastName(name)), nil
}

func (c *fromConnect) oneof(m *message, s *schema.Schema) error {
	name, err := c.unionName(s)
	if err != nil {
		return err
	}
	o := &oneof{name: name}
	m.oneofs = append(m.oneofs, o)
	for i := range s.Fields {
		of := s.Fields[i].Schema
		number, _, err := tagOf(of) // without one it is no number that a field can have
		if err != nil {
			return err
		}
		f, err := c.field(m, of, c.scrubbed(s.Fields[i].Name), number)
		if err != nil {
			return err
		}
		if f != nil {
			f.label = ""
			o.fields = append(o.fields, f)
		}
	}
	return nil
}

// inner defines the message of a struct inside of m, unless the name is known there.
func (c *fromConnect) inner(m *message, name string, s *schema.Schema) error {
	if m.name == name || m.message(name) != nil {
		return nil
	}
	for around := m; around != nil; around = around.parent {
		if sameFields(around.of, s) {
			return nil // it contains itself further inside
		}
	}
	made := &message{name: name, parent: m, of: s}
	m.messages = append(m.messages, made)
	return c.fill(made, s)
}

// sameFields tells whether two schemas are of one struct, in different places.
func sameFields(a, b *schema.Schema) bool {
	return a != nil && len(a.Fields) > 0 && len(a.Fields) == len(b.Fields) && &a.Fields[0] == &b.Fields[0]
}

// entry defines the message of a map's entries.
func (c *fromConnect) entry(m *message, name string, s *schema.Schema) error {
	made := &message{name: name, parent: m}
	m.messages = append(m.messages, made)
	for i, part := range []*schema.Schema{s.Key, s.Value} {
		f, err := c.field(made, part, [...]string{keyField, valueField}[i], int32(i+1))
		if err != nil {
			return err
		}
		if f == nil {
			return schema.Errorf("A union cannot be a part of a map")
		}
		f.meta = nil
		made.fields = append(made.fields, f)
	}
	return nil
}

func (c *fromConnect) enum(m *message, s *schema.Schema) error {
	name := c.scrubbed(lastName(c.nameOf(s)))
	if m.enum(name) != nil {
		return nil
	}
	e := &enum{name: name}
	for _, p := range s.Params {
		symbol, ok := strings.CutPrefix(p.Name, c.Options.enum()+".")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(p.Value, 10, 32)
		if err != nil {
			return schema.NewError("java.lang.NumberFormatException", "For input string: \""+p.Value+"\"", nil)
		}
		e.values = append(e.values, enumValue{symbol, int32(n)})
	}
	m.enums = append(m.enums, e)
	return nil
}

// numberOf is Java's view of a number as an integer: what is behind the point is cut off, and what is too large is as large
// as can be.
func numberOf(v any) (int64, bool) {
	switch v := v.(type) {
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case float32:
		return cut(float64(v)), true
	case float64:
		return cut(v), true
	}
	return 0, false
}

func cut(f float64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}
