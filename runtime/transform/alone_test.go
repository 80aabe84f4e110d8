package transform_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// No transform allocates on a record that it leaves alone.
func TestTransform_LeavesRecordsAloneForNothing(t *testing.T) {
	whole, text := benched(), connect.Datum{Schema: schema.Of(schema.String), Value: "text"}
	null := connect.Datum{Schema: schema.StructOf(whole.Schema.Fields, schema.Optional())}
	for _, c := range []struct {
		why, class string
		settings   []string
		value      connect.Datum
	}{
		{"null", "Cast$Value", []string{"spec=price:int64"}, connect.Datum{}},
		{"null", "ExtractField$Value", []string{"field=id"}, connect.Datum{}},
		{"null", "Flatten$Value", nil, connect.Datum{}},
		{"null", "InsertField$Value", []string{"topic.field=topic"}, connect.Datum{}},
		{"null", "ReplaceField$Value", []string{"exclude=f1"}, connect.Datum{}},
		{"null", "SetSchemaMetadata$Value", []string{"schema.name=N"}, connect.Datum{}},
		{"null", "TimestampConverter$Value", []string{"field=at", "target.type=unix"}, connect.Datum{}},
		{"null of a schema", "InsertField$Value", []string{"topic.field=topic"}, null},
		{"null of a schema", "ReplaceField$Value", []string{"exclude=f1"}, null},
		{"no such header", "DropHeaders", []string{"headers=x,y"}, whole},
		{"dropped", "Filter", nil, whole},
		{"no match", "RegexRouter", []string{"regex=other\\.(.*)", "replacement=$1"}, whole},
		{"the same type", "Cast$Value", []string{"spec=string"}, text},
		{"the same text", "TimestampConverter$Key", []string{"target.type=string", "format=yyyy"}, whole},
	} {
		tr := made(t, c.class, c.settings...)
		in := connect.Record{
			Topic: "db.orders", Value: c.value, Time: time.UnixMilli(1700000000123).UTC(), Headers: []connect.Header{{Key: "a"}, {Key: "b"}},
		}
		var r connect.Record
		if n := testing.AllocsPerRun(100, func() {
			r = in
			if _, err := tr.Apply(&r); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s, %s: %v allocations", c.class, c.why, n)
		}
	}
}

func TestPredicate_LooksForNothing(t *testing.T) {
	r := connect.Record{Topic: "db.orders", Value: benched(), Headers: []connect.Header{{Key: "a"}, {Key: "b"}}}
	for class, settings := range map[string]string{"HasHeaderKey": "name=x", "RecordIsTombstone": "", "TopicNameMatches": "pattern=db\\..*"} {
		p := newPredicate(t, pkg+"predicates."+class)
		if err := configure(values(strings.Fields(settings)), p); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			if _, err := p.Match(&r); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", class, n)
		}
	}
}
