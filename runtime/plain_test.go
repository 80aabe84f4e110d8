//go:build !registry

package runtime_test

import (
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert/registry"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// A build without the converters of schema registries says where there are some; that with them has nothing to say.
func TestControls_SayWhichBuildHasAConverter(t *testing.T) {
	t.Parallel()
	env, err := worker.NewEnv(nil, runtime.Plugins())
	if err != nil {
		t.Fatal(err)
	}
	controls := runtime.SourceControls(connect.SourceConnector{Class: "x.Portal", New: func() connect.SourceTask { return &portal{} }}, env, nil)
	classes := []string{"Nothing"}
	for _, p := range registry.Converters() {
		simple := p.Class[strings.LastIndexByte(p.Class, '.')+1:]
		classes = append(classes, p.Class, simple, strings.TrimSuffix(simple, "Converter"))
	}
	for i, class := range classes {
		settings := map[string]string{"name": "p", "connector.class": "x.Portal", "value.converter": class}
		answer := string(ask(t, controls, map[string]any{"control": "validate", "config": settings}))
		if !strings.Contains(answer, "Class "+class+" could not be found.") || strings.Contains(answer, "-c registry=true") != (i > 0) {
			t.Errorf("%s: %s", class, answer)
		}
	}
}
