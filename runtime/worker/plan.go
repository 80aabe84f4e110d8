package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// How long a plan may take, and how often somebody who waits for one looks.
const (
	planTTL  = 30 * time.Second
	planWait = 50 * time.Millisecond
)

// planner decides which tasks a connector has.
type planner struct {
	store offset.Store
	env   Env
	// define returns the settings of each task.
	define func(ctx context.Context, c offset.Connector) ([]map[string]string, error)
	// due tells whether a plan that is not stale must be made again.
	due func(ctx context.Context, c offset.Connector) bool
	// halt stops a sink's trigger, which would bring its batches again and again; nil if there is nothing to stop.
	halt func(ctx context.Context, c offset.Connector, why string) error
}

// plan makes and publishes the plan under its lease. published is false if there turned out to be nothing to do. ErrHeld
// means that somebody else is at it.
func (p planner) plan(ctx context.Context, c offset.Connector) (published bool, err error) {
	claim := offset.Claim{Connector: c.Name, Task: offset.PlanTask, Nonce: nonce(), Worker: p.env.Worker, TTL: planTTL}
	item, err := p.store.Acquire(ctx, claim)
	if err != nil {
		return false, err
	}
	lease := offset.Lease{Connector: c.Name, Task: offset.PlanTask, Nonce: claim.Nonce, Epoch: item.Epoch, TTL: planTTL}
	defer func() {
		releasing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		if failed := p.store.Release(releasing, lease, offset.Outcome{}); failed != nil && !errors.Is(failed, offset.ErrFenced) && err == nil {
			err = fmt.Errorf("releasing the plan's lease: %w", failed)
		}
	}()
	// What was read before the lease may be old: somebody may have planned in between.
	c, _, err = p.store.Look(ctx, c.Name, 0)
	if err != nil {
		return false, err
	}
	if !c.Stale && !c.Gate && (p.due == nil || !p.due(ctx, c)) {
		return false, nil
	}
	settings, err := p.tasks(ctx, c)
	if err != nil {
		return false, p.failed(ctx, c, err)
	}
	return true, p.publish(ctx, c, lease, settings)
}

// tasks computes the settings of all tasks.
func (p planner) tasks(ctx context.Context, c offset.Connector) (settings []map[string]string, err error) {
	defer contain(&err)
	return p.define(ctx, c)
}

// withinLimit refuses more tasks than tasks.max, unless the connector is told not to care.
func withinLimit(common *connector.Common, settings []map[string]string) error {
	if !common.EnforceTasksMax || len(settings) <= common.TasksMax {
		return nil
	}
	return fmt.Errorf("The connector %s has generated %d tasks, which is greater than %d, the maximum number of tasks it is configured to create. ", //nolint:staticcheck // Connect's own words
		common.Name, len(settings), common.TasksMax)
}

// publish writes the plan, unless it is the one that already stands.
func (p planner) publish(ctx context.Context, c offset.Connector, lease offset.Lease, settings []map[string]string) error {
	now := time.Now()
	c.PlannedAt = now
	if c.Status.State != offset.StateRunning {
		c.Status = succeeded(c.Status, p.env.Worker, now)
	}
	if !c.Stale && !c.Gate {
		same, err := p.same(ctx, c, settings)
		if err != nil {
			return err
		}
		if same {
			_, err := p.store.Put(ctx, c, offset.Keep)
			return err
		}
	}
	if _, err := p.store.Publish(ctx, c, lease, settings); err != nil {
		return fmt.Errorf("publishing %d tasks: %w", len(settings), err)
	}
	return nil
}

func (p planner) same(ctx context.Context, c offset.Connector, settings []map[string]string) (bool, error) {
	tasks, err := p.store.Tasks(ctx, c.Name)
	if err != nil {
		return false, err
	}
	return slices.EqualFunc(tasks, settings, func(t offset.Task, s map[string]string) bool {
		return maps.Equal(t.Settings, s)
	}), nil
}

// failed shows in the connector's status that it could not be planned, and returns why. After as many failures as the
// configuration allows it stops the trigger, if there is one to stop.
func (p planner) failed(ctx context.Context, c offset.Connector, failure error) error {
	failure = p.env.Scrub(failure)
	policy := restartIn(c.Config)
	counts := p.halt != nil && policy.maxAttempts >= 0
	if !counts && c.Status.State == offset.StateFailed && c.Status.Trace == failure.Error() {
		return failure // as it stands: nothing new to write at every tick
	}
	c.Status = failed(c.Status, p.env.Worker, failure, time.Now(), policy)
	c, err := p.store.Put(ctx, c, offset.Keep)
	if errors.Is(err, offset.ErrStale) {
		return failure // the connector was changed meanwhile
	}
	if err != nil {
		return errors.Join(failure, fmt.Errorf("recording that: %w", err))
	}
	if counts && c.Status.Next.IsZero() {
		if err := p.halt(ctx, c, failure.Error()); err != nil {
			return errors.Join(failure, fmt.Errorf("stopping the trigger after %d attempts: %w", c.Status.Attempts, err))
		}
	}
	return failure
}

// planDue tells whether a source's tasks must be planned before they run.
func (s *Source) planDue(ctx context.Context, c offset.Connector) bool {
	if c.Stale || c.Gate {
		return true
	}
	every := s.replanEvery(ctx, c)
	return every > 0 && time.Since(c.PlannedAt) >= every
}

// replanEvery is how long a plan is good for, 0 for ever. Settings that do not parse are reported by who plans.
func (s *Source) replanEvery(ctx context.Context, c offset.Connector) time.Duration {
	task := s.Connector.New()
	r, ok := task.(connect.Replanner)
	if !ok {
		return 0
	}
	settings, err := s.Env.resolve(ctx, c.Config)
	if err != nil || parse(settings, task) != nil {
		return 0
	}
	return r.ReplanEvery()
}

func (s *Source) plan(ctx context.Context, c offset.Connector) (bool, error) {
	return planner{store: s.Store, env: s.Env, define: s.define, due: s.planDue}.plan(ctx, c)
}

// define returns the settings of a source's tasks: those its Planner says, or one task with the connector's own.
func (s *Source) define(ctx context.Context, c offset.Connector) ([]map[string]string, error) {
	env, settled, err := s.Env.Resolved(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	parsed, err := connector.ParseSource(settled, s.Env.Plugins, env.Settings)
	if err != nil {
		return nil, connector.ConcealError(err, c.Config, settled)
	}
	task := s.Connector.New()
	if err := parse(settled, task); err != nil {
		return nil, connector.ConcealError(err, c.Config, settled)
	}
	settings := []map[string]string{maps.Clone(c.Config)}
	if p, ok := task.(connect.Planner); ok {
		if settings, err = p.Plan(ctx, maps.Clone(settled), parsed.TasksMax); err != nil {
			return nil, fmt.Errorf("planning tasks: %w", err)
		}
		if settings, err = s.Env.restored(settings, c, settled); err != nil {
			return nil, err
		}
	}
	for _, task := range settings {
		task[taskClassKey] = s.Connector.TaskClass
	}
	return settings, withinLimit(&parsed.Common, settings)
}

// planner returns the settings of a sink's tasks: those its Planner says, or tasks.max times the connector's own.
func (s *Sink) planner(ctx context.Context, c offset.Connector) ([]map[string]string, error) {
	env, settled, err := s.Env.Resolved(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	parsed, err := connector.ParseSink(settled, s.Env.Plugins, env.Settings)
	if err != nil {
		return nil, connector.ConcealError(err, c.Config, settled)
	}
	task := s.Connector.New()
	if err := parse(settled, task); err != nil {
		return nil, connector.ConcealError(err, c.Config, settled)
	}
	var settings []map[string]string
	if p, ok := task.(connect.Planner); ok {
		if settings, err = p.Plan(ctx, maps.Clone(settled), parsed.TasksMax); err != nil {
			return nil, fmt.Errorf("planning tasks: %w", err)
		}
		if settings, err = s.Env.restored(settings, c, settled); err != nil {
			return nil, err
		}
	} else {
		for range parsed.TasksMax {
			settings = append(settings, maps.Clone(c.Config))
		}
	}
	for _, task := range settings {
		task[taskClassKey] = s.Connector.TaskClass
		for _, key := range []string{"topics", "topics.regex"} {
			if v, ok := c.Config[key]; ok {
				task[key] = v
			}
		}
	}
	return settings, withinLimit(&parsed.Common, settings)
}

// taskClassKey is the setting that Connect adds to every task's.
const taskClassKey = "task.class"

// nonce is random enough that no two claims ever have the same.
func nonce() string { return rand.Text() }
