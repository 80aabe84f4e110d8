package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// sourceRun is one source task under its lease.
type sourceRun struct {
	source    *Source
	connector offset.Connector
	task      offset.Task
	lease     offset.Lease
	keeper    *keeper
	report    *Report
	log       *slog.Logger

	settings *connector.SourceConfig
	pipe     *pipeline
	dead     *sourceLetters // nil: failed records that are tolerated are gone
	// keepsOriginals says that failed records are wanted as they were before their transforms.
	keepsOriginals bool
	plugin         connect.SourceTask
	out            *outbox
	ledger         ledger
	flushed        time.Time
	status         offset.Status
	dry            bool
}

// run does the work of the task. Its error is why the task failed, or the context's cause when the lease was lost.
func (r *sourceRun) run(ctx context.Context) (err error) {
	defer contain(&err)
	r.status, r.flushed = r.task.Status, time.Now()
	env, settled, err := r.source.Env.Resolved(ctx, r.connector.Config)
	if err != nil {
		return err
	}
	if r.settings, err = connector.ParseSource(settled, env.Plugins, env.Settings); err != nil {
		return connector.ConcealError(err, r.connector.Config, settled)
	}
	r.pipe = newPipeline(&r.settings.Pipeline, &r.settings.Errors)
	r.pipe.report = r.report
	r.dead = newSourceLetters(&r.settings.Own.SourceLetters)
	r.keepsOriginals = r.dead != nil || r.pipe.policy.log && r.pipe.policy.logMessages
	if r.out, err = r.source.newOutbox(&env, r.settings, r.lease.Generation, r.task.ID); err != nil {
		return err
	}
	defer r.out.close() // Invariant 8: what is unacknowledged then is dropped
	defer r.out.abortWhenLost(ctx)()
	r.plugin = r.source.Connector.New()
	settings, err := env.resolve(ctx, r.task.Settings)
	if err != nil {
		return err
	}
	if err := parse(settings, r.plugin); err != nil {
		return connector.ConcealError(err, r.task.Settings, settings)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		if failed := r.plugin.Close(closing); failed != nil && err == nil {
			err = fmt.Errorf("closing the task: %w", failed)
		}
	}()
	err = r.plugin.Open(ctx, connect.Assignment{
		Connector: r.connector.Name, Task: r.task.ID, Of: r.connector.Tasks, Offsets: r, Log: r.log,
	})
	if err != nil {
		return fmt.Errorf("opening the task: %w", err)
	}
	if err := r.announce(ctx); err != nil {
		return err
	}
	return r.loop(ctx)
}

// Offsets implements connect.OffsetReader.
func (r *sourceRun) Offsets(ctx context.Context, partitions ...connect.Partition) (connect.Offsets, error) {
	entries, err := r.source.Store.Offsets(ctx, r.connector.Name, partitions)
	if err != nil {
		return nil, fmt.Errorf("reading offsets: %w", err)
	}
	offsets := make(connect.Offsets, len(entries))
	for partition, e := range entries {
		if start := e.Start(); !start.IsZero() {
			offsets[partition] = start
		}
	}
	return offsets, nil
}

// announce shows a task that was not running before as running, now that it opened. A failed one stays failed until it
// has made progress: Invariant 7.
func (r *sourceRun) announce(ctx context.Context) error {
	if r.status.State == offset.StateRunning || r.status.State == offset.StateFailed {
		return nil
	}
	return r.write(ctx, offset.Commit{})
}

// loop polls until the source is dry, the time is up or the lease is gone, and then settles what was polled.
func (r *sourceRun) loop(ctx context.Context) error {
	polling, cancel := context.WithDeadline(ctx, r.until(ctx))
	defer cancel()
	last := time.Now()
	for polling.Err() == nil {
		begun := time.Now()
		records, err := r.plugin.Poll(polling)
		r.report.Calls.add(time.Since(begun))
		r.report.Polled += len(records)
		r.report.BatchMax = max(r.report.BatchMax, len(records))
		if len(records) > 0 {
			last = time.Now()
			if err := r.deliver(ctx, polling, records); err != nil {
				return err
			}
		}
		if err != nil {
			if stop, err := r.pollFailed(polling, err); stop {
				if err != nil {
					return r.settleThen(ctx, &connect.StageError{Stage: connect.StagePoll, Class: r.source.Connector.TaskClass, Err: err})
				}
				break
			}
			continue
		}
		r.place()
		if err := r.collect(ctx, false); err != nil {
			return err
		}
		if len(records) > 0 {
			continue
		}
		if r.dry = time.Since(last) >= r.settings.Idle; r.dry {
			break
		}
		_ = pause(polling, min(r.settings.Idle-time.Since(last), dryPause))
	}
	return r.settle(ctx)
}

// pollFailed decides about an error of Poll: stop without an error when it only says that time is up.
func (r *sourceRun) pollFailed(polling context.Context, err error) (stop bool, failure error) {
	if polling.Err() != nil {
		return true, nil //nolint:nilerr // whatever it says, it was told to stop
	}
	retry, ok := errors.AsType[*connect.RetryError](err)
	if !ok {
		return true, err
	}
	// Connect calls again without limit; so do we, until the invocation ends, and then the next one does.
	r.report.Retries++
	r.log.Warn("the source asked to be polled again", "error", err)
	wait := retry.After
	if wait <= 0 {
		wait = connect.RetryDelay
	}
	_ = pause(polling, wait)
	return false, nil
}

// until is when polling ends: the deadline less the time to finish, or the limit of invocations.
func (r *sourceRun) until(ctx context.Context) time.Time {
	now := time.Now()
	until := now.Add(time.Hour) // a context without a deadline is a test's
	if deadline, ok := ctx.Deadline(); ok {
		until = deadline.Add(-min(finishTime, time.Until(deadline)/4))
	}
	if limit := r.settings.InvocationMax; limit > 0 && now.Add(limit).Before(until) {
		until = now.Add(limit)
	}
	return until
}

// place notes positions without records. They count once all records polled before are resolved.
func (r *sourceRun) place() {
	if p, ok := r.plugin.(connect.Positioner); ok {
		if o := p.Position(); len(o) > 0 {
			r.out.place(o)
		}
	}
}

// settleThen delivers and commits what came before a failure, so that the next attempt does not repeat it, and returns
// the failure.
func (r *sourceRun) settleThen(ctx context.Context, failure error) error {
	if err := r.settle(ctx); err != nil && !errors.Is(err, offset.ErrFenced) {
		return failure
	}
	return failure
}

// settle waits for everything in flight and commits it.
func (r *sourceRun) settle(ctx context.Context) error {
	if err := lost(ctx); err != nil {
		return err // Invariant 3: who lost the lease commits nothing
	}
	// A revoked lease, the deadline and being told to end all leave a moment to finish.
	finishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.finishTime())
	defer cancel()
	if err := r.collect(finishing, true); err != nil {
		return err
	}
	if r.ledger.empty() {
		return nil
	}
	return r.commit(finishing)
}

// finishTime is how long settling may take.
func (r *sourceRun) finishTime() time.Duration {
	if r.keeper.revoked.Load() {
		return offset.Grace / 2
	}
	return min(finishTime, max(r.keeper.left()-r.keeper.margin()/2, 0))
}

// commit writes what the ledger holds and then tells the task. Invariant 1: the ledger holds only what is resolved.
func (r *sourceRun) commit(ctx context.Context) error {
	// A commit begun is finished, though the invocation be told to end meanwhile: half known is worse than late.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	c := r.ledger.take()
	r.flushed = time.Now()
	if err := r.write(ctx, c); err != nil {
		r.report.CommitFailures++
		return err
	}
	r.report.Commits.add(time.Since(r.flushed))
	if task, ok := r.plugin.(connect.Committer); ok {
		if err := task.Commit(ctx, c.Offsets); err != nil {
			r.log.Warn("the task's own commit failed; the next one repeats it", "error", err)
		}
	}
	return nil
}

// write commits with the status, when that is due.
func (r *sourceRun) write(ctx context.Context, c offset.Commit) error {
	if r.status.State != offset.StateRunning || r.status.Attempts > 0 {
		next := succeeded(r.status, r.source.Env.Worker, time.Now())
		c.Status = &next
	}
	if err := r.source.Store.Commit(ctx, r.lease, c); err != nil {
		return fmt.Errorf("committing offsets: %w", err)
	}
	if c.Status != nil {
		r.status = *c.Status
	}
	return nil
}

// end gives the lease back and writes how it went. The error it returns is one of the function itself.
func (r *sourceRun) end(ctx context.Context, failure error) error {
	r.keeper.stop()
	failure = r.source.Env.Scrub(failure)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	now := time.Now()
	outcome := offset.Outcome{Done: offset.Done{In: int64(r.report.Polled), Out: int64(r.report.Written)}}
	switch {
	case r.keeper.revoked.Load() || errors.Is(failure, offset.ErrRevoked):
		r.report.Did = "revoked"
	case errors.Is(failure, offset.ErrFenced) || errors.Is(failure, errLeaseExpiring):
		r.report.Did = "fenced"
		return nil
	case toldToEnd(ctx, failure):
		r.report.Did = "stopped"
	case failure != nil:
		r.report.Did, r.report.Err = "failed", failure
		status := failed(r.status, r.source.Env.Worker, failure, now, r.restart())
		outcome.Status = &status
		r.log.Error("the task failed", "error", failure, "attempts", status.Attempts, "next", status.Next)
	default:
		r.report.Did = "ran"
		status := succeeded(r.status, r.source.Env.Worker, now)
		outcome.Status = &status
		if s, ok := r.plugin.(connect.Sleeper); ok && r.dry {
			outcome.NotBefore = s.NotBefore()
		}
	}
	err := r.source.Store.Release(ending, r.lease, outcome)
	if errors.Is(err, offset.ErrFenced) {
		return nil // it ran out just now; the next holder decides
	}
	if err != nil {
		return fmt.Errorf("releasing the task's lease: %w", err)
	}
	return nil
}

// restart is the policy of automatic restarts, also when the settings could not be read.
func (r *sourceRun) restart() restart {
	if r.settings != nil {
		return restartOf(&r.settings.Own)
	}
	return restartIn(r.task.Settings)
}
