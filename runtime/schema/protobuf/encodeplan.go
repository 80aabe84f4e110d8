package protobuf

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// encoder writes the values of one place in a Connect schema.
type encoder struct {
	connect *schema.Schema
	kind    protoreflect.Kind
	logical bool
	wrapped bool // the value stands in a wrapper message
	// tags are the numbers of an enum's symbols, values all that the enum has.
	tags   map[string]int32
	values map[int32]bool
	fields []fieldEncoder // of a struct, in the order of their numbers
	absent []absent       // fields that the message does not have
	plain  bool           // nulls of optional fields with a default stay nulls
	glue   bool           // the rules are those of AWS Glue's converter
	same   *encoder       // of another schema with the same fields, which writes the values
	err    error          // why no value can be written
}

// fieldEncoder writes one field of a message.
type fieldEncoder struct {
	number   protowire.Number
	index    int // in the struct
	inner    int // in the union that stands at index, or -1
	explicit bool
	repeated bool
	entry    *encoder // of a map: its key and its value are the fields
	value    *encoder
	// name and of are the field and its schema with Glue's rules, by which null is refused where it is not allowed.
	name string
	of   *schema.Schema
}

// absent is a field of a struct for which its message has none, because another struct gave the message its fields.
type absent struct {
	index int
	name  string
}

// encoders makes the encoders of a file.
type encoders struct {
	*Options
	made map[encoderKey]*encoder
}

type encoderKey struct {
	connect *schema.Schema
	message *message
}

// structOf makes the encoder of a struct that is written as a message.
func (c *encoders) structOf(s *schema.Schema, m *message) *encoder {
	key := encoderKey{s, m}
	if known := c.made[key]; known != nil {
		return known
	}
	e := &encoder{connect: s, kind: protoreflect.MessageKind, plain: c.NullsOverDefaults}
	c.made[key] = e
	for i := range s.Fields {
		name, of := c.scrubbed(s.Fields[i].Name), s.Fields[i].Schema
		if of.Type == schema.StructType && isUnion(of) {
			for j := range of.Fields {
				c.add(e, m, c.scrubbed(of.Fields[j].Name), of.Fields[j].Schema, i, j)
			}
			continue
		}
		c.add(e, m, name, of, i, -1)
	}
	slices.SortStableFunc(e.fields, func(a, b fieldEncoder) int { return int(a.number - b.number) })
	return e
}

func (c *encoders) scrubbed(name string) string {
	if c.Scrub {
		return scrub(name)
	}
	return name
}

func (c *encoders) add(e *encoder, m *message, name string, s *schema.Schema, index, inner int) {
	f := m.field(name)
	if f == nil {
		e.absent = append(e.absent, absent{index, name})
		return
	}
	out := fieldEncoder{
		number: protowire.Number(f.number), index: index, inner: inner,
		explicit: f.label == "optional" || inner >= 0, repeated: s.Type == schema.Array,
	}
	of := s
	if out.repeated {
		of = s.Value
	}
	switch of.Type {
	case schema.MapType:
		out.entry = c.entryOf(of, m, f)
		if out.repeated {
			out.entry.err = &FormError{illegalArgument, "An array of maps has no form in Protobuf"}
		}
	default:
		out.value = c.of(of, m, f)
	}
	if out.value != nil && (out.value.kind == protoreflect.MessageKind || out.value.wrapped || out.value.logical) {
		out.explicit = true
	}
	e.fields = append(e.fields, out)
}

// entryOf makes the encoder of a map's entries.
func (c *encoders) entryOf(s *schema.Schema, m *message, f *field) *encoder {
	e := &encoder{connect: s, kind: protoreflect.MessageKind}
	entry, _ := m.resolve(f.typ)
	if entry == nil {
		e.err = schema.NewError("java.lang.IllegalStateException", "Invalid message name: "+f.typ, nil)
		return e
	}
	c.add(e, entry, keyField, s.Key, 0, -1)
	c.add(e, entry, valueField, s.Value, 1, -1)
	return e
}

// of makes the encoder of what is neither an array nor a map.
func (c *encoders) of(s *schema.Schema, m *message, f *field) *encoder {
	switch {
	case isLogical(s):
		return &encoder{connect: s, logical: true}
	case s.Type == schema.StructType:
		inner, _ := m.resolve(f.typ)
		if inner == nil {
			return &encoder{connect: s, err: schema.Errorf("Invalid message name: %s", f.typ)}
		}
		return c.structOf(s, inner)
	case s.Type == schema.Array:
		return &encoder{connect: s, err: schema.NewError(illegalArgument, "Array cannot be nested", nil)}
	}
	return c.primitive(s, m, f)
}

func (c *encoders) primitive(s *schema.Schema, m *message, f *field) *encoder {
	e := &encoder{connect: s, kind: kindOf(s.Type), wrapped: c.WrapperForNullables && s.Optional}
	if kind, ok := scalar(f.typ); ok {
		e.kind = kind
		e.wrapped = false
		if !fits(s.Type, kind) {
			e.err = &FormError{illegalArgument, "Wrong object type used with protocol message reflection: " +
				s.Type.String() + " for " + kind.String()}
		}
		return e
	}
	if kind, ok := unwrapped(protoreflect.FullName(f.typ)); ok {
		e.kind = kind
		return e
	}
	_, enum := m.resolve(f.typ)
	if enum == nil {
		e.err = schema.Errorf("%s is neither a type nor an enum", f.typ)
		return e
	}
	e.kind, e.wrapped = protoreflect.EnumKind, false
	e.values, e.tags = map[int32]bool{}, map[string]int32{}
	for _, v := range enum.values {
		e.values[v.number] = true
	}
	prefix := c.Options.enum() + "."
	for _, p := range s.Params {
		if n, err := strconv.ParseInt(p.Value, 10, 32); err == nil && len(p.Name) > len(prefix) && p.Name[:len(prefix)] == prefix {
			e.tags[p.Name[len(prefix):]] = int32(n)
		}
	}
	return e
}

// fits tells whether Java's value of a type is one of the kind.
func fits(t schema.Type, k protoreflect.Kind) bool {
	switch t {
	case schema.Int8, schema.Int16, schema.Int32:
		return isInt32(k)
	case schema.Int64:
		return isInt64(k) || k == protoreflect.Uint32Kind || k == protoreflect.Fixed32Kind
	}
	return k == kindOf(t)
}
