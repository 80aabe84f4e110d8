package protobuf_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema/protobuf"
)

// frame is what stands before the indexes: a magic byte and the schema's number.
const frame = 5

// The recorded cases that need no registry, with nothing between them and this package. That of the converter has them all.
func TestCorpus_Encode(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Load(t, "convert-protobuf-from") {
		if c.Op != "fromConnectData" || len(c.Registry) > 0 || c.Error == nil && (len(c.Registered) == 0 || c.Headers != nil) {
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
				var e *protobuf.Encoder
				if e, err = data.Encoder(in.Schema, nil); err == nil {
					got, err = e.AppendMessage(nil, in.Value)
				}
			}
			if _, ok := errors.AsType[*protobuf.FormError](err); ok && c.Error != nil {
				return // the converter words it
			}
			if c.Failed(t, err) {
				return
			}
			if diff := cmp.Diff(sorted(c.Registered[0].Schema), sorted(s.String())); diff != "" {
				t.Errorf("the schemas differ, -want +got:\n%s", diff)
			}
			if _, err := protobuf.Parse(s.String(), nil); err != nil {
				t.Errorf("reading %s: %v", s, err)
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

// sorted takes the order out of the entries of field_meta, which is that of a Java map.
func sorted(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimRight(line, "\n"), ",")
		lines = append(lines, line)
	}
	for i := range lines {
		if strings.HasSuffix(lines[i], "{") && i+2 < len(lines) && strings.Contains(lines[i+1], ": \"") {
			slices.Sort(lines[i+1 : i+3])
		}
	}
	return lines
}

func TestCorpus_Decode(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Load(t, "convert-protobuf-to") {
		if c.Op != "toConnectData" || len(c.Registry) != 1 || c.Headers != nil || string(c.Input) == "null" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			if c.ID == hiddenDefaults {
				t.Skip("the defaults that its answer shows are not in the schema's text")
			}
			in, err := corpus.Bytes(c.Input)
			if err != nil {
				t.Fatal(err)
			}
			if len(in) < frame || in[0] != 0 || int(in[4]) != c.Registry[0].ID || c.Registry[0].SchemaType == "AVRO" {
				t.Skip("not a frame of this schema")
			}
			got, err := decode(newData(t, c), c.Registry[0], in[frame:])
			if _, ok := errors.AsType[*protobuf.FormError](err); ok && c.Error != nil {
				return
			}
			if c.Failed(t, err) {
				return
			}
			want, err := corpus.Datum(c.Output)
			if err != nil {
				t.Fatal(err)
			}
			if diff := corpus.DiffDatum(want, got); diff != "" {
				t.Errorf("decoding %x with %s\n%s", in, c.Registry[0].Schema, diff)
			}
		})
	}
}

// hiddenDefaults is a case whose schema never went through its text: proto3 has no place for the defaults that came with it.
const hiddenDefaults = "convert-protobuf-to-e0043"

func decode(data *protobuf.Data, r corpus.Registered, b []byte) (connect.Datum, error) {
	s, err := protobuf.Parse(r.Schema, nil)
	if err != nil {
		return connect.Datum{}, err
	}
	version := int32(r.Version)
	of, v, err := data.Decoder(s, nil, &version).DecodeMessage(b)
	return connect.Datum{Schema: of, Value: v}, err
}

func newData(t *testing.T, c corpus.Case) *protobuf.Data {
	t.Helper()
	var o protobuf.Options
	if err := config.Parse(c.Config, &o); err != nil {
		t.Fatal(err)
	}
	return protobuf.New(o)
}
