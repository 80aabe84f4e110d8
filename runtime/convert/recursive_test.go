package convert_test

import (
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// tree is a struct that contains itself.
func tree() *schema.Schema {
	s := schema.StructOf([]schema.Field{schema.F("name", schema.Of(schema.String)), schema.F("kids", schema.ArrayOf(nil))}, schema.Named("Tree"))
	s.Fields[1].Schema.Value = s
	return s
}

// A struct that contains itself is written, but its schema has no end.
func TestJSON_SchemaThatContainsItself(t *testing.T) {
	t.Parallel()
	s := tree()
	leaf := schema.StructFrom(s, []any{"leaf", []any{}})
	in := connect.Datum{Schema: s, Value: schema.StructFrom(s, []any{"root", []any{leaf}})}
	bare := newConverter(t, "Json", map[string]string{"schemas.enable": "false"})
	got, err := bare.Encode(t.Context(), "t", in)
	if want := `{"name":"root","kids":[{"name":"leaf","kids":[]}]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	_, err = newConverter(t, "Json", nil).Encode(t.Context(), "t", in)
	if err == nil || !strings.Contains(err.Error(), "contains itself") {
		t.Errorf("the envelope of a schema without end: %v", err)
	}
	var values convert.JSONValues
	if got, _, err = values.Append(nil, s, in.Value); err != nil || !strings.HasPrefix(string(got), `{"name":"root"`) {
		t.Errorf("got %s, %v", got, err)
	}
}
