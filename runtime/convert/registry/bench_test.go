package registry_test

import (
	"testing"

	desk "github.com/sluice-connect/sluice/local/registry"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// kinds are the converters, with what each may allocate for a small record in the steady state. To write: its bytes, and those
// that they become when they are compressed. To read: the struct, its values, and one for each value that is no boolean; what
// was compressed becomes bytes of its own. It has one more of each than it takes, because a pool may lose what it holds, as it
// does at random with the race detector.
func kinds() []kind {
	return []kind{
		{"Avro", func(t testing.TB, address string) connect.Converter { return confluentAt(t, avroClass, address) }, 1, 8},
		{"Protobuf", func(t testing.TB, address string) connect.Converter { return confluentAt(t, protobufClass, address) }, 1, 8},
		{"JSON", func(t testing.TB, address string) connect.Converter { return confluentAt(t, jsonClass, address) }, 1, 7},
		{"Glue", func(t testing.TB, address string) connect.Converter { return glueAt(t, address) }, 1, 8},
		{"GlueJSON", func(t testing.TB, address string) connect.Converter {
			return glueOf(t, glueJSONClass, address, "schemaName", "json")
		}, 1, 7},
		{"GlueProtobuf", func(t testing.TB, address string) connect.Converter {
			return glueOf(t, glueProtobufClass, address, "schemaName", "protobuf")
		}, 1, 8},
		{"GlueZlib", func(t testing.TB, address string) connect.Converter { return glueAt(t, address, "compression", "ZLIB") }, 3, 12},
	}
}

type kind struct {
	name           string
	make           func(t testing.TB, address string) connect.Converter
	encode, decode float64 // allocations
}

func confluentAt(t testing.TB, class, address string) connect.Converter {
	t.Helper()
	c, err := newConverter(t, class, false, address, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConverter_Allocations(t *testing.T) {
	for _, k := range kinds() {
		c, in, ctx := k.make(t, served(t, opened(t))), order(6), t.Context()
		b, err := c.Encode(ctx, "t", in)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, err = c.Encode(ctx, "t", in) }); n > k.encode || err != nil {
			t.Errorf("%s: writing an order allocates %v times, more than %v: %v", k.name, n, k.encode, err)
		}
		if n := testing.AllocsPerRun(100, func() { _, err = c.Decode(ctx, "t", b) }); n > k.decode || err != nil {
			t.Errorf("%s: reading an order allocates %v times, more than %v: %v", k.name, n, k.decode, err)
		}
	}
}

func BenchmarkConverter(b *testing.B) {
	for _, k := range kinds() {
		c, in := k.make(b, served(b, opened(b))), order(6)
		bytes, err := c.Encode(b.Context(), "t", in)
		if err != nil {
			b.Fatal(err)
		}
		measure(b, k.name+"/encode", func() error { _, err := c.Encode(b.Context(), "t", in); return err })
		measure(b, k.name+"/decode", func() error { _, err := c.Decode(b.Context(), "t", bytes); return err })
	}
}

func measure(b *testing.B, name string, do func() error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

// Whatever stands in a topic, and in the header of a record, reading it ends in a value or an error, with each converter. The
// registry has the schemas of recorded cases.
func FuzzConverter(f *testing.F) {
	r := opened(f)
	if err := r.SetLevel("", "NONE"); err != nil {
		f.Fatal(err)
	}
	address := served(f, r)
	for i, files := range []string{"convert-avro-to", "convert-protobuf-to", "convert-jsonschema-to"} {
		for n, c := range corpus.Load(f, files) {
			in, err := corpus.Bytes(c.Input)
			if err != nil || len(c.Registry) == 0 || n%7 > 0 || len(in) < 5 {
				continue
			}
			v, err := r.Register("t-value", desk.Schema{Type: c.Registry[0].SchemaType, Text: c.Registry[0].Schema}, false)
			if err != nil {
				continue // what is no schema is not there
			}
			f.Add(uint8(i), append([]byte{0, 0, 0, byte(v.ID >> 8), byte(v.ID)}, in[5:]...), []byte(nil))
		}
	}
	f.Add(uint8(0), []byte("\x02x"), []byte("\x01ABCDEFGHIJKLMNOP"))
	var converters []connect.Converter
	for _, k := range kinds() {
		c := k.make(f, address)
		converters = append(converters, c)
		b, err := c.Encode(f.Context(), "t", order(6))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(len(converters)-1), b, []byte(nil))
		f.Add(uint8(len(converters)-1), b[:len(b)/2], []byte(nil))
	}
	f.Fuzz(func(t *testing.T, which uint8, b, header []byte) {
		c := converters[int(which)%len(converters)]
		var d connect.Datum
		var err error
		if headed, ok := c.(connect.HeadedConverter); ok {
			d, err = headed.DecodeHeaded(t.Context(), "t", b, header)
		} else {
			d, err = c.Decode(t.Context(), "t", b)
		}
		// As in Java, JSON may lack members that its schema requires.
		if err == nil && d.Schema != nil && d.Value != nil && kinds()[int(which)%len(converters)].name != "JSON" && kinds()[int(which)%len(converters)].name != "GlueJSON" {
			if err := schema.Validate(d.Schema, d.Value); err != nil {
				t.Errorf("%x was read as what its schema does not allow: %v", b, err)
			}
		}
	})
}
