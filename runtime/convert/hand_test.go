package convert_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
)

// plainOrder is order as somebody would write it who needs no other record: encoding/json with a type of its own.
type plainOrder struct {
	ID         int64   `json:"id"`
	CustomerID int64   `json:"customer_id"`
	PlacedAt   int64   `json:"placed_at"`
	Total      []byte  `json:"total"`
	Weight     float64 `json:"weight"`
	Express    bool    `json:"express"`
	Note       *string `json:"note"`
	Items      []int32 `json:"items"`
	D0         string  `json:"description_0"`
	D1         string  `json:"description_1"`
	D2         string  `json:"description_2"`
	D3         string  `json:"description_3"`
	D4         string  `json:"description_4"`
	D5         string  `json:"description_5"`
	D6         string  `json:"description_6"`
	D7         string  `json:"description_7"`
	D8         string  `json:"description_8"`
	D9         string  `json:"description_9"`
	D10        string  `json:"description_10"`
	D11        string  `json:"description_11"`
}

// BenchmarkEncodeByHand and BenchmarkDecodeByHand do the work of BenchmarkEncode and BenchmarkDecode for one type each.
func BenchmarkEncodeByHand(b *testing.B) {
	var o plainOrder
	if err := json.Unmarshal(plainJSON(b), &o); err != nil {
		b.Fatal(err)
	}
	text, _ := speeds()[2].datum.Value.(string)
	for name, do := range map[string]func() []byte{
		"json-plain": func() []byte { out, _ := json.Marshal(&o); return out },
		"json-map":   func() []byte { out, _ := json.Marshal(asMap(&o)); return out },
		"string":     func() []byte { return []byte(text) },
		"long":       func() []byte { return binary.BigEndian.AppendUint64(nil, 1<<40) },
		"double":     func() []byte { return binary.BigEndian.AppendUint64(nil, math.Float64bits(1.5)) },
		"boolean":    func() []byte { return []byte{1} },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(do())))
			b.ReportAllocs()
			for b.Loop() {
				kept = do()
			}
		})
	}
}

// kept keeps the compiler from leaving out what nobody looks at.
var kept any

func asMap(o *plainOrder) map[string]any {
	return map[string]any{
		"id": o.ID, "customer_id": o.CustomerID, "placed_at": o.PlacedAt, "total": base64.StdEncoding.EncodeToString(o.Total),
		"weight": o.Weight, "express": o.Express, "note": o.Note, "items": o.Items, "description_0": o.D0, "description_1": o.D1,
		"description_2": o.D2, "description_3": o.D3, "description_4": o.D4, "description_5": o.D5, "description_6": o.D6,
		"description_7": o.D7, "description_8": o.D8, "description_9": o.D9, "description_10": o.D10, "description_11": o.D11,
	}
}

func plainJSON(tb testing.TB) []byte {
	tb.Helper()
	out, err := newConverter(tb, "Json", map[string]string{"schemas.enable": "false"}).Encode(tb.Context(), "t", order())
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func BenchmarkDecodeByHand(b *testing.B) {
	in := plainJSON(b)
	eight := binary.BigEndian.AppendUint64(nil, 1<<40)
	for _, c := range []struct {
		name string
		in   []byte
		do   func(in []byte) any
	}{
		{"json-plain", in, func(in []byte) any {
			var o plainOrder
			if err := json.Unmarshal(in, &o); err != nil {
				b.Fatal(err)
			}
			return &o
		}},
		{"json-map", in, func(in []byte) any {
			var m map[string]any
			if err := json.Unmarshal(in, &m); err != nil {
				b.Fatal(err)
			}
			return m
		}},
		{"string", in, func(in []byte) any { return string(in) }},
		{"long", eight, func(in []byte) any { return int64(binary.BigEndian.Uint64(in)) }},
		{"double", eight, func(in []byte) any { return math.Float64frombits(binary.BigEndian.Uint64(in)) }},
		{"boolean", []byte{1}, func(in []byte) any { return in[0] == 1 }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.in)))
			b.ReportAllocs()
			for b.Loop() {
				kept = c.do(c.in)
			}
		})
	}
}

// What is measured beside each other must be the same text.
func TestByHand_IsTheSameJSON(t *testing.T) {
	t.Parallel()
	want := plainJSON(t)
	var o plainOrder
	if err := json.Unmarshal(want, &o); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(&o)
	if err != nil || string(got) != string(want) {
		t.Errorf("%v\n got: %s\nwant: %s", err, got, want)
	}
	if n := len(want); n < 900 || n > 1200 {
		t.Errorf("the record has %d bytes", n)
	}
}
