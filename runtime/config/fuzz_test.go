package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// FuzzParse gives one text to a setting of every type. Parsing and validation agree, nothing panics, a secret is shown
// nowhere, and what is redacted still parses.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", " ", "5", "-5", "+", "0x1p3", "1f", "1e400", "NaN", "true", "a,b,,", "٥", "\x00", "\xff", "9223372036854775808", "𝟎", "0x1p",
		"1_0", "Infinity", "-0", "ſ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		values := make(map[string]string)
		var w wide
		for _, k := range config.Keys(&w) {
			values[k.Name] = s
		}
		values["secret"] = "hunter2" + s
		err := config.Parse(values, &w)
		bad := 0
		for _, v := range config.Validate(values, &w) {
			if len(v.Errors) > 0 {
				bad++
			}
			if v.Value != nil && strings.Contains(*v.Value, "hunter2") {
				t.Errorf("%s shows the secret: %q", v.Name, *v.Value)
			}
		}
		if len(config.Errors(err)) != bad {
			t.Errorf("Parse has %d problems, Validate has %d: %v", len(config.Errors(err)), bad, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the secret: %v", err)
		}
		redacted := config.Redact(values, &w)
		if redacted["secret"] != config.Hidden {
			t.Errorf("redacted to %q", redacted["secret"])
		}
		var again wide
		if got := config.Parse(redacted, &again); len(config.Errors(got)) != len(config.Errors(err)) {
			t.Errorf("redacted settings fail otherwise: %v", got)
		}
	})
}

// wide has a setting of every type.
type wide struct {
	text, class string
	yes         bool
	number      int
	short       int16
	long        int64
	double      float64
	wait        time.Duration
	list        []string
	secret      config.Secret
}

func (w *wide) Define(d *config.Def) {
	d.String(&w.text, "text", "", "")
	d.Class(&w.class, "class", "", "")
	d.Bool(&w.yes, "yes", true, "")
	d.Int(&w.number, "number", 7, "")
	d.Short(&w.short, "short", 3, "")
	d.Long(&w.long, "long", 1<<40, "")
	d.Double(&w.double, "double", 0.5, "")
	d.Millis(&w.wait, "wait.ms", time.Minute, "")
	d.List(&w.list, "list", nil, "")
	d.Password(&w.secret, "secret", "")
}
