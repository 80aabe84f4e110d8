package corpus_test

import (
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
)

// Every line of every family must be understood, or the tests that use it would fail for the wrong reason.
func TestLoad_DecodesEveryCase(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, family := range corpus.Families(t, "*") {
		for _, c := range corpus.Load(t, family) {
			if other, twice := seen[c.ID]; twice {
				t.Errorf("%s is in %s and in %s", c.ID, other, family)
			}
			seen[c.ID] = family
			if err := decode(family, c); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
			if (c.Error == nil) == (len(c.Output) == 0) && len(c.Steps) == 0 {
				t.Errorf("%s has not exactly one of output and error", c.ID)
			}
		}
	}
	if len(seen) == 0 {
		t.Error("the corpus is empty")
	}
}

func decode(family string, c corpus.Case) error {
	for _, step := range c.Steps {
		step.Op = strings.TrimSuffix(c.Op, "Sequence")
		if err := decode(family, step); err != nil {
			return err
		}
	}
	switch {
	case strings.HasPrefix(family, "transform-"), family == "chain":
		r, err := corpus.Record(c.Input)
		if err == nil && c.Error == nil {
			_, _, err = corpus.Changed(r, c.Output)
		}
		return err
	case family == "predicate":
		_, err := corpus.Record(c.Input)
		return err
	case strings.HasPrefix(c.Op, "from"):
		if _, err := corpus.Datum(c.Input); err != nil {
			return err
		}
		_, err := corpus.Bytes(c.Output)
		return err
	case strings.HasPrefix(c.Op, "to"):
		if _, err := corpus.Bytes(c.Input); err != nil {
			return err
		}
		_, err := corpus.Datum(c.Output)
		return err
	}
	return nil
}
