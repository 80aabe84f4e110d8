package avro_test

import (
	"bytes"
	"testing"

	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// Whatever a registry and a topic hold, reading ends, and what was read with a schema of Connect's own making is written
// as it was.
func FuzzDecode(f *testing.F) {
	for _, c := range corpus.Load(f, "convert-avro-to") {
		if in, err := corpus.Bytes(c.Input); err == nil && len(c.Registry) > 0 && len(in) > frame {
			f.Add(c.Registry[0].Schema, in[frame:])
		}
	}
	f.Fuzz(func(t *testing.T, text string, b []byte) {
		w, err := avro.Parse(text)
		if err != nil {
			return
		}
		if again, err := avro.Parse(w.String()); err != nil {
			t.Fatalf("%q reads, but what is written of it, %q, does not: %v", text, w, err)
		} else if again.String() != w.String() {
			t.Fatalf("%s becomes %s", w, again)
		}
		data := avro.New(avro.Defaults())
		d, err := data.Decoder(w, nil, nil)
		if err != nil {
			return
		}
		v, err := d.DecodeMessage(b)
		if err != nil || d.Schema == nil {
			return
		}
		own, err := data.FromConnect(d.Schema)
		if err != nil {
			return
		}
		e, err := data.Encoder(d.Schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		written, err := e.AppendMessage(nil, v)
		if err != nil {
			return // such as a default in the place of null
		}
		back, err := data.Decoder(own, nil, nil)
		if err != nil {
			return
		}
		v2, err := back.DecodeMessage(written)
		if err != nil {
			t.Fatalf("%v was written with %s as %x, which cannot be read: %v", v, own, written, err)
		}
		twice, err := e.AppendMessage(nil, restructure(d.Schema, v2))
		if err == nil && !bytes.Equal(written, twice) {
			t.Fatalf("%s with %s: %x became %x", text, own, written, twice)
		}
	})
}

// restructure gives a struct the schema that an encoder expects, when all that differs is what a schema says about itself.
func restructure(s *schema.Schema, v any) any {
	st, ok := v.(*schema.Struct)
	if !ok || s.Type != schema.StructType || len(s.Fields) != len(st.Schema().Fields) {
		return v
	}
	values := make([]any, len(s.Fields))
	for i := range values {
		values[i] = restructure(s.Fields[i].Schema, st.Raw(i))
	}
	return schema.StructFrom(s, values)
}
