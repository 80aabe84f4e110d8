package connector_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connector"
)

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	const none = "Plugin X not found that matches the version range "
	for asked, want := range map[string]string{
		"latest": "", "4.3.1": "", "[4.3.1]": "", "[4.3.1,]": "", "[1,)": "", "(,4.3.1]": "", "[1,2],[4,5)": "", "(4.3,4.4)": "", "[4.3.1-rc1,)": "",
		"9.9": none + "[9.9,9.9], available versions: [4.3.1]", "": none + "[,], available versions: [4.3.1]",
		"[5,6]": none + "[5,6], available versions: [4.3.1]", "(4.3.1,)": none + "(4.3.1,), available versions: [4.3.1]",
		"(,4.3.1)": none + "(,4.3.1), available versions: [4.3.1]", "[4.3.2-rc1,)": none + "[4.3.2-rc1,), available versions: [4.3.1]",
		"[4.3.1.1,)": none + "[4.3.1.1,), available versions: [4.3.1]",
		"[":          "Unbounded range: [", "[1,2": "Unbounded range: [1,2", "(1)": "Single version must be surrounded by []: (1)",
		"[2,1]": "Range defies version ordering: [2,1]",
	} {
		got := ""
		if err := connector.CheckVersion(asked, "X", "4.3.1"); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", asked, got, want)
		}
	}
}

// What Kafka Connect 4.3.1 says of versions that it does not have.
func TestValidate_RefusesVersionsThatThereAreNot(t *testing.T) {
	t.Parallel()
	const hoist, jsonConverter = "org.apache.kafka.connect.transforms.HoistField$Value", "org.apache.kafka.connect.json.JsonConverter"
	missing := func(class, have string) string {
		return "Plugin " + class + " not found that matches the version range [9.9,9.9], available versions: [" + have + "]"
	}
	for name, c := range map[string]struct {
		settings map[string]string
		want     map[string][]string
	}{
		"connector": {
			with("topic", "t", "connector.plugin.version", "9.9"),
			map[string][]string{"connector.class": {missing("X", "4.3.1")}, "connector.plugin.version": {missing("X", "4.3.1")}},
		},
		"converter": {
			with("topic", "t", "key.converter", jsonConverter, "key.converter.plugin.version", "9.9", "key.converter.schemas.enable", "perhaps"),
			map[string][]string{
				"key.converter": {missing(jsonConverter, "4.3.1, 4.3.1")}, "key.converter.plugin.version": {missing(jsonConverter, "4.3.1, 4.3.1")},
			},
		},
		"of the worker's converter": {with("topic", "t", "key.converter.plugin.version", "9.9"), map[string][]string{}},
		"no version":                {with("topic", "t", "key.converter.plugin.version", "["), map[string][]string{"key.converter.plugin.version": {"Unbounded range: ["}}},
		"transform": {
			with("topic", "t", "transforms", "a", "transforms.a.type", hoist, "transforms.a.plugin.version", "9.9"),
			map[string][]string{"transforms.a.type": {missing(hoist, "4.3.1")}, "transforms.a.plugin.version": {missing(hoist, "4.3.1")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subject := connector.Subject{Kind: connector.KindSource, Own: ownSettings(t, connector.KindSource), Class: "X", Version: "4.3.1"}
			infos := connector.Validate(c.settings, subject, described(t), worker(t))
			got := map[string][]string{}
			for _, info := range infos.Configs {
				if len(info.Value.Errors) > 0 {
					got[info.Value.Name] = info.Value.Errors
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if name == "connector" {
				return // only asked before anything runs
			}
			if _, err := connector.ParseSource(c.settings, described(t), worker(t)); (err != nil) != (len(c.want) > 0) {
				t.Errorf("parsing it: %v", err)
			}
		})
	}
}
