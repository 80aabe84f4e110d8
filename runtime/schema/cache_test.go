package schema_test

import (
	"errors"
	"testing"

	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestCache_MakesOncePerEqualSchema(t *testing.T) {
	t.Parallel()
	c := schema.Cache[int]{Limit: 3}
	made := 0
	get := func(s *schema.Schema) int {
		n, err := c.Get(s, func() (int, error) { made++; return made, nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	named := func(name string) *schema.Schema {
		return schema.StructOf([]schema.Field{schema.F("a", schema.Of(schema.Int32))}, schema.Named(name))
	}
	x := named("x")
	for _, s := range []*schema.Schema{x, x, named("x"), nil, nil, x} {
		get(s)
	}
	if made != 2 {
		t.Errorf("made %d times for two schemas", made)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		get(named(name))
	}
	if n := get(named("x")); n == 1 {
		t.Error("more schemas than the limit are kept")
	}
}

func TestCache_DoesNotKeepFailures(t *testing.T) {
	t.Parallel()
	c := schema.Cache[int]{Limit: 3}
	s := schema.Of(schema.String)
	failed := errors.New("no")
	if _, err := c.Get(s, func() (int, error) { return 0, failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if n, err := c.Get(s, func() (int, error) { return 5, nil }); n != 5 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}
