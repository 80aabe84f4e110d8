package protobuf

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// glueTo makes the Connect schema of a message as AWS Glue's converter does, and with it how the message is read.
type glueTo struct {
	file  *Schema
	open  map[protoreflect.FullName]bool
	parts int
}

// mostParts is how many fields a message may have with those in them.
const mostParts = 100_000

// root makes the schema and the plan of a whole message.
func (c *glueTo) root(m protoreflect.MessageDescriptor) (*schema.Schema, *fieldPlan, error) {
	s, plan, err := c.message(m, string(m.Name()))
	if err != nil {
		return nil, nil, err
	}
	s.Version = new(int32(1))
	schema.WithParam(gluePackageParam, string(m.ParentFile().Package()))(s)
	return s, &fieldPlan{kind: protoreflect.MessageKind, schema: s, message: plan}, nil
}

func (c *glueTo) message(m protoreflect.MessageDescriptor, name string) (*schema.Schema, *messagePlan, error) {
	if c.open[m.FullName()] {
		return nil, nil, schema.NewError("java.lang.StackOverflowError", "The message "+string(m.FullName())+" contains itself, which Glue's converter has no schema for", nil)
	}
	c.open[m.FullName()] = true
	defer delete(c.open, m.FullName())
	plan := &messagePlan{byNumber: map[protowire.Number]*fieldPlan{}}
	var fields []schema.Field
	add := func(f protoreflect.FieldDescriptor) error {
		s, p, err := c.field(f)
		if err != nil {
			return err
		}
		p.index, p.inner = len(fields), -1
		plan.add(f, p)
		fields = append(fields, schema.F(string(f.Name()), s))
		return nil
	}
	// AWS's library reads a file in this order: fields, oneofs, fields with the keyword optional.
	for i := range m.Fields().Len() {
		if f := m.Fields().Get(i); f.ContainingOneof() == nil {
			if err := add(f); err != nil {
				return nil, nil, err
			}
		}
	}
	for i := range m.Oneofs().Len() {
		o := m.Oneofs().Get(i)
		if o.IsSynthetic() {
			if err := add(o.Fields().Get(0)); err != nil {
				return nil, nil, err
			}
			continue
		}
		union, err := c.oneof(plan, o, len(fields))
		if err != nil {
			return nil, nil, err
		}
		fields = append(fields, schema.F(string(o.Name()), union))
	}
	plan.width = len(fields)
	s, err := schema.NewStructOf(fields, schema.Named(name))
	return s, plan, err
}

// oneof makes the struct that holds the fields of a oneof. It is there even if none of them is.
func (c *glueTo) oneof(plan *messagePlan, o protoreflect.OneofDescriptor, at int) (*schema.Schema, error) {
	fields, plans := make([]schema.Field, o.Fields().Len()), make([]*fieldPlan, o.Fields().Len())
	for i := range fields {
		f := o.Fields().Get(i)
		s, p, err := c.field(f)
		if err != nil {
			return nil, err
		}
		s = s.With(schema.Optional())
		p.presence, p.schema, p.index, p.inner, p.oneof = true, s, at, i, plans
		plans[i] = p
		plan.add(f, p)
		fields[i] = schema.F(string(f.Name()), s)
	}
	union, err := schema.NewStructOf(fields, schema.Named(string(o.Name())), schema.Optional(), schema.WithParam(glueTypeParam, glueOneofType))
	for _, p := range plans {
		p.union = union
	}
	plan.empty = append(plan.empty, emptyUnion{at, union})
	return union, err
}

// field makes the schema and the plan of a field. The plan has no place yet.
func (c *glueTo) field(f protoreflect.FieldDescriptor) (*schema.Schema, *fieldPlan, error) {
	if c.parts++; c.parts > mostParts {
		return nil, nil, schema.Errorf("The message has more than %d fields, with those of what stands in it", mostParts)
	}
	optional := f.HasOptionalKeyword()
	plan := &fieldPlan{
		kind: f.Kind(), presence: f.HasPresence(), required: f.Cardinality() == protoreflect.Required,
		strict: f.ParentFile().Syntax() == protoreflect.Proto3, generate: !optional,
	}
	tag := schema.WithParam(glueTagParam, strconv.Itoa(int(f.Number())))
	if c.isMap(f) {
		s, err := c.mapOf(f, plan)
		if err != nil {
			return nil, nil, err
		}
		return s.With(tag), plan, nil
	}
	s, err := c.element(f, plan)
	if err != nil {
		return nil, nil, err
	}
	if f.Cardinality() == protoreflect.Repeated {
		plan.repeated, plan.schema = true, s
		return schema.ArrayOf(s, schema.Optional(), tag), plan, nil
	}
	if optional {
		s = s.With(schema.Optional())
	}
	plan.schema = s.With(tag)
	return plan.schema, plan, nil
}

func (c *glueTo) isMap(f protoreflect.FieldDescriptor) bool {
	return f.IsMap() || f.Kind() == protoreflect.MessageKind && f.Cardinality() == protoreflect.Repeated && c.file.entries[f.Message().FullName()] && isEntry(f)
}

func (c *glueTo) mapOf(f protoreflect.FieldDescriptor, plan *fieldPlan) (*schema.Schema, error) {
	var parts [2]*schema.Schema
	plan.isMap = true
	plan.entry = &messagePlan{byNumber: map[protowire.Number]*fieldPlan{}, width: 2}
	for i := range parts {
		part := f.Message().Fields().Get(i)
		s, p, err := c.field(part)
		if err != nil {
			return nil, err
		}
		parts[i] = s.With(schema.Optional())
		p.schema, p.index, p.inner, p.presence, p.generate = parts[i], i, -1, false, true
		plan.entry.add(part, p)
	}
	return schema.NewMapOf(parts[0], parts[1])
}

// element makes the schema of a field's values, one by one.
func (c *glueTo) element(f protoreflect.FieldDescriptor, plan *fieldPlan) (*schema.Schema, error) {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return c.messageField(f, plan)
	case protoreflect.EnumKind:
		return glueEnumField(f, plan), nil
	case protoreflect.GroupKind:
		return nil, schema.Errorf("Invalid Protobuf type passed: GROUP")
	}
	t := typeOf(f.Kind())
	var opts []schema.Option
	if isInt32(f.Kind()) && t == schema.Int32 {
		if notes := c.file.meta[f.FullName()]; notes[glueKey] == glueType {
			switch notes[glueValue] {
			case "int8":
				t = schema.Int8
			case "int16":
				t = schema.Int16
			}
		}
	}
	switch kind := f.Kind(); kind {
	case protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind,
		protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.Sint64Kind:
		opts = append(opts, schema.WithParam(glueTypeParam, strings.ToUpper(kind.String())))
	}
	plan.target = t
	plan.fallback = scalarDefault(f, t)
	return schema.Of(t, opts...), nil
}

func glueEnumField(f protoreflect.FieldDescriptor, plan *fieldPlan) *schema.Schema {
	e := f.Enum()
	opts := []schema.Option{schema.WithParam(glueTypeParam, glueEnumType)}
	plan.readEnum(f)
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		opts = append(opts, schema.WithParam(glueEnumValue+string(v.Name()), strconv.Itoa(int(v.Number()))))
	}
	if plan.fallback == nil && e.Values().Len() > 0 {
		plan.fallback = plan.symbol(int32(e.Values().Get(0).Number()))
	}
	return schema.Of(schema.String, append(opts, schema.WithParam(glueEnumName, string(e.FullName())))...)
}

func (c *glueTo) messageField(f protoreflect.FieldDescriptor, plan *fieldPlan) (*schema.Schema, error) {
	switch full := f.Message().FullName(); full {
	case dateType:
		return logicalField(plan, schema.DateOf()), nil
	case timeType:
		return logicalField(plan, schema.TimeOf()), nil
	case timestampType:
		return logicalField(plan, schema.TimestampOf()), nil
	case glueDecimal:
		scale, opts := int64(0), []schema.Option(nil)
		if notes := c.file.meta[f.FullName()]; notes[glueKey] == glueScale {
			n, err := strconv.ParseInt(notes[glueValue], 10, 32)
			if err == nil {
				scale, opts = n, append(opts, schema.WithParam(glueScale, notes[glueValue]))
			}
		}
		plan.glueDecimal = true
		return logicalField(plan, schema.DecimalOf(int32(scale), opts...)), nil
	default:
		s, inner, err := c.message(f.Message(), string(full))
		plan.message = inner
		return s, err
	}
}

// emptyUnion is the struct of a oneof that is there although none of its fields is.
type emptyUnion struct {
	index  int
	schema *schema.Schema
}

// sorted are all messages of the file, those inside of others too, in the order of their full names: how Glue numbers them.
func (s *Schema) sorted() []protoreflect.MessageDescriptor {
	var all []protoreflect.MessageDescriptor
	var add func(in protoreflect.MessageDescriptors)
	add = func(in protoreflect.MessageDescriptors) {
		for i := range in.Len() {
			all = append(all, in.Get(i))
			add(in.Get(i).Messages())
		}
	}
	if s.read != nil {
		add(s.read.Messages())
	}
	slices.SortFunc(all, func(a, b protoreflect.MessageDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return all
}

// glueIndex reads the number that a message has, and how many bytes it takes.
func glueIndex(b []byte) (index uint64, size int, err error) {
	index, size = protowire.ConsumeVarint(b)
	if size < 0 {
		return 0, 0, truncated()
	}
	return index, size, nil
}

// glueRoot finds out how the message of a number is read.
func (d *Decoder) glueRoot(index uint64) (rootPlan, error) {
	all := d.r.sorted()
	if index >= uint64(len(all)) {
		return rootPlan{}, &FormError{glueException, "No corresponding descriptor found for the index: " + strconv.FormatInt(int64(int32(index)), 10)}
	}
	c := glueTo{file: d.r, open: map[protoreflect.FullName]bool{}}
	s, plan, err := c.root(all[index])
	return rootPlan{s, plan}, err
}

const glueException = "com.amazonaws.services.schemaregistry.exception.AWSSchemaRegistryException"
