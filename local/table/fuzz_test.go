package table_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/local/table"
)

func FuzzExpressions(f *testing.F) {
	for _, c := range conditionCases() {
		if len(c.expr) < 100 {
			f.Add(c.expr, `{"s": {"S": "hello"}, "n": {"N": "5"}, "l": {"L": [{"N": "1"}]}}`)
		}
	}
	for _, c := range updateCases() {
		f.Add(c.expr, `{"m": {"M": {"a": {"N": "1"}}}, "n": {"N": "5"}, "ss": {"SS": ["a", "b"]}}`)
	}
	f.Add("m.c.d, l[2].x, #n", `{"m": {"M": {"c": {"NULL": true}}}, "l": {"L": []}}`)
	f.Add("pk = :v AND begins_with(sk, :v)", `{}`)
	f.Fuzz(func(t *testing.T, text, item string) {
		if !json.Valid([]byte(item)) {
			return
		}
		// Neither parsing nor applying may panic, and what an update makes can be stored and read.
		if err := table.TryExpressions(text, []byte(item)); err != nil && strings.Contains(err.Error(), "damaged") {
			t.Errorf("%q on %s: %v", text, item, err)
		}
	})
}

func FuzzAttributeValues(f *testing.F) {
	for _, seed := range []string{
		`{"a": {"S": "x"}, "b": {"N": "-1.50e3"}, "c": {"B": "AQID"}, "d": {"BOOL": false}, "e": {"NULL": true}}`,
		`{"a": {"L": [{"M": {"x": {"L": []}}}, {"S": ""}]}, "b": {"M": {}}, "": {"S": "\u0000\ud83d\ude00"}}`,
		`{"a": {"SS": ["b", "a"]}, "b": {"NS": ["2", "1e100"]}, "c": {"BS": ["AQ==", ""]}}`,
		`{"a": {"S": "x", "N": null}}`, `{"a": {}}`, `{"a": {"S": "x", "N": "1"}}`, `{"a": {"NS": ["1", "1.0"]}}`, `{"a": 1}`, `null`, `[]`,
		`{"a": ` + strings.Repeat(`{"L": [`, 33) + strings.Repeat(`]}`, 33) + `}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		wire, stored, err := table.DecodeItem(data)
		if err != nil {
			return
		}
		if !json.Valid(wire) {
			t.Fatalf("%s became %s", data, wire)
		}
		again, _, err := table.DecodeItem(wire)
		if err != nil || !table.SameItem(wire, again) {
			t.Fatalf("%s became %s (%v)", wire, again, err)
		}
		kept, err := table.ReadStored(stored)
		if err != nil || !table.SameItem(wire, kept) {
			t.Fatalf("%s was stored as %s (%v)", wire, kept, err)
		}
	})
}

func FuzzStored(f *testing.F) {
	_, stored, err := table.DecodeItem([]byte(`{"a": {"L": [{"M": {"x": {"N": "5"}}}, {"BOOL": true}]}, "b": {"SS": ["x", "y"]}, "c": {"NULL": true}, "d": {"B": "AQ=="}}`))
	if err != nil {
		f.Fatal(err)
	}
	for i := range stored {
		f.Add(stored[:i])
	}
	f.Add(stored)
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, data []byte) {
		// Damage is an error, never a panic.
		_, _ = table.ReadStored(data)
	})
}

func FuzzNumbers(f *testing.F) {
	seeds := []string{"0", "-0", "1", "-1", "1.5", "0.05", "-0.05", "100", "1e125", "-1e125", "1e-130", "99999999999999999999999999999999999999", "1e", "12e-3"}
	for i, a := range seeds {
		f.Add(a, seeds[(i+3)%len(seeds)])
		f.Add(a, a)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		byValue, byKey, err := table.CompareNumbers(a, b)
		if err == nil && byValue != byKey {
			t.Errorf("%s and %s compare as %d, their keys as %d", a, b, byValue, byKey)
		}
		back, _, err := table.CompareNumbers(b, a)
		if err == nil && back != -byValue {
			t.Errorf("%s and %s: %d one way, %d the other", a, b, byValue, back)
		}
	})
}

// TestReadStored_Allocations bounds what reading one offset item costs: its text is copied once, whatever its attributes.
func TestReadStored_Allocations(t *testing.T) {
	_, stored, err := table.DecodeItem([]byte(`{"pk": {"S": "orders"}, "sk": {"S": "offset#1"}, "partition": {"S": "{}"}, "offset": {"M": {"position": {"N": "17"}}}, "v": {"N": "1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	const budget = 10
	if n := testing.AllocsPerRun(100, func() { table.ReadItem(stored) }); n > budget {
		t.Errorf("reading an item allocates %v times, at most %d were agreed", n, budget)
	}
}
