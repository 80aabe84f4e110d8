package storage

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// primitive is the type of a column, as AvroSchemaConverter chooses it.
func primitive(a *avro.Schema) (parquet.Node, func(*shredder, *leaf) (parquet.Value, error), error) {
	logical, _ := a.Props.Get("logicalType")
	switch a.Type {
	case avro.Boolean:
		return parquet.Leaf(parquet.BooleanType), readBool, nil
	case avro.Int:
		switch logical {
		case "date":
			return parquet.Date(), readInt, nil
		case "time-millis":
			return parquet.Time(parquet.Millisecond), readInt, nil
		}
		return parquet.Leaf(parquet.Int32Type), readInt, nil
	case avro.Long:
		switch logical {
		case "timestamp-millis":
			return parquet.Timestamp(parquet.Millisecond), readLong, nil
		case "timestamp-micros":
			return parquet.Timestamp(parquet.Microsecond), readLong, nil
		case "time-micros":
			return parquet.Time(parquet.Microsecond), readLong, nil
		}
		return parquet.Leaf(parquet.Int64Type), readLong, nil
	case avro.Float:
		return parquet.Leaf(parquet.FloatType), readFloat, nil
	case avro.Double:
		return parquet.Leaf(parquet.DoubleType), readDouble, nil
	case avro.String:
		return parquet.String(), readText, nil
	case avro.Enum:
		return parquet.Enum(), readEnum, nil
	case avro.Fixed:
		return parquet.Leaf(parquet.FixedLenByteArrayType(a.Size)), readFixed, nil
	case avro.Bytes:
		if logical == "decimal" {
			scale, precision := number(a, "scale"), number(a, "precision")
			return parquet.Decimal(scale, precision, parquet.ByteArrayType), readText, nil
		}
		return parquet.Leaf(parquet.ByteArrayType), readText, nil
	}
	return nil, nil, fmt.Errorf("there is no type for Avro's %s", a.Type)
}

func number(a *avro.Schema, name string) int {
	v, _ := a.Props.Get(name)
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return int(i)
}

// leaf is a column of Parquet.
type leaf struct {
	column  int
	read    func(*shredder, *leaf) (parquet.Value, error)
	size    int64
	symbols []string
}

func (l *leaf) shred(s *shredder, rep, def int) error {
	v, err := l.read(s, l)
	if err == nil {
		s.add(v, rep, def, l.column)
	}
	return err
}

func (l *leaf) nothing(s *shredder, rep, def int) { s.add(parquet.NullValue(), rep, def, l.column) }

func readBool(s *shredder, _ *leaf) (parquet.Value, error) {
	b, err := s.take(1)
	if err != nil {
		return parquet.Value{}, err
	}
	return parquet.BooleanValue(b[0] != 0), nil
}

func readInt(s *shredder, _ *leaf) (parquet.Value, error) {
	v, err := s.long()
	return parquet.Int32Value(int32(v)), err //nolint:gosec // Avro's int has 32 bits
}

func readLong(s *shredder, _ *leaf) (parquet.Value, error) {
	v, err := s.long()
	return parquet.Int64Value(v), err
}

func readFloat(s *shredder, _ *leaf) (parquet.Value, error) {
	b, err := s.take(4)
	if err != nil {
		return parquet.Value{}, err
	}
	return parquet.FloatValue(math.Float32frombits(binary.LittleEndian.Uint32(b))), nil
}

func readDouble(s *shredder, _ *leaf) (parquet.Value, error) {
	b, err := s.take(8)
	if err != nil {
		return parquet.Value{}, err
	}
	return parquet.DoubleValue(math.Float64frombits(binary.LittleEndian.Uint64(b))), nil
}

func readText(s *shredder, _ *leaf) (parquet.Value, error) {
	b, err := s.bytes()
	return parquet.ByteArrayValue(b), err
}

func readEnum(s *shredder, l *leaf) (parquet.Value, error) {
	i, err := s.long()
	if err != nil || i < 0 || i >= int64(len(l.symbols)) {
		return parquet.Value{}, errors.Join(err, errTorn)
	}
	return parquet.ByteArrayValue([]byte(l.symbols[i])), nil
}

func readFixed(s *shredder, l *leaf) (parquet.Value, error) {
	b, err := s.take(l.size)
	return parquet.FixedLenByteArrayValue(b), err
}

// group is a group of Parquet whose fields keep their order.
type group struct {
	parquet.Group
	fields []parquet.Field
	typ    parquet.Type
}

// Fields implements parquet.Node.
func (g group) Fields() []parquet.Field { return g.fields }

// Type implements parquet.Node.
func (g group) Type() parquet.Type {
	if g.typ != nil {
		return g.typ
	}
	return g.Group.Type()
}

// GoType implements parquet.Node. Rows are written by column, so that nothing is made of it.
func (g group) GoType() reflect.Type { return reflect.TypeFor[struct{}]() }

// String implements parquet.Node.
func (g group) String() string {
	var out strings.Builder
	if err := parquet.PrintSchema(&out, "", g); err != nil {
		return err.Error()
	}
	return out.String()
}

// field is a field of a group.
type field struct {
	parquet.Node
	name string
}

// Name implements parquet.Field.
func (f field) Name() string { return f.name }

// Value implements parquet.Field. Rows are written by column, and nobody asks for it.
func (f field) Value(base reflect.Value) reflect.Value { return base }
