package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/invoke"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Trigger handles of connectors of a stack, beside FunctionHandle. Connectors that REST creates have none: their triggers
// are named after them.
const (
	// ScheduleHandle is the name of the schedule of a source, or of a sink that completes things by the clock.
	ScheduleHandle = "schedule"
	// MappingsHandle is a JSON object of the UUIDs of a sink's mappings that the stack made, by topic. It is there, and
	// perhaps {}, once the stack made them.
	MappingsHandle = "mappings"
)

// Triggers implements control.Triggers with EventBridge schedules and Lambda's event source mappings. Those of the stack's
// own connectors are CloudFormation's to make and to delete, so that they are only enabled and disabled here; all others
// are made when a connector is changed and deleted with it.
type Triggers struct {
	Functions Functions
	Store     offset.Store
	Settings  Settings
	Schedules Schedules
	Mappings  Mappings
}

var _ control.Triggers = Triggers{}

// Admit refuses what Connect allows and AWS does not: see control.Options.
func (t Triggers) Admit(_ context.Context, c offset.Connector) error {
	if owned(c) {
		return nil // it has a function of its own
	}
	f, err := t.Functions.plugin(c)
	if err != nil {
		return err
	}
	if !f.Shared {
		return fmt.Errorf("no function runs connectors of class %s that are created by REST: deploy with -c rest=…, or add a file to the connectors of the stack", f.Class)
	}
	if f.Type == sink {
		_, err = invoke.Alias(c.Name)
	}
	return err
}

const sink = "sink"

// owned tells whether a connector is the stack's.
func owned(c offset.Connector) bool { return c.Trigger[FunctionHandle] != "" }

// Changed implements control.Triggers.
func (t Triggers) Changed(ctx context.Context, c offset.Connector) error {
	f, err := t.Functions.plugin(c)
	if err != nil {
		return err
	}
	name, err := t.Functions.of(c)
	if err != nil {
		return err
	}
	event := map[string]string{"connector": c.Name}
	switch {
	case !t.keeps():
	case f.Type == sink:
		if err := t.followTopics(ctx, &c, name); err != nil {
			return err
		}
		if err := t.followPattern(ctx, c); err != nil {
			return err
		}
		if f.Ticks {
			if err := t.followTarget(ctx, c, name); err != nil {
				return err
			}
		}
		if name, err = qualified(c, name); err != nil {
			return err
		}
	default:
		if err := t.followTarget(ctx, c, name); err != nil {
			return err
		}
	}
	if f.Type == sink {
		event["control"] = "plan"
	}
	if c.Target != offset.Running || f.Type == sink && !c.Stale {
		return nil
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("writing the event of connector %s: %w", c.Name, err)
	}
	return t.Functions.Lambda.Event(ctx, name, payload)
}

// Deleted implements control.Triggers.
func (t Triggers) Deleted(ctx context.Context, c offset.Connector) error {
	f, err := t.Functions.plugin(c)
	if err != nil || !t.keeps() {
		return nil //nolint:nilerr // nothing is deployed that could invoke it
	}
	name, err := t.Functions.of(c)
	if err != nil {
		return err
	}
	if f.Type != sink || f.Ticks {
		if err := t.forgetSchedule(ctx, c); err != nil || f.Type != sink {
			return err
		}
	}
	return t.forgetMappings(ctx, c, name)
}

// States implements control.Triggers.
func (t Triggers) States(ctx context.Context, connectors ...offset.Connector) (map[string]control.TriggerState, error) {
	states := make(map[string]control.TriggerState, len(connectors))
	if !t.keeps() {
		return states, nil
	}
	for _, c := range connectors {
		f, err := t.Functions.plugin(c)
		if err != nil {
			continue // its class is not deployed any more: nothing invokes it
		}
		var state control.TriggerState
		var there bool
		if f.Type == sink {
			state, there, err = t.mappingState(ctx, c)
		} else {
			state, there, err = t.scheduleState(ctx, c)
		}
		if err != nil {
			return nil, fmt.Errorf("looking at the triggers of connector %s: %w", c.Name, err)
		}
		if there {
			states[c.Name] = state
		}
	}
	return states, nil
}

// keeps tells whether triggers are kept here at all: not by a function that was not told how, which runs connectors only
// when they change.
func (t Triggers) keeps() bool { return t.Settings.Group != "" }

// note writes handles into a connector's item; an empty value takes one away. The item may have changed meanwhile.
func (t Triggers) note(ctx context.Context, c *offset.Connector, handles map[string]string) error {
	for {
		changed := false
		trigger := maps.Clone(c.Trigger)
		for name, value := range handles {
			changed = changed || trigger[name] != value
			if trigger[name] = value; value == "" {
				delete(trigger, name)
			}
		}
		if !changed {
			return nil
		}
		c.Trigger = trigger
		after, err := t.Store.Put(ctx, *c, offset.Keep)
		if !errors.Is(err, offset.ErrStale) {
			if err == nil {
				*c = after
			}
			return err
		}
		if *c, _, err = t.Store.Look(ctx, c.Name, 0); err != nil {
			return fmt.Errorf("looking up connector %s: %w", c.Name, err)
		}
	}
}
