package protobuf

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

func bitsOf(typ protowire.Type, b []byte) uint64 {
	switch typ {
	case protowire.Fixed32Type:
		n, _ := protowire.ConsumeFixed32(b)
		return uint64(n)
	case protowire.Fixed64Type:
		n, _ := protowire.ConsumeFixed64(b)
		return n
	}
	n, _ := protowire.ConsumeVarint(b)
	return n
}

// number makes a value of the bits of a number, a boolean or an enum.
func (f *fieldPlan) number(bits uint64) (any, bool) {
	switch f.kind {
	case protoreflect.BoolKind:
		return bits != 0, true
	case protoreflect.FloatKind:
		return math.Float32frombits(uint32(bits)), true
	case protoreflect.DoubleKind:
		return math.Float64frombits(bits), true
	case protoreflect.EnumKind:
		n := int32(bits)
		if _, known := f.symbols[n]; !known && f.closed {
			return nil, false
		}
		return f.symbol(n), true
	}
	return f.integer(bits), true
}

func (f *fieldPlan) integer(bits uint64) any {
	var n int64
	switch f.kind {
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		n = int64(int32(bits))
	case protoreflect.Sint32Kind:
		n = int64(int32(protowire.DecodeZigZag(bits & math.MaxUint32)))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n = int64(uint32(bits))
	case protoreflect.Sint64Kind:
		n = protowire.DecodeZigZag(bits)
	default:
		n = int64(bits)
	}
	switch f.target {
	case schema.Int8:
		return int8(n)
	case schema.Int16:
		return int16(n)
	case schema.Int32:
		return int32(n)
	}
	return n
}

func (f *fieldPlan) symbol(n int32) any {
	if f.target == schema.Int32 {
		return n
	}
	if name, ok := f.symbols[n]; ok {
		return name
	}
	return f.unknown + strconv.Itoa(int(n))
}

// zero is the default of a scalar type.
func zero(t schema.Type) any {
	switch t {
	case schema.Int8:
		return int8(0)
	case schema.Int16:
		return int16(0)
	case schema.Int32:
		return int32(0)
	case schema.Int64:
		return int64(0)
	case schema.Float32:
		return float32(0)
	case schema.Float64:
		return float64(0)
	case schema.Boolean:
		return false
	case schema.String:
		return ""
	}
	return []byte{}
}

// scalarDefault is the default that a field declares, or its type's.
func scalarDefault(f protoreflect.FieldDescriptor, t schema.Type) any {
	if !f.HasDefault() {
		return zero(t)
	}
	v := f.Default()
	switch f.Kind() {
	case protoreflect.StringKind:
		return v.String()
	case protoreflect.BytesKind:
		return v.Bytes()
	case protoreflect.BoolKind:
		return v.Bool()
	case protoreflect.FloatKind:
		return float32(v.Float())
	case protoreflect.DoubleKind:
		return v.Float()
	}
	var n int64
	switch i := v.Interface().(type) {
	case int32:
		n = int64(i)
	case int64:
		n = i
	case uint32:
		n = int64(i)
	case uint64:
		n = int64(i)
	}
	return (&fieldPlan{kind: protoreflect.Int64Kind, target: t}).integer(uint64(n))
}
