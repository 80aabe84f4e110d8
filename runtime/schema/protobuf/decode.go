package protobuf

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Decoder reads messages that were written with one file. It is used by one goroutine at a time.
type Decoder struct {
	data    *Data
	w, r    *Schema
	version *int32
	roots   map[string]rootPlan // by indexes as they are written
}

type rootPlan struct {
	schema *schema.Schema
	plan   *fieldPlan
}

// Decoder reads what was written with w as r; a nil r is w. version is the one the schema has in its registry; nil means
// it has none.
func (d *Data) Decoder(w, r *Schema, version *int32) *Decoder {
	if r == nil {
		r = w
	}
	key := decoderKey{w: w, r: r, version: -1}
	if version != nil {
		key.version = *version
	}
	if known, ok := d.decoders[key]; ok {
		return known
	}
	if len(d.decoders) >= max(d.options.CacheSize, 1) {
		clear(d.decoders)
	}
	made := &Decoder{data: d, w: w, r: r, version: version, roots: map[string]rootPlan{}}
	d.decoders[key] = made
	return made
}

// DecodeMessage reads the indexes that say which message it is, and the message. Texts and bytes may share b's memory.
func (d *Decoder) DecodeMessage(b []byte) (*schema.Schema, any, error) {
	n, err := d.data.lengthOf(b)
	if err != nil {
		return nil, nil, err
	}
	root, ok := d.roots[string(b[:n])]
	if !ok {
		if root, err = d.root(b[:n]); err != nil {
			return nil, nil, err
		}
		d.roots[string(b[:n])] = root
	}
	v, err := root.plan.whole(b[n:])
	return root.schema, v, err
}

// whole reads a message that stands alone.
func (f *fieldPlan) whole(b []byte) (any, error) {
	if f.wrapped {
		return f.unwrap(b)
	}
	return f.message.read(f.schema, b, 0)
}

// lengthOf is how many bytes of b say which message it is.
func (d *Data) lengthOf(b []byte) (int, error) {
	if d.options.Glue && !d.options.Paths {
		_, n, err := glueIndex(b)
		return n, err
	}
	return lengthOf(b)
}

func (d *Decoder) root(indexes []byte) (rootPlan, error) {
	if d.data.options.Glue && !d.data.options.Paths {
		index, _, err := glueIndex(indexes)
		if err != nil {
			return rootPlan{}, err
		}
		return d.glueRoot(index)
	}
	path := pathOf(indexes)
	wrong := &FormError{illegalArgument, "Invalid message indexes"}
	if d.w.read == nil || d.r.read == nil {
		return rootPlan{}, wrong
	}
	in := d.w.read.Messages()
	var m protoreflect.MessageDescriptor
	for _, i := range path {
		if i < 0 || i >= in.Len() {
			return rootPlan{}, wrong
		}
		m = in.Get(i)
		in = m.Messages()
	}
	if d.r != d.w {
		if m = d.r.find(m.FullName()); m == nil {
			return rootPlan{}, wrong
		}
	}
	if d.data.options.Glue {
		c := glueTo{file: d.r, open: map[protoreflect.FullName]bool{}}
		s, plan, err := c.root(m)
		return rootPlan{s, plan}, err
	}
	c := toConnect{Options: &d.data.options, meta: d.r.meta, known: map[protoreflect.FullName]*node{}}
	s, plan, err := c.root(m, d.version)
	return rootPlan{s, plan}, err
}

// find returns the file's message of that name, or nil.
func (s *Schema) find(name protoreflect.FullName) protoreflect.MessageDescriptor {
	var m protoreflect.MessageDescriptor
	in := s.read.Messages()
	for _, i := range s.path(string(name)) {
		m = in.Get(i)
		in = m.Messages()
	}
	return m
}

// messagePlan says how the fields of a message are read. It may contain itself.
type messagePlan struct {
	byNumber map[protowire.Number]*fieldPlan
	fields   []*fieldPlan
	width    int // of the struct
	required int // how many fields must be there
	// partial tells that a field may stay nil although its schema is not optional.
	partial bool
	empty   []emptyUnion
}

func (m *messagePlan) add(f protoreflect.FieldDescriptor, p *fieldPlan) {
	m.byNumber[f.Number()] = p
	m.fields = append(m.fields, p)
	if p.required {
		m.required++
	}
	if p.inner < 0 && p.presence && !p.generate && p.schema != nil && !p.schema.Optional {
		m.partial = true
	}
}

// fieldPlan says how a field is read.
type fieldPlan struct {
	kind   protoreflect.Kind
	target schema.Type
	schema *schema.Schema // of a single value
	index  int            // in the struct
	inner  int            // in the union that stands at index, or -1
	union  *schema.Schema
	oneof  []*fieldPlan // all of the oneof

	repeated, isMap, logical, wrapped bool
	glueDecimal                       bool
	presence, required, strict        bool
	generate                          bool // what is not there becomes its default
	closed                            bool // an enum's unknown values count as unknown fields
	symbols                           map[int32]string
	unknown                           string
	fallback                          any
	message, entry                    *messagePlan
}

// deepestMessage is how many messages may stand in each other, as in Java's library.
const deepestMessage = 100

func (m *messagePlan) read(s *schema.Schema, b []byte, depth int) (*schema.Struct, error) {
	values := make([]any, m.width)
	if err := m.collect(values, b, depth); err != nil {
		return nil, err
	}
	return schema.StructFrom(s, values), nil
}

// collect reads the fields into values and fills in what is not there.
func (m *messagePlan) collect(values []any, b []byte, depth int) error {
	if depth > deepestMessage {
		return &FormError{invalidBuffer, "Protocol message had too many levels of nesting.  May be malicious. " +
			" Use setRecursionLimit() to increase the recursion depth limit."}
	}
	seen, all := 0, b
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badTag(b)
		}
		b = b[n:]
		if typ == protowire.EndGroupType {
			return &FormError{invalidBuffer, "Protocol message end-group tag did not match expected tag."}
		}
		n = protowire.ConsumeFieldValue(number, typ, b)
		if n < 0 {
			return truncated()
		}
		if f := m.byNumber[number]; f != nil {
			had := f.required && values[f.index] != nil
			value := b[:n]
			if f.merges(values, typ) {
				value = merged(all[:len(all)-len(b)+n], number)
			}
			if err := f.read(values, typ, value, depth); err != nil {
				return err
			}
			if f.required && !had && values[f.index] != nil {
				seen++
			}
		}
		b = b[n:]
	}
	if seen < m.required {
		return &FormError{invalidBuffer, "Message missing required fields"}
	}
	return m.fill(values, depth)
}

// merges tells whether a message adds to one that was read before, instead of replacing it.
func (f *fieldPlan) merges(values []any, typ protowire.Type) bool {
	return typ == protowire.BytesType && (f.message != nil || f.logical) && !f.repeated && f.oneof == nil && values[f.index] != nil
}

// merged is all that stands under one number, as one value: messages one after the other are the merged message.
func merged(b []byte, number protowire.Number) []byte {
	var parts []byte
	_ = eachField(b, func(n protowire.Number, typ protowire.Type, value []byte) error {
		if n == number && typ == protowire.BytesType {
			part, _ := protowire.ConsumeBytes(value)
			parts = append(parts, part...)
		}
		return nil
	})
	return protowire.AppendBytes(nil, parts)
}

// fill sets what was not there.
func (m *messagePlan) fill(values []any, depth int) error {
	for _, f := range m.fields {
		if values[f.index] != nil || f.inner >= 0 || f.oneof != nil {
			continue
		}
		switch {
		case f.isMap:
			values[f.index] = schema.NewHashMap(0)
		case f.repeated:
			values[f.index] = []any{}
		case f.presence && !f.generate:
		case f.logical || f.message != nil:
			v, err := f.nested(nil, depth)
			if err != nil {
				return err
			}
			values[f.index] = v
		default:
			values[f.index] = f.fallback
		}
	}
	for _, u := range m.empty {
		if values[u.index] == nil {
			values[u.index] = schema.NewStruct(u.schema)
		}
	}
	return nil
}

// nested reads a message that is the value of a field.
func (f *fieldPlan) nested(b []byte, depth int) (any, error) {
	if f.glueDecimal {
		return glueDecimalOf(b)
	}
	if f.logical {
		return logicalValue(f.schema, b)
	}
	s, err := f.message.read(f.schema, b, depth+1)
	if err == nil && f.message.partial {
		err = s.Validate()
	}
	return s, err
}

// read reads one value, which is whole, into its place.
func (f *fieldPlan) read(values []any, typ protowire.Type, b []byte, depth int) error {
	if f.repeated && typ == protowire.BytesType && wireType(f.kind) != protowire.BytesType && !f.wrapped && !f.logical {
		return f.readPacked(values, b)
	}
	v, ok, err := f.value(values, typ, b, depth)
	if err != nil || !ok {
		return err
	}
	switch {
	case f.repeated:
		list, _ := values[f.index].([]any)
		values[f.index] = append(list, v)
	case f.inner >= 0:
		union := make([]any, len(f.oneof))
		union[f.inner] = v
		made := schema.StructFrom(f.union, union)
		if err := made.Validate(); err != nil {
			return err
		}
		values[f.index] = made
	default:
		for _, other := range f.oneof {
			values[other.index] = nil
		}
		values[f.index] = v
	}
	return nil
}

// value reads one value. ok is false for what is not of the field's type, which counts as a field nobody knows.
func (f *fieldPlan) value(values []any, typ protowire.Type, b []byte, depth int) (v any, ok bool, err error) {
	if f.isMap || f.logical || f.wrapped || f.message != nil {
		if typ != protowire.BytesType {
			return nil, false, nil
		}
		b, _ = protowire.ConsumeBytes(b)
		switch {
		case f.isMap:
			return nil, false, f.readEntry(values, b, depth)
		case f.wrapped:
			v, err = f.unwrap(b)
		default:
			v, err = f.nested(b, depth)
		}
		return v, err == nil, err
	}
	if typ != wireType(f.kind) {
		return nil, false, nil
	}
	switch f.kind {
	case protoreflect.StringKind:
		b, _ = protowire.ConsumeBytes(b)
		v, err = f.text(b)
		return v, err == nil, err
	case protoreflect.BytesKind:
		b, _ = protowire.ConsumeBytes(b)
		if b == nil {
			b = []byte{}
		}
		return b, true, nil
	}
	v, ok = f.number(bitsOf(typ, b))
	return v, ok, nil
}

func (f *fieldPlan) text(b []byte) (any, error) {
	switch {
	case utf8.Valid(b):
		return string(b), nil
	case f.strict:
		return nil, &FormError{invalidBuffer, "Protocol message had invalid UTF-8."}
	}
	return schema.RepairUTF8(b), nil
}

func (f *fieldPlan) readPacked(values []any, b []byte) error {
	b, _ = protowire.ConsumeBytes(b)
	list, _ := values[f.index].([]any)
	typ := wireType(f.kind)
	for len(b) > 0 {
		n := protowire.ConsumeFieldValue(1, typ, b)
		if n < 0 {
			return truncated()
		}
		if v, ok := f.number(bitsOf(typ, b[:n])); ok {
			list = append(list, v)
		}
		b = b[n:]
	}
	if list != nil {
		values[f.index] = list
	}
	return nil
}

func (f *fieldPlan) readEntry(values []any, b []byte, depth int) error {
	var entry [2]any
	if err := f.entry.collect(entry[:], b, depth+1); err != nil {
		return err
	}
	m, _ := values[f.index].(*schema.Map)
	if m == nil {
		m = schema.NewHashMap(0)
		values[f.index] = m
	}
	m.Set(entry[0], entry[1])
	return nil
}

// unwrap reads the value of a wrapper message.
func (f *fieldPlan) unwrap(b []byte) (any, error) {
	inner := fieldPlan{kind: f.kind, target: f.target, strict: true}
	v := zero(f.target)
	err := eachField(b, func(number protowire.Number, typ protowire.Type, b []byte) error {
		if number != 1 {
			return nil
		}
		read, ok, err := inner.value(nil, typ, b, 0)
		if ok {
			v = read
		}
		return err
	})
	return v, err
}
