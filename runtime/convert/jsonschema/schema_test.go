package jsonschema_test

import (
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/convert/jsonschema"
	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no JSON":           {`{`, "a schema is an object or a boolean"},
		"a number":          {`7`, "a schema is an object or a boolean, not 7"},
		"no such type":      {`{"type":"text"}`, `there is no type "text"`},
		"unknown reference": {`{"$ref":"other.json"}`, `refers to "other.json", to which the registry has no reference`},
		"unknown place":     {`{"$ref":"#/definitions/X"}`, `there is no "/definitions/X"`},
		"unknown name":      {`{"$ref":"#x"}`, `there is no "#x"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := jsonschema.Parse(c.text, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "reading a JSON Schema: ") {
				t.Errorf("got %v, want something about %q", err, c.want)
			}
		})
	}
}

// Schemas that say what they are in other ways than by a type.
func TestToConnect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"by properties":      {`{"properties":{"a":{"type":"string"}}}`, `STRUCT "a":<STRING>`},
		"by minimum":         {`{"minimum":1}`, `FLOAT64`},
		"by pattern":         {`{"pattern":"x"}`, `STRING`},
		"by items":           {`{"items":{"type":"boolean"}}`, `ARRAY value=<BOOLEAN>`},
		"by name":            {`{"$ref":"#it","definitions":{"x":{"$id":"#it","type":"integer"}}}`, `INT64`},
		"string of a format": {`{"allOf":[{"type":"string","format":"date"},{"minLength":1,"type":"string","format":"date"}]}`, `STRING`},
		"number of a format": {`{"allOf":[{"type":"string","format":"date"},{"type":"number"}]}`, `FLOAT64`},
		"const and type":     {`{"const":5,"type":"integer"}`, `INT64`},
		"enum and type":      {`{"enum":[1,2],"type":"integer"}`, `INT64`},
		"any of":             {`{"anyOf":[{"type":"null"},{"type":"boolean"}]}`, `BOOLEAN?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := jsonschema.Parse(c.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := jsonschema.New(jsonschema.Defaults()).ToConnect(s, nil)
			if err != nil {
				t.Fatal(err)
			}
			if dump := corpus.Dump(connect.Datum{Schema: got}); !strings.HasPrefix(dump, c.want+" ") {
				t.Errorf("got %s, want %s", dump, c.want)
			}
		})
	}
}

// A document that contains itself is read, and what was read of it is written with a reference.
func TestRecursion(t *testing.T) {
	t.Parallel()
	const text = `{"$ref":"#/definitions/N","definitions":{"N":{"type":"object","title":"N","properties":{
		"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/definitions/N"}}}}}}`
	document, err := jsonschema.Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	data := jsonschema.New(jsonschema.Defaults())
	s, err := data.ToConnect(document, nil)
	if err != nil {
		t.Fatal(err)
	}
	var values convert.JSONValues
	const in = `{"v":1,"kids":[{"v":2,"kids":[]}]}`
	v, err := values.Read(s, []byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if out, _, err := values.Append(nil, s, v); err != nil || !strings.Contains(string(out), `"kids":[{`) {
		t.Errorf("got %s, %v", out, err)
	}
	written, err := data.FromConnect(s)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(written.String(), `{"$ref":"#id1"}`) || !strings.Contains(written.String(), `"$id":"#id1"`) {
		t.Errorf("got %s", written)
	}
}

// Whatever a registry and a topic hold, reading ends, and what was read can be written and read again.
func FuzzRead(f *testing.F) {
	for _, c := range corpus.Load(f, "convert-jsonschema-to") {
		if in, err := corpus.Bytes(c.Input); err == nil && len(c.Registry) > 0 && len(in) > frame {
			f.Add(c.Registry[0].Schema, in[frame:])
		}
	}
	f.Fuzz(func(t *testing.T, text string, b []byte) {
		document, err := jsonschema.Parse(text, nil)
		if err != nil {
			return
		}
		data := jsonschema.New(jsonschema.Defaults())
		s, err := data.ToConnect(document, nil)
		if err != nil {
			return
		}
		var values convert.JSONValues
		v, err := values.Read(s, b)
		if err != nil {
			return
		}
		out, written, err := values.Append(nil, s, v)
		if err != nil || !written {
			return
		}
		if _, err := values.Read(s, out); err != nil {
			if _, ok := err.(*schema.Error); !ok {
				t.Errorf("%s was written as %s, which does not read: %v", b, out, err)
			}
		}
		if _, err := data.FromConnect(s); err != nil {
			return
		}
	})
}

func TestChecker(t *testing.T) {
	t.Parallel()
	document, err := jsonschema.Parse(`{"type":"object","properties":{"a":{"$ref":"a.json"}},"required":["a"]}`,
		map[string]string{"a.json": `{"type":"integer","minimum":1}`})
	if err != nil {
		t.Fatal(err)
	}
	c, err := document.Checker()
	if err != nil {
		t.Fatal(err)
	}
	for in, right := range map[string]bool{`{"a":1}`: true, `{"a":0}`: false, `{"a":"x"}`: false, `{}`: false, `{`: false} {
		if err := c.Check([]byte(in)); (err == nil) != right {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// A Connect schema whose parts are shared may become a text that no memory holds: that is an error.
func TestFromConnect_EndsForSchemasThatExplode(t *testing.T) {
	t.Parallel()
	inner := schema.Of(schema.Int32)
	for range 60 {
		inner = schema.StructOf([]schema.Field{schema.F("a", inner), schema.F("b", inner)})
	}
	_, err := jsonschema.New(jsonschema.Defaults()).FromConnect(inner)
	if err == nil || !strings.Contains(err.Error(), "parts") {
		t.Errorf("it ended with %v", err)
	}
}
