package avro_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// everything has a field of every type, required and optional.
func everything() connect.Datum {
	types := []struct {
		name  string
		make  func(...schema.Option) *schema.Schema
		value any
	}{
		{"int8", primitive(schema.Int8), int8(-8)},
		{"int16", primitive(schema.Int16), int16(-16)},
		{"int32", primitive(schema.Int32), int32(-32)},
		{"int64", primitive(schema.Int64), int64(-1 << 60)},
		{"float32", primitive(schema.Float32), float32(1.5)},
		{"float64", primitive(schema.Float64), 2.5},
		{"boolean", primitive(schema.Boolean), true},
		{"string", primitive(schema.String), "grüße"},
		{"bytes", primitive(schema.Bytes), []byte{0, 255}},
		{"decimal", func(o ...schema.Option) *schema.Schema { return schema.DecimalOf(2, o...) }, schema.NewDecimal(-12345, 2)},
		{"date", schema.DateOf, schema.DaysToDate(20000)},
		{"time", schema.TimeOf, schema.Instant(86399999)},
		{"timestamp", schema.TimestampOf, time.UnixMilli(1700000000123).UTC()},
		{"array", func(o ...schema.Option) *schema.Schema { return schema.ArrayOf(schema.Of(schema.String), o...) }, []any{"a", ""}},
		{
			"map", func(o ...schema.Option) *schema.Schema {
				return schema.MapOf(schema.Of(schema.String), schema.Of(schema.Int64, schema.Optional()), o...)
			},
			schema.MapFrom([]schema.Entry{{Key: "a", Value: int64(1)}, {Key: "b"}}),
		},
		{
			"entries", func(o ...schema.Option) *schema.Schema {
				return schema.MapOf(schema.Of(schema.Int32), schema.Of(schema.Boolean), append(o, schema.Named("x.E"+string('0'+rune(len(o)))))...)
			},
			schema.MapFrom([]schema.Entry{{Key: int32(1), Value: true}}),
		},
	}
	var fields []schema.Field
	var values []any
	for _, t := range types {
		fields = append(fields, schema.F(t.name, t.make()), schema.F(t.name+"_null", t.make(schema.Optional())), schema.F(t.name+"_set", t.make(schema.Optional(), schema.Versioned(1))))
		values = append(values, t.value, nil, t.value)
	}
	inner := schema.StructOf([]schema.Field{schema.F("x", schema.Of(schema.String))}, schema.Named("x.Inner"))
	fields = append(fields, schema.F("struct", inner))
	values = append(values, schema.StructFrom(inner, []any{"in"}))
	s := schema.StructOf(fields, schema.Named("x.Everything"), schema.Versioned(3), schema.Documented("all of it"))
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, values)}
}

func primitive(t schema.Type) func(...schema.Option) *schema.Schema {
	return func(o ...schema.Option) *schema.Schema { return schema.Of(t, o...) }
}

func TestData_RoundTripsEveryType(t *testing.T) {
	t.Parallel()
	in := everything()
	data := avro.New(avro.Defaults())
	text, b := encode(t, data, in)
	w, err := avro.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	d, err := data.Decoder(w, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, rest, err := d.Decode(b)
	if err != nil || len(rest) > 0 {
		t.Fatalf("decoding left %d bytes and failed with %v", len(rest), err)
	}
	if diff := corpus.DiffDatum(in, connect.Datum{Schema: d.Schema, Value: v}); diff != "" {
		t.Error(diff)
	}
}

func encode(t testing.TB, data *avro.Data, d connect.Datum) (text string, b []byte) {
	t.Helper()
	s, err := data.FromConnect(d.Schema)
	if err != nil {
		t.Fatal(err)
	}
	e, err := data.Encoder(d.Schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = e.Append(nil, d.Value); err != nil {
		t.Fatal(err)
	}
	return s.String(), b
}

// What was read with one schema must be readable as another that Avro calls compatible.
func TestData_ReadsAsAnotherSchema(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, w, r string
		in         string
		want       string // of the value, or of the error behind "error: "
	}{
		{"same", `"int"`, `"int"`, "\x02", "1"},
		{"int as long", `"int"`, `"long"`, "\x02", "1"},
		{"int as double", `"int"`, `"double"`, "\x02", "1.0"},
		{"long as float", `"long"`, `"float"`, "\x02", "1.0"},
		{"float as double", `"float"`, `"double"`, "\x00\x00\x80\x3f", "1.0"},
		{"text as bytes", `{"type":"array","items":"string"}`, `{"type":"array","items":"bytes"}`, "\x02\x02a\x00", "[[B@80]"},
		{"long as int", `"long"`, `"int"`, "\x02", "error: Found long, expecting int"},
		{"field gone, field new", record(`{"name":"a","type":"int"},{"name":"b","type":"string"}`), record(`{"name":"c","type":"long","default":7},{"name":"b","type":"string"}`), "\x02\x02x", "Struct{c=7,b=x}"},
		{"field without default", record(`{"name":"a","type":"int"}`), record(`{"name":"c","type":"long"}`), "\x02", "error: Found R, expecting R, missing required field c"},
		{"field by alias", record(`{"name":"a","type":"int"}`), record(`{"name":"c","type":"int","aliases":["a"]}`), "\x02", "Struct{c=1}"},
		{
			"skipped parts", record(`{"name":"m","type":{"type":"map","values":["null","string"]}},{"name":"f","type":{"type":"fixed","name":"F","size":2}},` +
				`{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"l","type":{"type":"array","items":{"type":"record","name":"In","fields":[{"name":"d","type":"double"}]}}},{"name":"x","type":"int"}`),
			record(`{"name":"x","type":"int"}`), "\x04\x02a\x00\x02b\x02\x02z\x00ff\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x06", "Struct{x=3}",
		},
		{"value as union", `"int"`, `["null","long"]`, "\x02", "1"},
		{"union as value", `["null","int"]`, `"int"`, "\x02\x02", "1"},
		{"union as value, the other branch", `["null","int"]`, `"int"`, "\x00", "error: Found null, expecting int"},
		{"union as union", `["int","string"]`, `["null","string","long"]`, "\x00\x04", "Struct{long=2}"},
		{"enum as one with less", `{"type":"enum","name":"E","symbols":["A","B"]}`, `{"type":"enum","name":"E","symbols":["B","C"],"default":"C"}`, "\x00", "C"},
		{"enum as one with less and no default", `{"type":"enum","name":"E","symbols":["A","B"]}`, `{"type":"enum","name":"E","symbols":["B"]}`, "\x00", "error: No match for enum symbol"},
		{"record of another name", `{"type":"record","name":"A","fields":[]}`, `{"type":"record","name":"B","fields":[]}`, "", "error: Found A, expecting B"},
		{"record by alias", `{"type":"record","name":"A","fields":[]}`, `{"type":"record","name":"B","aliases":["A"],"fields":[]}`, "", "Struct{}"},
		{"fixed of another size", `{"type":"fixed","name":"F","size":1}`, `{"type":"fixed","name":"F","size":2}`, "ab", "error: Found F, expecting F"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := readAs(t, tt.w, tt.r, []byte(tt.in))
			if got != tt.want {
				t.Errorf("reading %s as %s\n got: %s\nwant: %s", tt.w, tt.r, got, tt.want)
			}
		})
	}
}

func record(fields string) string {
	return `{"type":"record","name":"R","fields":[` + fields + `]}`
}

func readAs(t *testing.T, writer, reader string, b []byte) string {
	t.Helper()
	w, err := avro.Parse(writer)
	if err != nil {
		t.Fatal(err)
	}
	r, err := avro.Parse(reader)
	if err != nil {
		t.Fatal(err)
	}
	d, err := avro.New(avro.Defaults()).Decoder(w, r, nil)
	if err != nil {
		return "error: " + err.Error()
	}
	v, _, err := d.Decode(b)
	if err != nil {
		return "error: " + err.Error()
	}
	return schema.Text(v)
}

func TestParse_RefusesWhatIsNoSchema(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                      "unexpected EOF",
		`"nosuch"`:                              `"nosuch" is not a defined name`,
		`{"type":"array"}`:                      "does not say what it is of",
		`{"type":"record","name":"R"}`:          "has no fields",
		`{"type":"enum","symbols":[]}`:          "has no name",
		`["int","int"]`:                         "two branches int",
		`["int",["null"]]`:                      "directly inside a union",
		`{"type":"fixed","name":"F","size":-1}`: "the size of F is -1",
		`"int" "int"`:                           "more follows",
		record(`{"name":"a","type":"int"},{"name":"a","type":"int"}`):                        "two fields a",
		strings.Repeat(`{"type":"array","items":`, 600) + `"int"` + strings.Repeat("}", 600): "nests too deep",
	} {
		if _, err := avro.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("reading %.60s: %v, want an error with %q", text, err, want)
		}
	}
}

func TestParse_FindsReferences(t *testing.T) {
	t.Parallel()
	s, err := avro.Parse(`{"type":"record","name":"a.R","fields":[{"name":"f","type":"b.E"}]}`, `{"type":"enum","name":"E","namespace":"b","symbols":["X"]}`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"record","name":"R","namespace":"a","fields":[{"name":"f","type":{"type":"enum","name":"E","namespace":"b","symbols":["X"]}}]}`
	if s.String() != want {
		t.Errorf("got %s", s)
	}
}

// A few bytes must not make a value of any size, nor a stack of any depth.
func TestDecoder_BoundsWhatBytesCanAskFor(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, in, want string }{
		{"many nulls", `{"type":"array","items":"null"}`, "\x80\x80\x80\x80\x80\x80\x01\x00", "Standalone null"},
		{"many empty records", `{"type":"array","items":{"type":"record","name":"R","fields":[]}}`, "\x80\x80\x80\x80\x80\x80\x01\x00", "take no bytes"},
		{"more elements than bytes", `{"type":"array","items":"int"}`, "\x80\x80\x80\x80\x80\x80\x01\x00", "EOF"},
		{"deep", `{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"]}]}`, strings.Repeat("\x02", 1<<20), "nests too deep"},
		{
			"deep and skipped", record(`{"name":"a","type":{"type":"array","items":{"type":"record","name":"D","fields":[{"name":"d","type":["null","D"]}]}}}`),
			strings.Repeat("\x02", 1<<20), "nests too deep",
		},
		{"long number", `"long"`, strings.Repeat("\xff", 12), "Invalid long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := readAs(t, tt.schema, tt.schema, []byte(tt.in)); !strings.Contains(got, tt.want) {
				t.Errorf("got %.100s, want %q in it", got, tt.want)
			}
		})
	}
}

func TestData_RecursiveSchemasEndEqual(t *testing.T) {
	t.Parallel()
	const text = `{"type":"record","name":"T","fields":[{"name":"l","type":["null","T"]},{"name":"r","type":["null","T"]},{"name":"m","type":{"type":"map","values":"T"}}]}`
	var made []*schema.Schema
	for range 2 {
		a, err := avro.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := avro.New(avro.Defaults()).ToConnect(a, nil)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, s)
	}
	if !made[0].Equal(made[1]) {
		t.Error("two readings of one recursive schema differ")
	}
	if made[0].Equal(made[1].With(schema.Optional())) {
		t.Error("recursive schemas that differ are equal")
	}
	back, err := avro.New(avro.Defaults()).FromConnect(made[0])
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(back.String(), `"fields"`); n != 1 {
		t.Errorf("the record is written out %d times: %s", n, back)
	}
}

// A few lines can describe more than fits into any memory: records that each refer twice to the one before.
func TestToConnect_EndsForSchemasThatExplode(t *testing.T) {
	t.Parallel()
	for _, field := range []string{`"type":"R%d"`, `"type":["null","R%d"],"default":null`, `"type":"R%d","default":{}`} {
		text := `{"type":"record","name":"R0","fields":[{"name":"x","type":"int","default":0}]}`
		refs := []string{text}
		for i := range 60 {
			f := fmt.Sprintf(field, i)
			text = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a",%s},{"name":"b",%s}]}`, i+1, f, f)
			refs = append(refs, text)
		}
		s, err := avro.Parse(text, refs[:len(refs)-1]...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = avro.New(avro.Defaults()).Decoder(s, nil, nil)
		if class, _ := corpus.Classify(err); class != schema.DataException {
			t.Errorf("%s: %v", field, err)
		}
	}
	inner := schema.Of(schema.Int32)
	for i := range 60 {
		inner = schema.StructOf([]schema.Field{schema.F("a", inner), schema.F("b", inner)}, schema.Named(fmt.Sprintf("R%d", i)))
	}
	_, err := avro.New(avro.Defaults()).FromConnect(inner)
	if class, _ := corpus.Classify(err); class != schema.DataException {
		t.Errorf("from Connect: %v", err)
	}
}
