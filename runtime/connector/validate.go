package connector

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Kind is a direction.
type Kind string

// The kinds, as Connect's REST API names them.
const (
	KindSource Kind = "source"
	KindSink   Kind = "sink"
)

// Subject is the connector whose configuration is judged.
type Subject struct {
	Kind Kind
	// Own is a fresh task: its settings are the connector's own. If it is a connect.Validator, it is asked, too.
	Own config.Definer
	// Class is the connector's own name, in full, and Version is its version.
	Class, Version string
}

func (s Subject) definer(p Plugins, shown shown) config.Definer {
	if s.Kind == KindSink {
		return &Sink{Common: Common{Plugins: p, shown: &shown}}
	}
	return &Source{Common: Common{Plugins: p, shown: &shown}}
}

// Keys describes the settings of a connector: its own, then those of every connector of its kind, as
// GET /connector-plugins/…/config does. Sluice's own are not among them.
func Keys(s Subject, p Plugins) []config.KeyInfo {
	return config.Keys(s.Own, s.definer(p, shown{version: s.Version}))
}

// Validate judges a configuration as PUT /connector-plugins/…/config/validate does. Sluice's own settings are listed only
// if they are bad. The name of the answer is what connector.class says.
func Validate[V config.Text](values map[string]V, s Subject, p Plugins, w Worker) config.Infos {
	all := pointers(values)
	if err := s.versionProblem(all); err != nil {
		return p.unavailable(all, s, err)
	}
	framework := s.definer(p, p.shown(all, s, w))
	chain := &chain{plugins: p, values: all}
	targets := []config.Definer{framework, chain, s.Own}

	found := config.Validate(all, framework, chain)
	found = judgeKind(found, all, s.Kind)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] == nil {
			found = report(found, config.Errorf(name, "Null value can not be supplied as the configuration value."))
		}
	}
	found = p.judgeVersions(found, all)
	converters := p.judgeConverters(all, found)
	found = append(found, p.judgeOwn(all, s.Own)...)
	found = append(found, bad(config.Validate(all, &Own{}))...)

	infos := config.Collect(value(all, "connector.class"), found, targets...)
	if group, given := all[consumerOverride+"group.id"]; given && s.Kind == KindSink { // it is looked at by itself, and listed twice
		infos.Configs = slices.Insert(infos.Configs, 0, config.Info{Value: &config.ValueInfo{
			Name: consumerOverride + "group.id", Value: group, Recommended: []string{}, Errors: []string{}, Visible: true,
		}})
	}
	add := func(more ...config.Info) {
		for _, info := range more {
			infos.Configs = append(infos.Configs, info)
			infos.ErrorCount += len(info.Value.Errors)
			if d := info.Definition; d != nil && d.Group != nil && !slices.Contains(infos.Groups, *d.Group) {
				infos.Groups = append(infos.Groups, *d.Group)
			}
		}
	}
	for _, prefix := range clientPrefixes(all, s.Kind) {
		add(w.judgeOverrides(all, prefix)...)
	}
	add(converters...)
	return infos
}

// versionProblem is what is wrong with the version asked of the connector, if anything.
func (s Subject) versionProblem(values map[string]*string) error {
	asked := values["connector"+versionSuffix]
	if asked == nil {
		return nil
	}
	return CheckVersion(*asked, s.Class, s.Version)
}

// unavailable judges a configuration that asks for a connector of another version. Nothing is known of that one.
func (p Plugins) unavailable(values map[string]*string, s Subject, problem error) config.Infos {
	common := &Common{Plugins: p, shown: &shown{version: s.Version}}
	found := config.Validate(values, common)
	found = report(found, config.Errorf("connector.class", "%s", problem))
	found = report(found, config.Errorf("connector"+versionSuffix, "%s", problem))
	return config.Collect(value(values, "connector.class"), found, common)
}

// shown are the defaults that Connect shows for a configuration.
func (p Plugins) shown(values map[string]*string, s Subject, w Worker) shown {
	version := func(setting, class, iface string) string {
		if own := values[setting]; own != nil {
			class = *own
		}
		if class, ok := p.resolve(class); ok && slices.Contains(p.of(iface), class) {
			return p.Version
		}
		return ""
	}
	return shown{
		version: s.Version, pluginVersion: p.Version,
		key: w.Key.Class, value: w.Value.Class, header: w.Header.Class,
		keyVersion:    version("key.converter", w.Key.Class, converterInterface),
		valueVersion:  version("value.converter", w.Value.Class, converterInterface),
		headerVersion: version("header.converter", w.Header.Class, headerConverterInterface),
	}
}

// judgeKind adds what is wrong with settings that depend on each other.
func judgeKind(found []config.Value, values map[string]*string, kind Kind) []config.Value {
	if kind == KindSink {
		for _, problem := range sinkProblems(values) {
			found = report(found, problem)
		}
		return found
	}
	fine := func(name string) bool {
		v := valueOf(found, name)
		return v != nil && len(v.Errors) == 0
	}
	if fine("exactly.once.support") && strings.EqualFold(trim(value(values, "exactly.once.support")), "required") {
		found = report(found, config.Errorf("exactly.once.support",
			"This worker does not have exactly-once source support enabled."))
	}
	if fine("transaction.boundary") && strings.EqualFold(trim(value(values, "transaction.boundary")), "connector") {
		found = report(found, config.Errorf("transaction.boundary", "The connector does not support connector-defined "+
			"transaction boundaries with the given configuration. Please reconfigure it to use a different transaction "+
			"boundary definition."))
	}
	return found
}

// report adds an error to the value it is about.
func report(found []config.Value, err error) []config.Value { return config.Report(found, err) }

func valueOf(found []config.Value, name string) *config.Value {
	i := slices.IndexFunc(found, func(v config.Value) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &found[i]
}

// judgeOwn judges the connector's own settings, and lets the connector itself look at them when they are good.
func (p Plugins) judgeOwn(values map[string]*string, own config.Definer) []config.Value {
	found := config.Validate(values, own)
	v, ok := own.(connect.Validator)
	if !ok || len(bad(found)) > 0 {
		return found
	}
	if err := config.Parse(values, own); err != nil {
		return config.Report(found, err)
	}
	return config.Report(found, v.Validate())
}

// bad returns the values that have errors.
func bad(found []config.Value) []config.Value {
	return slices.DeleteFunc(slices.Clone(found), func(v config.Value) bool { return len(v.Errors) == 0 })
}

// judgeConverters judges the settings of the converters that the connector names itself.
func (p Plugins) judgeConverters(values map[string]*string, found []config.Value) []config.Info {
	var infos []config.Info
	for _, kind := range []string{"header", "key", "value"} {
		setting := kind + ".converter"
		name, v := values[setting], valueOf(found, setting)
		if name == nil || v == nil || len(v.Errors) > 0 {
			continue
		}
		d, ok := p.newDefiner(kind, *name)
		if !ok {
			// Connect cuts off blanks when it parses the name, but not when it looks up the class.
			v.Errors = append(v.Errors, fmt.Sprintf("Failed to load class %s: %s", *name, *name))
			continue
		}
		own := config.Prefixed(values, setting+".")
		if _, given := own["converter.type"]; !given {
			own["converter.type"] = &kind
		}
		for _, info := range inJavasOrder(config.Describe("", own, d).Configs, "") {
			if info.Definition != nil {
				info.Definition.Name = setting + "." + info.Definition.Name
			}
			info.Value.Name = setting + "." + info.Value.Name
			infos = append(infos, info)
		}
	}
	return infos
}

// inJavasOrder puts settings into the order of Java's HashMap, in which Connect lists those of converters and clients by
// their names without the prefix.
func inJavasOrder(infos []config.Info, prefix string) []config.Info {
	order := schema.NewHashMap(0)
	for i := range infos {
		order.Set(strings.TrimPrefix(infos[i].Value.Name, prefix), i)
	}
	sorted := make([]config.Info, 0, len(infos))
	for _, i := range order.All() {
		if at, ok := i.(int); ok {
			sorted = append(sorted, infos[at])
		}
	}
	return sorted
}

func (p Plugins) newDefiner(kind, name string) (config.Definer, bool) {
	if kind == "header" {
		plugin, ok := find(p, p.HeaderConverters, name)
		if !ok {
			return nil, false
		}
		return plugin.New(), true
	}
	plugin, ok := find(p, p.Converters, name)
	if !ok {
		return nil, false
	}
	return plugin.New(), true
}

// InvalidError is a configuration that was refused.
type InvalidError struct {
	// Messages are everything that is wrong, in the order of the settings.
	Messages []string
}

// Check returns an InvalidError if infos has errors.
func Check(infos config.Infos) error {
	var e InvalidError
	for _, c := range infos.Configs {
		if c.Value != nil {
			e.Messages = append(e.Messages, c.Value.Errors...)
		}
	}
	if e.Messages == nil {
		return nil
	}
	return &e
}

// Error is Connect's text.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("Connector configuration is invalid and contains the following %d error(s):\n%s\n"+
		"You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`",
		len(e.Messages), strings.Join(e.Messages, "\n"))
}

// Conceal undoes, in what is shown of a configuration, the resolution of secrets: wherever raw and resolved differ, the
// value is shown as raw has it, and its errors, which may quote it, give way to one that does not.
func Conceal[V config.Text](infos config.Infos, raw, resolved map[string]V) config.Infos {
	before, after := pointers(raw), pointers(resolved)
	out := infos
	out.Configs = slices.Clone(infos.Configs)
	for i, c := range out.Configs {
		if c.Value == nil || !wasResolved(before, after, c.Value.Name) {
			continue
		}
		v := *c.Value
		v.Value = before[v.Name]
		if len(v.Errors) > 0 {
			out.ErrorCount -= len(v.Errors) - 1
			v.Errors = []string{concealed(v.Name).Message}
		}
		out.Configs[i].Value = &v
	}
	return out
}

// ConcealError does to an error of ParseSource, ParseSink or config.Parse what Conceal does to a validation: errors about
// settings that were resolved say no more than that they are bad. Errors about no setting are left as they are.
func ConcealError[V config.Text](err error, raw, resolved map[string]V) error {
	named := config.Errors(err)
	if len(named) == 0 {
		return err
	}
	before, after := pointers(raw), pointers(resolved)
	all := make([]error, len(named))
	for i, e := range named {
		all[i] = e
		if wasResolved(before, after, e.Key) {
			all[i] = concealed(e.Key)
		}
	}
	return errors.Join(all...)
}

func wasResolved(before, after map[string]*string, name string) bool {
	raw, resolved := before[name], after[name]
	return raw != nil && (resolved == nil || *raw != *resolved)
}

func concealed(name string) *config.Error {
	return config.Errorf(name, "Invalid value for configuration '%s': the value resolved from the config provider reference "+
		"failed validation", name)
}
