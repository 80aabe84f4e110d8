package transform_test

import (
	"encoding/json"
	"testing"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/transform"
)

func TestCorpus_Transforms(t *testing.T) {
	t.Parallel()
	corpus.Run(t, "transform-*", func(t *testing.T, c corpus.Case) {
		tr := newTransform(t, c.Plugin)
		if err := configure(c.Config, tr); err != nil {
			c.Failed(t, err)
			return
		}
		in, err := corpus.Record(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		got := in
		keep, err := tr.Apply(&got)
		if c.Failed(t, err) {
			return
		}
		checkRecord(t, c, in, got, keep)
		again, err := corpus.Record(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		if diff := corpus.DiffRecord(again, in); diff != "" {
			t.Errorf("the transform wrote through the record:\n%s", diff)
		}
	})
}

func TestCorpus_Predicates(t *testing.T) {
	t.Parallel()
	corpus.Run(t, "predicate", func(t *testing.T, c corpus.Case) {
		p := newPredicate(t, c.Plugin)
		if err := configure(c.Config, p); err != nil {
			c.Failed(t, err)
			return
		}
		in, err := corpus.Record(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Match(&in)
		if c.Failed(t, err) {
			return
		}
		var want bool
		if err := json.Unmarshal(c.Output, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("matches: %v, want %v", got, want)
		}
	})
}

// newTransform is a fresh transform of a class.
func newTransform(tb testing.TB, class string) connect.Transform {
	tb.Helper()
	for _, p := range transform.Transforms() {
		if p.Class == class {
			return p.New()
		}
	}
	tb.Fatalf("there is no transform %s", class)
	return nil
}

func newPredicate(tb testing.TB, class string) connect.Predicate {
	tb.Helper()
	for _, p := range transform.Predicates() {
		if p.Class == class {
			return p.New()
		}
	}
	tb.Fatalf("there is no predicate %s", class)
	return nil
}

func configure(settings map[string]*string, d config.Definer) error {
	if err := config.Parse(settings, d); err != nil {
		return err
	}
	if v, ok := d.(connect.Validator); ok {
		return v.Validate()
	}
	return nil
}

func checkRecord(t *testing.T, c corpus.Case, in, got connect.Record, keep bool) {
	t.Helper()
	want, drop, err := corpus.Changed(in, c.Output)
	switch {
	case err != nil:
		t.Fatal(err)
	case drop == keep:
		t.Errorf("kept: %v, want %v", keep, !drop)
	case !drop:
		if diff := corpus.DiffRecord(want, got); diff != "" {
			t.Error(diff)
		}
	}
}
