package convert

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const serializationException = "org.apache.kafka.common.errors.SerializationException"

// Number converts numbers of one Java type, big-endian.
type Number struct {
	name   string // in messages
	class  string // of the deserializer, in messages
	size   int
	schema *schema.Schema
	put    func(b []byte, v any) bool
	get    func(b []byte) any
}

func short() *Number {
	return &Number{
		name: "short", class: "ShortDeserializer", size: 2, schema: schema.Of(schema.Int16, schema.Optional()),
		put: func(b []byte, v any) bool {
			n, ok := v.(int16)
			binary.BigEndian.PutUint16(b, uint16(n))
			return ok
		},
		get: func(b []byte) any { return int16(binary.BigEndian.Uint16(b)) },
	}
}

func integer() *Number {
	return &Number{
		name: "integer", class: "IntegerDeserializer", size: 4, schema: schema.Of(schema.Int32, schema.Optional()),
		put: func(b []byte, v any) bool {
			n, ok := v.(int32)
			binary.BigEndian.PutUint32(b, uint32(n))
			return ok
		},
		get: func(b []byte) any { return int32(binary.BigEndian.Uint32(b)) },
	}
}

func long() *Number {
	return &Number{
		name: "long", class: "LongDeserializer", size: 8, schema: schema.Of(schema.Int64, schema.Optional()),
		put: func(b []byte, v any) bool {
			n, ok := v.(int64)
			binary.BigEndian.PutUint64(b, uint64(n))
			return ok
		},
		get: func(b []byte) any { return int64(binary.BigEndian.Uint64(b)) },
	}
}

func float() *Number {
	return &Number{
		name: "float", class: "Deserializer", size: 4, schema: schema.Of(schema.Float32, schema.Optional()),
		put: func(b []byte, v any) bool {
			n, ok := v.(float32)
			binary.BigEndian.PutUint32(b, math.Float32bits(n))
			return ok
		},
		get: func(b []byte) any { return math.Float32frombits(binary.BigEndian.Uint32(b)) },
	}
}

func double() *Number {
	return &Number{
		name: "double", class: "Deserializer", size: 8, schema: schema.Of(schema.Float64, schema.Optional()),
		put: func(b []byte, v any) bool {
			n, ok := v.(float64)
			binary.BigEndian.PutUint64(b, math.Float64bits(n))
			return ok
		},
		get: func(b []byte) any { return math.Float64frombits(binary.BigEndian.Uint64(b)) },
	}
}

// Define implements config.Definer.
func (n *Number) Define(d *config.Def) { defineType(d) }

// Encode implements connect.Converter. The schema does not matter, only the value's type does.
func (n *Number) Encode(_ context.Context, _ string, d connect.Datum) ([]byte, error) {
	if d.Value == nil {
		return nil, nil
	}
	b := make([]byte, n.size)
	if !n.put(b, d.Value) {
		return nil, schema.NewError(schema.DataException,
			fmt.Sprintf("Failed to serialize to %s (was class %s): ", n.name, schema.JavaClass(d.Value)),
			errors.New("the value is of another type"))
	}
	return b, nil
}

// Decode implements connect.Converter.
func (n *Number) Decode(_ context.Context, _ string, b []byte) (connect.Datum, error) {
	if b == nil {
		return connect.Datum{Schema: n.schema}, nil
	}
	if len(b) != n.size {
		return connect.Datum{}, schema.NewError(schema.DataException, "Failed to deserialize "+n.name+": ",
			schema.NewError(serializationException, fmt.Sprintf("Size of data received by %s is not %d", n.class, n.size), nil))
	}
	return connect.Datum{Schema: n.schema, Value: n.get(b)}, nil
}

// Boolean converts booleans to one byte, 0 or 1.
type Boolean struct{}

// optionalBoolean is the schema of what Boolean reads.
var optionalBoolean = schema.Of(schema.Boolean, schema.Optional())

// Define implements config.Definer.
func (*Boolean) Define(d *config.Def) { defineType(d) }

// Encode implements connect.Converter.
func (*Boolean) Encode(_ context.Context, _ string, d connect.Datum) ([]byte, error) {
	if d.Schema != nil && d.Schema.Type != schema.Boolean {
		return nil, schema.Errorf("Invalid schema type for BooleanConverter: %s", d.Schema.Type)
	}
	switch v := d.Value.(type) {
	case nil:
		return nil, nil
	case bool:
		if v {
			return []byte{1}, nil
		}
		return []byte{0}, nil
	}
	return nil, schema.Errorf("BooleanConverter is not compatible with objects of type class %s", schema.JavaClass(d.Value))
}

// Decode implements connect.Converter.
func (*Boolean) Decode(_ context.Context, _ string, b []byte) (connect.Datum, error) {
	problem := ""
	switch {
	case b == nil:
		return connect.Datum{Schema: optionalBoolean}, nil
	case len(b) != 1:
		problem = "Size of data received by BooleanDeserializer is not 1"
	case b[0] > 1:
		problem = fmt.Sprintf("Unexpected byte received by BooleanDeserializer: %d", int8(b[0])) // Java's bytes
	default:
		return connect.Datum{Schema: optionalBoolean, Value: b[0] == 1}, nil
	}
	return connect.Datum{}, schema.NewError(schema.DataException, "Failed to deserialize boolean: ",
		schema.NewError(serializationException, problem, nil))
}

// Bytes hands bytes through.
type Bytes struct{}

const bytesDoc = "Bytes as they are."

// optionalBytes is the schema of what Bytes reads.
var optionalBytes = schema.Of(schema.Bytes, schema.Optional())

// Define implements config.Definer.
func (*Bytes) Define(d *config.Def) { defineType(d) }

// Encode implements connect.Converter. The result is the value itself.
func (*Bytes) Encode(_ context.Context, _ string, d connect.Datum) ([]byte, error) {
	if d.Schema != nil && d.Schema.Type != schema.Bytes {
		return nil, schema.Errorf("Invalid schema type for ByteArrayConverter: %s", d.Schema.Type)
	}
	switch v := d.Value.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	}
	return nil, schema.Errorf("ByteArrayConverter is not compatible with objects of type class %s", schema.JavaClass(d.Value))
}

// Decode implements connect.Converter. The value is b itself.
func (*Bytes) Decode(_ context.Context, _ string, b []byte) (connect.Datum, error) {
	if b == nil {
		return connect.Datum{Schema: optionalBytes}, nil
	}
	return connect.Datum{Schema: optionalBytes, Value: b}, nil
}
