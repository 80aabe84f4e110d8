package worker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// Kafka Connect's ConnectWorkerIntegrationTest.testTasksMaxEnforcement, told again.
func TestConnect_TasksMaxEnforcement(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "x")
	s := b.source(f)
	s.Hand = func(context.Context, worker.Tick) error { return nil }
	for _, c := range []struct {
		name, made, most, enforce string
		state                     offset.State
		tasks                     int
	}{
		{"more than allowed", "2", "1", "true", offset.StateFailed, 0},
		{"allowed after all", "2", "1", "false", offset.StateRunning, 2},
		{"even more", "4", "1", "false", offset.StateRunning, 4},
		{"as many as allowed", "2", "2", "true", offset.StateRunning, 2},
		{"one too many again", "3", "2", "true", offset.StateFailed, 2},
	} {
		b.put(t, "c", map[string]string{"parts": "a", "num.tasks": c.made, "tasks.max": c.most, "tasks.max.enforce": c.enforce})
		if _, err := s.Run(t.Context(), worker.Tick{Connector: "c"}); err != nil {
			t.Fatal(err)
		}
		got, _, err := b.store.Look(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status.State != c.state || got.Tasks != c.tasks {
			t.Errorf("%s: %s with %d tasks, want %s with %d", c.name, got.Status.State, got.Tasks, c.state, c.tasks)
		}
		text := "The connector c has generated " + c.made + " tasks, which is greater than " + c.most + ", the maximum number of tasks it is configured to create."
		if c.state == offset.StateFailed && !strings.Contains(got.Status.Trace, text) {
			t.Errorf("%s: the trace is %q", c.name, got.Status.Trace)
		}
	}
}
