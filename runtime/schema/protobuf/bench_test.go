package protobuf_test

import (
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/protobuf"
)

// order is a small record, as tables have them.
func order() connect.Datum {
	s := schema.StructOf([]schema.Field{
		schema.F("id", schema.Of(schema.Int64)),
		schema.F("customer", schema.Of(schema.String)),
		schema.F("item", schema.Of(schema.String, schema.Optional())),
		schema.F("quantity", schema.Of(schema.Int32)),
		schema.F("price", schema.Of(schema.Float64)),
		schema.F("paid", schema.Of(schema.Boolean)),
		schema.F("note", schema.Of(schema.String, schema.Optional())),
		schema.F("at", schema.TimestampOf()),
	}, schema.Named("com.example.Order"))
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, []any{
		int64(123456789), "customer-17", "a thing", int32(300), 12.5, true, nil, time.UnixMilli(1700000000123).UTC(),
	})}
}

// The allocations of one record: those that hold its values, and no more.
func TestAllocations(t *testing.T) {
	in := order()
	data := protobuf.New(protobuf.Defaults())
	text, b := encode(t, data, in)
	e, err := data.Encoder(in.Schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := e.AppendMessage(dst[:0], in.Value); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("encoding an order allocates %v times", n)
	}
	w := parse(t, text)
	// The struct, its values, one for each of id, quantity, price and at, and two for each of customer and item.
	const budget = 10
	if n := testing.AllocsPerRun(100, func() {
		if _, _, err := data.Decoder(w, nil, nil).DecodeMessage(b); err != nil {
			t.Fatal(err)
		}
	}); n > budget {
		t.Errorf("decoding an order allocates %v times, more than %d", n, budget)
	}
}

func BenchmarkEncode(b *testing.B) {
	in := order()
	data := protobuf.New(protobuf.Defaults())
	e, err := data.Encoder(in.Schema, nil)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.AppendMessage(dst[:0], in.Value); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkDecode(b *testing.B) {
	data := protobuf.New(protobuf.Defaults())
	text, message := encode(b, data, order())
	d := data.Decoder(parse(b, text), nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.DecodeMessage(message); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
