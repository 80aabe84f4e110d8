package sql_test

import (
	"strings"
	"testing"
)

// playSource plays a recorded case of a source, and returns what came of it.
func (c *recorded) playSource(t *testing.T, f flavour, s *server, horizon string) (out []map[string]any, why string) {
	t.Helper()
	fill := strings.NewReplacer("${url}", s.settings["connection.url"], "${user}", s.settings["connection.user"],
		"${password}", s.settings["connection.password"], "${class}", f.classes, "sluice_case", s.database())
	config := map[string]string{"name": caseName, "sluice.horizon": horizon}
	for name, value := range c.Config {
		config[name] = fill.Replace(value)
	}
	if config["poll.interval.ms"] == "200" {
		config["poll.interval.ms"] = "0" // then no tick has to be waited for
	}
	if s.name() != nil && config["catalog.pattern"] == "" {
		config["catalog.pattern"] = s.database() // other tests have tables of the same name in their databases
	}
	d := newDesk(t, config)
	started, stopped := false, false
	for number, step := range c.Steps {
		s.exec(t, step.SQL...)
		if step.Start {
			if err := d.create(); err != nil {
				return []map[string]any{note(number, "refused", map[string]any{"http": 400})}, err.Error()
			}
			started = true
		}
		stopped = (stopped || step.Stop) && !step.Resume
		if !started || stopped {
			continue
		}
		for _, record := range d.drain(6) {
			out = append(out, note(number, "record", record))
		}
	}
	status, why := d.status()
	return append(out, status...), why
}
