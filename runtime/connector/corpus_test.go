package connector_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
)

// definers are the classes whose settings are declared here, by their names in the corpus.
func definers(plugins connector.Plugins) map[string]config.Definer {
	return map[string]config.Definer{
		"ConnectorConfig":       &connector.Common{Plugins: plugins},
		"SourceConnectorConfig": &connector.Source{Common: connector.Common{Plugins: plugins}},
		"SinkConnectorConfig":   &connector.Sink{Common: connector.Common{Plugins: plugins}},
	}
}

func TestCorpus_ConfigKeys(t *testing.T) {
	t.Parallel()
	known := definers(connector.Plugins{})
	corpus.Run(t, "configkeys", func(t *testing.T, c corpus.Case) {
		d := known[c.Plugin]
		if d == nil {
			return // declared by another package, which runs this family for it
		}
		got := config.Keys(d)
		for i := range got {
			got[i].Doc = ""
		}
		if diff := cmp.Diff(keysOf(t, c), got); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(c.Groups, config.Groups(d)); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
	})
}

func TestCorpus_Validate(t *testing.T) {
	t.Parallel()
	known := definers(described(t))
	corpus.Run(t, "validate-plugin", func(t *testing.T, c corpus.Case) {
		d := known[c.Plugin]
		if d == nil {
			return // declared by another package, which runs this family for it
		}
		checkValidation(t, c, config.Describe("", c.Config, d))
	})
}

// judged is a setting in the family validate-plugin.
type judged struct {
	Value   *string
	Errors  []string
	Visible *bool
}

func checkValidation(t *testing.T, c corpus.Case, infos config.Infos) {
	t.Helper()
	var want struct {
		ErrorCount int `json:"error_count"`
		Values     map[string]judged
	}
	if err := json.Unmarshal(c.Output, &want); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]judged)
	for _, info := range infos.Configs {
		j := judged{Value: info.Value.Value, Errors: info.Value.Errors}
		if len(j.Errors) == 0 {
			j.Errors = nil
		}
		if !info.Value.Visible {
			j.Visible = new(bool)
		}
		got[info.Value.Name] = j
	}
	if diff := cmp.Diff(want.Values, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if infos.ErrorCount != want.ErrorCount {
		t.Errorf("%d errors, want %d", infos.ErrorCount, want.ErrorCount)
	}
}
