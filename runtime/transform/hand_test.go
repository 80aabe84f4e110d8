package transform_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// BenchmarkByHand does what the transforms do, each with the settings it has in BenchmarkTransform, written for this one
// record: no settings, no checks, no schema to work out.
func BenchmarkByHand(b *testing.B) {
	d := benched()
	hands := byHand(d.Schema)
	maps.Copy(hands, headersByHand())
	for name, apply := range hands {
		b.Run(name, func(b *testing.B) {
			benchmark(b, d, func(r *connect.Record) (bool, error) { return true, apply(r) })
		})
	}
}

func byHand(s *schema.Schema) map[string]func(r *connect.Record) error {
	field := func(name string, t schema.Type) schema.Field { return schema.F(name, schema.Of(t)) }
	with := func(change func(fields []schema.Field) []schema.Field) *schema.Schema {
		return schema.StructOf(change(append([]schema.Field(nil), s.Fields...)))
	}
	castSchema := with(func(f []schema.Field) []schema.Field {
		f[0], f[1] = field("id", schema.String), field("price", schema.Int64)
		return f
	})
	inserted := with(func(f []schema.Field) []schema.Field {
		return append(f, field("topic", schema.String), field("offset", schema.Int64), field("s", schema.String))
	})
	dated := with(func(f []schema.Field) []schema.Field { f[2] = field("at", schema.String); return f })
	flat := with(func(f []schema.Field) []schema.Field {
		return append(append(append([]schema.Field(nil), f[:3]...), field("in.x", schema.Int32), field("in.y", schema.String)), f[4:]...)
	})
	renamed := with(func(f []schema.Field) []schema.Field {
		f[0].Name = "key"
		return append(f[:5], f[7:]...)
	})
	named := s.With(schema.Named("N"))
	hoisted := schema.StructOf([]schema.Field{schema.F("f", s)})
	keySchema := schema.StructOf(s.Fields[:2])
	set := func(r *connect.Record, s *schema.Schema, values []any) error {
		r.Value = connect.Datum{Schema: s, Value: schema.StructFrom(s, values)}
		return nil
	}
	return map[string]func(r *connect.Record) error{
		"Cast": func(r *connect.Record) error {
			out := fieldsOf(r)
			n, err := strconv.ParseInt(out[1].(string), 10, 64)
			out[0], out[1] = strconv.FormatInt(out[0].(int64), 10), n
			_ = set(r, castSchema, out[:10])
			return err
		},
		"ExtractField": func(r *connect.Record) error {
			r.Value = connect.Datum{Schema: s.Fields[0].Schema, Value: r.Value.Value.(*schema.Struct).Raw(0)}
			return nil
		},
		"Flatten": func(r *connect.Record) error {
			out := fieldsOf(r)
			in := out[3].(*schema.Struct)
			copy(out[5:11], out[4:10])
			out[3], out[4] = in.Raw(0), in.Raw(1)
			return set(r, flat, out[:11])
		},
		"HoistField": func(r *connect.Record) error { return set(r, hoisted, []any{r.Value.Value}) },
		"InsertField": func(r *connect.Record) error {
			out := fieldsOf(r)
			out[10], out[11], out[12] = r.Topic, r.Kafka.Offset, "v"
			return set(r, inserted, out)
		},
		"MaskField": func(r *connect.Record) error {
			out := fieldsOf(r)
			out[0], out[1] = int64(0), ""
			return set(r, s, out[:10])
		},
		"ReplaceField": func(r *connect.Record) error {
			out := fieldsOf(r)
			copy(out[5:8], out[7:10])
			return set(r, renamed, out[:8])
		},
		"SetSchemaMetadata": func(r *connect.Record) error { return set(r, named, fieldsOf(r)[:10]) },
		"TimestampConverter": func(r *connect.Record) error {
			out := fieldsOf(r)
			out[2] = out[2].(time.Time).Format("2006-01-02T15:04:05.000Z07:00")
			return set(r, dated, out[:10])
		},
		"ValueToKey": func(r *connect.Record) error {
			v := r.Value.Value.(*schema.Struct)
			r.Key = connect.Datum{Schema: keySchema, Value: schema.StructFrom(keySchema, []any{v.Raw(0), v.Raw(1)})}
			return nil
		},
	}
}

// headersByHand are those that look at a record's topic and headers.
func headersByHand() map[string]func(r *connect.Record) error {
	seven := connect.Datum{Schema: schema.Of(schema.Int8), Value: int8(7)}
	return map[string]func(r *connect.Record) error{
		"DropHeaders": func(r *connect.Record) error {
			kept := make([]connect.Header, 0, len(r.Headers))
			for _, h := range r.Headers {
				if h.Key != "b" {
					kept = append(kept, h)
				}
			}
			r.Headers = kept
			return nil
		},
		"Filter": func(*connect.Record) error { return nil },
		"HeaderFrom": func(r *connect.Record) error {
			v := r.Value.Value.(*schema.Struct)
			fields := v.Schema().Fields
			r.Headers = append(slices.Clip(r.Headers),
				connect.Header{Key: "a", Value: connect.Datum{Schema: fields[0].Schema, Value: v.Raw(0)}},
				connect.Header{Key: "b", Value: connect.Datum{Schema: fields[1].Schema, Value: v.Raw(1)}})
			return nil
		},
		"InsertHeader": func(r *connect.Record) error {
			r.Headers = append(slices.Clip(r.Headers), connect.Header{Key: "h", Value: seven})
			return nil
		},
		"RegexRouter": func(r *connect.Record) error {
			if i := strings.LastIndexByte(r.Topic, '.'); i >= 0 {
				r.Topic = r.Topic[i+1:]
			}
			return nil
		},
		"TimestampRouter": func(r *connect.Record) error {
			r.Topic = r.Topic + "-" + r.Time.Format("20060102")
			return nil
		},
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
