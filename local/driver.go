package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/schedule"
	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// lookEvery is how often the driver compares the table with what runs.
const lookEvery = 250 * time.Millisecond

// driver makes what runs follow the table: a schedule for each source, Kafka triggers for each sink.
type driver struct {
	desk      *desk
	scheduler *schedule.Scheduler
	trigger   *trigger.Trigger

	known map[string]*driven // by connector

	mu      sync.Mutex
	running map[string]time.Time // sources under way, since when
}

// driven is a connector that is driven.
type driven struct {
	plugin     plugin
	class      string
	binary     string
	generation int64
	target     offset.Target
	triggers   *triggers // nil for a source
}

func newDriver(d *desk) *driver {
	v := &driver{desk: d, known: map[string]*driven{}, running: map[string]time.Time{}}
	v.scheduler = schedule.New(schedule.Options{
		Invoke: v.tick,
		Busy:   func(err error) bool { return errors.Is(err, function.ErrThrottled) },
	})
	v.trigger = trigger.New(trigger.Options{
		OnDelivery: func(t trigger.Delivery) {
			if t.Err != nil {
				name, _, _ := strings.Cut(t.Mapping, "/")
				v.failed(name, t.Err)
			}
		},
	})
	return v
}

// run follows the table until ctx ends.
func (v *driver) run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := v.follow(ctx, n%4 == 0); err != nil && ctx.Err() == nil {
			v.desk.reporter.event(slog.LevelWarn, "following the table failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// follow makes what runs what the table says.
func (v *driver) follow(ctx context.Context, statuses bool) error {
	connectors, err := v.desk.store.List(ctx)
	if err != nil {
		return fmt.Errorf("listing connectors: %w", err)
	}
	there := map[string]bool{}
	for _, c := range connectors {
		there[c.Name] = true
		if err := v.drive(ctx, c); err != nil {
			v.complain(c.Name, err)
		}
		if statuses {
			v.account(ctx, c)
		}
	}
	for name, k := range v.known {
		if !there[name] {
			v.forget(name, k)
		}
	}
	return nil
}

// complain reports a connector that cannot be driven.
func (v *driver) complain(name string, err error) { v.desk.failed(name, err.Error()) }

// drive makes one connector run as its item says.
func (v *driver) drive(ctx context.Context, c offset.Connector) error {
	k := v.known[c.Name]
	if k == nil || k.class != c.Config["connector.class"] {
		p, err := v.desk.catalog.find(c.Config["connector.class"])
		if err != nil {
			return err
		}
		k = &driven{plugin: p, class: c.Config["connector.class"], generation: -1}
		v.known[c.Name] = k
		v.desk.ledger.update(c.Name, func(a *account) { a.Kind = p.Type })
	}
	if binary := k.plugin.binary(c.Config, v.desk.worker); binary != k.binary {
		if err := v.desk.deploy(c.Name, binary); err != nil {
			return err
		}
		k.binary = binary
	}
	changed := k.generation != c.Generation || k.target != c.Target
	k.generation, k.target = c.Generation, c.Target
	if k.plugin.Type == "sink" {
		if k.triggers == nil {
			k.triggers = newTriggers(v.desk, c.Name)
		}
		if err := k.triggers.follow(ctx, c); err != nil || !k.plugin.Ticks || !changed {
			return err
		}
		return v.completing(c)
	}
	if !changed {
		return nil
	}
	payload, err := json.Marshal(worker.Tick{Connector: c.Name})
	if err != nil {
		return fmt.Errorf("writing the tick of %s: %w", c.Name, err)
	}
	err = v.scheduler.Put(schedule.Schedule{
		Name: c.Name, Every: v.desk.flags.tick, Function: c.Name, Payload: payload, Disabled: c.Target != offset.Running,
	})
	if err != nil || c.Target != offset.Running {
		return err
	}
	// Created, resumed or changed: nobody waits for the next tick.
	return v.scheduler.Now(c.Name)
}

// completing has a sink complete what is due by the clock, once a minute.
func (v *driver) completing(c offset.Connector) error {
	payload, err := json.Marshal(worker.SinkTick{Connector: c.Name, Tick: true})
	if err != nil {
		return fmt.Errorf("writing the tick of %s: %w", c.Name, err)
	}
	return v.scheduler.Put(schedule.Schedule{
		Name: c.Name, Every: max(v.desk.flags.tick, completeEvery), Function: c.Name, Payload: payload, Disabled: c.Target != offset.Running,
	})
}

// completeEvery is how often sinks complete things by the clock.
const completeEvery = time.Minute

// tick invokes a function by the clock. While an earlier tick is at work a further one would only find the lease taken; it is
// let through when that takes longer than a lease, because then the earlier one may hang.
func (v *driver) tick(ctx context.Context, name string, payload []byte) error {
	v.mu.Lock()
	if since, busy := v.running[name]; busy && time.Since(since) < busyTick {
		v.mu.Unlock()
		return nil
	}
	started := time.Now()
	v.running[name] = started
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.running[name].Equal(started) {
			delete(v.running, name)
		}
	}()
	_, err := v.desk.functions.Invoke(ctx, name, payload)
	if err != nil && ctx.Err() == nil && !errors.Is(err, function.ErrThrottled) {
		v.failed(name, err)
	}
	return err
}

// busyTick is how long a source may be at work before a further tick looks after it.
const busyTick = 5 * time.Second

// failed reports an invocation that failed. What the function says itself stands in its line of metrics, too, and is told
// once; what else there is, such as a killed process, is told by nobody else.
func (v *driver) failed(name string, err error) {
	if errors.Is(err, function.ErrClosed) || errors.Is(err, context.Canceled) {
		return // the desk is ending
	}
	text := err.Error()
	if own, ok := errors.AsType[*function.Error](err); ok && !platformError(own.Type) {
		text = own.Message
	}
	v.desk.failed(name, text)
}

// platformError tells whether an error was found by what runs the functions, and not by a function.
func platformError(kind string) bool {
	return strings.HasPrefix(kind, "Runtime.") || strings.HasPrefix(kind, "Sandbox.") || strings.HasPrefix(kind, "Function.")
}

// account notes how a connector is.
func (v *driver) account(ctx context.Context, c offset.Connector) {
	state, status, err := v.stateOf(ctx, c)
	if err != nil {
		return // the next look tells
	}
	lag, note := int64(-1), ""
	if k := v.known[c.Name]; k != nil && k.triggers != nil {
		lag, note = k.triggers.progress()
		if why := c.Trigger[runtime.Halted]; why != "" {
			state, status = string(offset.StateFailed), offset.Status{Trace: why, Failure: status.Failure}
		}
	}
	known := false
	v.desk.ledger.update(c.Name, func(a *account) {
		a.State, a.Lag, a.Note, a.Next = state, lag, note, status.Next
		known = a.Failing
	})
	if state == string(offset.StateFailed) && status.Trace != "" && !known {
		// It failed before this desk was started.
		v.desk.failedAt(c.Name, status.Trace, status.Failure)
	}
}

// lastLook notes how connectors are when all functions have ended.
func (v *driver) lastLook() error {
	ctx, cancel := context.WithTimeout(context.Background(), lookEvery)
	defer cancel()
	connectors, err := v.desk.store.List(ctx)
	if err != nil {
		return nil // this is for show, and the table may be far away
	}
	for _, c := range connectors {
		if state, _, err := v.stateOf(ctx, c); err == nil {
			v.desk.ledger.update(c.Name, func(a *account) {
				a.State = state
				if a.In > 0 {
					a.Note = ""
				}
			})
		}
	}
	return nil
}

// stateOf is a connector's state, in Connect's words, and the status behind it.
func (v *driver) stateOf(ctx context.Context, c offset.Connector) (state string, status offset.Status, err error) {
	if c.Target != offset.Running {
		return string(c.Target), c.Status, nil
	}
	if c.Status.State == offset.StateFailed {
		return string(offset.StateFailed), c.Status, nil
	}
	tasks, err := v.desk.store.Tasks(ctx, c.Name)
	if err != nil {
		return "", offset.Status{}, err
	}
	state = string(offset.StateUnassigned)
	for _, t := range tasks {
		if t.Status.State == offset.StateFailed {
			return string(offset.StateFailed), t.Status, nil
		}
		if t.Status.State != "" {
			state, status = string(t.Status.State), t.Status
		}
	}
	return state, status, nil
}

func (v *driver) forget(name string, k *driven) {
	v.scheduler.Delete(name)
	if k.triggers != nil {
		k.triggers.close()
	}
	v.desk.functions.Remove(name)
	v.desk.ledger.remove(name)
	delete(v.known, name)
}

// close stops ticks and triggers. Sources under way are told to finish; what was handed to sinks is finished first, and
// comes again with the next start if there is no time for it.
func (v *driver) close() error {
	ending, cancel := context.WithDeadline(context.Background(), v.desk.ending)
	defer cancel()
	var closing sync.WaitGroup
	closing.Go(func() {
		v.scheduler.Close() // first, or a tick could start what was just told to end
		for name, k := range v.known {
			if k.triggers == nil {
				v.desk.functions.Terminate(name)
			}
		}
	})
	closing.Go(func() { _ = v.trigger.Close(ending) })
	closing.Wait()
	return nil
}
