package connector_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
)

func TestCorpus_ConfigKeys(t *testing.T) {
	t.Parallel()
	runDeclared(t, "configkeys", func(t *testing.T, c corpus.Case, d config.Definer) {
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
	runDeclared(t, "validate-plugin", func(t *testing.T, c corpus.Case, d config.Definer) {
		checkValidation(t, c, config.Describe("", c.Config, d))
	})
}

// runDeclared runs the cases of a family that are about classes declared in the runtime. Connectors run those about
// themselves.
func runDeclared(t *testing.T, pattern string, check func(t *testing.T, c corpus.Case, d config.Definer)) {
	t.Helper()
	known := declared()
	for _, family := range corpus.Families(t, pattern) {
		cases := corpus.Load(t, family)
		passed, failed := 0, 0
		for _, c := range cases {
			d := known[c.Plugin]
			if d == nil {
				continue
			}
			if t.Run(c.ID, func(t *testing.T) { check(t, c, d) }) {
				passed++
			} else {
				failed++
			}
		}
		summary := fmt.Sprintf("corpus %-28s %4d passed %4d failed %4d about others", family, passed, failed, len(cases)-passed-failed)
		if os.Getenv(corpus.FolderVariable) != "" {
			fmt.Println(summary) // asked for, so shown even when all is well
			continue
		}
		t.Log(summary)
	}
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
