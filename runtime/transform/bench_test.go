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

// BenchmarkByHand does what some of the transforms do, written for this one record.
func BenchmarkByHand(b *testing.B) {
	d := benched()
	s := d.Schema
	cast := append([]schema.Field(nil), s.Fields...)
	cast[0].Schema, cast[1].Schema = schema.Of(schema.String), schema.Of(schema.Int64)
	castSchema := schema.StructOf(cast)
	inserted := schema.StructOf(append(append([]schema.Field(nil), s.Fields...), schema.F("topic", schema.Of(schema.String)),
		schema.F("offset", schema.Of(schema.Int64)), schema.F("s", schema.Of(schema.String))))
	keySchema := schema.StructOf([]schema.Field{s.Fields[0], s.Fields[1]})
	for name, apply := range map[string]func(r *connect.Record) error{
		"Cast": func(r *connect.Record) error {
			out := fieldsOf(r)
			n, err := strconv.ParseInt(out[1].(string), 10, 64)
			out[0], out[1] = strconv.FormatInt(out[0].(int64), 10), n
			r.Value = connect.Datum{Schema: castSchema, Value: schema.StructFrom(castSchema, out[:10])}
			return err
		},
		"InsertField": func(r *connect.Record) error {
			out := fieldsOf(r)
			out[10], out[11], out[12] = r.Topic, r.Kafka.Offset, "v"
			r.Value = connect.Datum{Schema: inserted, Value: schema.StructFrom(inserted, out)}
			return nil
		},
		"TimestampConverter": func(r *connect.Record) error {
			out := fieldsOf(r)
			out[2] = out[2].(time.Time).Format("2006-01-02T15:04:05.000Z07:00")
			r.Value.Value = schema.StructFrom(s, out[:10])
			return nil
		},
		"ValueToKey": func(r *connect.Record) error {
			v := r.Value.Value.(*schema.Struct)
			r.Key = connect.Datum{Schema: keySchema, Value: schema.StructFrom(keySchema, []any{v.Raw(0), v.Raw(1)})}
			return nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			benchmark(b, d, func(r *connect.Record) (bool, error) { return true, apply(r) })
		})
	}
}

// fieldsOf copies the fields of the value, with room for three more.
func fieldsOf(r *connect.Record) []any {
	v := r.Value.Value.(*schema.Struct)
	out := make([]any, 13)
	for i := range v.Schema().Fields {
		out[i] = v.At(i)
	}
	return out
}
