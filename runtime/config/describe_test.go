package config_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
)

var update = flag.Bool("update", false, "write the goldens anew")

// ssl recommends protocols, and shows the key store only with one of them.
type ssl struct{}

func (ssl) ValidValues(name string, _ map[string]any) ([]any, error) {
	if name == "protocol" {
		return []any{"PLAINTEXT", "SSL"}, nil
	}
	return nil, nil
}

func (ssl) Visible(name string, parsed map[string]any) bool {
	return name == "protocol" || parsed["protocol"] == "SSL"
}

func sslSettings(d *config.Def) {
	var s string
	d.String(&s, "protocol", "PLAINTEXT", "How to | speak.", config.Recommend(ssl{}), config.Dependents("keystore"),
		config.Group("Security", 1), config.Check(config.In("PLAINTEXT", "SSL")))
	d.String(&s, "keystore", "", "Path.", config.NullDefault(), config.Recommend(ssl{}), config.Group("Security", 2),
		config.Deprecated("keystore.file"))
	d.String(&s, "secret.switch", "", "Not for everybody.", config.Internal())
	d.String(&s, "class", "", "Somebody else's.", config.Borrowed())
	d.Int(&[]int{0}[0], "size", 0, "Size\nin bytes.", config.Required(), config.Group("Other", 1))
}

func TestDescribe_AsksRecommenders(t *testing.T) {
	t.Parallel()
	d := config.DefinerFunc(sslSettings)
	for protocol, visible := range map[string]bool{"SSL": true, "PLAINTEXT": false} {
		infos := config.Describe("x", map[string]string{"protocol": protocol}, d)
		if diff := cmp.Diff([]string{"Security", "Other"}, infos.Groups); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
		if infos.ErrorCount != 1 || infos.Name != "x" {
			t.Errorf("got %s with %d errors, want x with 1", infos.Name, infos.ErrorCount)
		}
		if diff := cmp.Diff([]string{"PLAINTEXT", "SSL"}, infos.Configs[0].Value.Recommended); diff != "" {
			t.Errorf("recommended (-want +got):\n%s", diff)
		}
		if got := infos.Configs[1].Value.Visible; got != visible {
			t.Errorf("with %s the key store is visible: %v", protocol, got)
		}
	}
}

func TestEmbed_HidesThePrefixFromRecommenders(t *testing.T) {
	t.Parallel()
	d := config.DefinerFunc(func(d *config.Def) { d.Embed("a.", "A", 0, config.DefinerFunc(sslSettings)) })
	for _, v := range config.Validate(map[string]string{"a.protocol": "SSL", "a.size": "1"}, d) {
		if v.Name == "a.keystore" && !v.Visible {
			t.Error("the recommender was not asked about the settings without their prefix")
		}
	}
}

func TestValidate_ReportsUndeclaredDependents(t *testing.T) {
	t.Parallel()
	var s string
	values := config.Validate(map[string]string{}, config.DefinerFunc(func(d *config.Def) {
		d.String(&s, "a", "", "", config.Dependents("b"))
	}))
	want := []config.Value{
		{Name: "a", Value: new(string), Visible: true, Parsed: ""},
		{Name: "b", Errors: []string{"b is referred in the dependents, but not defined."}},
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReport_AddsToTheRightSetting(t *testing.T) {
	t.Parallel()
	values := config.Validate(map[string]string{"size": "1"}, config.DefinerFunc(sslSettings))
	values = config.Report(values, config.UnderPrefix(config.Errorf("ze", "Too small."), "si"))
	values = config.Report(values, config.Errorf("new", "Unknown."))
	infos := config.Collect("x", values, config.DefinerFunc(sslSettings))
	if infos.ErrorCount != 2 || infos.Configs[0].Definition != nil || infos.Configs[0].Value.Name != "new" {
		t.Errorf("got %d errors, first %+v", infos.ErrorCount, infos.Configs[0])
	}
}

func TestMarkdown_WritesATable(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	if err := config.Markdown(&got, config.DefinerFunc(sslSettings)); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/table.md"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBorrowed_IsReadAndNotShown(t *testing.T) {
	t.Parallel()
	var class string
	d := config.DefinerFunc(func(d *config.Def) {
		d.String(&class, "class", "", "", config.Required(), config.Borrowed())
		d.String(new(string), "own", "", "")
	})
	if err := config.Parse(map[string]string{"class": "x"}, d); err != nil || class != "x" {
		t.Errorf("read %q, %v", class, err)
	}
	infos := config.Describe("x", map[string]string{}, d)
	if len(infos.Configs) != 1 || infos.ErrorCount != 0 || infos.Configs[0].Value.Name != "own" {
		t.Errorf("shown: %+v", infos)
	}
}
