package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
)

func TestSecret_IsNeverShown(t *testing.T) {
	t.Parallel()
	s := config.NewSecret("hunter2")
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10s"} {
		fmt.Fprintf(&b, verb+" "+verb+" "+verb+"\n", s, &s, struct{ S config.Secret }{s})
	}
	fmt.Fprintln(&b, s, []config.Secret{s}, map[string]config.Secret{"k": s})
	slog.New(slog.NewTextHandler(&b, nil)).Info("m", "s", s, "p", &s, "in", struct{ S config.Secret }{s})
	slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "s", s, "in", struct{ S config.Secret }{s})
	text, err := json.Marshal(map[string]any{"s": s, "m": map[config.Secret]int{s: 1}})
	if err != nil {
		t.Fatal(err)
	}
	b.Write(text)
	if out := b.String(); strings.Contains(out, "hunter2") || strings.Contains(out, "68756e") {
		t.Errorf("the secret is shown:\n%s", out)
	}
	if s.Reveal() != "hunter2" {
		t.Errorf("got %q", s.Reveal())
	}
}

func TestSecret_IsHiddenInErrorsAndAnswers(t *testing.T) {
	t.Parallel()
	var s config.Secret
	d := config.DefinerFunc(func(d *config.Def) {
		d.Password(&s, "pw", "", config.Default("hunter2"), config.Check(config.Func("", func(name string, v any) error {
			if s, ok := v.(config.Secret); ok && s.Reveal() == "hunter3" {
				return config.Invalid(name, v, "too simple")
			}
			return nil
		})))
	})
	values := map[string]string{"pw": "hunter3", "other": "x"}
	infos := config.Describe("n", values, d)
	text, err := json.Marshal([]any{infos, config.Keys(d), config.Redact(values, d), fmt.Sprint(config.Parse(values, d))})
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := config.Markdown(&table, d); err != nil {
		t.Fatal(err)
	}
	if out := string(text) + table.String(); strings.Contains(out, "hunter") {
		t.Errorf("the secret is shown: %s", out)
	}
	if diff := cmp.Diff(map[string]string{"pw": "[hidden]", "other": "x"}, config.Redact(values, d)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	pointer := "hunter3"
	redacted := config.Redact(map[string]*string{"pw": &pointer}, d)
	if *redacted["pw"] != config.Hidden || pointer != "hunter3" {
		t.Errorf("got %q, and %q is left", *redacted["pw"], pointer)
	}
	if null := config.Redact(map[string]*string{"pw": nil}, d)["pw"]; null != nil {
		t.Errorf("null became %q", *null)
	}
}
