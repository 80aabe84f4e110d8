package storage

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// avroOf is the Avro schema of a Parquet file: the one that it was written with, if it says so, and else what Java's
// AvroSchemaConverter makes of its columns.
func avroOf(f *parquet.File) (*avro.Schema, error) {
	for _, key := range []string{"parquet.avro.schema", "avro.schema"} {
		if text, ok := f.Lookup(key); ok {
			return parseAvro(text)
		}
	}
	c := &columnSchemas{names: map[string]int{}}
	return c.record(f.Root(), f.Root().Name())
}

// columnSchemas makes Avro schemas of columns. names counts records, whose names must differ.
type columnSchemas struct{ names map[string]int }

func (c *columnSchemas) record(n *parquet.Column, name string) (*avro.Schema, error) {
	s := &avro.Schema{Type: avro.Record, Name: name}
	if c.names[name]++; c.names[name] > 1 {
		s.Namespace = name + strconv.Itoa(c.names[name])
	}
	for _, child := range n.Columns() {
		t, err := c.field(child)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", child.Name(), err)
		}
		field := avro.Field{Name: child.Name(), Type: t}
		if child.Optional() {
			field.Type = &avro.Schema{Type: avro.Union, Branches: []*avro.Schema{{Type: avro.Null}, t}}
			field.HasDefault = true
		}
		s.Fields = append(s.Fields, field)
	}
	return s, nil
}

// field is the schema of a column's values when they are there.
func (c *columnSchemas) field(n *parquet.Column) (*avro.Schema, error) {
	if n.Repeated() {
		items, err := c.value(n)
		return &avro.Schema{Type: avro.Array, Items: items}, err
	}
	return c.value(n)
}

func (c *columnSchemas) value(n *parquet.Column) (*avro.Schema, error) {
	if n.Leaf() {
		return c.leaf(n)
	}
	if pairs, ok := mapOf(n); ok {
		if !isText(pairs.Columns()[0]) { // Avro has no such maps, and lists of pairs for them
			items, err := c.record(pairs, n.Name()+"_entry")
			return &avro.Schema{Type: avro.Array, Items: items}, err
		}
		items, err := c.optional(pairs.Columns()[1])
		return &avro.Schema{Type: avro.Map, Items: items}, err
	}
	if element, ok := listOf(n); ok {
		var items *avro.Schema
		var err error
		if element.Repeated() {
			items, err = c.value(element)
		} else {
			items, err = c.optional(element)
		}
		return &avro.Schema{Type: avro.Array, Items: items}, err
	}
	return c.record(n, n.Name())
}

func (c *columnSchemas) optional(n *parquet.Column) (*avro.Schema, error) {
	s, err := c.field(n)
	if err == nil && n.Optional() {
		s = &avro.Schema{Type: avro.Union, Branches: []*avro.Schema{{Type: avro.Null}, s}}
	}
	return s, err
}

// mapOf is the group of keys and values if a column is a map. Old files call a map what its pairs should be called, which
// the reader of Parquet does not tell: they are known by their names.
func mapOf(n *parquet.Column) (pairs *parquet.Column, ok bool) {
	if n.Leaf() || len(n.Columns()) != 1 {
		return nil, false
	}
	pairs = n.Columns()[0]
	if !pairs.Repeated() || pairs.Leaf() || len(pairs.Columns()) != 2 {
		return nil, false
	}
	t := n.Type().LogicalType()
	if t == nil {
		return pairs, pairs.Name() == "map" && pairs.Columns()[0].Name() == "key" && pairs.Columns()[1].Name() == "value"
	}
	_, ok = t.Value.(*format.MapType)
	return pairs, ok
}

// isText tells whether a column holds texts.
func isText(n *parquet.Column) bool { return n.Leaf() && n.Type().Kind() == parquet.ByteArray }

// isUnsigned tells whether a column holds integers without a sign of so many bits.
func isUnsigned(n *parquet.Column, bits int8) bool {
	t := n.Type().LogicalType()
	if t == nil {
		return false
	}
	i, ok := t.Value.(*format.IntType)
	return ok && !i.IsSigned && i.BitWidth == bits
}

// isNothing tells whether a column has no values at all.
func isNothing(n *parquet.Column) bool {
	t := n.Type().LogicalType()
	if t == nil {
		return false
	}
	_, ok := t.Value.(*format.NullType)
	return ok
}

// listOf is the element if a column is a list. Lists have two levels, and the element is what is repeated, or three.
func listOf(n *parquet.Column) (element *parquet.Column, ok bool) {
	if t := n.Type().LogicalType(); t == nil || n.Leaf() || len(n.Columns()) != 1 {
		return nil, false
	} else if _, is := t.Value.(*format.ListType); !is {
		return nil, false
	}
	middle := n.Columns()[0]
	if !middle.Repeated() {
		return nil, false
	}
	if middle.Leaf() || len(middle.Columns()) != 1 || middle.Name() == "array" || middle.Name() == n.Name()+"_tuple" {
		return middle, true
	}
	return middle.Columns()[0], true
}

func (c *columnSchemas) leaf(n *parquet.Column) (*avro.Schema, error) {
	logical := func(t avro.Type, name string) (*avro.Schema, error) {
		return &avro.Schema{Type: t, Props: avro.Object{{Name: "logicalType", Value: name}}}, nil
	}
	var value any
	if t := n.Type().LogicalType(); t != nil {
		value = t.Value
	}
	if d, ok := value.(*format.DecimalType); ok {
		return &avro.Schema{Type: avro.Bytes, Props: avro.Object{
			{Name: "logicalType", Value: "decimal"},
			{Name: "precision", Value: json.Number(strconv.Itoa(int(d.Precision)))},
			{Name: "scale", Value: json.Number(strconv.Itoa(int(d.Scale)))},
		}}, nil
	}
	if isNothing(n) {
		return &avro.Schema{Type: avro.Int}, nil
	}
	switch n.Type().Kind() {
	case parquet.Boolean:
		return &avro.Schema{Type: avro.Boolean}, nil
	case parquet.Int32:
		switch value.(type) {
		case *format.DateType:
			return logical(avro.Int, "date")
		case *format.TimeType:
			return logical(avro.Int, "time-millis")
		}
		if isUnsigned(n, 32) {
			return &avro.Schema{Type: avro.Long}, nil
		}
		return &avro.Schema{Type: avro.Int}, nil
	case parquet.Int64:
		if v, ok := value.(*format.TimestampType); ok {
			if _, millis := v.Unit.Value.(*format.MilliSeconds); millis {
				return logical(avro.Long, "timestamp-millis")
			}
		}
		return &avro.Schema{Type: avro.Long}, nil
	case parquet.Int96:
		return logical(avro.Long, "timestamp-millis")
	case parquet.Float:
		return &avro.Schema{Type: avro.Float}, nil
	case parquet.Double:
		return &avro.Schema{Type: avro.Double}, nil
	case parquet.FixedLenByteArray:
		return &avro.Schema{Type: avro.Fixed, Name: n.Name(), Size: n.Type().Length()}, nil
	case parquet.ByteArray:
		switch value.(type) {
		case *format.StringType, *format.EnumType, *format.JsonType:
			return &avro.Schema{Type: avro.String}, nil
		}
		return &avro.Schema{Type: avro.Bytes}, nil
	}
	return nil, fmt.Errorf("there is no type for %s", n.Type())
}

// millisOf is the instant that the days and nanoseconds of an INT96 say.
func millisOf(v deprecated.Int96) int64 {
	const epoch = 2440588 // the Julian day of 1970-01-01
	nanos := int64(v[0]) | int64(v[1])<<32
	return (int64(v[2])-epoch)*86_400_000 + nanos/1_000_000
}
