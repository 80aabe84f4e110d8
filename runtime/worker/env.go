package worker

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// How long things take that must happen after the work: closing a task and giving its lease back, and settling what is
// on its way to Kafka.
const (
	closeTime  = 5 * time.Second
	finishTime = 5 * time.Second
	// dryPause is the wait before a source that had nothing is asked again within its idle time.
	dryPause = 50 * time.Millisecond
	// statusEvery is how often a sink that does well says so in the table.
	statusEvery = time.Minute
)

// Env is what a function was started with. It is set once and shared by all its invocations.
type Env struct {
	// Worker is shown as worker_id.
	Worker string
	// Settings are what the deployment says about all its connectors; see connector.ParseWorker.
	Settings connector.Worker
	// Client are the Java properties of Kafka clients: bootstrap.servers, security.
	Client map[string]string
	// Producer are further properties of producers, those that a Connect worker's file has under "producer.".
	Producer map[string]string
	// Plugins are the converters, transforms and predicates that settings may name.
	Plugins connector.Plugins
	// NewProducer makes producers. NewEnv sets kafka.NewProducer.
	NewProducer func(kafka.ProducerConfig) (*kafka.Producer, error)
	// Log takes what people should read.
	Log *slog.Logger
	// Secrets resolves placeholders in settings. nil leaves them as they are.
	Secrets Secrets

	// properties are the worker's as they were given, if they hold placeholders: see resolved.
	properties map[string]string
}

// NewEnv reads the properties of a Connect worker. Those with placeholders are read when they are first needed.
func NewEnv(properties map[string]string, plugins connector.Plugins) (Env, error) {
	plain := withoutPlaceholders(properties)
	env, err := readEnv(plain, plugins)
	if len(plain) < len(properties) {
		env.properties = properties
	}
	return env, err
}

func readEnv(properties map[string]string, plugins connector.Plugins) (Env, error) {
	settings, err := connector.ParseWorker(properties, plugins)
	if err != nil {
		return Env{}, fmt.Errorf("reading the worker's settings: %w", err)
	}
	client := make(map[string]string)
	for _, s := range kafka.Settings() {
		if value, ok := properties[s.Key]; ok && s.Refused == "" {
			client[s.Key] = value
		}
	}
	return Env{
		Settings: settings, Client: client, Producer: config.Prefixed(properties, "producer."), Plugins: plugins,
		NewProducer: kafka.NewProducer,
	}, nil
}

// producerProperties are what Connect would hand to the producer of a connector: its own word comes last.
func (e *Env) producerProperties(clientID string, overrides map[string]string) (map[string]string, error) {
	for name := range overrides {
		if !e.Settings.MayOverride(name) {
			return nil, config.Errorf("producer.override."+name,
				"The '%s' policy does not allow '%s' to be overridden in the connector configuration.", e.Settings.Policy, name)
		}
	}
	properties := maps.Clone(e.Client)
	properties["client.id"] = clientID
	maps.Copy(properties, e.Producer)
	maps.Copy(properties, overrides)
	return properties, nil
}

// restartIn is the policy of a configuration, read apart from all else that stands in it: it matters most when something
// else cannot be read. A setting of the policy that is bad itself, or a placeholder, leaves its default.
func restartIn(settings map[string]string) restart {
	var own connector.Own
	_ = config.Parse(map[string]string{}, &own) // the defaults
	_ = config.Parse(settings, &own)            // leaves alone what is bad; who parses the configuration reports it
	return restartOf(&own)
}

func restartOf(own *connector.Own) restart {
	return restart{maxAttempts: own.RestartMax, backoff: own.RestartBackoff, backoffMax: own.RestartBackoffMax}
}

// newPipeline puts together what lies between a connector and Kafka.
func newPipeline(p *connector.Pipeline, errors *connector.ErrorPolicy) *pipeline {
	out := &pipeline{
		report: &Report{}, // until an invocation brings its own
		key:    p.Key.Converter, keyClass: p.Key.Class, value: p.Value.Converter, valueClass: p.Value.Class,
		header: p.Header.HeaderConverter, headerClass: p.Header.Class,
		policy: policy{
			tolerate: errors.TolerateAll(), timeout: errors.RetryTimeout, delayMax: errors.RetryDelayMax,
			log: errors.Log, logMessages: errors.LogMessages,
		},
	}
	out.keyHeaded, _ = p.Key.Converter.(connect.HeadedConverter)
	out.valueHeaded, _ = p.Value.Converter.(connect.HeadedConverter)
	for _, s := range p.Chain {
		out.chain = append(out.chain, step{class: s.Class, transform: s.Transform, predicate: s.Predicate, negate: s.Negate})
	}
	return out
}

// parse reads a plugin's own settings into it.
func parse(settings map[string]string, plugin config.Definer) error {
	if err := config.Parse(settings, plugin); err != nil {
		return err
	}
	if v, ok := plugin.(connect.Validator); ok {
		return v.Validate()
	}
	return nil
}

// contain turns a panic of a plugin into an error, so that it fails the task and not the function.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the plugin panicked: %v\n%s", p, debug.Stack())
	}
}

// pause waits, or returns the cause of ctx's end.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
