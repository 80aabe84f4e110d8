package protobuf

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// glueFrom makes the file of a Connect schema as AWS Glue's converter does, and what writes values as its messages.
type glueFrom struct {
	file    *glueFile
	known   []glueStruct
	unnamed int
	depth   int
}

// glueStruct is a struct's schema with the message that it became.
type glueStruct struct {
	of      *schema.Schema
	message *glueMessage
	encoder *encoder
}

// deepestStruct is how many structs may stand in each other.
const deepestStruct = 500

// written makes the file of a struct's schema. root is its message.
func (c *glueFrom) written(s *schema.Schema) (root *glueMessage, e *encoder, err error) {
	full := c.nameOf(s)
	c.file = &glueFile{pkg: gluePackage + full}
	root = &glueMessage{name: lastName(full)}
	root.full = c.file.pkg + "." + root.name
	e = c.begin(s, root)
	err = c.fill(root, s, e)
	c.file.messages = append(c.file.messages, root)
	return root, e, err
}

func (c *glueFrom) nameOf(s *schema.Schema) string {
	if s.Name != "" {
		return s.Name
	}
	c.unnamed++
	return defaultName + strconv.Itoa(c.unnamed)
}

func (c *glueFrom) begin(s *schema.Schema, m *glueMessage) *encoder {
	e := &encoder{connect: s, kind: protoreflect.MessageKind, glue: true}
	c.known = append(c.known, glueStruct{s, m, e})
	return e
}

// fill gives a message the fields of a struct's schema.
func (c *glueFrom) fill(m *glueMessage, s *schema.Schema, e *encoder) error {
	if c.depth++; c.depth > deepestStruct {
		return schema.Errorf("The schema contains itself without end")
	}
	defer func() { c.depth-- }()
	next := int32(1)
	add := func(name string, of *schema.Schema, index, inner int) (*glueField, error) {
		f, w, err := c.field(m, of, name)
		if err != nil {
			return nil, err
		}
		if f.number, err = glueTag(of, &next); err != nil {
			return nil, err
		}
		w.number, w.index, w.inner = protowire.Number(f.number), index, inner
		w.explicit = w.explicit || inner >= 0 || f.label == "optional"
		e.fields = append(e.fields, *w)
		return f, nil
	}
	for i := range s.Fields {
		of := s.Fields[i].Schema
		if of.Type == schema.StructType && isGlue(of, glueOneofType) {
			o := glueOneof{name: s.Fields[i].Name}
			for j := range of.Fields {
				f, err := add(of.Fields[j].Name, of.Fields[j].Schema, i, j)
				if err != nil {
					return err
				}
				f.label = ""
				o.fields = append(o.fields, f)
			}
			m.oneofs = append(m.oneofs, o)
			continue
		}
		f, err := add(s.Fields[i].Name, of, i, -1)
		if err != nil {
			return err
		}
		m.fields = append(m.fields, f)
	}
	slices.SortStableFunc(e.fields, func(a, b fieldEncoder) int { return int(a.number - b.number) })
	return nil
}

// isGlue tells whether a schema stands for an enum or a oneof.
func isGlue(s *schema.Schema, what string) bool {
	typ, ok := s.Param(glueTypeParam)
	return ok && typ == what
}

// glueTag is the number that a schema wants its field to have, or the next one.
func glueTag(s *schema.Schema, next *int32) (int32, error) {
	text, ok := s.Param(glueTagParam)
	if !ok {
		*next++
		return *next - 1, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, schema.Errorf("Cannot parse invalid Protobuf tag number metadata: %s", text)
	}
	return int32(n), nil
}

// field defines a field, and in the message what its type needs.
func (c *glueFrom) field(m *glueMessage, s *schema.Schema, name string) (*glueField, *fieldEncoder, error) {
	f := &glueField{field{name: name}}
	w := &fieldEncoder{name: name, of: s}
	switch s.Type {
	case schema.Array:
		f.label, w.repeated = "repeated", true
		value, err := c.single(m, f, s.Value)
		w.value = value
		return f, w, err
	case schema.MapType:
		entry := &glueMessage{name: glueEntry(name), entry: true}
		entry.full = m.full + "." + entry.name
		f.label, f.typ = "repeated", "."+entry.full
		w.entry = &encoder{connect: s, kind: protoreflect.MessageKind}
		for i, part := range []*schema.Schema{s.Key, s.Value} {
			inner := &glueField{field{name: [...]string{keyField, valueField}[i], number: int32(i + 1)}}
			value, err := c.single(m, inner, part)
			if err != nil {
				return nil, nil, err
			}
			entry.fields = append(entry.fields, inner)
			w.entry.fields = append(w.entry.fields, fieldEncoder{
				number: protowire.Number(i + 1), inner: -1, explicit: true, value: value, name: inner.name, of: part,
			})
		}
		m.messages = append(m.messages, entry)
		return f, w, nil
	}
	if s.Optional {
		f.label = "optional"
	}
	var err error
	w.value, err = c.single(m, f, s)
	w.explicit = err == nil && isMessage(w.value)
	return f, w, err
}

func isMessage(e *encoder) bool { return e.logical || e.kind == protoreflect.MessageKind }

// single sets the type of a field that is neither an array nor a map.
func (c *glueFrom) single(m *glueMessage, f *glueField, s *schema.Schema) (*encoder, error) {
	switch s.Name {
	case schema.DateName, schema.TimeName, schema.TimestampName, schema.DecimalName:
		c.logical(f, s)
		return &encoder{connect: s, logical: true, glue: true}, nil
	}
	switch s.Type {
	case schema.Array, schema.MapType:
		return nil, schema.NewError(illegalArgument, "Unrecognized connect type: "+s.Type.String()+" in an array or a map", nil)
	case schema.StructType:
		if isGlue(s, glueOneofType) {
			return nil, schema.Errorf("A oneof can only be a field of a message")
		}
		inner, e, err := c.inner(m, s)
		if err != nil {
			return nil, err
		}
		f.typ = "." + inner.full
		return e, nil
	case schema.String:
		if isGlue(s, glueEnumType) {
			return c.enum(m, f, s)
		}
	}
	return c.primitive(f, s)
}

func (c *glueFrom) note(f *glueField, key, value string) {
	c.file.use("metadata/metadata.proto")
	f.meta = []schema.Param{{Name: key, Value: value}}
}

func (c *glueFrom) logical(f *glueField, s *schema.Schema) {
	typ := map[string]string{
		schema.DateName: dateType, schema.TimeName: timeType, schema.TimestampName: timestampType, schema.DecimalName: glueDecimal,
	}[s.Name]
	f.typ = "." + typ
	if typ != glueDecimal {
		path, _ := importOf(typ)
		c.file.use(path)
		return
	}
	c.file.use("additionalTypes/decimal.proto")
	if scale, ok := s.Param(glueScale); ok {
		c.note(f, glueScale, scale)
	}
}

func (c *glueFrom) primitive(f *glueField, s *schema.Schema) (*encoder, error) {
	kind := kindOf(s.Type)
	allowed := []string{"sint32", "sfixed32", "int32"}
	if kind == protoreflect.Int64Kind {
		allowed = []string{"sint64", "uint64", "sfixed64", "fixed64", "fixed32", "uint32", "int64"}
	}
	if typ, ok := s.Param(glueTypeParam); ok && (kind == protoreflect.Int32Kind || kind == protoreflect.Int64Kind) {
		upper := strings.ToUpper(typ)
		switch wanted, known := scalar(strings.ToLower(typ)); {
		case !known:
			return nil, schema.NewError(illegalArgument, "No enum constant com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type.TYPE_"+upper, nil)
		case !slices.Contains(allowed, strings.ToLower(typ)):
			return nil, schema.Errorf("Protobuf type for TYPE_%s is specified to use TYPE_%s which is not allowed", strings.ToUpper(kind.String()), upper)
		default:
			kind = wanted
		}
	}
	f.typ = kind.String()
	switch s.Type {
	case schema.Int8, schema.Int16:
		c.note(f, glueType, strings.ToLower(s.Type.String()))
	}
	return &encoder{connect: s, kind: kind}, nil
}

// place says where a type of this name stands: at the top of the file, or in the message that needs it.
func (c *glueFrom) top(name string) bool {
	rest, ok := strings.CutPrefix(name, c.file.pkg+".")
	return ok && !strings.Contains(rest, ".")
}

// inner is the message of a struct that stands in m. It is defined once, however often it is needed.
func (c *glueFrom) inner(m *glueMessage, s *schema.Schema) (*glueMessage, *encoder, error) {
	for _, k := range c.known {
		if k.of == s || k.of.Name == s.Name && sameGlue(k.of, s) {
			return k.message, c.as(k, s), nil
		}
	}
	name := c.nameOf(s)
	made := &glueMessage{name: lastName(name)}
	made.full = m.full + "." + made.name
	top := c.top(name)
	if top {
		made.full = name
	}
	e := c.begin(s, made)
	if err := c.fill(made, s, e); err != nil {
		return nil, nil, err
	}
	if top {
		c.file.messages = append(c.file.messages, made)
	} else {
		m.messages = append(m.messages, made)
	}
	return made, e, nil
}

// as is what writes values of s, which has the fields of another schema that it became the message of.
func (c *glueFrom) as(k glueStruct, s *schema.Schema) *encoder {
	if k.of == s || k.of.Equal(s) {
		return k.encoder
	}
	return &encoder{connect: s, kind: protoreflect.MessageKind, same: k.encoder}
}

// sameGlue tells whether two structs have the same fields.
func sameGlue(a, b *schema.Schema) bool {
	return len(a.Fields) == len(b.Fields) && (sameFields(a, b) || slices.EqualFunc(a.Fields, b.Fields, func(x, y schema.Field) bool {
		return x.Name == y.Name && x.Schema.Equal(y.Schema)
	}))
}

func (c *glueFrom) enum(m *glueMessage, f *glueField, s *schema.Schema) (*encoder, error) {
	name, ok := s.Param(glueEnumName)
	if !ok {
		return nil, schema.Errorf("The enum %s has no parameter %s", f.name, glueEnumName)
	}
	e := &enum{name: lastName(name)}
	made := &encoder{connect: s, kind: protoreflect.EnumKind, tags: map[string]int32{}, values: map[int32]bool{}}
	for _, p := range s.Params {
		symbol, ok := strings.CutPrefix(p.Name, glueEnumValue)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(p.Value, 10, 32)
		if err != nil {
			return nil, schema.NewError("java.lang.NumberFormatException", "For input string: \""+p.Value+"\"", nil)
		}
		e.values = append(e.values, enumValue{symbol, int32(n)})
		made.tags[symbol], made.values[int32(n)] = int32(n), true
	}
	in, full := &m.enums, m.full+"."+e.name
	if c.top(name) {
		in, full = &c.file.enums, name
	}
	f.typ = "." + full
	if !slices.ContainsFunc(*in, func(x *enum) bool { return x.name == e.name && slices.Equal(x.values, e.values) }) {
		*in = append(*in, e)
	}
	return made, nil
}
