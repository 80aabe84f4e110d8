package jsonschema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/convert/jsonschema"
)

// frame is what stands before the value: a magic byte and the schema's number.
const frame = 5

// byConverter are the messages of failures that are the converter's.
func byConverter(c corpus.Case) bool {
	return c.Error != nil && (strings.Contains(c.Error.Message, "failed due to serialization error of topic") ||
		strings.HasPrefix(c.Error.Message, "Missing required configuration"))
}

// The recorded cases that need no registry, with nothing between them and this package. That of the converter has them all.
func TestCorpus_Encode(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Load(t, "convert-jsonschema-from") {
		if c.Op != "fromConnectData" || len(c.Registry) > 0 || byConverter(c) || c.Headers != nil {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			in, err := corpus.Datum(c.Input)
			if err != nil {
				t.Fatal(err)
			}
			data, values := newData(t, c)
			got, written, err := values.Append(nil, in.Schema, in.Value)
			var s *jsonschema.Schema
			if err == nil {
				s, err = data.FromConnect(in.Schema)
			}
			if c.Failed(t, err) {
				return
			}
			want, err := corpus.Bytes(c.Output)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				if written {
					t.Errorf("written: %s", got)
				}
				return
			}
			if diff := cmp.Diff(parsed(t, c.Registered[0].Schema), parsed(t, s.String())); diff != "" && c.Config["normalize.schemas"] == nil {
				t.Errorf("the schemas differ, -want +got:\n%s", diff)
			}
			if c.Unordered {
				if diff := cmp.Diff(parsed(t, string(want[frame:])), parsed(t, string(got))); diff != "" {
					t.Error(diff)
				}
			} else if string(want[frame:]) != string(got) {
				t.Errorf("encoding %s\n got: %s\nwant: %s", corpus.Dump(in), got, want[frame:])
			}
		})
	}
}

func parsed(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	return v
}

func TestCorpus_Decode(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Load(t, "convert-jsonschema-to") {
		if c.Op != "toConnectData" || c.Headers != nil || string(c.Input) == "null" || byConverter(c) {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			if c.ID == variant {
				t.Skip("a value of any type becomes a Variant, which Sluice does not have")
			}
			in, err := corpus.Bytes(c.Input)
			if err != nil {
				t.Fatal(err)
			}
			r := c.Registry[len(c.Registry)-1]
			if len(in) < frame || in[0] != 0 || int(in[4]) != r.ID && c.Config["use.latest.version"] == nil {
				t.Skip("not a frame of this schema")
			}
			refs := map[string]string{}
			for _, ref := range r.References {
				for _, other := range c.Registry {
					if other.Subject == ref.Subject && other.Version == ref.Version {
						refs[ref.Name] = other.Schema
					}
				}
			}
			data, values := newData(t, c)
			got, err := decode(data, values, r, refs, in[frame:])
			if c.Failed(t, err) {
				return
			}
			want, err := corpus.Datum(c.Output)
			if err != nil {
				t.Fatal(err)
			}
			if diff := corpus.DiffDatum(want, got); diff != "" {
				t.Errorf("decoding %s with %s\n%s", in[frame:], r.Schema, diff)
			}
		})
	}
}

// variant is the case of a schema that allows anything.
const variant = "convert-jsonschema-to-e0163"

func decode(data *jsonschema.Data, values *convert.JSONValues, r corpus.Registered, refs map[string]string, b []byte) (connect.Datum, error) {
	document, err := jsonschema.Parse(r.Schema, refs)
	if err != nil {
		return connect.Datum{}, err
	}
	s, err := data.ToConnect(document, schemaVersion(r))
	if err != nil {
		return connect.Datum{}, err
	}
	v, err := values.Read(s, b)
	return connect.Datum{Schema: s, Value: v}, err
}

func schemaVersion(r corpus.Registered) *int32 { return new(int32(r.Version)) }

func newData(t *testing.T, c corpus.Case) (*jsonschema.Data, *convert.JSONValues) {
	t.Helper()
	var o jsonschema.Options
	if err := config.Parse(c.Config, &o); err != nil {
		t.Fatal(err)
	}
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	indent := c.Config["json.indent.output"]
	return jsonschema.New(o), &convert.JSONValues{
		Numeric: strings.EqualFold(o.Decimals, "NUMERIC"), NullsOverDefaults: o.NullsOverDefaults, Indent: indent != nil && *indent == "true",
	}
}
