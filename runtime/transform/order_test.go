package transform_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Users see the order of maps in JSON. These are what Kafka Connect makes of the maps.
func TestTransform_OrdersMapsAsJavaDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		class    string
		settings []string
		in       []string
		want     string
	}{
		"nothing to copy": {"MaskField$Value", []string{"fields=x y,b,z3"}, nil, "{x y=null, b=null, z3=null}"},
		"as wide as its table": {
			"ReplaceField$Value",
			[]string{"exclude=none"},
			[]string{"id", "name", "amount", "in", "zz", "aa", "Aa", "BB"},
			"{zz=1, aa=1, Aa=1, BB=1, amount=1, in=1, name=1, id=1}",
		},
		"flattened": {"Flatten$Value", nil, []string{"z", "a", "m"}, "{z=1, a=1, m=1}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := schema.NewMap(0)
			for _, k := range c.in {
				m.Set(k, int64(1))
			}
			r := connect.Record{Value: connect.Datum{Value: m}}
			if _, err := made(t, c.class, c.settings...).Apply(&r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, schema.Text(r.Value.Value)); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFlatten_RefusesTheFirstThingThatIsWrong(t *testing.T) {
	t.Parallel()
	number := schema.Of(schema.Int64)
	s := schema.StructOf([]schema.Field{
		schema.F("a", schema.StructOf([]schema.Field{schema.F("b", number)})),
		schema.F("a.b", number),
		schema.F("c", schema.MapOf(number, number)),
	})
	r := connect.Record{Value: connect.Datum{Schema: s, Value: schema.NewStruct(s)}}
	_, err := made(t, "Flatten$Value").Apply(&r)
	class, message := corpus.Classify(err)
	if class != schema.SchemaBuilderException || message != "Cannot create field because of field name duplication a.b" {
		t.Errorf("failed with %s: %s", class, message)
	}
}
