package control

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// pluginInfo is Connect's PluginInfo.
type pluginInfo struct {
	Class   string `json:"class"`
	Type    string `json:"type"`
	Version string `json:"version"`

	define func() config.Definer // nil for connectors
}

func (s *Server) plugins(r *request) (answer, error) {
	plugins, err := s.Functions.Plugins(r.Context())
	if err != nil {
		return answer{}, fmt.Errorf("asking which connectors there are: %w", err)
	}
	list := []pluginInfo{}
	for _, p := range plugins {
		list = append(list, pluginInfo{Class: p.Class, Type: p.Type, Version: p.Version})
		// Other vendors' class of the same connector is a plugin to clients. A simple name is none.
		for _, alias := range p.Aliases {
			if strings.Contains(alias, ".") {
				list = append(list, pluginInfo{Class: alias, Type: p.Type, Version: p.Version})
			}
		}
	}
	slices.SortFunc(list, func(a, b pluginInfo) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Class, b.Class))
	})
	if !r.is("connectorsOnly", true) {
		list = append(list, s.others()...)
	}
	return ok(list), nil
}

// others are the plugins that are no connectors.
func (s *Server) others() []pluginInfo {
	return slices.Concat(
		table(s.Plugins.Transforms, "transformation", s.Plugins.Version),
		table(s.Plugins.Predicates, "predicate", s.Plugins.Version),
		table(s.Plugins.Converters, "converter", s.Plugins.Version),
		table(s.Plugins.HeaderConverters, "header_converter", s.Plugins.Version),
	)
}

func table[P config.Definer](plugins []connect.Plugin[P], kind, version string) []pluginInfo {
	list := make([]pluginInfo, len(plugins))
	for i, p := range plugins {
		list[i] = pluginInfo{p.Class, kind, version, func() config.Definer { return p.New() }}
	}
	slices.SortFunc(list, func(a, b pluginInfo) int { return cmp.Compare(a.Class, b.Class) })
	return list
}

// called tells whether a plugin goes by a name: its class, its simple name, or that without its kind. The simple name of
// X$Value is Value, which many classes share.
func (p pluginInfo) called(name string) bool {
	if p.Class == name {
		return true
	}
	simple := p.Class[strings.LastIndexByte(p.Class, '.')+1:]
	if strings.Contains(simple, "$") {
		return false
	}
	kind := map[string]string{
		"transformation": "Transformation", "predicate": "Predicate", "converter": "Converter", "header_converter": "HeaderConverter",
	}[p.Type]
	return simple == name || strings.TrimSuffix(simple, kind) == name
}

// pluginConfig answers GET /connector-plugins/…/config.
func (s *Server) pluginConfig(r *request) (answer, error) {
	plugins, err := s.Functions.Plugins(r.Context())
	if err != nil {
		return answer{}, fmt.Errorf("asking which connectors there are: %w", err)
	}
	p, err := Find(plugins, r.name())
	if err == nil {
		if err := r.wantsVersion(p.Class, p.Version); err != nil {
			return answer{}, err
		}
		var keys []config.KeyInfo
		if err := s.ask(r.Context(), p.Class, offset.Connector{}, map[string]string{"control": "keys"}, &keys); err != nil {
			return answer{}, err
		}
		return ok(keys), nil
	}
	for _, p := range s.others() {
		if p.called(r.name()) {
			if err := r.wantsVersion(p.Class, p.Version); err != nil {
				return answer{}, err
			}
			return ok(config.Keys(p.define())), nil
		}
	}
	holder := slices.ContainsFunc(s.others(), func(p pluginInfo) bool { return strings.HasPrefix(p.Class, r.name()+"$") })
	if _, other := connector.OtherPlugin(r.name()); other {
		return answer{}, fail(http.StatusBadRequest, "Invalid plugin class %s. Valid types are sink, source, converter, header_converter, "+
			"transformation, predicate.", r.name())
	}
	if holder || connector.OfJava(r.name()) {
		return answer{}, errors.New("Instantiation error") //nolint:staticcheck // Connect's own words
	}
	return answer{}, fail(http.StatusNotFound, "Unknown plugin %s.", r.name())
}

// wantsVersion refuses a request for a version of a plugin that there is not.
func (r *request) wantsVersion(class, have string) error {
	values, given := r.query()["version"]
	if !given {
		return nil
	}
	asked := values[0]
	err := connector.CheckVersion(asked, class, have)
	version, ok := errors.AsType[*connector.VersionError](err)
	switch {
	case !ok:
		return err
	case version.Unreadable:
		return fail(http.StatusBadRequest, "Invalid version specification: %s", asked)
	}
	return fail(http.StatusBadRequest, "%s", version)
}

// validate answers PUT /connector-plugins/…/config/validate. What creating a connector refuses with 400 is 500 here.
func (s *Server) validate(r *request) (answer, error) {
	settings, err := r.readSettings()
	if err != nil {
		return answer{}, err
	}
	if class := settings[classSetting]; class != nil && !strings.HasSuffix(normal(*class), normal(r.name())) {
		return answer{}, fail(http.StatusBadRequest, "Included connector type %s does not match request type %s", *class, r.name())
	}
	var c offset.Connector
	if name := settings["name"]; name != nil {
		c, _, err = s.Store.Look(r.Context(), *name, 0)
		if err != nil && !errors.Is(err, offset.ErrNotFound) {
			return answer{}, fmt.Errorf("looking up connector %s: %w", *name, err)
		}
		settings = unmask(settings, c.Config)
	}
	infos, err := s.judge(r.Context(), c, settings)
	if refused, ok := errors.AsType[*Error](err); ok {
		class := "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"
		if refused.Status == http.StatusInternalServerError {
			class = config.ExceptionClass
		}
		return answer{}, errors.New(class + ": " + refused.Message)
	}
	if err != nil {
		return answer{}, err
	}
	return ok(infos), nil
}

// normal is the name of a connector class without Connector at its end.
func normal(class string) string {
	if class == "Connector" {
		return class
	}
	return strings.TrimSuffix(class, "Connector")
}
