package connector

import (
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Plugins are the classes that configurations may name. The zero Plugins has none.
type Plugins struct {
	Converters       []connect.Plugin[connect.Converter]
	HeaderConverters []connect.Plugin[connect.HeaderConverter]
	Transforms       []connect.Plugin[connect.Transform]
	Predicates       []connect.Plugin[connect.Predicate]
	// Version is shown as the version of all of them, and of the connector.
	Version string
}

// With returns p with more converters beside its own. Those of a class that it has already are left out.
func (p Plugins) With(converters []connect.Plugin[connect.Converter]) Plugins {
	p.Converters = slices.Clip(p.Converters)
	for _, c := range converters {
		if !slices.ContainsFunc(p.Converters, func(known connect.Plugin[connect.Converter]) bool { return known.Class == c.Class }) {
			p.Converters = append(p.Converters, c)
		}
	}
	return p
}

// The interfaces, as Connect's messages name them.
const (
	converterInterface       = "Converter"
	headerConverterInterface = "HeaderConverter"
	transformInterface       = "Transformation"
	predicateInterface       = "Predicate"
)

func classes[P any](table []connect.Plugin[P]) []string {
	names := make([]string, len(table))
	for i, p := range table {
		names[i] = p.Class
	}
	slices.Sort(names)
	return names
}

// of returns the classes that implement an interface, sorted.
func (p Plugins) of(iface string) []string {
	switch iface {
	case converterInterface:
		return classes(p.Converters)
	case headerConverterInterface:
		return classes(p.HeaderConverters)
	case transformInterface:
		return classes(p.Transforms)
	case predicateInterface:
		return classes(p.Predicates)
	}
	return nil
}

// interfaces are all of them.
func interfaces() []string {
	return []string{converterInterface, headerConverterInterface, transformInterface, predicateInterface}
}

// resolve finds a class of any kind by its full name, or by the aliases Connect has for it: the simple name, and the simple
// name without the name of the interface. An alias of two classes is none. A class that only holds others, such as
// HoistField, is found too: what is wrong with it is said later.
func (p Plugins) resolve(name string) (class string, found bool) {
	var byAlias []string
	for _, iface := range interfaces() {
		for _, c := range p.of(iface) {
			outer, _, nested := strings.Cut(c, "$")
			if c == name || nested && outer == name {
				return name, true
			}
			simple := c[strings.LastIndexByte(c, '.')+1:]
			if nested || p.inFull(c) {
				continue // Java's simple name of X$Value is Value, which many classes share
			}
			if name != "" && (name == simple || name == strings.TrimSuffix(simple, iface)) && !slices.Contains(byAlias, c) {
				byAlias = append(byAlias, c)
			}
		}
	}
	if len(byAlias) == 1 {
		return byAlias[0], true
	}
	if other, ok := OtherPlugin(name); ok {
		return other, true
	}
	return name, OfJava(name)
}

// inFull tells whether a class has no alias.
func (p Plugins) inFull(class string) bool {
	return slices.ContainsFunc(p.Converters, func(c connect.Plugin[connect.Converter]) bool { return c.InFull && c.Class == class })
}

// implementing allows classes that implement an interface. Null is left to others.
func (p Plugins) implementing(iface string) config.Validator {
	return config.Func("a class that implements "+iface, func(name string, value any) error {
		class, ok := value.(config.ClassName)
		if !ok {
			return nil
		}
		return p.mustImplement(name, string(class), iface)
	})
}

func (p Plugins) mustImplement(name, class, iface string) error {
	known := p.of(iface)
	if slices.Contains(known, class) {
		return nil
	}
	var inner []string
	for _, c := range known {
		if strings.HasPrefix(c, class+"$") {
			inner = append(inner, c)
		}
	}
	if inner != nil {
		return config.Errorf(name, "This class is abstract and cannot be created. Did you mean %s?", strings.Join(inner, ", "))
	}
	kind := "class"
	if at := strings.LastIndexByte(class, '.'); slices.Contains(interfacesOfJava(), class) {
		if class[at+1:] == iface {
			return config.Errorf(name, "This class is abstract and cannot be created.")
		}
		kind = "interface"
	}
	return config.Errorf(name, "Class %s %s does not implement the %s interface", kind, class, iface)
}

// find returns the plugin that a text names, if it is one of the table.
func find[P any](p Plugins, table []connect.Plugin[P], name string) (connect.Plugin[P], bool) {
	class, _ := p.resolve(name)
	for _, plugin := range table {
		if plugin.Class == class {
			return plugin, true
		}
	}
	return connect.Plugin[P]{}, false
}

// recommended offers the classes of an interface.
type recommended []string

func (r recommended) ValidValues(string, map[string]any) ([]any, error) {
	values := make([]any, len(r))
	for i, class := range r {
		values[i] = config.ClassName(class)
	}
	return values, nil
}

func (r recommended) Visible(string, map[string]any) bool { return true }

// versionOf offers the version of the class that another setting names.
type versionOf struct {
	setting string
	good    func(class string) bool
	version string
	always  bool // visible without a class, too
}

func (v versionOf) ValidValues(_ string, parsed map[string]any) ([]any, error) {
	if class, ok := v.class(parsed); ok && v.good(class) && v.version != "" {
		return []any{v.version}, nil
	}
	return nil, nil
}

func (v versionOf) Visible(_ string, parsed map[string]any) bool {
	_, ok := v.class(parsed)
	return ok || v.always
}

func (v versionOf) class(parsed map[string]any) (string, bool) {
	switch class := parsed[v.setting].(type) {
	case config.ClassName:
		return string(class), true
	case string:
		return class, true
	}
	return "", false
}
