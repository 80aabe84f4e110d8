package connector

import (
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Worker is what the deployment's settings say about all its connectors: the part of a Connect worker's configuration that
// concerns them. ParseWorker makes one.
type Worker struct {
	// Key, Value and Header are the converters of connectors that name none.
	Key, Value, Header Choice
	// FlushInterval is how often offsets are stored, and FlushTimeout how long that may take.
	FlushInterval, FlushTimeout time.Duration
	// TopicCreation says that sources may have topics made.
	TopicCreation bool
	// Policy and Allowlist say which client settings connectors may change.
	Policy    OverridePolicy
	Allowlist []string
}

// Choice is a converter class with its settings, without the prefix.
type Choice struct {
	Class    string
	Settings map[string]string
}

const (
	jsonConverter         = "org.apache.kafka.connect.json.JsonConverter"
	simpleHeaderConverter = "org.apache.kafka.connect.storage.SimpleHeaderConverter"
)

// ParseWorker reads a worker's settings. What concerns no connector is ignored. The converters default to JsonConverter
// and SimpleHeaderConverter.
func ParseWorker[V config.Text](values map[string]V, p Plugins) (Worker, error) {
	w := &Worker{}
	pointers := pointers(values)
	if err := config.Parse(pointers, WorkerSettings(w, p)); err != nil {
		return Worker{}, err
	}
	for prefix, choice := range map[string]*Choice{"key": &w.Key, "value": &w.Value, "header": &w.Header} {
		choice.Settings = notNull(config.Prefixed(pointers, prefix+".converter."))
	}
	if resolved, ok := policy(string(w.Policy)); ok {
		w.Policy = resolved
	}
	return *w, nil
}

// WorkerSettings declares a worker's settings, bound to w but for those of its converters.
func WorkerSettings(w *Worker, p Plugins) config.Definer {
	return config.DefinerFunc(func(d *config.Def) {
		converter := func(to *string, setting, def, iface, what string) {
			d.Class(to, setting, def, "Class that turns "+what+" into bytes and back. Settings of the class itself follow as "+
				setting+".…", config.Resolve(p.resolve), config.Check(p.implementing(iface)), config.High)
		}
		converter(&w.Key.Class, "key.converter", present(p, jsonConverter), converterInterface, "keys")
		converter(&w.Value.Class, "value.converter", present(p, jsonConverter), converterInterface, "values")
		converter(&w.Header.Class, "header.converter", present(p, simpleHeaderConverter), headerConverterInterface, "header values")
		d.Millis(&w.FlushInterval, "offset.flush.interval.ms", time.Minute, "How often offsets are stored.", config.Low)
		d.Millis(&w.FlushTimeout, "offset.flush.timeout.ms", 5*time.Second, "How long storing offsets may take.", config.Low)
		d.Bool(&w.TopicCreation, "topic.creation.enable", true,
			"Whether sources with topic.creation.* settings have their topics made.", config.Low)
		d.String((*string)(&w.Policy), "connector.client.config.override.policy", string(PolicyAll),
			"Which client settings connectors may change: All, None, Principal or Allowlist.", config.Low,
			config.Check(config.Func("All, None, Principal or Allowlist", func(name string, value any) error {
				s, _ := value.(string)
				if _, ok := policy(s); !ok {
					return config.Invalid(name, value, "Class "+s+" could not be found.")
				}
				return nil
			})))
		d.List(&w.Allowlist, "connector.client.config.override.allowlist", nil,
			"The client settings that the policy Allowlist lets connectors change.", config.Low)
	})
}

// present is a class that is a default, if it is there at all.
func present(p Plugins, class string) string {
	if full, ok := p.resolve(class); ok {
		return full
	}
	return ""
}

// Converter is a converter with its settings parsed.
type Converter struct {
	Class string
	connect.Converter
}

// HeaderConverter is a header converter with its settings parsed.
type HeaderConverter struct {
	Class string
	connect.HeaderConverter
}

// choice is the converter a connector takes: its own, with the settings beside it, or the worker's, with the worker's.
// Settings beside a converter that is the worker's are ignored, as in Connect.
func choice(values map[string]*string, setting, class string, worker Choice) Choice {
	if _, own := values[setting]; !own || class == "" {
		return worker
	}
	return Choice{Class: class, Settings: notNull(config.Prefixed(values, setting+"."))}
}

func newConverter(p Plugins, c Choice, kind string) (Converter, error) {
	plugin, ok := find(p, p.Converters, c.Class)
	if !ok {
		return Converter{}, p.mustImplement(kind+".converter", c.Class, converterInterface)
	}
	out := Converter{Class: plugin.Class, Converter: plugin.New()}
	return out, configure(out.Converter, c.Settings, kind)
}

func newHeaderConverter(p Plugins, c Choice) (HeaderConverter, error) {
	plugin, ok := find(p, p.HeaderConverters, c.Class)
	if !ok {
		return HeaderConverter{}, p.mustImplement("header.converter", c.Class, headerConverterInterface)
	}
	out := HeaderConverter{Class: plugin.Class, HeaderConverter: plugin.New()}
	return out, configure(out.HeaderConverter, c.Settings, "header")
}

// configure parses a converter's settings. Which kind it is, is told, whatever the settings say.
func configure(d config.Definer, settings map[string]string, kind string) error {
	all := map[string]string{"converter.type": kind}
	for name, v := range settings {
		if name != "converter.type" {
			all[name] = v
		}
	}
	err := config.Parse(all, d)
	if v, ok := d.(connect.Validator); ok && err == nil {
		err = v.Validate()
	}
	return config.UnderPrefix(err, kind+".converter.")
}
