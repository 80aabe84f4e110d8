package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"testing"

	"github.com/sluice-connect/sluice/events"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// clocked is a pit that completes things by the clock.
type clocked struct {
	pitTask
	ticks int
	fails error
}

func (c *clocked) Tick(context.Context) error {
	c.ticks++
	return c.fails
}

func TestSink_Ticks(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &clocked{pitTask: pitTask{pit: &pit{}}}
	b.put(t, "s", map[string]string{"topics": "in"})
	s := b.sink(p.pit, "s")
	s.Connector.New = func() connect.SinkTask { return p }
	if r, err := s.Tick(t.Context()); err != nil || p.ticks != 1 || r.Did != "ran" {
		t.Fatalf("%+v, %v, %d ticks", r, err, p.ticks)
	}
	p.fails = errors.New("the target is away")
	if _, err := s.Tick(t.Context()); !errors.Is(err, p.fails) {
		t.Errorf("a failing tick: %v", err)
	}
	if status := b.task(t, "s", 0).Status; status.State != offset.StateFailed {
		t.Errorf("the task is %+v", status)
	}
	p.fails = nil
	if _, err := s.Tick(t.Context()); err != nil {
		t.Error(err)
	}
	if status := b.task(t, "s", 0).Status; status.State != offset.StateRunning {
		t.Errorf("the task is %+v", status)
	}
	c, _, err := b.store.Look(t.Context(), "s", 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Target = offset.Paused
	if _, err := b.store.Put(t.Context(), c, offset.Stop); err != nil {
		t.Fatal(err)
	}
	before := p.ticks
	if r, err := s.Tick(t.Context()); err != nil || p.ticks != before || r.Did != "paused" {
		t.Errorf("a paused sink: %+v, %v", r, err)
	}
}

func TestSink_TickOfASinkWithoutAClock(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{"topics": "in"})
	if _, err := b.sink(p, "s").Tick(t.Context()); err == nil {
		t.Error("it ticks")
	}
}

func TestSinkTick_IsTheEvent(t *testing.T) {
	t.Parallel()
	text, err := fs.ReadFile(events.Files, "sink-tick.json")
	if err != nil {
		t.Fatal(err)
	}
	var tick worker.SinkTick
	if err := json.Unmarshal(text, &tick); err != nil || tick != (worker.SinkTick{Connector: "lake", Tick: true}) {
		t.Errorf("%+v, %v", tick, err)
	}
}
