package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// SinkTick is the event by which a schedule has a sink complete what is due by the clock, in JSON.
type SinkTick struct {
	Connector string `json:"connector"`
	// Tick is true: that tells the event from others that name a connector.
	Tick bool `json:"tick"`
}

// Tick runs one invocation without records, for sinks that complete things by the clock. What fails stands in the table as
// the failure of an event does, and is tried again by the next tick; it does not stop the trigger.
func (s *Sink) Tick(ctx context.Context) (report Report, err error) {
	start := time.Now()
	report = Report{Connector: s.Name, Worker: s.Env.Worker, Task: -1, Did: "ran"}
	err = s.Env.failed(s.tick(ctx, &report))
	report.Took = time.Since(start)
	if err != nil {
		report.Err, report.Did = err, "failed"
	}
	return report, err
}

func (s *Sink) tick(ctx context.Context, report *Report) error {
	if _, ok := s.Connector.New().(connect.Ticker); !ok {
		return fmt.Errorf("ticking: %s completes nothing by the clock", s.Connector.Class)
	}
	c, tasks, err := s.look(ctx)
	if err != nil {
		return fmt.Errorf("looking up connector %q: %w", s.Name, err)
	}
	if c.Target != offset.Running {
		report.Did = "paused"
		return nil
	}
	if c.Generation != s.generation {
		s.closeTasks(ctx)
		s.generation, s.noted = c.Generation, nil
	}
	// What is due is kept for each partition and not for each task, so that one task does it all.
	run := &sinkRun{
		sink: s, connector: c, item: taskItem(tasks, 0), report: report,
		log: s.Env.Log.With(slog.String("connector", s.Name), slog.Int("task", 0)),
	}
	report.Task = 0
	if err := run.tick(ctx); err != nil {
		return run.failed(ctx, err)
	}
	return run.succeeded(ctx)
}

func (r *sinkRun) tick(ctx context.Context) (err error) {
	defer contain(&err)
	if r.task, err = r.sink.task(ctx, r.connector, r.item, r.log); err != nil {
		return err
	}
	working, cancel := r.working(ctx)
	defer cancel()
	ticker, ok := r.task.plugin.(connect.Ticker)
	if !ok {
		return nil
	}
	if err := ticker.Tick(working); err != nil {
		return fmt.Errorf("completing what is due: %w", err)
	}
	return nil
}
