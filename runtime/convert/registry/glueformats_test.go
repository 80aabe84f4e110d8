package registry_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// nested is a value as connectors have them: names with a package, structs in structs, lists and maps, some of it null.
func nested(amount string) connect.Datum {
	line := schema.StructOf([]schema.Field{schema.F("sku", schema.Of(schema.String)), schema.F("count", schema.Of(schema.Int16, schema.Optional()))},
		schema.Named("com.example.Line"))
	maybe := line.With(schema.Optional())
	price := schema.DecimalOf(2, schema.WithParam("connect.decimal.scale", "2"))
	s := schema.StructOf([]schema.Field{
		schema.F("id", schema.Of(schema.Int8)), schema.F("first", line), schema.F("last", maybe), schema.F("none", maybe),
		schema.F("lines", schema.ArrayOf(line)), schema.F("by_name", schema.MapOf(schema.Of(schema.String), line)),
		schema.F("gone", schema.MapOf(schema.Of(schema.String), schema.Of(schema.Int64), schema.Optional())), schema.F("price", price),
	}, schema.Named("com.example.Order"))
	at := func(s *schema.Schema, sku string, count any) *schema.Struct {
		return schema.StructFrom(s, []any{sku, count})
	}
	d, err := schema.ParseDecimal(amount)
	if err != nil {
		panic(err)
	}
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, []any{
		int8(-1), at(line, "a", int16(2)), at(maybe, "b", nil), nil,
		[]any{at(line, "c", int16(0)), at(line, "d", nil)},
		schema.MapFrom([]schema.Entry{{Key: "e", Value: at(line, "e", int16(1))}}), nil, d,
	})}
}

// What connectors write comes back, with every format; the values of Protobuf's optional fields come last.
func TestGlue_Nested(t *testing.T) {
	t.Parallel()
	for class, want := range map[string]string{
		glueAvroClass: "", glueJSONClass: "",
		glueProtobufClass: `Struct{id=-1,first=Struct{sku=a,count=2},lines=[Struct{sku=c,count=0}, Struct{sku=d}],by_name={e=Struct{sku=e,count=1}},gone={},price=12.34,last=Struct{sku=b}}`,
	} {
		address, in := served(t, opened(t)), nested("12.34")
		b, err := glueOf(t, class, address).Encode(t.Context(), "t", in)
		if err != nil {
			t.Errorf("%s: %v", class, err)
			continue
		}
		out, err := glueOf(t, class, address).Decode(t.Context(), "t", b)
		if err != nil {
			t.Errorf("%s: %v", class, err)
			continue
		}
		if want == "" {
			want = schema.Text(in.Value)
		}
		if got := schema.Text(out.Value); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", class, got, want)
		}
		again, err := glueOf(t, class, address).Encode(t.Context(), "t", in)
		if err != nil || !bytes.Equal(b, again) {
			t.Errorf("%s: written again as %x, %v; want %x", class, again, err, b)
		}
	}
}

// Nulls: JSON writes them as such, for the others they are tombstones, and all read a tombstone.
func TestGlue_Nulls(t *testing.T) {
	t.Parallel()
	address := served(t, opened(t))
	for class, want := range map[string]string{glueAvroClass: "", glueJSONClass: "null", glueProtobufClass: ""} {
		c := glueOf(t, class, address)
		b, err := c.Encode(t.Context(), "t", connect.Datum{})
		if err != nil || (b == nil) != (want == "") || b != nil && string(b[18:]) != want {
			t.Errorf("%s: null is written as %q, %v", class, b, err)
		}
		for _, b := range [][]byte{nil, b} {
			if out, err := c.Decode(t.Context(), "t", b); err != nil || out.Value != nil {
				t.Errorf("%s: %q is read as %v, %v", class, b, out, err)
			}
		}
	}
}

// What Glue's messages have no place for fails, and says why.
func TestGlueProtobuf_Refuses(t *testing.T) {
	t.Parallel()
	address := served(t, opened(t))
	text := schema.Of(schema.String)
	of := func(s *schema.Schema, v any) connect.Datum {
		whole := schema.StructOf([]schema.Field{schema.F("f", s)}, schema.Named("R"))
		return connect.Datum{Schema: whole, Value: schema.StructFrom(whole, []any{v})}
	}
	twice := schema.StructOf([]schema.Field{schema.F("a", text), schema.F("a_", text)}, schema.Named("R"))
	twice.Fields[1].Name = "a"
	for message, in := range map[string]connect.Datum{
		"has more digits than its message has a place for":                                  nested("12345678901234567890.12"),
		"Cannot list fields on non-struct type":                                             {Schema: text, Value: "x"},
		"Field data cannot be null for non-optional field. STRING: f":                       of(text, nil),
		"Unrecognized connect type: ARRAY":                                                  of(schema.ArrayOf(schema.ArrayOf(text)), []any{}),
		"the enum has no GREEN":                                                             of(schema.Of(schema.String, schema.WithParam("protobuf.type", "enum"), schema.WithParam("ENUM_NAME", "C"), schema.WithParam("PROTOBUF_ENUM_VALUE.RED", "0")), "GREEN"),
		"Cannot parse invalid Protobuf tag number metadata: x":                              of(schema.Of(schema.String, schema.WithParam("protobuf.tag", "x")), "x"),
		"Protobuf type for TYPE_INT32 is specified to use TYPE_UINT64 which is not allowed": of(schema.Of(schema.Int32, schema.WithParam("protobuf.type", "uint64")), int32(1)),
		"The schema R has no form in Protobuf":                                              {Schema: twice, Value: schema.StructFrom(twice, []any{"x", "y"})},
	} {
		b, err := glueOf(t, glueProtobufClass, address, "schemaName", strings.ReplaceAll(message, " ", "-")).Encode(t.Context(), "t", in)
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("written as %q, %v, want something about %q", b, err, message)
		}
		if class, _ := corpus.Classify(err); class == "" {
			t.Errorf("%v has no class", err)
		}
	}
}

// Records of Confluent's serializer are read among Glue's, by the same rules.
func TestGlueProtobuf_SecondaryDeserializer(t *testing.T) {
	t.Parallel()
	address := served(t, opened(t))
	foreign, err := confluentAt(t, protobufClass, address).Encode(t.Context(), "t", order(2))
	if err != nil {
		t.Fatal(err)
	}
	c := glueOf(t, glueProtobufClass, address, "secondaryDeserializer", "io.confluent.kafka.serializers.protobuf.KafkaProtobufDeserializer", "schema.registry.url", address)
	out, err := c.Decode(t.Context(), "t", foreign)
	if err != nil || schema.Text(out.Value) != schema.Text(order(2).Value) {
		t.Errorf("read as %v, %v", out, err)
	}
	if tag, _ := out.Schema.Fields[0].Schema.Param("protobuf.tag"); tag != "1" {
		t.Errorf("the first field has the tag %q, want 1", tag)
	}
	mine, err := c.Encode(t.Context(), "t", order(2))
	if err != nil || mine[0] != 3 {
		t.Errorf("it writes %x, %v", mine, err)
	}
	if out, err = c.Decode(t.Context(), "t", mine); err != nil || schema.Text(out.Value) != schema.Text(order(2).Value) {
		t.Errorf("and reads that as %v, %v", out, err)
	}
}
