package outline_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert/registry"
	"github.com/sluice-connect/sluice/runtime/convert/registry/outline"
)

var update = flag.Bool("update", false, "write the files anew")

// outlineOf is all that is to be known of converters.
func outlineOf(converters []connect.Plugin[connect.Converter]) map[string][]config.KeyInfo {
	all := map[string][]config.KeyInfo{}
	for _, c := range converters {
		all[c.Class] = config.Keys(c.New())
	}
	return all
}

func TestConverters_AreThoseOfTheRegistry(t *testing.T) {
	t.Parallel()
	want := outlineOf(registry.Converters())
	if *update {
		for class, keys := range want {
			text, err := json.MarshalIndent(keys, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(class+".json", append(text, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Skip("the files are written; they count in the next build")
	}
	for i, c := range outline.Converters() {
		if of := registry.Converters()[i]; c.Class != of.Class || c.InFull != of.InFull {
			t.Errorf("number %d is %s, in full: %v; want %s, %v", i, c.Class, c.InFull, of.Class, of.InFull)
		}
	}
	if diff := cmp.Diff(want, outlineOf(outline.Converters())); diff != "" {
		t.Errorf("the outlines are not those of the converters; go test -update writes them anew (-want +got):\n%s", diff)
	}
}

func TestConverters_ConvertNothing(t *testing.T) {
	t.Parallel()
	for _, c := range outline.Converters() {
		if b, err := c.New().Encode(t.Context(), "topic", connect.Datum{Value: "x"}); err == nil {
			t.Errorf("%s wrote %q", c.Class, b)
		}
		if d, err := c.New().Decode(t.Context(), "topic", []byte("x")); err == nil {
			t.Errorf("%s read %v", c.Class, d)
		}
	}
}
