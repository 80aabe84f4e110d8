package registry_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const (
	protobufClass = "io.confluent.connect.protobuf.ProtobufConverter"
	jsonClass     = "io.confluent.connect.json.JsonSchemaConverter"
)

// order is a record as tables have them, in a version of its schema.
func order(fields int) connect.Datum {
	all := []schema.Field{
		schema.F("id", schema.Of(schema.Int64)),
		schema.F("customer", schema.Of(schema.String, schema.Optional())),
		schema.F("quantity", schema.Of(schema.Int32, schema.Optional())),
		schema.F("price", schema.Of(schema.Float64, schema.Optional())),
		schema.F("paid", schema.Of(schema.Boolean, schema.Optional())),
		schema.F("at", schema.TimestampOf(schema.Optional())),
	}
	values := []any{int64(123456789), "customer-17", int32(300), 12.5, true, time.UnixMilli(1700000000123).UTC()}
	s := schema.StructOf(all[:fields], schema.Named("com.example.Order"))
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, values[:fields])}
}

// A schema that changes in the middle of a batch, and back: each record has its own, and readers see it.
func TestConverter_SchemaChangesInABatch(t *testing.T) {
	t.Parallel()
	r := opened(t)
	address := served(t, r)
	for _, class := range []string{avroClass, protobufClass, jsonClass} {
		topic := "changing-" + class[strings.LastIndexByte(class, '.')+1:]
		write, err := newConverter(t, class, false, address, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		read, err := newConverter(t, class, false, address, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for i, fields := range []int{2, 2, 4, 2, 6, 4, 6} {
			in := order(fields)
			b, err := write.Encode(t.Context(), topic, in)
			if err != nil {
				t.Fatalf("%s, record %d: %v", class, i, err)
			}
			ids[string(b[:5])] = true
			out, err := read.Decode(t.Context(), topic, b)
			if err != nil {
				t.Fatalf("%s, record %d: %v", class, i, err)
			}
			if n := len(out.Schema.Fields); n != fields {
				t.Errorf("%s, record %d has %d fields, want %d", class, i, n, fields)
			}
			if got, want := schema.Text(out.Value), schema.Text(in.Value); got != want {
				t.Errorf("%s, record %d\n got: %s\nwant: %s", class, i, got, want)
			}
		}
		if len(ids) != 3 {
			t.Errorf("%s: %d schemas were used, want 3", class, len(ids))
		}
	}
}

// Against a registry of another make: schemas are registered, looked up and evolved there, and values of every type survive.
func TestConverter_WithAnotherRegistry(t *testing.T) {
	t.Parallel()
	address := os.Getenv("SLUICE_TEST_REGISTRY")
	if address == "" {
		if os.Getenv("SLUICE_CI") != "" {
			t.Fatal("SLUICE_TEST_REGISTRY says no address of a schema registry")
		}
		t.Skip("needs a schema registry: SLUICE_TEST_REGISTRY is not set")
	}
	topic := "sluice-" + time.Now().Format("150405.000000000")
	for _, class := range []string{avroClass, protobufClass, jsonClass} {
		for _, isKey := range []bool{false, true} {
			write, err := newConverter(t, class, isKey, address, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			name := topic + class[strings.LastIndexByte(class, '.'):]
			for i, in := range []connect.Datum{every(), order(2), order(6), every()} {
				name := name + "." + in.Schema.Name
				if class == jsonClass {
					name += string('0' + rune(i)) // an open object with one member more is another type
				}
				b, err := write.Encode(t.Context(), name, in)
				if err != nil {
					t.Fatalf("%s: %v", class, err)
				}
				read, err := newConverter(t, class, isKey, address, nil, false)
				if err != nil {
					t.Fatal(err)
				}
				out, err := read.Decode(t.Context(), name, b)
				if err != nil {
					t.Fatalf("%s: %v", class, err)
				}
				if got, want := schema.Text(out.Value), schema.Text(in.Value); got != want {
					t.Errorf("%s\n got: %s\nwant: %s", class, got, want)
				}
			}
			_, err = write.Decode(t.Context(), name, []byte("\x00\x7f\xff\xff\xff\x00"))
			if class, _ := corpus.Classify(err); class != schema.DataException {
				t.Errorf("a schema that is not there fails with %v", err)
			}
		}
	}
}

// every is a record with a field of every type.
func every() connect.Datum {
	fields := []struct {
		schema *schema.Schema
		value  any
	}{
		{schema.Of(schema.Int8), int8(-8)},
		{schema.Of(schema.Int16), int16(-16)},
		{schema.Of(schema.Int32), int32(-32)},
		{schema.Of(schema.Int64), int64(-1 << 60)},
		{schema.Of(schema.Float32), float32(1.5)},
		{schema.Of(schema.Float64), 2.5},
		{schema.Of(schema.Boolean), true},
		{schema.Of(schema.String), "grüße"},
		{schema.Of(schema.Bytes), []byte{0, 255}},
		{schema.DecimalOf(2), schema.NewDecimal(-12345, 2)},
		{schema.DateOf(), schema.DaysToDate(20000)},
		{schema.TimeOf(), schema.Instant(86399999)},
		{schema.TimestampOf(), time.UnixMilli(1700000000123).UTC()},
		{schema.ArrayOf(schema.Of(schema.String)), []any{"a", "b"}},
		{schema.MapOf(schema.Of(schema.String), schema.Of(schema.Int64)), schema.MapFrom([]schema.Entry{{Key: "a", Value: int64(1)}})},
	}
	var all []schema.Field
	var values []any
	for i, f := range fields {
		all = append(all, schema.F("f"+string(rune('a'+i)), f.schema))
		values = append(values, f.value)
	}
	inner := schema.StructOf([]schema.Field{schema.F("x", schema.Of(schema.String))}, schema.Named("com.example.Inner"))
	all = append(all, schema.F("inner", inner))
	values = append(values, schema.StructFrom(inner, []any{"in"}))
	s := schema.StructOf(all, schema.Named("com.example.Every"))
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, values)}
}
