package avro_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// frame is what stands before the value: a magic byte and the schema's number.
const frame = 5

// The recorded cases that need no registry, with nothing between them and this package. That of the converter has them all.
func TestCorpus_Encode(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Load(t, "convert-avro-from") {
		if c.Op != "fromConnectData" || len(c.Registry) > 0 || c.Error == nil && (len(c.Registered) == 0 || c.Headers != nil) || len(c.Input) == 0 {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			in, err := corpus.Datum(c.Input)
			if err != nil {
				t.Fatal(err)
			}
			data := newData(t, c)
			s, err := data.FromConnect(in.Schema)
			var got []byte
			if err == nil {
				var e *avro.Encoder
				if e, err = data.Encoder(in.Schema, nil); err == nil {
					got, err = e.AppendMessage(nil, in.Value)
				}
			}
			if _, ok := errors.AsType[*avro.FormError](err); ok && c.Error != nil {
				return // the converter words it
			}
			if err == nil && c.Error != nil && c.Error.Message != "" && len(c.Registered) == 0 {
				t.Skip("fails in the converter")
			}
			if c.Failed(t, err) {
				return
			}
			if c.Config["normalize.schemas"] == nil {
				diffSchemas(t, c.Registered[0].Schema, s.String())
			}
			want, err := corpus.Bytes(c.Output)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want[frame:], got) {
				t.Errorf("encoding %s\n got: %x\nwant: %x", corpus.Dump(in), got, want[frame:])
			}
		})
	}
}

func diffSchemas(t *testing.T, want, got string) {
	t.Helper()
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("reading %s: %v", got, err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("the schemas differ, -want +got:\n%s", diff)
	} else if want != got {
		t.Errorf("the order differs\n got: %s\nwant: %s", got, want)
	}
}

func TestCorpus_Decode(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Load(t, "convert-avro-to") {
		if c.Op != "toConnectData" || len(c.Registry) != 1 || c.Headers != nil || string(c.Input) == "null" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			if c.ID == ambiguous {
				t.Skip("two records of one name: the schema's text cannot tell them apart")
			}
			in, err := corpus.Bytes(c.Input)
			if err != nil {
				t.Fatal(err)
			}
			if len(in) < frame || in[0] != 0 || int(in[4]) != c.Registry[0].ID {
				t.Skip("not a frame of this schema")
			}
			got, err := decode(newData(t, c), c.Registry[0], in[frame:])
			if _, ok := errors.AsType[*avro.FormError](err); ok && c.Error != nil {
				return
			}
			if c.Error != nil && err == nil && c.Error.Message == "Failed to deserialize data for topic t to Avro:" {
				t.Skip("fails in the converter")
			}
			if c.Failed(t, err) {
				return
			}
			want, err := corpus.Datum(c.Output)
			if err != nil {
				t.Fatal(err)
			}
			if want.IsNull() && got.Value == nil {
				return // the converter makes it no value at all
			}
			if diff := corpus.DiffDatum(want, got); diff != "" {
				t.Errorf("decoding %x with %s\n%s", in, c.Registry[0].Schema, diff)
			}
		})
	}
}

// ambiguous is a case whose bytes were written with two records of one name, which the schema's text has lost.
const ambiguous = "convert-avro-to-e0088"

func decode(data *avro.Data, r corpus.Registered, b []byte) (connect.Datum, error) {
	s, err := avro.Parse(r.Schema)
	if err != nil {
		return connect.Datum{}, err
	}
	version := int32(r.Version)
	d, err := data.Decoder(s, nil, &version)
	if err != nil {
		return connect.Datum{}, err
	}
	v, err := d.DecodeMessage(b)
	return connect.Datum{Schema: d.Schema, Value: v}, err
}

func newData(t *testing.T, c corpus.Case) *avro.Data {
	t.Helper()
	var o avro.Options
	if err := config.Parse(c.Config, &o); err != nil {
		t.Fatal(err)
	}
	return avro.New(o)
}
