package transform_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// benched is a struct of ten fields with its schema.
func benched() connect.Datum {
	fields := []schema.Field{
		schema.F("id", schema.Of(schema.Int64)),
		schema.F("price", schema.Of(schema.String)),
		schema.F("at", schema.TimestampOf()),
		schema.F("in", schema.StructOf([]schema.Field{schema.F("x", schema.Of(schema.Int32)), schema.F("y", schema.Of(schema.String))})),
	}
	values := []any{int64(7), "12", time.UnixMilli(1700000000123).UTC(), schema.StructFrom(fields[3].Schema, []any{int32(1), "y"})}
	for i := range 6 {
		fields = append(fields, schema.F("f"+strconv.Itoa(i), schema.Of(schema.String, schema.Optional())))
		values = append(values, "text")
	}
	s := schema.StructOf(fields)
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, values)}
}

// loose is a map of the same content.
func loose() connect.Datum {
	m := schema.NewMap(10)
	m.Set("id", int64(7))
	m.Set("price", "12")
	m.Set("at", int64(1700000000123))
	for i := range 7 {
		m.Set("f"+strconv.Itoa(i), "text")
	}
	return connect.Datum{Value: m}
}

func BenchmarkTransform(b *testing.B) {
	for _, c := range []struct {
		class    string
		settings []string
	}{
		{"Cast$Value", []string{"spec=price:int64,id:string"}},
		{"DropHeaders", []string{"headers=b"}},
		{"ExtractField$Value", []string{"field=id"}},
		{"Filter", nil},
		{"Flatten$Value", nil},
		{"HeaderFrom$Value", []string{"fields=id,price", "headers=a,b", "operation=move"}},
		{"HoistField$Value", []string{"field=f"}},
		{"InsertField$Value", []string{"topic.field=topic", "offset.field=offset", "static.field=s", "static.value=v"}},
		{"InsertHeader", []string{"header=h", "value.literal=7"}},
		{"MaskField$Value", []string{"fields=id,price"}},
		{"RegexRouter", []string{`regex=(.*)\.(.*)`, "replacement=$2"}},
		{"ReplaceField$Value", []string{"exclude=f1,f2", "renames=id:key"}},
		{"SetSchemaMetadata$Value", []string{"schema.name=N"}},
		{"TimestampConverter$Value", []string{"field=at", "target.type=string", "format=yyyy-MM-dd'T'HH:mm:ss.SSSX"}},
		{"TimestampRouter", nil},
		{"ValueToKey", []string{"fields=id,price"}},
	} {
		for name, d := range map[string]connect.Datum{"struct": benched(), "map": loose()} {
			if name == "map" && (c.class == "SetSchemaMetadata$Value" || !strings.Contains(c.class, "$")) {
				continue
			}
			b.Run(c.class+"/"+name, func(b *testing.B) {
				tr := made(b, c.class, c.settings...)
				benchmark(b, d, tr.Apply)
			})
		}
	}
}

func benchmark(b *testing.B, d connect.Datum, apply func(*connect.Record) (bool, error)) {
	b.Helper()
	in := connect.Record{
		Topic: "db.orders", Partition: 1, Value: d, Time: time.UnixMilli(1700000000123).UTC(),
		Headers: []connect.Header{{Key: "a"}, {Key: "b"}}, Kafka: connect.Kafka{Topic: "db.orders", Partition: 1, Offset: 9},
	}
	b.ReportAllocs()
	for b.Loop() {
		r := in
		if _, err := apply(&r); err != nil {
			b.Fatal(err)
		}
	}
}
