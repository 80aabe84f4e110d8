package protobuf

import (
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Encoder writes Connect values of one schema as messages. It may be used by any number of goroutines.
type Encoder struct {
	// Name is the message's full name.
	Name string

	indexes []byte
	root    *encoder
}

// AppendMessage appends the indexes that say which message of the file it is, and the message. A schema.Error says that v
// is not of the Connect schema, a FormError that the message has no place for it. v is not nil.
func (e *Encoder) AppendMessage(dst []byte, v any) ([]byte, error) {
	dst = append(dst, e.indexes...)
	return e.root.append(dst, v)
}

// append appends a message: a struct, or what stands for another value.
func (e *encoder) append(dst []byte, v any) ([]byte, error) {
	switch {
	case e.err != nil:
		return nil, e.err
	case e.logical && e.glue:
		return appendGlueLogical(dst, e.connect, v)
	case e.logical:
		return appendLogical(dst, e.connect, v)
	case e.wrapped:
		return e.appendScalar(dst, 1, false, v)
	}
	return e.appendStruct(dst, v)
}

func (e *encoder) appendStruct(dst []byte, v any) ([]byte, error) {
	s, ok := v.(*schema.Struct)
	if !ok {
		return nil, e.wrongType(v)
	}
	if s.Schema() != e.connect && !s.Schema().Equal(e.connect) {
		return nil, schema.Errorf("Mismatching struct schema")
	}
	if e.same != nil {
		e = e.same
	}
	for _, a := range e.absent {
		if e.field(s, a.index) != nil {
			return nil, schema.Errorf("Cannot find field with name %s", a.name)
		}
	}
	for i := range e.fields {
		f := &e.fields[i]
		v := e.field(s, f.index)
		if v != nil && f.inner >= 0 {
			var err error
			if v, err = f.ofUnion(v, e.glue); err != nil {
				return nil, err
			}
		}
		if v == nil {
			if err := f.mayBeNull(); err != nil {
				return nil, err
			}
			continue
		}
		var err error
		if dst, err = f.append(dst, v); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// mayBeNull tells what is wrong with a null, if that is asked.
func (f *fieldEncoder) mayBeNull() error {
	if f.of == nil || f.of.Optional {
		return nil
	}
	return schema.Errorf("Field data cannot be null for non-optional field. %s: %s", f.of.Type, f.name)
}

func (e *encoder) field(s *schema.Struct, i int) any {
	if e.plain && s.Schema().Fields[i].Schema.Optional {
		return s.Raw(i)
	}
	return s.At(i)
}

// ofUnion returns the value in the union if it is the first that is there, which is the one that counts.
func (f *fieldEncoder) ofUnion(v any, glue bool) (any, error) {
	u, ok := v.(*schema.Struct)
	if !ok {
		return nil, schema.Errorf("Invalid type for STRUCT: class %s", schema.JavaClass(v))
	}
	if glue {
		return f.ofOneof(u), nil
	}
	for i := range u.Schema().Fields {
		if v := u.At(i); v != nil {
			if i == f.inner {
				return v, nil
			}
			return nil, nil
		}
	}
	return nil, schema.Errorf("Cannot find non-null field")
}

// ofOneof returns the value in a oneof if it is the last that is there, which is the one that counts with Glue.
func (f *fieldEncoder) ofOneof(u *schema.Struct) any {
	for i := len(u.Schema().Fields) - 1; i > f.inner; i-- {
		if u.At(i) != nil {
			return nil
		}
	}
	return u.At(f.inner)
}

func (f *fieldEncoder) append(dst []byte, v any) ([]byte, error) {
	switch {
	case f.entry != nil:
		return f.appendMap(dst, v)
	case f.repeated:
		return f.appendList(dst, v)
	}
	return f.value.appendField(dst, f.number, f.explicit, v)
}

// appendField appends a field of a value that is no list.
func (e *encoder) appendField(dst []byte, number protowire.Number, explicit bool, v any) ([]byte, error) {
	if e.err == nil && !e.logical && !e.wrapped && e.kind != protoreflect.MessageKind {
		return e.appendScalar(dst, number, explicit, v)
	}
	dst = protowire.AppendTag(dst, number, protowire.BytesType)
	return nested(dst, func(dst []byte) ([]byte, error) { return e.append(dst, v) })
}

// nested appends what write does with its length in front.
func nested(dst []byte, write func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(dst) + 1 // most lengths take one byte
	dst, err := write(append(dst, 0))
	if err != nil {
		return nil, err
	}
	n := len(dst) - start
	if n < 0x80 {
		dst[start-1] = byte(n)
		return dst, nil
	}
	more := protowire.SizeVarint(uint64(n)) - 1
	dst = append(dst, make([]byte, more)...)
	copy(dst[start+more:], dst[start:start+n])
	protowire.AppendVarint(dst[:start-1], uint64(n))
	return dst, nil
}

func (f *fieldEncoder) appendList(dst []byte, v any) ([]byte, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, schema.Errorf("Invalid type for ARRAY: class %s", schema.JavaClass(v))
	}
	if len(list) == 0 {
		return dst, nil
	}
	e := f.value
	if e.err == nil && !e.logical && !e.wrapped && wireType(e.kind) != protowire.BytesType {
		dst = protowire.AppendTag(dst, f.number, protowire.BytesType)
		return nested(dst, func(dst []byte) ([]byte, error) {
			for _, item := range list {
				bits, ok, err := e.bits(item)
				if err != nil {
					return nil, err
				}
				if !ok {
					return nil, nullItem()
				}
				dst = appendBits(dst, e.kind, bits)
			}
			return dst, nil
		})
	}
	for _, item := range list {
		if item == nil {
			return nil, nullItem()
		}
		var err error
		if dst, err = e.appendField(dst, f.number, true, item); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func nullItem() error {
	return schema.NewError("java.lang.NullPointerException", "A list in Protobuf has no place for null", nil)
}

func (f *fieldEncoder) appendMap(dst []byte, v any) ([]byte, error) {
	e := f.entry
	if e.err != nil {
		return nil, e.err
	}
	m, ok := v.(*schema.Map)
	if !ok {
		return nil, e.wrongType(v)
	}
	for key, value := range m.All() {
		dst = protowire.AppendTag(dst, f.number, protowire.BytesType)
		var err error
		dst, err = nested(dst, func(dst []byte) ([]byte, error) {
			for i, part := range []any{key, value} {
				if part == nil {
					if e.fields[i].of != nil {
						return nil, nullItem()
					}
					continue
				}
				var err error
				if dst, err = e.fields[i].append(dst, part); err != nil {
					return nil, err
				}
			}
			return dst, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendScalar appends a field of a scalar type, unless it is the type's default and nobody can tell the difference.
func (e *encoder) appendScalar(dst []byte, number protowire.Number, explicit bool, v any) ([]byte, error) {
	switch e.kind {
	case protoreflect.StringKind:
		s, ok := v.(string)
		if !ok {
			return nil, e.wrongType(v)
		}
		if s == "" && !explicit {
			return dst, nil
		}
		dst = protowire.AppendTag(dst, number, protowire.BytesType)
		if !utf8.ValidString(s) {
			s = schema.RepairUTF8([]byte(s))
		}
		return protowire.AppendString(dst, s), nil
	case protoreflect.BytesKind:
		b, ok := v.([]byte)
		if !ok {
			return nil, e.wrongType(v)
		}
		if len(b) == 0 && !explicit {
			return dst, nil
		}
		dst = protowire.AppendTag(dst, number, protowire.BytesType)
		return protowire.AppendBytes(dst, b), nil
	}
	bits, ok, err := e.bits(v)
	if err != nil {
		return nil, err
	}
	if !ok || bits == 0 && !explicit {
		return dst, nil
	}
	dst = protowire.AppendTag(dst, number, wireType(e.kind))
	return appendBits(dst, e.kind, bits), nil
}

// bits is the value of a number, a boolean or an enum as it stands on the wire. ok is false for an enum that has no such
// value, which is not written at all.
func (e *encoder) bits(v any) (bits uint64, ok bool, err error) {
	switch e.kind {
	case protoreflect.BoolKind:
		b, ok := v.(bool)
		if !ok {
			return 0, false, e.wrongType(v)
		}
		if b {
			return 1, true, nil
		}
		return 0, true, nil
	case protoreflect.EnumKind:
		return e.enumBits(v)
	case protoreflect.FloatKind:
		f, ok := floatOf(v)
		if !ok {
			return 0, false, e.wrongType(v)
		}
		return uint64(math.Float32bits(float32(f))), true, nil
	case protoreflect.DoubleKind:
		f, ok := floatOf(v)
		if !ok {
			return 0, false, e.wrongType(v)
		}
		return math.Float64bits(f), true, nil
	}
	n, ok := numberOf(v)
	if !ok {
		return 0, false, e.wrongType(v)
	}
	switch e.kind {
	case protoreflect.Int32Kind:
		return uint64(int64(int32(n))), true, nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return uint64(uint32(n)), true, nil
	case protoreflect.Sint32Kind:
		return uint64(uint32(protowire.EncodeZigZag(int64(int32(n))))), true, nil
	case protoreflect.Sint64Kind:
		return protowire.EncodeZigZag(n), true, nil
	}
	return uint64(n), true, nil
}

// enumBits is the number of an enum's symbol, or of the number itself.
func (e *encoder) enumBits(v any) (bits uint64, ok bool, err error) {
	n := int32(0)
	if e.connect.Type == schema.String {
		symbol, isText := v.(string)
		if !isText {
			return 0, false, e.wrongType(v)
		}
		if n, ok = e.tags[symbol]; !ok {
			return 0, false, &FormError{illegalArgument, "Wrong object type used with protocol message reflection: the enum has no " + symbol}
		}
	} else {
		wide, isNumber := numberOf(v)
		if !isNumber {
			return 0, false, e.wrongType(v)
		}
		n = int32(wide)
	}
	return uint64(int64(n)), e.values[n], nil
}

func appendBits(dst []byte, k protoreflect.Kind, bits uint64) []byte {
	switch wireType(k) {
	case protowire.Fixed32Type:
		return protowire.AppendFixed32(dst, uint32(bits))
	case protowire.Fixed64Type:
		return protowire.AppendFixed64(dst, bits)
	}
	return protowire.AppendVarint(dst, bits)
}

func floatOf(v any) (float64, bool) {
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	n, ok := numberOf(v)
	return float64(n), ok
}

// wrongType is Connect's error for a value that is not of its schema's type.
func (e *encoder) wrongType(v any) error {
	return schema.Errorf("Invalid type for %s: class %s", e.connect.Type, schema.JavaClass(v))
}
