package connector

import (
	"errors"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// Pipeline is what every record passes through, in either direction.
type Pipeline struct {
	Key, Value Converter
	Header     HeaderConverter
	// Chain are the transforms in order.
	Chain []Stage
}

// SourceConfig is a source connector's configuration, parsed.
type SourceConfig struct {
	Source
	Pipeline
	Own
	Overrides
	// Creation says how topics are made; empty leaves it to the broker.
	Creation TopicCreation
	// FlushEvery is how often offsets are stored, and FlushWithin how long that may take.
	FlushEvery, FlushWithin time.Duration
}

// SinkConfig is a sink connector's configuration, parsed.
type SinkConfig struct {
	Sink
	Pipeline
	Own
	Overrides
	// FlushEvery is how often offsets are stored, and FlushWithin how long that may take.
	FlushEvery, FlushWithin time.Duration
}

// ParseSource parses a source's configuration but for what its class declares itself. It reports every problem, joined.
// The plugins in the result are the caller's own.
func ParseSource[V config.Text](values map[string]V, p Plugins, w Worker) (*SourceConfig, error) {
	c := &SourceConfig{Source: Source{Common: Common{Plugins: p}}}
	all := pointers(values)
	chain := chain{plugins: p, values: all}
	errs := []error{config.Parse(all, &c.Source, &chain, &c.Own), w.refuseOverrides(all, KindSource)}
	for _, problem := range p.converterVersions(all) {
		errs = append(errs, problem)
	}
	c.Source.finish()
	var err error
	if w.TopicCreation {
		c.Creation, err = parseTopicCreation(all)
		errs = append(errs, err)
	}
	c.Pipeline, err = pipeline(all, &c.Common, &chain, w, len(config.Errors(errs[0])) > 0)
	errs = append(errs, err)
	c.FlushEvery, c.FlushWithin = c.Own.finish(w)
	c.Overrides = overridesOf(all)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// ParseSink parses a sink's configuration but for what its class declares itself. It reports every problem, joined. The
// plugins in the result are the caller's own.
func ParseSink[V config.Text](values map[string]V, p Plugins, w Worker) (*SinkConfig, error) {
	c := &SinkConfig{Sink: Sink{Common: Common{Plugins: p}}}
	all := pointers(values)
	chain := chain{plugins: p, values: all}
	errs := []error{config.Parse(all, &c.Sink, &chain, &c.Own), w.refuseOverrides(all, KindSink)}
	for _, problem := range append(sinkProblems(all), p.converterVersions(all)...) {
		errs = append(errs, problem)
	}
	var err error
	c.Pipeline, err = pipeline(all, &c.Common, &chain, w, len(config.Errors(errs[0])) > 0)
	errs = append(errs, err)
	c.FlushEvery, c.FlushWithin = c.Own.finish(w)
	c.Overrides = overridesOf(all)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// pipeline makes the converters and completes the transforms. It does not try if the settings themselves are bad.
func pipeline(values map[string]*string, c *Common, chain *chain, w Worker, bad bool) (Pipeline, error) {
	if bad {
		return Pipeline{}, nil
	}
	var p Pipeline
	var errs [4]error
	p.Key, errs[0] = newConverter(c.Plugins, choice(values, "key.converter", c.KeyConverter, w.Key), "key")
	p.Value, errs[1] = newConverter(c.Plugins, choice(values, "value.converter", c.ValueConverter, w.Value), "value")
	p.Header, errs[2] = newHeaderConverter(c.Plugins, choice(values, "header.converter", c.HeaderConverter, w.Header))
	errs[3] = chain.finish()
	p.Chain = chain.stages
	return p, errors.Join(errs[:]...)
}

// pointers makes nullable values of any.
func pointers[V config.Text](values map[string]V) map[string]*string {
	out := make(map[string]*string, len(values))
	for name, v := range values {
		switch v := any(v).(type) {
		case string:
			out[name] = &v
		case *string:
			out[name] = v
		}
	}
	return out
}
