package connector

import (
	"slices"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// The groups that every connector's settings are in.
const (
	groupCommon     = "Common"
	groupTransforms = "Transforms"
	groupPredicates = "Predicates"
	groupErrors     = "Error Handling"
)

// Common are the settings of every connector.
type Common struct {
	// Plugins are what the settings may name. It is set before anything is parsed.
	Plugins Plugins

	// Name is the connector's name.
	Name string
	// Class is the connector's class as it was named.
	Class string
	// Version is the version asked for, or a range of them; empty if none. There is only one of each plugin.
	Version string
	// TasksMax is how many tasks there may be, at least 1.
	TasksMax int
	// EnforceTasksMax says that more tasks than TasksMax are an error.
	EnforceTasksMax bool
	// KeyConverter, ValueConverter and HeaderConverter are full class names; empty means the worker's.
	KeyConverter, ValueConverter, HeaderConverter string
	// Transforms and Predicates are the aliases.
	Transforms, Predicates []string
	// ReloadAction is "restart" or "none": what to do when a secret's time is over.
	ReloadAction string
	// Errors says what to do about records that fail.
	Errors ErrorPolicy

	versions [3]string // asked of the converters
	shown    *shown
}

// ErrorPolicy says what to do about records that fail.
type ErrorPolicy struct {
	// RetryTimeout is how long a failed operation is repeated. 0 means not at all, less for ever.
	RetryTimeout time.Duration
	// RetryDelayMax is the longest pause between two tries.
	RetryDelayMax time.Duration
	// Tolerance is "none" or "all".
	Tolerance string
	// Log says to log every error, and LogMessages to log the record too.
	Log, LogMessages bool
}

// TolerateAll says to skip records that fail, instead of failing the task.
func (e ErrorPolicy) TolerateAll() bool { return e.Tolerance == "all" }

// shown are defaults that depend on the worker and on the rest of the configuration. Connect shows them in validation.
type shown struct {
	version                      string // of the connector
	key, value, header           string // classes
	keyVersion, valueVersion     string
	headerVersion, pluginVersion string
}

// Define declares the settings, as Connect's ConnectorConfig does.
func (c *Common) Define(d *config.Def) {
	c.defineIdentity(d)
	c.defineConverters(d)
	d.List(&c.Transforms, "transforms", nil, "Aliases of the transforms to apply to records, in order.",
		config.Check(uniqueAliases("transformation")), config.Low, config.Group(groupTransforms, 12), config.WidthLong,
		config.Display("Transforms"))
	d.List(&c.Predicates, "predicates", nil, "Aliases of the predicates that transforms use.",
		config.Check(uniqueAliases("predicate")), config.Low, config.Group(groupPredicates, 13), config.WidthLong,
		config.Display("Predicates"))
	d.String(&c.ReloadAction, "config.action.reload", "restart",
		"What to do when a value from a secret provider changes: restart the connector, or none.",
		config.Check(config.In("none", "restart")), config.Low, config.Group(groupCommon, 14), config.WidthMedium,
		config.Display("Reload Action"))
	c.Errors.define(d)
}

func (c *Common) defineIdentity(d *config.Def) {
	shown := c.defaults()
	d.String(&c.Name, "name", "", "Name of the connector, unique.", config.Required(),
		config.Check(config.NonEmptyWithoutControlChars()), config.High, config.Group(groupCommon, 1), config.WidthMedium,
		config.Display("Connector name"))
	d.String(&c.Class, "connector.class", "",
		"Class of the connector: its full name, its simple name, or its simple name without Connector.", config.Required(),
		config.High, config.Group(groupCommon, 2), config.WidthLong, config.Display("Connector class"))
	d.String(&c.Version, "connector.plugin.version", "", "Version of the connector.", optional(shown.version), config.Check(readableVersion()),
		config.Recommend(versionOf{setting: "connector.class", version: shown.version, good: anyClass}),
		config.Medium, config.Group(groupCommon, 3), config.WidthMedium, config.Display("Connector version"))
	d.Int(&c.TasksMax, "tasks.max", 1, "Most tasks to use for the connector.", config.Check(config.AtLeast(1)),
		config.High, config.Group(groupCommon, 4), config.WidthShort, config.Display("Tasks max"))
	d.Bool(&c.EnforceTasksMax, "tasks.max.enforce", true,
		"(Deprecated) Whether more tasks than tasks.max are an error.",
		config.Low, config.Group(groupCommon, 5), config.WidthShort, config.Display("Enforce tasks max"))
}

func (c *Common) defineConverters(d *config.Def) {
	shown := c.defaults()
	for i, conv := range []struct {
		class          *string
		setting, iface string
		def, version   string
		display, doc   string
	}{
		{
			&c.KeyConverter, "key.converter", converterInterface, shown.key, shown.keyVersion, "Key converter",
			"Class that turns keys into bytes and back. Defaults to the worker's.",
		},
		{
			&c.ValueConverter, "value.converter", converterInterface, shown.value, shown.valueVersion, "Value converter",
			"Class that turns values into bytes and back. Defaults to the worker's.",
		},
		{
			&c.HeaderConverter, "header.converter", headerConverterInterface, shown.header, shown.headerVersion, "Header converter",
			"Class that turns header values into bytes and back. Defaults to the worker's.",
		},
	} {
		good := c.Plugins.of(conv.iface)
		d.Class(conv.class, conv.setting, conv.def, conv.doc, config.Resolve(c.Plugins.resolve),
			config.Check(c.Plugins.implementing(conv.iface)), config.Recommend(recommended(good)),
			config.Low, config.Group(groupCommon, 6+2*i), config.WidthShort, config.Display(conv.display+" class"))
		d.String(&c.versions[i], conv.setting+".plugin.version", "", "Version of the "+conv.setting+".", optional(conv.version), config.Check(readableVersion()),
			config.Recommend(versionOf{
				setting: conv.setting, version: shown.pluginVersion,
				good: func(class string) bool { return slices.Contains(good, class) },
			}),
			config.Low, config.Group(groupCommon, 7+2*i), config.WidthShort, config.Display(conv.display+" version"))
	}
}

func (e *ErrorPolicy) define(d *config.Def) {
	d.Millis(&e.RetryTimeout, "errors.retry.timeout", 0,
		"How long, in milliseconds, a failed operation is repeated. 0 means not at all, -1 for ever.",
		config.Medium, config.Group(groupErrors, 1), config.WidthMedium, config.Display("Retry Timeout for Errors"))
	d.Millis(&e.RetryDelayMax, "errors.retry.delay.max.ms", time.Minute,
		"Longest pause, in milliseconds, between two tries.",
		config.Medium, config.Group(groupErrors, 2), config.WidthMedium, config.Display("Maximum Delay Between Retries for Errors"))
	d.String(&e.Tolerance, "errors.tolerance", "none",
		"none fails the task at the first record that fails; all skips such records.",
		config.Check(config.In("none", "all")),
		config.Medium, config.Group(groupErrors, 3), config.WidthShort, config.Display("Error Tolerance"))
	d.Bool(&e.Log, "errors.log.enable", false, "Whether to log every error, tolerated ones too.",
		config.Medium, config.Group(groupErrors, 4), config.WidthShort, config.Display("Log Errors"))
	d.Bool(&e.LogMessages, "errors.log.include.messages", false, "Whether to log the record that failed with the error.",
		config.Medium, config.Group(groupErrors, 5), config.WidthShort, config.Display("Log Error Details"))
}

func (c *Common) defaults() shown {
	if c.shown == nil {
		return shown{}
	}
	return *c.shown
}

// optional makes a text the default, or null if it is empty.
func optional(def string) config.Option {
	if def == "" {
		return config.NullDefault()
	}
	return config.Default(def)
}

func anyClass(string) bool { return true }

// uniqueAliases refuses null and aliases that repeat.
func uniqueAliases(kind string) config.Validator {
	unique := config.Func("unique "+kind+" aliases", func(name string, value any) error {
		aliases, _ := value.([]string)
		for i, a := range aliases {
			if slices.Contains(aliases[:i], a) {
				return config.Invalid(name, value, "Duplicate alias provided.")
			}
		}
		return nil
	})
	return config.All(config.NonNull(), unique)
}
