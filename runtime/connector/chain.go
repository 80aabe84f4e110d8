package connector

import (
	"errors"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Stage is one transform of a chain.
type Stage struct {
	// Alias is what the configuration calls it, and Class its class.
	Alias, Class string
	// Transform has its settings parsed.
	Transform connect.Transform
	// Predicate says which records the transform is for: those it matches, or with Negate those it does not. nil means all.
	Predicate connect.Predicate
	// PredicateAlias and PredicateClass name the predicate.
	PredicateAlias, PredicateClass string
	Negate                         bool
}

// chain declares the settings of the transforms and predicates that a configuration names, and collects the stages to
// which they are bound by that.
type chain struct {
	plugins Plugins
	values  map[string]*string
	stages  []Stage
}

// Define declares the settings.
func (c *chain) Define(d *config.Def) {
	c.stages = nil
	for _, alias := range aliases(c.values, "transforms") {
		c.defineTransform(d, alias)
	}
	for _, alias := range aliases(c.values, "predicates") {
		c.definePredicate(d, alias)
	}
}

func (c *chain) defineTransform(d *config.Def, alias string) {
	prefix := "transforms." + alias + "."
	plugin, ok := find(c.plugins, c.plugins.Transforms, value(c.values, prefix+"type"))
	a := member{
		alias: alias, prefix: prefix, group: groupTransforms + ": " + alias, iface: transformInterface,
		word: "transformation", known: ok, problem: c.negation(prefix), version: c.version(prefix),
	}
	c.defineType(d, a)
	if !ok || a.version != nil {
		return
	}
	transform := plugin.New()
	d.Embed(prefix, a.group, 2, config.DefinerFunc(func(d *config.Def) {
		var predicate string
		var negate bool
		d.String(&predicate, "predicate", "", "Alias of the predicate that says which records the transform is for.",
			config.NullDefault())
		d.Bool(&negate, "negate", false, "Whether the transform is for the records that the predicate does not match.")
		d.Include(transform, "predicate", "negate") // a transform's own settings of these names cannot be set
	}))
	c.stages = append(c.stages, Stage{
		Alias: alias, Class: plugin.Class, Transform: transform,
		PredicateAlias: value(c.values, prefix+"predicate"),
		Negate:         strings.EqualFold(value(c.values, prefix+"negate"), "true"),
	})
}

func (c *chain) definePredicate(d *config.Def, alias string) {
	prefix := "predicates." + alias + "."
	plugin, ok := find(c.plugins, c.plugins.Predicates, value(c.values, prefix+"type"))
	a := member{
		alias: alias, prefix: prefix, group: groupPredicates + ": " + alias, iface: predicateInterface,
		word: "predicate", known: ok, version: c.version(prefix),
	}
	c.defineType(d, a)
	if ok && a.version == nil {
		d.Embed(prefix, a.group, 2, plugin.New())
	}
}

// member is a transform or predicate that a configuration names.
type member struct {
	alias, prefix, group, iface, word string
	known                             bool
	problem                           error
	version                           error // what is wrong with the version asked for
}

// defineType declares the settings that say which class it is.
func (c *chain) defineType(d *config.Def, m member) {
	var class, version string
	good := c.plugins.of(m.iface)
	check := config.Func("valid configs for "+m.alias+" "+m.word, func(name string, value any) error {
		if m.problem != nil {
			return m.problem
		}
		if err := c.plugins.implementing(m.iface).EnsureValid(name, value); err != nil || m.version == nil {
			return err
		}
		return config.Errorf(name, "%s", m.version)
	})
	there := config.Func("a version that there is", func(name string, value any) error {
		if asked := c.values[m.prefix+"plugin.version"]; m.version == nil || asked == nil || value != *asked {
			return nil // the default is looked at, too
		}
		return config.Errorf(name, "%s", m.version)
	})
	d.Class(&class, m.prefix+"type", "", "Class of the "+m.word+" "+m.alias+".", config.Required(),
		config.Resolve(c.plugins.resolve), config.Check(check), config.Recommend(recommended(good)),
		config.High, config.Group(m.group, 0), config.WidthLong, config.Display(m.iface+" type for "+m.alias))
	def := ""
	if m.known {
		def = c.plugins.Version
	}
	d.String(&version, m.prefix+"plugin.version", "", "Version of the "+m.word+" "+m.alias+".", optional(def), config.Check(there),
		config.Recommend(versionOf{
			setting: m.prefix + "type", version: c.plugins.Version, always: true,
			good: func(class string) bool { return slices.Contains(good, class) },
		}),
		config.High, config.Group(m.group, 1), config.WidthLong, config.Display(m.iface+" version for "+m.alias))
}

// version is what is wrong with the version asked of a transform or predicate, if anything.
func (c *chain) version(prefix string) error {
	return c.plugins.versionProblem(c.values, prefix+"type", prefix+"plugin.version")
}

// negation is what is wrong with a transform's negate, if anything.
func (c *chain) negation(prefix string) error {
	_, negate := c.values[prefix+"negate"]
	if _, predicate := c.values[prefix+"predicate"]; !negate || predicate {
		return nil
	}
	return config.Errorf(prefix+"type", "Config '%snegate' was provided but there is no config '%spredicate' "+
		"defining a predicate to be negated.", prefix, prefix)
}

// finish gives the stages their predicates, each one of its own, after the settings were parsed, and lets the plugins
// look at them.
func (c *chain) finish() error {
	var errs []error
	known := aliases(c.values, "predicates")
	for i := range c.stages {
		s := &c.stages[i]
		if v, ok := s.Transform.(connect.Validator); ok {
			errs = append(errs, config.UnderPrefix(v.Validate(), "transforms."+s.Alias+"."))
		}
		if _, named := c.values["transforms."+s.Alias+".predicate"]; !named {
			continue
		}
		prefix := "predicates." + s.PredicateAlias + "."
		plugin, ok := find(c.plugins, c.plugins.Predicates, value(c.values, prefix+"type"))
		if !ok || !slices.Contains(known, s.PredicateAlias) {
			errs = append(errs, config.Errorf(prefix+"type", "Unknown configuration '%stype'", prefix))
			continue
		}
		s.PredicateClass, s.Predicate = plugin.Class, plugin.New()
		err := config.Parse(config.Prefixed(c.values, prefix), s.Predicate)
		if v, ok := s.Predicate.(connect.Validator); ok && err == nil {
			err = v.Validate()
		}
		errs = append(errs, config.UnderPrefix(err, prefix))
	}
	return errors.Join(errs...)
}

// aliases is the list that a setting holds, each element once.
func aliases(values map[string]*string, name string) []string {
	var list []string
	err := config.Parse(map[string]*string{name: values[name]}, config.DefinerFunc(func(d *config.Def) {
		d.List(&list, name, nil, "")
	}))
	if err != nil {
		return nil
	}
	return distinct(list)
}

func distinct(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
