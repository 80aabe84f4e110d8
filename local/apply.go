package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// apply writes the connectors of files into the table, once all of them were found to be good. A file that did not change
// leaves its connector alone, so that a second start goes on where the first ended.
func (d *desk) apply(ctx context.Context, files []connectorFile, demo bool) error {
	for _, f := range files {
		if err := d.judge(ctx, f); err != nil {
			return fmt.Errorf("connector %q of %s: %w", f.name, f.path, err)
		}
	}
	if !demo {
		for _, name := range []string{demoSource, demoSink} {
			if err := d.forget(ctx, name); err != nil {
				return err
			}
		}
	}
	for _, f := range files {
		if err := d.put(ctx, f); err != nil {
			return fmt.Errorf("connector %q of %s: %w", f.name, f.path, err)
		}
	}
	return nil
}

// judge has the connector's own function validate the settings, as Connect does before it creates a connector.
func (d *desk) judge(ctx context.Context, f connectorFile) error {
	p, err := d.catalog.find(f.config["connector.class"])
	if err != nil {
		return err
	}
	worker, err := json.Marshal(d.worker)
	if err != nil {
		return fmt.Errorf("handing the worker's settings to it: %w", err)
	}
	name := "validate:" + p.widest()
	err = d.functions.Deploy(function.Function{
		Name: name, Bootstrap: p.widest(), Timeout: describeTime, Concurrency: 1, Log: io.Discard,
		Env: map[string]string{runtime.EnvWorker: string(worker)},
	})
	if err != nil {
		return err
	}
	request, err := json.Marshal(map[string]any{"control": "validate", "config": f.config})
	if err != nil {
		return fmt.Errorf("writing its settings: %w", err)
	}
	result, err := d.functions.Invoke(ctx, name, request)
	if err != nil {
		return err
	}
	var judged runtime.Validated
	if err := json.Unmarshal(result.Payload, &judged); err != nil {
		return fmt.Errorf("reading what its function says of the settings: %w", err)
	}
	if judged.Refused != "" {
		return errors.New(judged.Refused)
	}
	var problems []string
	for _, info := range judged.Configs {
		if info.Value == nil {
			continue
		}
		for _, problem := range info.Value.Errors { // some stand at two settings
			if problem = strings.TrimSuffix(problem, "."); !slices.Contains(problems, problem) {
				problems = append(problems, problem)
			}
		}
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}

func (d *desk) put(ctx context.Context, f connectorFile) error {
	c, _, err := d.store.Look(ctx, f.name, 0)
	if errors.Is(err, offset.ErrNotFound) {
		c = offset.Connector{Name: f.name, Target: cmp.Or(f.initial, offset.Running)}
	} else if err != nil {
		return err
	}
	if maps.Equal(c.Config, f.config) {
		return nil
	}
	c.Config, c.Stale = f.config, true
	delete(c.Trigger, runtime.Halted) // a change is a new chance
	_, err = d.store.Put(ctx, c, offset.Restart)
	return err
}

// forget removes a connector; its offsets stay.
func (d *desk) forget(ctx context.Context, name string) error {
	c, _, err := d.store.Look(ctx, name, 0)
	if errors.Is(err, offset.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = d.store.Delete(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("removing connector %q: %w", name, err)
	}
	return nil
}
