package datagen_test

import (
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// TestGenerate_Quickstarts makes records of every quickstart and checks them against their schema.
func TestGenerate_Quickstarts(t *testing.T) {
	t.Parallel()
	_, err := parse(map[string]string{"quickstart": "none of them"})
	_, list, _ := strings.Cut(err.Error(), "one out of ")
	names := strings.Split(list, ",")
	files, err := filepath.Glob("schemas/*.avsc")
	if err != nil || len(files) < 14 || len(names) != len(files)+1 { // users_ is users_array_map too
		t.Errorf("%d names and %d files, %v", len(names), len(files), err)
	}
	for _, name := range names {
		task := open(t, nil, 0, map[string]string{"quickstart": name, "random.seed": "1"})
		keys := map[any]bool{}
		for _, r := range take(t, task, 500) {
			if err := schema.Validate(r.Value.Schema, r.Value.Value); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if r.Key.Value == nil {
				t.Fatalf("%s has no key", name)
			}
			keys[r.Key.Value] = true
		}
		if len(keys) < 5 {
			t.Errorf("%s has only the keys %v", name, keys)
		}
	}
}

// TestShape_IsConfluents compares Connect schemas with what Confluent's converter makes of the same Avro.
func TestShape_IsConfluents(t *testing.T) {
	t.Parallel()
	marked := schema.WithParam("io.confluent.connect.avro.field.default", "true")
	enum := func(opts ...schema.Option) *schema.Schema {
		return schema.Of(schema.String, append([]schema.Option{
			schema.Named("com.ex.E"),
			schema.WithParam("io.confluent.connect.avro.Enum", "com.ex.E"),
			schema.WithParam("io.confluent.connect.avro.Enum.P", "P"),
			schema.WithParam("io.confluent.connect.avro.Enum.Q", "Q"),
		}, opts...)...)
	}
	in := func(opts ...schema.Option) *schema.Schema {
		return schema.StructOf([]schema.Field{schema.F("x", schema.Of(schema.Int32, schema.Default(int32(1)), marked))},
			append([]schema.Option{schema.Named("com.ex.In"), schema.WithParam("io.confluent.connect.avro.record.doc", "indoc")}, opts...)...)
	}
	kv := schema.NewMap(1)
	kv.Set("k", "v")
	for avro, want := range map[string]*schema.Schema{
		`{"name":"v","type":"int","default":5}`:                                            schema.Of(schema.Int32, schema.Default(int32(5)), marked),
		`{"name":"v","type":["null","string"],"default":null}`:                             schema.Of(schema.String, schema.Optional()),
		`{"name":"v","type":["string","null"],"default":"cc"}`:                             schema.Of(schema.String, schema.Optional()),
		`{"name":"v","type":{"type":"array","items":"int"},"default":[1]}`:                 schema.ArrayOf(schema.Of(schema.Int32), schema.Default([]any{int32(1)}), marked),
		`{"name":"v","type":{"type":"map","values":"string"},"default":{"k":"v"}}`:         schema.MapOf(schema.Of(schema.String), schema.Of(schema.String), schema.Default(kv), marked),
		`{"name":"v","type":"bytes","default":"ÿ"}`:                                        schema.Of(schema.Bytes, schema.Default([]byte{0xff}), marked),
		`{"name":"v","type":{"type":"long","logicalType":"timestamp-millis"},"default":0}`: schema.TimestampOf(schema.Default(time.UnixMilli(0).UTC()), marked),
		`{"name":"v","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2},"default":"\u0001"}`: schema.DecimalOf(2,
			schema.WithParam("connect.decimal.precision", "4"), schema.Default(schema.Decimal{Unscaled: big.NewInt(1), Scale: 2}), marked),
		`{"name":"v","type":"double","default":1}`:                                             schema.Of(schema.Float64, schema.Default(1.0), marked),
		`{"name":"v","type":{"type":"int","logicalType":"time-millis"}}`:                       schema.TimeOf(),
		`{"name":"v","type":{"type":"long","logicalType":"date"}}`:                             schema.Of(schema.Int64),
		`{"name":"v","type":{"type":"string","logicalType":"uuid"}}`:                           schema.Of(schema.String),
		`{"name":"v","type":{"type":"bytes","logicalType":"big-decimal"}}`:                     schema.Of(schema.Bytes),
		`{"name":"v","type":{"type":"fixed","name":"Dur","size":12,"logicalType":"duration"}}`: schema.Of(schema.Bytes, schema.Named("com.ex.Dur"), schema.WithParam("connect.fixed.size", "12")),
		`{"name":"v","type":{"type":"enum","name":"E","symbols":["P","Q"]},"default":"Q"}`:     enum(schema.Default("Q"), marked),
		`{"name":"v","type":{"type":"enum","name":"Color","doc":"edoc","symbols":["RED"],"default":"RED"}}`: schema.Of(schema.String, schema.Named("com.ex.Color"),
			schema.WithParam("io.confluent.connect.avro.enum.doc.Color", "edoc"), schema.WithParam("io.confluent.connect.avro.enum.default.Color", "RED"),
			schema.WithParam("io.confluent.connect.avro.Enum", "com.ex.Color"), schema.WithParam("io.confluent.connect.avro.Enum.RED", "RED")),
		`{"name":"v","type":{"type":"record","name":"In","doc":"indoc","fields":[{"name":"x","type":"int","default":1}]}}`: in(),
		`{"name":"v","type":["null","int",{"type":"enum","name":"E","symbols":["P","Q"]}],"default":null}`: schema.StructOf([]schema.Field{
			schema.F("int", schema.Of(schema.Int32, schema.Optional())), schema.F("E", enum(schema.Optional())),
		}, schema.Named("io.confluent.connect.avro.Union"), schema.Optional(), marked),
	} {
		text := `{"type":"record","namespace":"com.ex","name":"R","fields":[` + avro + `]}`
		task := open(t, nil, 0, map[string]string{"schema.string": text})
		r := take(t, task, 1)[0]
		if got := r.Value.Schema.Fields[0].Schema; !got.Equal(want) {
			t.Errorf("%s\n got %+v\nwant %+v", avro, got, want)
		}
		if err := schema.Validate(r.Value.Schema, r.Value.Value); err != nil {
			t.Errorf("%s: %v", avro, err)
		}
	}
}

func TestShape_KeepsDocumentation(t *testing.T) {
	t.Parallel()
	text := `{"type":"record","namespace":"com.ex","name":"R","doc":"rdoc","fields":[{"name":"a","type":"int","doc":"adoc"}]}`
	want := schema.StructOf([]schema.Field{schema.F("a", schema.Of(schema.Int32))}, schema.Named("com.ex.R"),
		schema.WithParam("io.confluent.connect.avro.record.doc", "rdoc"), schema.WithParam("io.confluent.connect.avro.field.doc.a", "adoc"))
	if got := take(t, open(t, nil, 0, map[string]string{"schema.string": text}), 1)[0].Value.Schema; !got.Equal(want) {
		t.Errorf("got %+v", got)
	}
}

// FuzzSchema looks for schemas that validate and then cannot be used.
func FuzzSchema(f *testing.F) {
	f.Add(drawn)
	f.Add(`{"type":"record","name":"r","fields":[{"name":"v","type":{"type":"map","values":["null","long",{"type":"array","items":"bytes"}]}}]}`)
	f.Add(`{"type":"record","name":"a.r","fields":[{"name":"v","type":{"type":"string","arg.properties":{"regex":"(a|b)*[^c]{2,}?$","length":{"min":2}}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		task, err := parse(map[string]string{"schema.string": text, "iterations": "3"})
		if err != nil {
			return
		}
		if err := task.Open(t.Context(), connect.Assignment{Offsets: stored{}, Log: silent{}}); err != nil {
			t.Fatalf("validated, and not opened: %v", err)
		}
		records, err := task.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if err := schema.Validate(r.Value.Schema, r.Value.Value); err != nil {
				t.Fatal(err)
			}
		}
	})
}
