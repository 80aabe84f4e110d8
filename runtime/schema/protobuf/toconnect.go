package protobuf

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// toConnect makes the Connect schema of a message, and with it how the message is read.
type toConnect struct {
	*Options
	meta  metas
	known map[protoreflect.FullName]*node
	later []later
}

// node is a message that was met, in the form that its first place gave it.
type node struct {
	schema *schema.Schema
	plan   *messagePlan
}

// later is a further place of a message. Its schema is filled when all is known, since the message may contain itself.
type later struct {
	place *schema.Schema
	node  *node
	tag   string // "" if the place has none
}

// root makes the schema and the plan of a whole message. version may be nil.
func (c *toConnect) root(m protoreflect.MessageDescriptor, version *int32) (*schema.Schema, *fieldPlan, error) {
	if kind, ok := unwrapped(m.FullName()); ok && c.WrapperForRawPrimitives {
		s := schema.Of(typeOf(kind))
		s.Version = version
		return s, &fieldPlan{kind: kind, target: s.Type, schema: s, wrapped: true}, nil
	}
	n, err := c.message(m, version)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range c.later {
		*l.place = *l.schema()
	}
	return n.schema, &fieldPlan{kind: protoreflect.MessageKind, schema: n.schema, message: n.plan}, nil
}

// schema is that of the first place, with the number of its own field.
func (l later) schema() *schema.Schema {
	if l.tag == "" {
		return l.node.schema.With()
	}
	return l.node.schema.With(schema.WithParam(tagParam, l.tag))
}

func (c *toConnect) message(m protoreflect.MessageDescriptor, version *int32) (*node, error) {
	n := &node{schema: &schema.Schema{}, plan: &messagePlan{byNumber: map[protowire.Number]*fieldPlan{}}}
	c.known[m.FullName()] = n
	var fields []schema.Field
	oneofs := m.Oneofs()
	for i := range oneofs.Len() {
		if o := oneofs.Get(i); !o.IsSynthetic() {
			more, err := c.oneof(n.plan, o, len(fields))
			if err != nil {
				return nil, err
			}
			fields = append(fields, more...)
		}
	}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() || f.Kind() == protoreflect.GroupKind {
			continue
		}
		s, plan, err := c.field(f)
		if err != nil {
			return nil, err
		}
		plan.index, plan.inner = len(fields), -1
		n.plan.add(f, plan)
		fields = append(fields, schema.F(string(f.Name()), s))
	}
	made, err := schema.NewStructOf(fields, schema.Named(c.name(m)))
	if err != nil {
		return nil, err
	}
	made.Version = version
	optional := n.schema.Optional
	*n.schema = *made
	n.schema.Optional = optional
	n.plan.width = len(fields)
	return n, nil
}

// name is what a message or an enum is called.
func (c *toConnect) name(d protoreflect.Descriptor) string {
	if c.Enhanced {
		return string(d.FullName())
	}
	return string(d.Name())
}

// oneof makes the fields of a oneof: one struct that holds them, or all of them.
func (c *toConnect) oneof(plan *messagePlan, o protoreflect.OneofDescriptor, at int) ([]schema.Field, error) {
	var fields []schema.Field
	plans := make([]*fieldPlan, o.Fields().Len())
	for i := range o.Fields().Len() {
		f := o.Fields().Get(i)
		s, p, err := c.field(f)
		if err != nil {
			return nil, err
		}
		p.presence = true
		p.index, p.inner, p.oneof = at, i, plans
		if c.FlattenUnions {
			p.index, p.inner = at+i, -1
		}
		plans[i] = p
		plan.add(f, p)
		fields = append(fields, schema.F(string(f.Name()), s))
	}
	if c.FlattenUnions {
		return fields, nil
	}
	opts := []schema.Option{schema.Optional()}
	if c.GeneralizedSums {
		opts = append(opts, schema.Named(string(o.Name())), schema.WithParam(schema.GeneralizedUnion, string(o.Name())))
	} else {
		opts = append(opts, schema.Named(unionPrefix+c.name(o)))
	}
	union, err := schema.NewStructOf(fields, opts...)
	if err != nil {
		return nil, err
	}
	for _, p := range plans {
		p.union = union
	}
	name := string(o.Name())
	if c.IndexForUnions {
		name += "_" + strconv.Itoa(o.Index())
	}
	return []schema.Field{schema.F(name, union)}, nil
}

// field makes the schema and the plan of a field. The plan has no place yet.
func (c *toConnect) field(f protoreflect.FieldDescriptor) (*schema.Schema, *fieldPlan, error) {
	tag := strconv.Itoa(int(f.Number()))
	plan := &fieldPlan{
		kind: f.Kind(), presence: f.HasPresence(), required: f.Cardinality() == protoreflect.Required,
		strict: f.ParentFile().Syntax() == protoreflect.Proto3, generate: c.StructForNulls,
	}
	if f.Kind() != protoreflect.MessageKind && plan.presence && !c.isOptional(f) {
		plan.generate = true // what is not there is its default
	}
	repeated := f.IsList() || f.IsMap()
	if repeated && isEntry(f) {
		s, err := c.mapOf(f, plan)
		if err != nil {
			return nil, nil, err
		}
		return s.With(schema.WithParam(tagParam, tag)), plan, nil
	}
	elementTag := tag
	if repeated {
		elementTag = ""
	}
	s, err := c.element(f, plan, elementTag)
	if err != nil {
		return nil, nil, err
	}
	if repeated {
		if !s.Optional {
			s = s.With(schema.Optional())
		}
		plan.repeated, plan.schema = true, s
		return schema.ArrayOf(s, schema.Optional(), schema.WithParam(tagParam, tag)), plan, nil
	}
	if f.Kind() == protoreflect.MessageKind && plan.message != nil {
		return s, plan, nil // the place of a message has its number already
	}
	opts := []schema.Option{schema.WithParam(tagParam, tag)}
	if c.nullable(f) {
		opts = append(opts, schema.Optional())
	}
	plan.schema = s.With(opts...)
	return plan.schema, plan, nil
}

// isOptional tells whether a field of a scalar type that is not there is null.
func (c *toConnect) isOptional(f protoreflect.FieldDescriptor) bool {
	if f.ParentFile().Syntax() == protoreflect.Proto2 {
		return c.OptionalForProto2 && f.HasOptionalKeyword()
	}
	return f.HasOptionalKeyword()
}

func (c *toConnect) nullable(f protoreflect.FieldDescriptor) bool {
	if c.OptionalForNullables {
		return f.HasOptionalKeyword()
	}
	return !c.WrapperForNullables
}

// element makes the schema of a field's values, one by one.
func (c *toConnect) element(f protoreflect.FieldDescriptor, plan *fieldPlan, tag string) (*schema.Schema, error) {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return c.messageField(f, plan, tag)
	case protoreflect.EnumKind:
		return c.enumField(f, plan), nil
	}
	t := typeOf(f.Kind())
	var opts []schema.Option
	switch kind := f.Kind(); kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		switch c.meta[f.FullName()][metaType] {
		case "int8":
			t = schema.Int8
		case "int16":
			t = schema.Int16
		default:
			if kind != protoreflect.Int32Kind {
				opts = append(opts, schema.WithParam(typeParam, kind.String()))
			}
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Sint64Kind,
		protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		opts = append(opts, schema.WithParam(typeParam, kind.String()))
	}
	plan.target = t
	plan.fallback = scalarDefault(f, t)
	return schema.Of(t, opts...), nil
}

// typeOf is the type of values of a scalar kind.
func typeOf(k protoreflect.Kind) schema.Type {
	switch {
	case k == protoreflect.Uint32Kind || k == protoreflect.Fixed32Kind || isInt64(k):
		return schema.Int64
	case isInt32(k):
		return schema.Int32
	}
	switch k {
	case protoreflect.DoubleKind:
		return schema.Float64
	case protoreflect.FloatKind:
		return schema.Float32
	case protoreflect.BoolKind:
		return schema.Boolean
	case protoreflect.StringKind:
		return schema.String
	}
	return schema.Bytes
}

func (c *toConnect) enumField(f protoreflect.FieldDescriptor, plan *fieldPlan) *schema.Schema {
	e := f.Enum()
	param := c.Options.enum()
	t := schema.String
	if c.IntForEnums {
		t = schema.Int32
	}
	opts := []schema.Option{schema.Optional(), schema.Named(c.name(e)), schema.WithParam(param, string(e.Name()))}
	plan.target = t
	plan.readEnum(f)
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		opts = append(opts, schema.WithParam(param+"."+string(v.Name()), strconv.Itoa(int(v.Number()))))
	}
	return schema.Of(t, opts...)
}

// readEnum says how the values of an enum are read, which is as texts unless the plan has another type already.
func (f *fieldPlan) readEnum(field protoreflect.FieldDescriptor) {
	e := field.Enum()
	f.symbols = map[int32]string{}
	f.unknown = "UNKNOWN_ENUM_VALUE_" + string(e.Name()) + "_"
	f.closed = field.ParentFile().Syntax() == protoreflect.Proto2
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		if _, ok := f.symbols[int32(v.Number())]; !ok {
			f.symbols[int32(v.Number())] = string(v.Name())
		}
	}
	if d := field.DefaultEnumValue(); d != nil {
		f.fallback = f.symbol(int32(d.Number()))
	}
}

func (c *toConnect) messageField(f protoreflect.FieldDescriptor, plan *fieldPlan, tag string) (*schema.Schema, error) {
	full := f.Message().FullName()
	switch full {
	case decimalType:
		return logicalField(plan, c.decimal(f)), nil
	case dateType:
		return logicalField(plan, schema.DateOf(schema.Optional())), nil
	case timeType:
		return logicalField(plan, schema.TimeOf(schema.Optional())), nil
	case timestampType:
		return logicalField(plan, schema.TimestampOf(schema.Optional())), nil
	}
	if kind, ok := unwrapped(full); ok && (c.WrapperForRawPrimitives || c.WrapperForNullables) {
		plan.kind, plan.target, plan.wrapped = kind, typeOf(kind), true
		plan.fallback = zero(plan.target)
		return schema.Of(plan.target, schema.Optional()), nil
	}
	if n := c.known[full]; n != nil {
		n.schema.Optional = true
		place := &schema.Schema{}
		c.later = append(c.later, later{place, n, tag})
		plan.schema, plan.message = place, n.plan
		place.Optional = true
		return place, nil
	}
	n, err := c.message(f.Message(), nil)
	if err != nil {
		return nil, err
	}
	n.schema.Optional = true
	if tag != "" {
		schema.WithParam(tagParam, tag)(n.schema)
	}
	plan.schema, plan.message = n.schema, n.plan
	return n.schema, nil
}

func logicalField(plan *fieldPlan, s *schema.Schema) *schema.Schema {
	plan.logical, plan.schema = true, s
	return s
}

func (c *toConnect) decimal(f protoreflect.FieldDescriptor) *schema.Schema {
	notes := c.meta[f.FullName()]
	scale, err := strconv.ParseInt(notes[metaScale], 10, 32)
	if err != nil {
		scale = 0 // as if it were not there
	}
	opts := []schema.Option{schema.Optional()}
	if digits, err := strconv.ParseInt(notes[metaPrecision], 10, 32); err == nil {
		opts = append(opts, schema.WithParam(precisionParam, strconv.FormatInt(digits, 10)))
	}
	return schema.DecimalOf(int32(scale), opts...)
}

// isEntry tells whether the messages of a repeated field are the entries of a map.
func isEntry(f protoreflect.FieldDescriptor) bool {
	if f.Kind() != protoreflect.MessageKind {
		return false
	}
	m := f.Message()
	name := string(m.Name())
	fields := m.Fields()
	return len(name) >= len(entrySuffix) && name[len(name)-len(entrySuffix):] == entrySuffix && fields.Len() == 2 &&
		fields.Get(0).Name() == keyField && fields.Get(1).Name() == valueField &&
		fields.Get(0).Cardinality() != protoreflect.Repeated && fields.Get(1).Cardinality() != protoreflect.Repeated
}

func (c *toConnect) mapOf(f protoreflect.FieldDescriptor, plan *fieldPlan) (*schema.Schema, error) {
	entry := f.Message()
	var parts [2]*schema.Schema
	plan.isMap = true
	plan.entry = &messagePlan{byNumber: map[protowire.Number]*fieldPlan{}, width: 2}
	for i := range parts {
		part := entry.Fields().Get(i)
		s, p, err := c.field(part)
		if err != nil {
			return nil, err
		}
		p.index, p.inner, p.presence, p.generate = i, -1, false, true
		plan.entry.add(part, p)
		parts[i] = s
	}
	name := string(entry.Name())
	if c.Enhanced {
		name = string(entry.FullName())
	}
	return schema.NewMapOf(parts[0], parts[1], schema.Optional(), schema.Named(fromEntry(name)))
}
