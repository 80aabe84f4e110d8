package convert_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// order is a record as a database gives it: 20 fields, about 1 kB of JSON.
func order() connect.Datum {
	fields := []schema.Field{
		schema.F("id", schema.Of(schema.Int64)),
		schema.F("customer_id", schema.Of(schema.Int64)),
		schema.F("placed_at", schema.TimestampOf()),
		schema.F("total", schema.DecimalOf(2)),
		schema.F("weight", schema.Of(schema.Float64)),
		schema.F("express", schema.Of(schema.Boolean)),
		schema.F("note", schema.Of(schema.String, schema.Optional())),
		schema.F("items", schema.ArrayOf(schema.Of(schema.Int32))),
	}
	values := []any{
		int64(1234567890), int64(987654321), schema.Instant(1700000000123), schema.NewDecimal(1234567, 2), 12.75, true, nil,
		[]any{int32(1), int32(22), int32(333), int32(4444)},
	}
	for i := range 12 {
		fields = append(fields, schema.F(fmt.Sprintf("description_%d", i), schema.Of(schema.String)))
		values = append(values, fmt.Sprintf("%d: ", i)+strings.Repeat("some words ", 5))
	}
	s := schema.StructOf(fields, schema.Named("com.example.Order"))
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, values)}
}

func newConverter(tb testing.TB, name string, settings map[string]string) connect.Converter {
	tb.Helper()
	p, ok := convert.FindConverter(name)
	if !ok {
		tb.Fatalf("there is no converter %s", name)
	}
	c := p.New()
	all := map[string]string{convert.TypeKey: convert.ValueType}
	maps.Copy(all, settings)
	if err := config.Parse(all, c); err != nil {
		tb.Fatal(err)
	}
	return c
}

// speed is one converter with a value it can write. Budgets are allocations per record.
type speed struct {
	name           string
	converter      string
	settings       map[string]string
	datum          connect.Datum
	encode, decode float64
}

func speeds() []speed {
	plain := map[string]string{"schemas.enable": "false"}
	text := connect.Datum{Schema: schema.Of(schema.String), Value: strings.Repeat("some words ", 90)}
	return []speed{
		{"json-envelope", "Json", nil, order(), 2, 26},
		{"json-plain", "Json", plain, order(), 2, 47},
		{"string", "String", nil, text, 0, 1},
		{"string-latin1", "String", map[string]string{"converter.encoding": "ISO-8859-1"}, text, 1, 2},
		{"bytes", "ByteArray", nil, connect.Datum{Value: make([]byte, 1000)}, 0, 1},
		{"long", "Long", nil, connect.Datum{Value: int64(1 << 40)}, 1, 1},
		{"double", "Double", nil, connect.Datum{Value: 1.5}, 1, 1},
		{"boolean", "Boolean", nil, connect.Datum{Value: true}, 1, 0},
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, s := range speeds() {
		b.Run(s.name, func(b *testing.B) {
			c := newConverter(b, s.converter, s.settings)
			out, err := c.Encode(b.Context(), "t", s.datum)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(out)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Encode(b.Context(), "t", s.datum); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range speeds() {
		b.Run(s.name, func(b *testing.B) {
			c := newConverter(b, s.converter, s.settings)
			in, err := c.Encode(b.Context(), "t", s.datum)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Decode(b.Context(), "t", in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSimpleHeader(b *testing.B) {
	h := &convert.SimpleHeader{}
	for _, text := range []string{"some words", "12345", "2023-11-14T22:13:20.123Z", `{"a":1,"b":2.5}`} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.DecodeHeader(b.Context(), "t", "h", []byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestConverter_AllocationBudget(t *testing.T) {
	for _, s := range speeds() {
		c := newConverter(t, s.converter, s.settings)
		out, err := c.Encode(t.Context(), "t", s.datum)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		encode := testing.AllocsPerRun(100, func() {
			if _, err := c.Encode(ctx, "t", s.datum); err != nil {
				t.Fatal(err)
			}
		})
		decode := testing.AllocsPerRun(100, func() {
			if _, err := c.Decode(ctx, "t", out); err != nil {
				t.Fatal(err)
			}
		})
		if encode > s.encode || decode > s.decode {
			t.Errorf("%s: %v allocations to encode, %v to decode; the budget is %v and %v", s.name, encode, decode, s.encode, s.decode)
		}
	}
}
