package connecttest

import (
	"maps"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// task is what sources and sinks have in common.
type task interface {
	comparable
	config.Definer
}

// parse returns a fresh task with the settings.
func parse[T task](c connect.Connector[T], settings map[string]string) (T, error) {
	fresh := c.New()
	if err := config.Parse(settings, fresh); err != nil {
		return fresh, err
	}
	if v, ok := any(fresh).(connect.Validator); ok {
		return fresh, v.Validate()
	}
	return fresh, nil
}

// described checks what a connector says of itself. valid returns settings that are complete.
func described[T task](t *testing.T, c connect.Connector[T], required []string, valid func(t *testing.T) map[string]string) {
	t.Helper()
	t.Run("DescribesItself", func(t *testing.T) {
		t.Parallel()
		if c.Class == "" || c.TaskClass == "" || c.Doc == "" {
			t.Errorf("the connector has the class %q, task class %q and documentation %q", c.Class, c.TaskClass, c.Doc)
		}
		if c.New() == c.New() {
			t.Error("New returns the same task twice")
		}
		for _, k := range config.Keys(c.New()) {
			if k.Doc == "" {
				t.Errorf("the setting %s is not documented", k.Name)
			}
		}
	})
	t.Run("NamesMissingSettings", func(t *testing.T) {
		t.Parallel()
		complete := valid(t)
		for _, name := range required {
			settings := maps.Clone(complete)
			delete(settings, name)
			if _, err := parse(c, settings); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("without %s: %v", name, err)
			}
		}
	})
}

// count counts from from to to, the last excluded.
func count(from, to int) []int {
	var all []int
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// silent is a connect.Logger for nobody.
type silent struct{}

func (silent) Info(string, ...any) {}
func (silent) Warn(string, ...any) {}
