package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Source runs a source connector's tasks. One is made per process and used for one invocation at a time.
type Source struct {
	// Connector is the only connector class this function has.
	Connector connect.SourceConnector
	// Env is what the function was started with.
	Env Env
	// Store is the table.
	Store offset.Store
	// Hand invokes this function once more, asynchronously: for one further task, or, when what ran was changed, to go on
	// with what it is now. nil leaves the latter to the next tick, and is for connectors of one task.
	Hand func(ctx context.Context, tick Tick) error

	tasks int                     // how many tasks the connector had when last seen: a guess that saves a call
	warm  map[string]warmProducer // by client id
}

// Tick is the event that runs a source: from the schedule, or handed on by another invocation.
type Tick struct {
	// Connector is the connector's name.
	Connector string `json:"connector"`
	// Task is set on a hand-over: the only task to run.
	Task *int `json:"task,omitempty"`
}

// Run runs one invocation. The error it returns is one of the function itself, such as a table out of reach; a task that
// fails is recorded in the table and in the Report, and will be tried again by a later tick.
func (s *Source) Run(ctx context.Context, tick Tick) (Report, error) {
	start := time.Now()
	report := Report{Kind: "source", Connector: tick.Connector, Worker: s.Env.Worker, Task: -1}
	err := s.Env.Scrub(s.run(ctx, tick, &report))
	report.Took = time.Since(start)
	if toldToEnd(ctx, err) || toldToEnd(ctx, report.Err) {
		report.Did, report.Err = "stopped", nil
		return report, nil
	}
	if err != nil {
		report.Err = err
		report.Did = "failed"
	}
	report.Err = s.Env.failed(report.Err)
	return report, err
}

// toldToEnd tells whether an error is only what came of ending work because the caller said so. What was not settled comes
// again, and nothing is wrong.
func toldToEnd(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
}

func (s *Source) run(ctx context.Context, tick Tick, report *Report) error {
	for again := 0; ; again++ {
		c, tasks, err := s.look(ctx, tick)
		if err != nil {
			return fmt.Errorf("looking up connector %q: %w", tick.Connector, err)
		}
		if c.Target != offset.Running {
			report.Did = "paused"
			return nil
		}
		if tick.Task == nil && s.planDue(ctx, c) {
			planned, err := s.plan(ctx, c)
			if errors.Is(err, offset.ErrHeld) || errors.Is(err, offset.ErrStale) {
				report.Did = "planned elsewhere"
				return nil
			}
			if err != nil {
				report.Did, report.Err = "planning failed", err
				return nil //nolint:nilerr // it stands in the connector's status and in the report
			}
			if planned {
				continue // read the tasks anew
			}
		}
		err = s.runTasks(ctx, c, tasks, tick, report)
		if errors.Is(err, offset.ErrStale) && again == 0 {
			continue // changed between the look and the claim: once more with what it is now
		}
		if errors.Is(err, offset.ErrStale) || errors.Is(err, offset.ErrHeld) {
			report.Did = "held elsewhere"
			return nil
		}
		if err == nil && report.Did == "revoked" {
			s.giveWay(ctx, c.Name)
		}
		return err
	}
}

// giveWay invokes a connector again that was changed while it ran, if it is still to run: who was invoked by the change
// itself may have come before the lease was given back, and the next tick may be long in coming.
func (s *Source) giveWay(ctx context.Context, connector string) {
	if s.Hand == nil {
		return
	}
	c, _, err := s.Store.Look(ctx, connector, 0)
	if errors.Is(err, offset.ErrNotFound) || err == nil && c.Target != offset.Running {
		return
	}
	if err == nil {
		err = s.Hand(ctx, Tick{Connector: connector})
	}
	if err != nil {
		s.Env.Log.Warn("going on after a change failed; the next tick will", "connector", connector, "error", err)
	}
}

// look reads the connector and its tasks, in one call if the guess of their number holds.
func (s *Source) look(ctx context.Context, tick Tick) (offset.Connector, []offset.Task, error) {
	n := max(1, s.tasks)
	if tick.Task != nil {
		n = *tick.Task + 1
	}
	c, tasks, err := s.Store.Look(ctx, tick.Connector, n)
	if err == nil && tick.Task == nil && c.Tasks > n {
		s.tasks = c.Tasks
		return s.Store.Look(ctx, tick.Connector, c.Tasks)
	}
	s.tasks = c.Tasks
	return c, tasks, err
}

// runTasks hands on what others can do and does the rest.
func (s *Source) runTasks(ctx context.Context, c offset.Connector, tasks []offset.Task, tick Tick, report *Report) error {
	now := time.Now()
	mine := -1
	report.Did = "not due"
	for _, t := range tasks {
		if tick.Task != nil && t.ID != *tick.Task || t.Generation != c.Generation || t.ID >= c.Tasks {
			continue
		}
		if why := idle(t, now); why != "" {
			report.Did = why
			continue
		}
		if mine < 0 {
			mine = t.ID
			continue
		}
		if err := s.Hand(ctx, Tick{Connector: c.Name, Task: &t.ID}); err != nil {
			// It will be tried again by the next tick; the other tasks go on.
			s.Env.Log.Warn("handing a task to a further invocation failed", "connector", c.Name, "task", t.ID, "error", err)
		}
	}
	if mine < 0 {
		return nil
	}
	report.Task = mine
	return s.runTask(ctx, c, mine, report)
}

// idle says why a task need not run now, or "".
func idle(t offset.Task, now time.Time) string {
	switch {
	case t.HeldAt(now):
		return "held elsewhere"
	case t.NotBefore.After(now):
		return "not due"
	case t.Status.State == offset.StateFailed && t.Status.Next.IsZero():
		return "failed for good"
	case t.Status.State == offset.StateFailed && t.Status.Next.After(now):
		return "backing off"
	}
	return ""
}

// runTask holds a task's lease and runs it.
func (s *Source) runTask(ctx context.Context, c offset.Connector, id int, report *Report) (err error) {
	ttl := leaseTime(c)
	since := time.Now()
	claim := offset.Claim{
		Connector: c.Name, Task: id, Generation: c.Generation, Nonce: nonce(), Worker: s.Env.Worker, TTL: ttl,
	}
	task, err := s.Store.Acquire(ctx, claim)
	if err != nil {
		return err
	}
	lease := offset.Lease{
		Connector: c.Name, Task: id, Generation: c.Generation, Nonce: claim.Nonce, Epoch: task.Epoch, TTL: ttl,
	}
	held, keeper := keep(ctx, s.Store, lease, since)
	defer keeper.stop()

	run := &sourceRun{
		source: s, connector: c, task: task, lease: lease, keeper: keeper, report: report,
		log: s.Env.Log.With(slog.String("connector", c.Name), slog.Int("task", id)),
	}
	failure := run.run(held)
	return run.end(ctx, failure)
}

// leaseTime is how long the lease of a connector's tasks lasts. Settings that do not parse are reported under the lease.
func leaseTime(c offset.Connector) time.Duration {
	var own connector.Own
	if err := config.Parse(c.Config, &own); err != nil || own.Lease <= 0 {
		return 15 * time.Second
	}
	return own.Lease
}
