package transform_test

import (
	"maps"
	"testing"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/transform"
)

func TestCorpus_Chains(t *testing.T) {
	t.Parallel()
	corpus.Run(t, "chain", func(t *testing.T, c corpus.Case) {
		stages, err := parseChain(t, c.Config)
		if c.Error != nil && c.Error.Phase == "configure" {
			if err == nil {
				t.Errorf("the settings were taken, want %s: %s", c.Error.Class, c.Error.Message)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		in, err := corpus.Record(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		got := in
		keep, err := applyChain(stages, &got)
		if !c.Failed(t, err) {
			checkRecord(t, c, in, got, keep)
		}
	})
}

// parseChain parses the settings of transforms and predicates as part of a connector's configuration.
func parseChain(t *testing.T, settings map[string]*string) ([]connector.Stage, error) {
	t.Helper()
	p := connector.Plugins{
		Converters: convert.Converters(), HeaderConverters: convert.HeaderConverters(),
		Transforms: transform.Transforms(), Predicates: transform.Predicates(),
	}
	worker, err := connector.ParseWorker(map[string]string{
		"key.converter":   "org.apache.kafka.connect.storage.StringConverter",
		"value.converter": "org.apache.kafka.connect.storage.StringConverter",
	}, p)
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(settings)
	for k, v := range map[string]string{"name": "n", "connector.class": "c", "topics": "t"} {
		all[k] = &v
	}
	parsed, err := connector.ParseSink(all, p, worker)
	if err != nil {
		return nil, err
	}
	return parsed.Chain, nil
}

func applyChain(stages []connector.Stage, r *connect.Record) (keep bool, err error) {
	for _, s := range stages {
		if s.Predicate != nil {
			matches, err := s.Predicate.Match(r)
			if err != nil {
				return false, err
			}
			if matches == s.Negate {
				continue
			}
		}
		if keep, err := s.Transform.Apply(r); err != nil || !keep {
			return false, err
		}
	}
	return true, nil
}
