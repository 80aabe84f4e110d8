package schema_test

import (
	"testing"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// A transform may give a struct schema a default of that very schema.
func TestSchemaEqual_EndsForADefaultOfItsOwnSchema(t *testing.T) {
	t.Parallel()
	own := func(n int32) *schema.Schema {
		s := schema.StructOf([]schema.Field{schema.F("a", schema.Of(schema.Int32))})
		def := schema.NewStruct(s)
		if err := def.Put("a", n); err != nil {
			t.Fatal(err)
		}
		s.Default = def
		return s
	}
	if !own(1).Equal(own(1)) {
		t.Error("two schemas with the same default differ")
	}
	if own(1).Equal(own(2)) {
		t.Error("two schemas with different defaults are equal")
	}
}
