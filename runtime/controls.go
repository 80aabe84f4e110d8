package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// Controls answers control requests: what only the function of a connector class can say. A request is a JSON object
// whose member "control" is one of
//
//	describe  the Description
//	keys      all settings, as GET /connector-plugins/…/config
//	validate  the judgement of "config", as PUT /connector-plugins/…/config/validate; answers a Validated
//	alter     whether "config" allows to set "offsets"; answers an Altered
//	plan      have the tasks of this function's connector planned, if that is due; sinks only
//	preview   what "connector" would produce next, at most "records" of it; sources only; answers a worker.Preview
type Controls struct {
	description Description
	keys        func() []config.KeyInfo
	validate    func(ctx context.Context, settings map[string]*string) (Validated, error)
	alter       func(ctx context.Context, settings map[string]string, offsets []Offset) (done bool, err error)
	plan        func(ctx context.Context) error
	preview     func(ctx context.Context, connector string, records int) (worker.Preview, error)
}

// Description is what a function says of itself when it is asked to describe.
type Description struct {
	// Class is the connector's full Java class name, Aliases are further names of it.
	Class   string   `json:"class"`
	Aliases []string `json:"aliases,omitempty"`
	// Type is "source" or "sink".
	Type    string `json:"type"`
	Version string `json:"version"`
	Doc     string `json:"doc"`
	// Ticks tells that a sink wants a SinkTick from time to time, once a minute say, see connect.Ticker.
	Ticks bool `json:"ticks,omitempty"`
}

// Offset is one of the offsets to alter. A null Offset removes it.
type Offset struct {
	Partition json.RawMessage `json:"partition"`
	Offset    json.RawMessage `json:"offset"`
}

// Validated is the answer to validate: Refused says why a configuration cannot even be judged.
type Validated struct {
	config.Infos
	Refused string `json:"refused,omitempty"`
}

// Altered is the answer to alter: Refused says why not, or Done that the connector itself took care of what it keeps
// elsewhere.
type Altered struct {
	Done    bool   `json:"done"`
	Refused string `json:"refused,omitempty"`
}

// SourceControls answers for a source, whose connectors are in the store.
func SourceControls(c connect.SourceConnector, e worker.Env, store offset.Store) Controls {
	controls := controlsOf(c, connector.KindSource, e)
	controls.preview = func(ctx context.Context, name string, records int) (worker.Preview, error) {
		// A source of its own: the one that works may be in the middle of something.
		return (&worker.Source{Connector: c, Env: e, Store: store}).Preview(ctx, name, records)
	}
	controls.alter = func(ctx context.Context, settings map[string]string, offsets []Offset) (bool, error) {
		task := c.New()
		alterer, ok := task.(connect.OffsetAlterer)
		if !ok {
			return false, nil
		}
		if err := parsed(ctx, e, settings, task); err != nil {
			return false, err
		}
		all := make(connect.Offsets, len(offsets))
		for _, o := range offsets {
			var partition connect.Partition // none, which the connector may mind
			var err error
			if string(o.Partition) != "null" {
				if partition, err = connect.ParsePartition(o.Partition); err != nil {
					return false, err
				}
			}
			all[partition] = connect.Position{}
			if string(o.Offset) != "null" && len(o.Offset) > 0 {
				if all[partition], err = connect.ParsePosition(o.Offset); err != nil {
					return false, err
				}
			}
		}
		done, err := alterer.AlterOffsets(ctx, all)
		return done, e.Scrub(err)
	}
	return controls
}

// SinkControls answers for a sink. plan has its tasks planned; nil if the function works for no connector.
func SinkControls(c connect.SinkConnector, e worker.Env, plan func(ctx context.Context) error) Controls {
	controls := controlsOf(c, connector.KindSink, e)
	controls.plan = plan
	controls.alter = func(ctx context.Context, settings map[string]string, offsets []Offset) (bool, error) {
		task := c.New()
		alterer, ok := task.(connect.SinkOffsetAlterer)
		if !ok {
			return false, nil
		}
		if err := parsed(ctx, e, settings, task); err != nil {
			return false, err
		}
		all := make(map[connect.TopicPartition]*int64, len(offsets))
		for _, o := range offsets {
			var at struct {
				Topic     string `json:"kafka_topic"`
				Partition int32  `json:"kafka_partition"`
			}
			var position *struct {
				Offset int64 `json:"kafka_offset"`
			}
			if err := errors.Join(json.Unmarshal(o.Partition, &at), json.Unmarshal(o.Offset, &position)); err != nil {
				return false, fmt.Errorf("reading the offsets: %w", err)
			}
			partition := connect.TopicPartition{Topic: at.Topic, Partition: at.Partition}
			all[partition] = nil
			if position != nil {
				all[partition] = &position.Offset
			}
		}
		done, err := alterer.AlterSinkOffsets(ctx, all)
		return done, e.Scrub(err)
	}
	return controls
}

func controlsOf[T config.Definer](c connect.Connector[T], kind connector.Kind, e worker.Env) Controls {
	d := describe(c, kind)
	subject := func() connector.Subject {
		return connector.Subject{Kind: kind, Own: c.New(), Class: d.Class, Version: d.Version}
	}
	return Controls{
		description: d,
		keys:        func() []config.KeyInfo { return connector.Keys(subject(), e.Plugins) },
		validate: func(ctx context.Context, settings map[string]*string) (Validated, error) {
			now, values, err := e.Resolved(ctx, notNull(settings))
			if err != nil {
				return Validated{}, e.Scrub(err)
			}
			resolved := maps.Clone(settings)
			for name, value := range values {
				resolved[name] = &value
			}
			if err := connector.OverrideProblem(resolved, kind); err != nil {
				err = e.Scrub(connector.ConcealError(err, settings, resolved))
				return Validated{Refused: err.Error()}, nil
			}
			infos := connector.Validate(resolved, subject(), now.Plugins, now.Settings)
			infos = connector.Conceal(infos, settings, resolved) // Invariant 6
			for _, info := range infos.Configs {
				for i, text := range info.Value.Errors {
					info.Value.Errors[i] = e.ScrubText(text) + hint(info.Value.Name, settings, text)
				}
			}
			return Validated{Infos: infos}, nil
		},
	}
}

// hint is what to add to the error of a converter that cannot be found because this is the build without it.
func hint(name string, settings map[string]*string, text string) string {
	class := settings[name]
	if name != "key.converter" && name != "value.converter" || class == nil || !strings.HasSuffix(text, "could not be found.") {
		return ""
	}
	return elsewhere(strings.TrimSpace(*class))
}

func describe[T any](c connect.Connector[T], kind connector.Kind) Description {
	version := c.Version
	if version == "" {
		version = Version
	}
	_, ticks := any(c.New()).(connect.Ticker)
	return Description{Class: c.Class, Aliases: c.Aliases, Type: string(kind), Version: version, Doc: c.Doc, Ticks: ticks}
}

// parsed gives a fresh task its settings.
func parsed(ctx context.Context, e worker.Env, settings map[string]string, task config.Definer) error {
	_, resolved, err := e.Resolved(ctx, settings)
	if err != nil {
		return e.Scrub(err)
	}
	err = config.Parse(resolved, task)
	if v, ok := task.(connect.Validator); ok && err == nil {
		err = v.Validate()
	}
	return e.Scrub(connector.ConcealError(err, settings, resolved))
}

// Answer answers a control request. ok is false for any other event.
func (c Controls) Answer(ctx context.Context, payload []byte) (answer []byte, ok bool, err error) {
	if kafka.IsEvent(payload) {
		return nil, false, nil
	}
	var request struct {
		Control string             `json:"control"`
		Config  map[string]*string `json:"config"`
		Offsets []Offset           `json:"offsets"`

		Connector string `json:"connector"`
		Records   int    `json:"records"`
	}
	if json.Unmarshal(payload, &request) != nil || request.Control == "" {
		return nil, false, nil //nolint:nilerr // not a control request, whatever else it is
	}
	var reply any
	switch request.Control {
	case "describe":
		reply = c.description
	case "keys":
		reply = c.keys()
	case "validate":
		if reply, err = c.validate(ctx, request.Config); err != nil {
			return nil, true, fmt.Errorf("validating the configuration: %w", err)
		}
	case "alter":
		done, err := c.alter(ctx, notNull(request.Config), request.Offsets)
		altered := Altered{Done: done}
		if err != nil {
			altered = Altered{Refused: err.Error()}
		}
		reply = altered
	case "plan":
		if c.plan == nil {
			return nil, true, errors.New("planning tasks: this function plans with its next tick")
		}
		if err := c.plan(ctx); err != nil {
			return nil, true, fmt.Errorf("planning tasks: %w", err)
		}
		reply = struct{}{}
	case "preview":
		if c.preview == nil {
			return nil, true, errors.New("previewing records: this function's connectors are sinks")
		}
		if reply, err = c.preview(ctx, request.Connector, request.Records); err != nil {
			return nil, true, fmt.Errorf("previewing records: %w", err)
		}
	default:
		return nil, true, fmt.Errorf("reading the event: there is no control request %q", request.Control)
	}
	answer, err = json.Marshal(reply)
	return answer, true, err
}

func notNull(settings map[string]*string) map[string]string {
	out := make(map[string]string, len(settings))
	for name, value := range settings {
		if value != nil {
			out[name] = *value
		}
	}
	return out
}
