package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

func (b *bench) sink(p *pit, name string) *worker.Sink {
	return &worker.Sink{Connector: p.sink(), Name: name, Env: b.env, Store: b.store}
}

func (b *bench) partialAnswers(t *testing.T, name string) {
	t.Helper()
	c, _, err := b.store.Look(t.Context(), name, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Trigger = map[string]string{worker.PartialAnswers: "true"}
	if _, err := b.store.Put(t.Context(), c, offset.Keep); err != nil {
		t.Fatal(err)
	}
}

func TestSink_PutsInOrderAndStaysOpen(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{"topics": "in"})
	s := b.sink(p, "s")
	for i := range 3 {
		answer, r, err := s.Run(t.Context(), event(t, "in", 0, int64(i*2), fmt.Sprint(i*2), fmt.Sprint(i*2+1)))
		if err != nil || r.Written != 2 || strings.Contains(string(answer), "offset") {
			t.Fatalf("%s, %+v, %v", answer, r, err)
		}
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4", "5"}, p.values); diff != "" {
		t.Error(diff)
	}
	if p.opened != 1 {
		t.Errorf("opened %d times", p.opened)
	}
	if state := b.task(t, "s", 0).Status.State; state != offset.StateRunning {
		t.Errorf("the task is %s", state)
	}
}

func TestSink_SaysWhetherErrorsAreTolerated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tolerance := range map[string]string{"strict": "none", "lenient": "all"} {
		p := &pit{}
		b.put(t, name, map[string]string{"topics": "in", "errors.tolerance": tolerance})
		if _, _, err := b.sink(p, name).Run(t.Context(), event(t, "in", 0, 0, "x")); err != nil {
			t.Fatal(err)
		}
		if p.isolate != (name == "lenient") {
			t.Errorf("errors.tolerance=%s: the task was told %t", tolerance, p.isolate)
		}
	}
}

func TestSink_WithoutConfigurationIsAnError(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	if _, _, err := b.sink(p, "absent").Run(t.Context(), event(t, "in", 0, 0, "x")); !errors.Is(err, offset.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestSink_WorksWhilePaused(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{"topics": "in"})
	s := b.sink(p, "s")
	if _, _, err := s.Run(t.Context(), event(t, "in", 0, 0, "x")); err != nil {
		t.Fatal(err)
	}
	c, _, err := b.store.Look(t.Context(), "s", 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Target = offset.Paused
	if _, err := b.store.Put(t.Context(), c, offset.Stop); err != nil {
		t.Fatal(err)
	}
	if _, r, err := s.Run(t.Context(), event(t, "in", 0, 1, "y")); err != nil || r.Written != 1 {
		t.Errorf("what the trigger still hands over: %+v, %v", r, err)
	}
}

func TestSink_FatalRecordPutsNothing(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{"topics": "in"})
	s := b.sink(p, "s")
	for attempt := 1; attempt <= 2; attempt++ {
		_, _, err := s.Run(t.Context(), event(t, "in", 0, 0, "a", "bad", "c"))
		if err == nil || !strings.Contains(err.Error(), "record 1 of in-0") {
			t.Fatalf("%v", err)
		}
		if status := b.task(t, "s", 0).Status; status.State != offset.StateFailed || status.Attempts != attempt {
			t.Errorf("attempt %d: %+v", attempt, status)
		}
	}
	if len(p.values) != 0 {
		t.Errorf("%q would be written again by every redelivery", p.values)
	}
	if _, _, err := s.Run(t.Context(), event(t, "in", 0, 0, "a")); err != nil {
		t.Fatal(err)
	}
	if status := b.task(t, "s", 0).Status; status.State != offset.StateRunning || status.Attempts != 0 {
		t.Errorf("after success: %+v", status)
	}
}

func TestSink_PartialAnswers(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{"topics": "in"})
	b.partialAnswers(t, "s")
	answer, _, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 7, "a", "bad", "c"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"batchItemFailures":[{"itemIdentifier":{"partition":"in-0","offset":8}}]}`
	if diff := cmp.Diff(want, string(answer)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a"}, p.values); diff != "" {
		t.Error(diff)
	}
}

// A poison record at every position of a batch, redelivered fifty times with other cuts, leaves one dead letter.
func TestSink_RedeliveryRepeatsNoDeadLetter(t *testing.T) {
	t.Parallel()
	const size = 8
	b := setup(t)
	for position := range size {
		name, topic := fmt.Sprintf("s%d", position), fmt.Sprintf("dead%d", position)
		p := &pit{}
		b.put(t, name, map[string]string{
			"topics": "in", "errors.tolerance": "all", "errors.deadletterqueue.topic.name": topic,
			"errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true",
		})
		values := numbered(0, size)
		values[position] = "bad"
		for delivery := range 50 {
			// A new process every few deliveries: what is remembered is in the table.
			s := b.sink(p, name)
			cut := 1 + (delivery+position)%size
			// A trigger delivers at least once: also what it was told is done.
			if _, _, err := s.Run(t.Context(), event(t, "in", 0, 0, values[:cut]...)); err != nil {
				t.Fatal(err)
			}
			s.Close(t.Context())
		}
		if got := b.read(t, topic, 1); len(got) != 1 || got[0] != "bad" {
			t.Errorf("position %d: dead letters %q", position, got)
		}
	}
}

func TestSink_RetriesPutWithTheSameRecords(t *testing.T) {
	t.Parallel()
	n := 0
	b, p := setup(t), &pit{}
	p.put = func(records []connect.Record) error {
		if n++; n < 4 {
			return connect.Retry(errors.New("busy"), time.Millisecond)
		}
		return nil
	}
	b.put(t, "s", map[string]string{"topics": "in"})
	_, r, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, "a", "b"))
	if err != nil || r.Retries != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, p.values); diff != "" {
		t.Error(diff)
	}
}

func TestSink_RefusedRecordsGoToTheDeadLetters(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	p.put = func(records []connect.Record) error {
		p.values = append(p.values, fmt.Sprint(records[0].Value.Value))
		return &connect.BatchError{Failed: map[int]error{1: errors.New("no such column")}}
	}
	b.put(t, "s", map[string]string{
		"topics": "in", "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead",
		"errors.deadletterqueue.topic.replication.factor": "1",
	})
	_, r, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, "a", "b"))
	if err != nil || r.Dead != 1 || r.Written != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if diff := cmp.Diff([]string{"b"}, b.read(t, "dead", 1)); diff != "" {
		t.Error(diff)
	}
}

func TestSink_StopsTheTriggerAfterTheLastAttempt(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{"topics": "in", "sluice.restart.max.attempts": "2"})
	s := b.sink(p, "s")
	halted := 0
	s.Halt = func(context.Context, offset.Connector, string) error {
		halted++
		return nil
	}
	for range 2 {
		if _, _, err := s.Run(t.Context(), event(t, "in", 0, 0, "bad")); err == nil {
			t.Fatal("a record that cannot be converted was accepted")
		}
	}
	if status := b.task(t, "s", 0).Status; halted != 1 || status.State != offset.StateFailed || !status.Next.IsZero() {
		t.Errorf("halted %d times, %+v", halted, status)
	}
}

// How often a sink is tried stands in the same configuration as what keeps it from being opened, or even planned.
func TestSink_StopsTheTriggerHoweverEarlyItFails(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]map[string]string{
		"opening":  {"target": "gone"},
		"planning": {"value.converter": "none.such", "sluice.restart.backoff.ms": "soon"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, p := setup(t), &pit{open: func() error { return errors.New("the target is gone") }}
			settings["topics"], settings["sluice.restart.max.attempts"] = "in", "3"
			b.put(t, "s", settings)
			s := b.sink(p, "s")
			var halted []string
			s.Halt = func(_ context.Context, seen offset.Connector, why string) error {
				if now, _, err := b.store.Look(t.Context(), "s", 0); err != nil || now.Version != seen.Version {
					t.Errorf("what is to be stopped is version %d, and was seen as %d: %v", now.Version, seen.Version, err)
				}
				halted = append(halted, why)
				return nil
			}
			for i := range 3 {
				if _, _, err := s.Run(t.Context(), event(t, "in", 0, 0, "a")); err == nil || len(halted) != i/2 {
					t.Fatalf("failure %d: %v, halted %q", i+1, err, halted)
				}
			}
		})
	}
}

// In Connect the partitions of a failed task go to the others, which fail on the same record.
func TestSink_FailsTaskByTaskOnTheSameRecord(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{"topics": "in", "tasks.max": "2"})
	s := b.sink(p, "s")
	see := func(what string, want ...offset.State) {
		t.Helper()
		for id, state := range want {
			if got := b.task(t, "s", id).Status; got.State != state {
				t.Errorf("%s: task %d is %+v, want %s", what, id, got, state)
			}
		}
	}
	deliver := func(partition int32, good bool, values ...string) {
		t.Helper()
		if _, _, err := s.Run(t.Context(), event(t, "in", partition, 0, values...)); (err == nil) != good {
			t.Fatal(err)
		}
	}
	deliver(0, false, "bad")
	see("once", offset.StateFailed, "")
	deliver(0, false, "bad")
	see("twice", offset.StateFailed, offset.StateFailed)
	deliver(0, false, "bad")
	see("thrice", offset.StateFailed, offset.StateFailed)
	deliver(0, true, "good")
	see("mended", offset.StateRunning, offset.StateRunning)

	// A task with a partition of its own is left alone.
	deliver(1, true, "good")
	deliver(0, false, "bad")
	deliver(0, false, "bad")
	see("with its own", offset.StateFailed, offset.StateRunning)
}
