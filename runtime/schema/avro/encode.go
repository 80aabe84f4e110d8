package avro

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Encoder writes Connect values of one schema in Avro's binary form of another. It may be used by any number of goroutines.
type Encoder struct{ root *encoder }

// Append appends the binary form of v. A schema.Error says that v is not of the Connect schema, a FormError that the Avro
// schema has no place for it.
func (e *Encoder) Append(dst []byte, v any) ([]byte, error) { return e.root.append(dst, v) }

// AppendMessage appends the form of a whole message, which is that of Append but for bytes: alone they stand without their
// length.
func (e *Encoder) AppendMessage(dst []byte, v any) ([]byte, error) {
	if e.root.step != writeBytes || e.root.prefix != nil || v == nil {
		return e.root.append(dst, v)
	}
	if e.root.logical {
		var err error
		if v, err = toPhysical(e.root.connect, v); err != nil {
			return nil, err
		}
	}
	b, ok := v.([]byte)
	if !ok {
		return nil, e.root.wrongType(v)
	}
	return append(dst, b...), nil
}

// step is what an encoder does with a value that is not nil.
type step uint8

const (
	fail step = iota
	writeInt8
	writeInt16
	writeInt32
	writeInt64
	writeFloat32
	writeFloat64
	writeBool
	writeString
	writeBytes
	writeFixed
	writeEnum
	writeArray
	writeMap
	writeEntries
	writeStruct
	writeUnion
	writeAnything
)

// encoder writes the values of one place in a schema.
type encoder struct {
	step     step
	connect  *schema.Schema
	logical  bool   // the value is that of a logical type
	optional bool   // by the Connect schema
	null     []byte // what stands for nil, if nothing is wrong with nil
	nullErr  error
	prefix   []byte // the number of the branch in a union around it
	number   Type   // how numbers are written
	err      error  // why there is no way to write a value
	fields   []encoderField
	missing  error // the record to be written has more fields
	key      *encoder
	items    *encoder
	symbols  map[string]int
	size     int
	plain    bool // of nulls of optional fields with a default: keep them
}

type encoderField struct {
	index int // in the struct
	*encoder
}

func (e *encoder) append(dst []byte, v any) ([]byte, error) {
	if v == nil {
		switch {
		case e.step == writeAnything:
			return appendAnything(dst, nil)
		case !e.optional:
			return nil, schema.Errorf("Found null value for non-optional schema")
		case e.nullErr != nil:
			return nil, e.nullErr
		}
		return append(dst, e.null...), nil
	}
	dst = append(dst, e.prefix...)
	if e.logical {
		return e.appendLogical(dst, v)
	}
	return e.appendValue(dst, v)
}

// appendLogical spares the common types the way through an interface.
func (e *encoder) appendLogical(dst []byte, v any) ([]byte, error) {
	t, isTime := v.(time.Time)
	if isTime && e.step == writeInt64 && e.number == Long && e.connect.Name == schema.TimestampName {
		return appendLong(dst, schema.EpochMillis(t)), nil
	}
	physical, err := toPhysical(e.connect, v)
	if err != nil {
		return nil, err
	}
	return e.appendValue(dst, physical)
}

func (e *encoder) appendValue(dst []byte, v any) ([]byte, error) {
	switch e.step {
	case writeInt8:
		if n, ok := v.(int8); ok {
			return e.appendInt(dst, int64(n))
		}
	case writeInt16:
		if n, ok := v.(int16); ok {
			return e.appendInt(dst, int64(n))
		}
	case writeInt32:
		if n, ok := v.(int32); ok {
			return e.appendInt(dst, int64(n))
		}
	case writeInt64:
		if n, ok := v.(int64); ok {
			return e.appendInt(dst, n)
		}
	case writeFloat32:
		if f, ok := v.(float32); ok {
			return e.appendFloat(dst, float64(f))
		}
	case writeFloat64:
		if f, ok := v.(float64); ok {
			return e.appendFloat(dst, f)
		}
	case writeBool:
		if b, ok := v.(bool); ok {
			if b {
				return append(dst, 1), nil
			}
			return append(dst, 0), nil
		}
	case writeString:
		if s, ok := v.(string); ok {
			return appendString(dst, s), nil
		}
	case writeBytes:
		if b, ok := v.([]byte); ok {
			return appendBytes(dst, b), nil
		}
	default:
		return e.appendOther(dst, v)
	}
	return nil, e.wrongType(v)
}

func (e *encoder) appendOther(dst []byte, v any) ([]byte, error) {
	switch e.step {
	case writeFixed:
		if b, ok := v.([]byte); ok {
			if len(b) != e.size {
				return nil, outOfBounds(int64(len(b)), e.size)
			}
			return append(dst, b...), nil
		}
	case writeEnum:
		if s, ok := v.(string); ok {
			return e.appendSymbol(dst, s)
		}
	case writeArray:
		if list, ok := v.([]any); ok {
			return e.appendArray(dst, list)
		}
	case writeMap, writeEntries:
		if m, ok := v.(*schema.Map); ok {
			return e.appendMap(dst, m)
		}
	case writeStruct, writeUnion:
		if s, ok := v.(*schema.Struct); ok {
			return e.appendStruct(dst, s)
		}
	case writeAnything:
		return appendAnything(dst, v)
	default:
		if schema.TypeOf(v) == e.connect.Type {
			return nil, e.err
		}
	}
	return nil, e.wrongType(v)
}

func (e *encoder) wrongType(v any) error {
	return schema.Errorf("Invalid type for %s: class %s", e.connect.Type, schema.JavaClass(v))
}

func (e *encoder) appendInt(dst []byte, n int64) ([]byte, error) {
	switch e.number {
	case Int:
		return appendLong(dst, int64(int32(n))), nil
	case Long:
		return appendLong(dst, n), nil
	case Float:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(n))), nil
	default:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(float64(n))), nil
	}
}

// appendFloat writes a number; one that was a float32 stays what it was.
func (e *encoder) appendFloat(dst []byte, f float64) ([]byte, error) {
	switch e.number {
	case Float:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
	case Double:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), nil
	case Int:
		return appendLong(dst, saturate(f, math.MinInt32, math.MaxInt32)), nil
	default:
		return appendLong(dst, saturate(f, math.MinInt64, math.MaxInt64)), nil
	}
}

// saturate is Java's conversion of a floating-point number to an integer.
func saturate(f float64, low, high int64) int64 {
	switch {
	case f != f:
		return 0
	case f <= float64(low):
		return low
	case f >= float64(high):
		return high
	}
	return int64(f)
}

func (e *encoder) appendSymbol(dst []byte, symbol string) ([]byte, error) {
	i, ok := e.symbols[symbol]
	if !ok {
		return nil, &FormError{"org.apache.avro.AvroTypeException", "enum value '" + symbol + "' is not in the enum symbol set"}
	}
	return appendLong(dst, int64(i)), nil
}

func (e *encoder) appendArray(dst []byte, list []any) (_ []byte, err error) {
	if len(list) > 0 {
		dst = appendLong(dst, int64(len(list)))
	}
	for _, v := range list {
		if dst, err = e.items.append(dst, v); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

// appendMap writes the entries in the order in which Java has them: a map with texts as keys goes through a HashMap there.
func (e *encoder) appendMap(dst []byte, m *schema.Map) (_ []byte, err error) {
	if m.Len() > 0 {
		dst = appendLong(dst, int64(m.Len()))
	}
	if e.step == writeMap && m.Len() > 1 {
		sorted := schema.NewHashMap(0)
		sorted.Reserve(m.Len())
		for k, v := range m.All() {
			sorted.Set(k, v)
		}
		m = sorted
	}
	for k, v := range m.All() {
		if e.key != nil {
			dst, err = e.key.append(dst, k)
		} else if text, ok := k.(string); ok {
			dst = appendString(dst, text)
		} else {
			err = e.wrongType(m)
		}
		if err != nil {
			return nil, err
		}
		if dst, err = e.items.append(dst, v); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

func (e *encoder) appendStruct(dst []byte, s *schema.Struct) (_ []byte, err error) {
	if s.Schema() != e.connect && !s.Schema().Equal(e.connect) {
		return nil, schema.Errorf("Mismatching struct schema")
	}
	if e.step == writeUnion {
		return e.appendBranch(dst, s)
	}
	for i := range e.fields {
		f := &e.fields[i]
		v := s.Raw(f.index)
		if v == nil && !f.plain {
			v = f.connect.Default
		}
		if dst, err = f.append(dst, v); err != nil {
			return nil, err
		}
	}
	return dst, e.missing
}

// appendBranch writes the field of a union's struct that is set.
func (e *encoder) appendBranch(dst []byte, s *schema.Struct) ([]byte, error) {
	for i := range e.fields {
		if v := s.At(i); v != nil {
			return e.fields[i].append(dst, v)
		}
	}
	if !e.optional {
		return nil, schema.Errorf("Found null value for non-optional schema")
	}
	return append(dst, e.null...), e.nullErr
}
