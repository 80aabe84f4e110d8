package control

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// classSetting is the setting that says what a connector is.
const classSetting = "connector.class"

// Find returns the class that a configuration names: in full, by its simple name, or by that without "Connector".
func Find(plugins []Plugin, class string) (Plugin, error) {
	var matches []Plugin
	for _, p := range plugins {
		if p.Class == class {
			return p, nil
		}
		if p.answersTo(class) {
			matches = append(matches, p)
		}
	}
	switch len(matches) {
	case 1:
		return matches[0], nil
	case 0:
		return Plugin{}, fail(http.StatusBadRequest, "Failed to find any class that implements Connector and which name matches %s, "+
			"available connectors are: %s", class, descriptions(plugins))
	}
	return Plugin{}, fail(http.StatusBadRequest, "More than one connector matches alias %s. Please use full package and class name "+
		"instead. Classes found: %s", class, descriptions(matches))
}

func (p Plugin) answersTo(class string) bool {
	for _, name := range append([]string{p.Class}, p.Aliases...) {
		simple := name[strings.LastIndexByte(name, '.')+1:]
		if class == name || class == simple || class == strings.TrimSuffix(simple, "Connector") {
			return true
		}
	}
	return false
}

func descriptions(plugins []Plugin) string {
	texts := make([]string, len(plugins))
	for i, p := range plugins {
		texts[i] = fmt.Sprintf("PluginDesc{klass=class %s, name='%s', version='%s', encodedVersion=%s, type=%s, typeName='%s'}",
			p.Class, p.Class, p.Version, p.Version, p.Type, p.Type)
	}
	return strings.Join(texts, ", ")
}

// pluginOf returns the class of a connector that is in the table, with type "unknown" if it is not there any more.
func pluginOf(plugins []Plugin, settings map[string]string) Plugin {
	p, err := Find(plugins, settings[classSetting])
	if err != nil {
		return Plugin{Class: settings[classSetting], Type: "unknown"}
	}
	return p
}

// judge lets the function of the class that a configuration names judge it. c is the connector whose configuration it is to
// be, as far as there is one.
func (s *Server) judge(ctx context.Context, c offset.Connector, settings map[string]*string) (config.Infos, error) {
	var infos config.Infos
	class := settings[classSetting]
	if class == nil {
		return infos, fail(http.StatusBadRequest, "Connector config %s contains no connector type", javaMap(settings))
	}
	plugins, err := s.Functions.Plugins(ctx)
	if err != nil {
		return infos, fmt.Errorf("asking which connectors there are: %w", err)
	}
	p, err := Find(plugins, *class)
	if err != nil {
		return infos, err
	}
	var judged struct {
		config.Infos
		Refused string
	}
	err = s.ask(ctx, p.Class, c, map[string]any{"control": "validate", "config": settings}, &judged)
	if err == nil && judged.Refused != "" {
		err = fail(http.StatusInternalServerError, "%s", judged.Refused)
	}
	return judged.Infos, err
}

// ask sends a control request and reads its answer.
func (s *Server) ask(ctx context.Context, class string, about offset.Connector, question, reply any) error {
	text, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("asking the function of %s: %w", class, err)
	}
	text, err = s.Functions.Ask(ctx, class, about, text)
	if err != nil {
		return fmt.Errorf("asking the function of %s: %w", class, err)
	}
	if err := json.Unmarshal(text, reply); err != nil {
		return fmt.Errorf("reading what the function of %s answered: %w", class, err)
	}
	return nil
}

// check refuses a configuration that is not good, and tells which of its settings are passwords.
func (s *Server) check(ctx context.Context, c offset.Connector, settings map[string]*string) (passwords []string, err error) {
	infos, err := s.judge(ctx, c, settings)
	if err != nil {
		return nil, err
	}
	if err := connector.Check(infos); err != nil {
		return nil, fail(http.StatusBadRequest, "%s", err)
	}
	return Passwords(infos), nil
}

// Check returns Connect's own message about a connector whose configuration it would refuse.
func (s *Server) Check(ctx context.Context, c offset.Connector) error {
	pointers := make(map[string]*string, len(c.Config))
	for name, value := range c.Config {
		pointers[name] = &value
	}
	_, err := s.check(ctx, c, pointers)
	return err
}

// nameIn sets the name in a configuration, or refuses another one.
func nameIn(settings map[string]*string, name string) error {
	own, given := settings["name"]
	if given && own != nil && *own != name {
		return fail(http.StatusBadRequest, "Connector name configuration (%s) doesn't match connector name in the URL (%s)", *own, name)
	}
	if len(name) > offset.MaxName {
		return fail(http.StatusBadRequest, "The name of a connector may have at most %d bytes, but this one has %d", offset.MaxName, len(name))
	}
	settings["name"] = &name
	return nil
}

// javaMap shows names and no values: a value may be a secret, and this goes into a message.
func javaMap(settings map[string]*string) string {
	return "{" + strings.Join(slices.Sorted(maps.Keys(settings)), ", ") + "}"
}

// stored is a configuration as the table keeps it. A null means the same as nothing there.
func stored(settings map[string]*string) map[string]string {
	out := make(map[string]string, len(settings))
	for name, value := range settings {
		if value != nil {
			out[name] = *value
		}
	}
	return out
}
