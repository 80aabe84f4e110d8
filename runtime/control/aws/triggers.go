package aws

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Triggers implements control.Triggers for connectors whose schedules and mappings the stack made: it has a source run at
// once and a sink planned, and leaves the rest to the stack.
type Triggers struct {
	Functions Functions
}

var _ control.Triggers = Triggers{}

// Changed implements control.Triggers.
func (t Triggers) Changed(ctx context.Context, c offset.Connector) error {
	if c.Target != offset.Running {
		return nil
	}
	f, err := t.Functions.plugin(c)
	if err != nil {
		return err
	}
	name, err := t.Functions.of(c)
	if err != nil {
		return err
	}
	event := map[string]string{"connector": c.Name}
	if f.Type == "sink" {
		if !c.Stale {
			return nil
		}
		event = map[string]string{"control": "plan", "connector": c.Name}
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("writing the event of connector %s: %w", c.Name, err)
	}
	return t.Functions.Lambda.Event(ctx, name, payload)
}

// Deleted implements control.Triggers.
func (t Triggers) Deleted(context.Context, offset.Connector) error { return nil }

// States implements control.Triggers: what the stack made is not looked at.
func (t Triggers) States(context.Context, ...offset.Connector) (map[string]control.TriggerState, error) {
	return map[string]control.TriggerState{}, nil
}
