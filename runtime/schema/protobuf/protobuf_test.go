package protobuf_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/protobuf"
)

func encode(t testing.TB, data *protobuf.Data, in connect.Datum) (text string, b []byte) {
	t.Helper()
	s, err := data.FromConnect(in.Schema)
	if err != nil {
		t.Fatal(err)
	}
	e, err := data.Encoder(in.Schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = e.AppendMessage(nil, in.Value); err != nil {
		t.Fatal(err)
	}
	return s.String(), b
}

func parse(t testing.TB, text string) *protobuf.Schema {
	t.Helper()
	s, err := protobuf.Parse(text, nil)
	if err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	return s
}

// everything has a field of every type.
func everything() connect.Datum {
	point := schema.StructOf([]schema.Field{schema.F("x", schema.Of(schema.Int32)), schema.F("y", schema.Of(schema.Int32))}, schema.Named("a.Point"))
	at := func(x, y int32) *schema.Struct { return schema.StructFrom(point, []any{x, y}) }
	fields := []schema.Field{
		schema.F("i8", schema.Of(schema.Int8)), schema.F("i16", schema.Of(schema.Int16)),
		schema.F("i32", schema.Of(schema.Int32)), schema.F("i64", schema.Of(schema.Int64)),
		schema.F("f32", schema.Of(schema.Float32)), schema.F("f64", schema.Of(schema.Float64)),
		schema.F("flag", schema.Of(schema.Boolean)), schema.F("text", schema.Of(schema.String)),
		schema.F("raw", schema.Of(schema.Bytes)), schema.F("price", schema.DecimalOf(2)), schema.F("day", schema.DateOf()),
		schema.F("clock", schema.TimeOf()), schema.F("when", schema.TimestampOf()),
		schema.F("list", schema.ArrayOf(schema.Of(schema.Int64))), schema.F("names", schema.ArrayOf(schema.Of(schema.String))),
		schema.F("counts", schema.MapOf(schema.Of(schema.String), schema.Of(schema.Int32))),
		schema.F("point", point), schema.F("points", schema.ArrayOf(point)),
		schema.F("byName", schema.MapOf(schema.Of(schema.String), point)),
	}
	values := []any{
		int8(-8), int16(-16), int32(-32), int64(-1 << 60), float32(1.5), 2.5, true, strings.Repeat("grüße ", 40),
		[]byte{0, 255},
		schema.NewDecimal(-12345, 2), schema.DaysToDate(20000), schema.Instant(86399999), time.UnixMilli(1700000000123).UTC(),
		[]any{int64(1), int64(0), int64(-1)},
		[]any{"a", "", "c"},
		schema.MapFrom([]schema.Entry{{Key: "k", Value: int32(7)}}),
		at(1, 0),
		[]any{at(0, 0), at(3, 4)},
		schema.MapFrom([]schema.Entry{{Key: "origin", Value: at(0, 0)}}),
	}
	s := schema.StructOf(fields, schema.Named("a.Everything"))
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, values)}
}

// What was read has the schema of Protobuf's own making, and written again it is the same file and the same bytes.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	data := protobuf.New(protobuf.Defaults())
	in := everything()
	text, b := encode(t, data, in)
	s, v, err := data.Decoder(parse(t, text), nil, nil).DecodeMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	read, ok := v.(*schema.Struct)
	if !ok {
		t.Fatalf("read a %T", v)
	}
	for i, f := range in.Schema.Fields {
		got, _ := read.Get(f.Name)
		want := in.Value.(*schema.Struct).Raw(i)
		switch f.Schema.Type {
		case schema.StructType, schema.Array, schema.MapType: // their structs have other schemas
		default:
			if !schema.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", f.Name, got, want)
			}
		}
	}
	if _, again := encode(t, data, connect.Datum{Schema: s, Value: v}); !bytes.Equal(again, b) {
		t.Errorf("written again\n got: %x\nwant: %x", again, b)
	}
}

// A message that contains itself, in several ways.
func TestRecursion(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto3"; package a;
		message Tree { string name = 1; repeated Tree kids = 2; map<string, Tree> by = 3; Other other = 4; }
		message Other { Tree back = 9; }`
	data := protobuf.New(protobuf.Defaults())
	leaf := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "leaf")
	other := protowire.AppendBytes(protowire.AppendTag(nil, 9, protowire.BytesType), leaf)
	b := append([]byte{0}, leaf...)
	b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), leaf)
	b = protowire.AppendBytes(protowire.AppendTag(b, 4, protowire.BytesType), other)
	s, v, err := data.Decoder(parse(t, text), nil, nil).DecodeMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	const tree = `Struct(name="leaf", kids=[], by={}, other=<nil>(null), )`
	want := `Struct(name="leaf", kids=[` + tree + `, ], by={}, other=Struct(back=` + tree + `, ), )`
	if got := corpus.Dump(connect.Datum{Schema: s, Value: v}); !strings.HasSuffix(got, want) {
		t.Errorf("got %s", got)
	}
	encode(t, data, connect.Datum{Schema: s, Value: v})
}

// Parts of one message that come apart are one message, numbers that come twice the last one.
func TestMerge(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto3"; message A { B b = 1; int32 n = 2; oneof o { int32 x = 3; B y = 4; } } message B { int32 p = 1; int32 q = 2; }`
	data := protobuf.New(protobuf.Defaults())
	b := []byte{0, 0x0a, 2, 0x08, 1, 0x10, 5, 0x18, 9, 0x0a, 2, 0x10, 2, 0x10, 6, 0x22, 2, 0x08, 7}
	s, v, err := data.Decoder(parse(t, text), nil, nil).DecodeMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	const want = `Struct(o_0=Struct(x=<nil>(null), y=Struct(p=int32(7), q=int32(0), ), ), b=Struct(p=int32(1), q=int32(2), ), n=int32(6), )`
	if got := corpus.Dump(connect.Datum{Schema: s, Value: v}); !strings.HasSuffix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no Protobuf":      {`"int"`, "syntax error"},
		"unknown import":   {`syntax = "proto3"; import "a/b.proto"; message A {}`, `imports "a/b.proto", to which the registry has no reference`},
		"unknown type":     {`syntax = "proto3"; message A { B b = 1; }`, "B"},
		"one number twice": {`syntax = "proto3"; message A { int32 a = 1; int32 b = 1; }`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := protobuf.Parse(c.text, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "reading a Protobuf schema: ") {
				t.Errorf("got %v, want something about %q", err, c.want)
			}
		})
	}
}

// Files that a schema refers to, and options that nobody here knows.
func TestParse_References(t *testing.T) {
	t.Parallel()
	refs := map[string]string{
		"inner.proto": `syntax = "proto3"; package inner; import public "deep.proto"; message In { deep.D d = 1; }`,
		"deep.proto":  `syntax = "proto3"; package deep; message D { int32 n = 1; }`,
	}
	s, err := protobuf.Parse(`syntax = "proto3"; import "inner.proto"; option (company.owner) = "me";
		message A { inner.In in = 1 [(company.pii) = true, deprecated = true]; deep.D d = 2; }`, refs)
	if err != nil {
		t.Fatal(err)
	}
	_, v, err := protobuf.New(protobuf.Defaults()).Decoder(s, nil, nil).DecodeMessage([]byte{0, 0x0a, 4, 0x0a, 2, 0x08, 3, 0x12, 2, 0x08, 4})
	if err != nil {
		t.Fatal(err)
	}
	const want = `Struct(in=Struct(d=Struct(n=int32(3), ), ), d=Struct(n=int32(4), ), )`
	if got := corpus.Dump(connect.Datum{Value: v}); !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The message that a newer file calls by another number is found by its name.
func TestEncoder_IndexesOfAnotherFile(t *testing.T) {
	t.Parallel()
	data := protobuf.New(protobuf.Defaults())
	s := schema.StructOf([]schema.Field{schema.F("a", schema.Of(schema.Int32))}, schema.Named("x.Second"))
	w := parse(t, `syntax = "proto3"; package x; message First {} message Second { int32 a = 1; }`)
	e, err := data.Encoder(s, w)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.AppendMessage(nil, schema.StructFrom(s, []any{int32(1)}))
	if want := []byte{2, 2, 0x08, 1}; err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
	if _, err := data.Encoder(s, parse(t, `syntax = "proto3"; package x; message First {}`)); err == nil {
		t.Error("a file without the message will do")
	}
}

// A file may come as a descriptor in base64, as Confluent's Python client registers it: messages are read as with its text,
// with the types that are in its options.
func TestParse_Serialized(t *testing.T) {
	t.Parallel()
	s := schema.StructOf([]schema.Field{
		schema.F("small", schema.Of(schema.Int8)), schema.F("all", schema.ArrayOf(schema.Of(schema.Int32))),
		schema.F("map", schema.MapOf(schema.Of(schema.String), schema.Of(schema.Int64))),
	}, schema.Named("test.Value"))
	data := protobuf.New(protobuf.Defaults())
	own, err := data.FromConnect(s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := protobuf.Parse(own.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	descriptor, err := protobuf.Parse(text.Serialized(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := data.Encoder(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := schema.StructFrom(s, []any{int8(3), []any{int32(1), int32(2)}, schema.MapFrom([]schema.Entry{{Key: "a", Value: int64(1)}})})
	b, err := e.AppendMessage(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	_, out, err := data.Decoder(descriptor, nil, nil).DecodeMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := out.(*schema.Struct)
	if !ok || schema.Text(got.Raw(1)) != schema.Text(in.Raw(1)) || schema.Text(got.Raw(2)) != schema.Text(in.Raw(2)) {
		t.Errorf("it reads %s as %s", schema.Text(in), schema.Text(out))
	}
	if _, err := protobuf.Parse("AAAA", nil); err == nil {
		t.Error("base64 of nothing is a file")
	}
}
