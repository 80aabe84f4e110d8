package registry_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	desk "github.com/sluice-connect/sluice/local/registry"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/convert/registry"
)

func TestCorpus_Avro(t *testing.T) {
	t.Parallel()
	corpus.Run(t, "convert-avro-*", func(t *testing.T, c corpus.Case) {
		if c.ID == ambiguous {
			t.Skip("two records of one name: the schema's text cannot tell them apart")
		}
		run(t, c, avroText)
	})
}

func TestCorpus_Protobuf(t *testing.T) {
	t.Parallel()
	corpus.Run(t, "convert-protobuf-*", func(t *testing.T, c corpus.Case) {
		if c.ID == hiddenDefaults {
			t.Skip("the defaults that its answer shows are not in the schema's text")
		}
		run(t, c, comparison{schema: diffProto, bytes: avroText.bytes, datum: corpus.DiffDatum})
	})
}

func TestCorpus_JSON(t *testing.T) {
	t.Parallel()
	corpus.Run(t, "convert-jsonschema-*", func(t *testing.T, c corpus.Case) {
		if c.ID == variant {
			t.Skip("a value of any type becomes a Variant, which there is not here")
		}
		run(t, c, comparison{schema: diffJSON, bytes: sameJSON, datum: corpus.DiffDatum})
	})
}

// variant is the case of a schema that allows anything.
const variant = "convert-jsonschema-to-e0163"

// sameJSON compares frames as bytes, and what is in them too, unless a map is in it.
func sameJSON(t *testing.T, w *world, c corpus.Case, want, got []byte) {
	t.Helper()
	if c.Unordered && len(want) > 5 && len(got) > 5 && bytes.Equal(want[:5], got[:5]) {
		diffJSON(t, string(want[5:]), string(got[5:]))
		return
	}
	avroText.bytes(t, w, c, want, got)
}

// hiddenDefaults is a case whose schema never went through its text: proto3 has no place for the defaults that came with it.
const hiddenDefaults = "convert-protobuf-to-e0043"

// diffProto compares files whose entries of field_meta may be in any order.
func diffProto(t *testing.T, want, got string) {
	t.Helper()
	lines := func(text string) []string {
		all := strings.Split(strings.ReplaceAll(text, ",\n", "\n"), "\n")
		slices.Sort(all)
		return all
	}
	if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
		t.Errorf("the files differ, -want +got:\n%s", diff)
	}
}

// ambiguous is a case whose bytes were written with two records of one name, which the schema's text has lost.
const ambiguous = "convert-avro-to-e0088"

// comparison says how the bytes and the schemas of one format are compared.
type comparison struct {
	schema func(t *testing.T, want, got string)
	bytes  func(t *testing.T, w *world, c corpus.Case, want, got []byte)
	// datum compares what was decoded; the wanted one is changed to fit what is free.
	datum func(want, got connect.Datum) string
}

var avroText = comparison{
	schema: diffJSON,
	bytes: func(t *testing.T, _ *world, c corpus.Case, want, got []byte) {
		t.Helper()
		if !bytes.Equal(want, got) || (want == nil) != (got == nil) {
			t.Errorf("got %x\nwant %x", got, want)
		}
	},
	datum: corpus.DiffDatum,
}

// both is a converter that may keep something in headers.
type both interface {
	connect.Converter
	connect.HeadedConverter
}

// world is a converter with a registry.
type world struct {
	registry *desk.Registry
	conv     both
	topic    string
	imported map[string]bool
}

func run(t *testing.T, c corpus.Case, how comparison) {
	t.Helper()
	w, err := newWorld(t, c)
	if err != nil || c.Op == "configure" {
		c.Failed(t, err)
		return
	}
	steps := c.Steps
	if len(steps) == 0 {
		steps = []corpus.Case{c}
	}
	for _, step := range steps {
		if strings.HasPrefix(c.Op, "from") {
			w.encode(t, step, how)
		} else {
			w.decode(t, step, how)
		}
	}
}

func newWorld(t *testing.T, c corpus.Case) (*world, error) {
	t.Helper()
	r, err := desk.Open("")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetLevel("", "NONE"); err != nil { // the recorded registry does not look at compatibility
		t.Fatal(err)
	}
	w := &world{registry: r, topic: c.Topic, imported: map[string]bool{}}
	for _, s := range c.Registry {
		in := desk.Schema{Type: s.SchemaType, Text: s.Schema}
		for _, ref := range s.References {
			in.References = append(in.References, desk.Reference(ref))
		}
		if err := r.Import(s.Subject, s.Version, s.ID, in); err != nil {
			t.Fatal(err)
		}
	}
	w.note()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	w.conv, err = newConverter(t, c.Plugin, c.IsKey, server.URL, c.Config, c.Note == "config is complete as shown: no schema.registry.url is added")
	return w, err
}

func newConverter(t testing.TB, class string, isKey bool, address string, settings map[string]*string, complete bool) (both, error) {
	t.Helper()
	all := map[string]*string{}
	if !complete {
		all["schema.registry.url"] = &address
	}
	maps.Copy(all, settings)
	c, err := parsed(t, class, isKey, all)
	if err != nil {
		return nil, err
	}
	headed, _ := c.(both)
	return headed, nil
}

// parsed is a converter with these settings.
func parsed(t testing.TB, class string, isKey bool, settings map[string]*string) (connect.Converter, error) {
	t.Helper()
	kind := convert.ValueType
	if isKey {
		kind = convert.KeyType
	}
	all := map[string]*string{convert.TypeKey: &kind}
	maps.Copy(all, settings)
	for _, p := range registry.Converters() {
		if p.Class != class {
			continue
		}
		conv := p.New()
		if err := config.Parse(all, conv); err != nil {
			return nil, err
		}
		if v, ok := conv.(connect.Validator); ok {
			if err := v.Validate(); err != nil {
				return nil, err
			}
		}
		return conv, nil
	}
	t.Fatalf("there is no converter %s", class)
	return nil, nil
}

// note remembers what the registry holds and returns what is new.
func (w *world) note() []corpus.Registered {
	var fresh []corpus.Registered
	for _, v := range w.registry.Versions() {
		key := v.Subject + "\x00" + string(rune(v.Version))
		if w.imported[key] {
			continue
		}
		w.imported[key] = true
		r := corpus.Registered{Subject: v.Subject, Version: v.Version, ID: v.ID, SchemaType: v.Type, Schema: v.Text}
		for _, ref := range v.References {
			r.References = append(r.References, corpus.Reference(ref))
		}
		fresh = append(fresh, r)
	}
	return fresh
}

func (w *world) encode(t *testing.T, c corpus.Case, how comparison) {
	t.Helper()
	in, err := corpus.Datum(c.Input)
	if err != nil {
		t.Fatal(err)
	}
	got, header, err := w.conv.EncodeHeaded(t.Context(), w.topic, in)
	if c.Registered != nil {
		w.checkRegistered(t, c.Registered, how)
	}
	if c.Failed(t, err) {
		return
	}
	want, err := corpus.Bytes(c.Output)
	if err != nil {
		t.Fatal(err)
	}
	how.bytes(t, w, c, want, got)
	var wantHeader []byte
	for _, h := range c.Headers {
		if h.Key != w.conv.HeaderName() {
			t.Errorf("the header is called %s, want %s", w.conv.HeaderName(), h.Key)
		}
		wantHeader = h.Base64
	}
	if !bytes.Equal(wantHeader, header) {
		t.Errorf("the header is %x, want %x", header, wantHeader)
	}
}

func (w *world) checkRegistered(t *testing.T, want []corpus.Registered, how comparison) {
	t.Helper()
	got := w.note()
	if len(got) != len(want) {
		t.Errorf("registered %v, want %v", got, want)
		return
	}
	for i := range want {
		how.schema(t, want[i].Schema, got[i].Schema)
		want[i].Schema, got[i].Schema = "", ""
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("registered, -want +got:\n%s", diff)
		}
	}
}

func diffJSON(t *testing.T, want, got string) {
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
	}
}

func (w *world) decode(t *testing.T, c corpus.Case, how comparison) {
	t.Helper()
	in, err := corpus.Bytes(c.Input)
	if err != nil {
		t.Fatal(err)
	}
	var header []byte
	for _, h := range c.Headers {
		if h.Key == w.conv.HeaderName() {
			header = h.Base64
		}
	}
	got, err := w.conv.DecodeHeaded(t.Context(), w.topic, in, header)
	if c.Failed(t, err) {
		return
	}
	want, err := corpus.Datum(c.Output)
	if err != nil {
		t.Fatal(err)
	}
	if diff := how.datum(want, got); diff != "" {
		t.Errorf("decoding %x\n%s", in, diff)
	}
}
