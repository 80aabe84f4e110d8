package schema_test

import (
	"errors"
	"testing"

	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestProject_FollowsTheTarget(t *testing.T) {
	t.Parallel()
	from := schema.StructOf([]schema.Field{
		schema.F("a", schema.Of(schema.Int8)),
		schema.F("gone", schema.Of(schema.String)),
		schema.F("list", schema.ArrayOf(schema.Of(schema.Int32))),
		schema.F("maybe", schema.Of(schema.Float32, schema.Optional())),
	})
	to := schema.StructOf([]schema.Field{
		schema.F("list", schema.ArrayOf(schema.Of(schema.Int64))),
		schema.F("a", schema.Of(schema.Float64)),
		schema.F("new", schema.Of(schema.String, schema.Default("d"))),
		schema.F("none", schema.Of(schema.String, schema.Optional())),
		schema.F("maybe", schema.Of(schema.Float64, schema.Default(1.5))),
	})
	got, err := schema.Project(from, schema.StructFrom(from, []any{int8(3), "x", []any{int32(1)}, nil}), to)
	want := schema.StructFrom(to, []any{[]any{int64(1)}, 3.0, "d", nil, 1.5})
	if err != nil || !schema.Equal(got, want) {
		t.Errorf("got %s, %v, want %s", schema.Text(got), err, schema.Text(want))
	}
}

func TestProject_RefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	text, number := schema.Of(schema.String), schema.Of(schema.Int32)
	for _, c := range []struct {
		from, to *schema.Schema
		want     string
	}{
		{number, schema.Of(schema.Int16), "Schema type mismatch. source type: INT32 and target type: INT16"},
		{number, text, "Schema type mismatch. source type: INT32 and target type: STRING"},
		{number, number.With(schema.Named("n")), "Schema name mismatch. source name: null and target name: n"},
		{number, number.With(schema.WithParam("a", "b")), "Schema parameters not equal. source parameters: null and target parameters: {a=b}"},
		{number.With(schema.Optional()), number, "Writer schema is optional, however, target schema does not provide a default value."},
		{schema.StructOf(nil), schema.StructOf([]schema.Field{schema.F("f", text)}), "Required field `f` is missing from source schema: Schema{STRUCT}"},
	} {
		var v any = int32(1)
		if c.from.Type == schema.StructType {
			v = schema.NewStruct(c.from)
		}
		_, err := schema.Project(c.from, v, c.to)
		if e, ok := errors.AsType[*schema.Error](err); !ok || e.Message != c.want || e.Class != schema.SchemaProjectorException {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
