package convert_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestFind_KnowsConvertersByTheirNames(t *testing.T) {
	t.Parallel()
	for name, class := range map[string]string{
		"org.apache.kafka.connect.json.JsonConverter": "org.apache.kafka.connect.json.JsonConverter",
		"JsonConverter": "org.apache.kafka.connect.json.JsonConverter",
		"Json":          "org.apache.kafka.connect.json.JsonConverter",
		"ByteArray":     "org.apache.kafka.connect.converters.ByteArrayConverter",
	} {
		if p, ok := convert.FindConverter(name); !ok || p.Class != class {
			t.Errorf("%s is the converter %q, want %s", name, p.Class, class)
		}
		if p, ok := convert.FindHeaderConverter(name); !ok || p.Class != class {
			t.Errorf("%s is the header converter %q, want %s", name, p.Class, class)
		}
	}
	for _, name := range []string{"Simple", "SimpleHeader", "SimpleHeaderConverter", convert.SimpleHeaderClass} {
		if p, ok := convert.FindHeaderConverter(name); !ok || p.Class != convert.SimpleHeaderClass {
			t.Errorf("%s is the header converter %q", name, p.Class)
		}
	}
	for _, name := range []string{"", "json", "Converter", "SimpleHeaderConverter"} {
		if p, ok := convert.FindConverter(name); ok {
			t.Errorf("%q is the converter %s", name, p.Class)
		}
	}
}

func TestHeaderConverters_AreTheConverters(t *testing.T) {
	t.Parallel()
	p, _ := convert.FindHeaderConverter("Json")
	h := p.New()
	if err := config.Parse(map[string]string{convert.TypeKey: convert.HeaderType, "schemas.enable": "false"}, h); err != nil {
		t.Fatal(err)
	}
	out, err := h.EncodeHeader(t.Context(), "t", "h", connect.Datum{Value: []any{int64(1)}})
	if err != nil || string(out) != "[1]" {
		t.Errorf("wrote %s, %v", out, err)
	}
	d, err := h.DecodeHeader(t.Context(), "t", "h", out)
	if err != nil || !schema.Equal(d.Value, []any{int64(1)}) {
		t.Errorf("read %v, %v", d.Value, err)
	}
}

func TestConverters_NeedTheirType(t *testing.T) {
	t.Parallel()
	for _, p := range convert.Converters() {
		if err := config.Parse(map[string]string{}, p.New()); err == nil {
			t.Errorf("%s does without %s", p.Class, convert.TypeKey)
		}
		if p.Doc == "" {
			t.Errorf("%s says nothing about itself", p.Class)
		}
	}
}

// A converter that cannot work says so before the first record.
func TestValidate_FindsBadSettings(t *testing.T) {
	t.Parallel()
	for setting, bad := range map[string]connect.Converter{
		"converter.encoding": newConverter(t, "String", map[string]string{"converter.encoding": "no-such"}),
		"schema.content":     newConverter(t, "Json", map[string]string{"schema.content": "{"}),
	} {
		v, ok := bad.(connect.Validator)
		if !ok || v.Validate() == nil {
			t.Errorf("a bad %s passes", setting)
		}
		if _, err := bad.Encode(t.Context(), "t", connect.Datum{Value: "x"}); err == nil {
			t.Errorf("a bad %s writes", setting)
		}
		if _, err := bad.Decode(t.Context(), "t", []byte("1")); err == nil {
			t.Errorf("a bad %s reads", setting)
		}
	}
}

func TestText_SharesMemory(t *testing.T) {
	t.Parallel()
	c := newConverter(t, "String", nil)
	in := []byte("some words")
	d, err := c.Decode(t.Context(), "t", in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Encode(t.Context(), "t", d)
	if err != nil || &out[0] != &in[0] {
		t.Errorf("the bytes were copied, %v", err)
	}
	if out, err := c.Encode(t.Context(), "t", connect.Datum{Value: ""}); err != nil || out == nil {
		t.Errorf("an empty string is a tombstone, %v", err)
	}
}

// What an encoder returned must not change when it encodes the next record.
func TestConverters_HandOnMemoryOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"String", "Json", "Long"} {
		c := newConverter(t, name, nil)
		first, err := c.Encode(t.Context(), "t", connect.Datum{Value: int64(1111)})
		if err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(first)
		if _, err := c.Encode(t.Context(), "t", connect.Datum{Value: int64(2222)}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, before) {
			t.Errorf("%s: the first record became %q", name, first)
		}
	}
}

// The schema of a record must outlive the record's bytes, which the strings of its value may share.
func TestJSON_SchemasKeepNoBytes(t *testing.T) {
	t.Parallel()
	c := newConverter(t, "Json", nil)
	in := []byte(`{"schema":{"type":"struct","name":"n","doc":"d","parameters":{"p":"q"},"fields":[{"type":"string","default":"dv","field":"f"}]},"payload":{"f":"x"}}`)
	d, err := c.Decode(t.Context(), "t", in)
	if err != nil {
		t.Fatal(err)
	}
	before := corpus.Dump(connect.Datum{Schema: d.Schema})
	for i := range in {
		in[i] = '#'
	}
	if after := corpus.Dump(connect.Datum{Schema: d.Schema}); after != before {
		t.Errorf("the schema became %s", after)
	}
}

// schemas.cache.size bounds what is remembered; going beyond it, and doing without, changes nothing that comes out.
func TestJSON_CachesAreBounded(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"-1", "0", "1", "3", "1000"} {
		c := newConverter(t, "Json", map[string]string{"schemas.cache.size": size})
		for round := range 3 {
			for i := range 10 {
				in := fmt.Sprintf(`{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"f%d"}],"optional":false},"payload":{"f%d":%d}}`, i, i, round)
				d, err := c.Decode(t.Context(), "t", []byte(in))
				if err != nil {
					t.Fatal(err)
				}
				out, err := c.Encode(t.Context(), "t", d)
				if err != nil || string(out) != in {
					t.Fatalf("cache of %s, round %d: wrote %s, %v, want %s", size, round, out, err, in)
				}
			}
		}
	}
}

// A schema met before is shared by the records that bring it.
func TestJSON_RecordsShareTheirSchema(t *testing.T) {
	t.Parallel()
	c := newConverter(t, "Json", nil)
	var schemas []*schema.Schema
	for _, text := range []string{
		`{"schema":{"type":"int32"},"payload":1}`,
		`{"schema":{"type":"int64"},"payload":2}`,
		` {"payload":3, "schema" : {"type":"int32"} } `,
	} {
		d, err := c.Decode(t.Context(), "t", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		schemas = append(schemas, d.Schema)
	}
	if schemas[0] != schemas[2] || schemas[0] == schemas[1] {
		t.Error("equal texts gave different schemas")
	}
}

func TestJSON_WritesWhatNoConverterRead(t *testing.T) {
	t.Parallel()
	c := newConverter(t, "Json", map[string]string{"schemas.enable": "false"})
	deep := any("x")
	for range 1001 {
		deep = []any{deep}
	}
	if _, err := c.Encode(t.Context(), "t", connect.Datum{Value: deep}); err == nil {
		t.Error("wrote what no reader takes")
	}
	for want, v := range map[string]any{
		"\"a\ufffdb\"":             "a\xffb",
		`"NaN"`:                    math.NaN(),
		`"-Infinity"`:              float32(math.Inf(-1)),
		`"\u0001\n\"\\/"`:          "\x01\n\"\\/",
		`{"a":[true,null,"AQ=="]}`: mapOf("a", []any{true, nil, []byte{1}}),
		`[[1,2]]`:                  mapOf(int8(1), int16(2)),
	} {
		out, err := c.Encode(t.Context(), "t", connect.Datum{Value: v})
		if err != nil || string(out) != want {
			t.Errorf("wrote %s, %v, want %s", out, err, want)
		}
	}
	if _, err := c.Encode(t.Context(), "t", connect.Datum{Value: struct{}{}}); err == nil {
		t.Error("wrote a value that is none of Connect's")
	}
}

func mapOf(k, v any) *schema.Map {
	m := schema.NewHashMap(0)
	m.Set(k, v)
	return m
}

func TestJSON_LimitsDepth(t *testing.T) {
	t.Parallel()
	c := newConverter(t, "Json", map[string]string{"schemas.enable": "false"})
	for depth, want := range map[int]bool{1000: true, 1001: false} {
		text := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		if _, err := c.Decode(t.Context(), "t", []byte(text)); (err == nil) != want {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

func TestSimpleHeader_SurvivesDeepText(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("[", 100000)
	if d := convert.ParseText(text); d.Value != text {
		t.Error("deep text is not itself")
	}
}

// Recorded from Kafka's converter: a number whose exponent is too large for a BigDecimal is refused although it is 0.
func TestJSON_NumbersOfBigDecimal(t *testing.T) {
	t.Parallel()
	c := newConverter(t, "Json", map[string]string{"schemas.enable": "false"})
	for text, want := range map[string]string{
		"0E1000000000":        "0",
		"0E00000000000000000": "0",
		"1e2147483647":        "+Inf",
		"1e-2147483647":       "0",
		"-1e-400":             "-0",
		"-0.0":                "0",
		"1e00000000000000005": "100000",
		"1e-00000000001":      "0.1",
		"10.5e00000000012":    "1.05e+13",

		"0E10000000000":             "",
		"0e9999999999":              "",
		"1e2147483648":              "+Inf",
		"1e2147483649":              "",
		"1e-2147483648":             "",
		"[0.0e-10000000000]":        "",
		`{"a":1E99999999999}`:       "",
		"0.5e2147483649":            "+Inf",
		"0.5e2147483650":            "",
		"0.5e-2147483647":           "",
		"0.55e-2147483646":          "",
		"1e99999999999999999999999": "",
	} {
		d, err := c.Decode(t.Context(), "t", []byte(text))
		if e, ok := errors.AsType[*schema.Error](err); want == "" && (!ok || e.Class != schema.DataException) {
			t.Errorf("%s was read as %v, %v, want a DataException", text, d.Value, err)
		} else if want != "" && (err != nil || fmt.Sprint(d.Value) != want) {
			t.Errorf("%s was read as %v, %v, want %s", text, d.Value, err, want)
		}
	}
}
