package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// policy is what errors.* says about failures.
type policy struct {
	tolerate bool
	// timeout is how long a retriable failure is tried again, negative for ever; delayMax caps the wait between.
	timeout, delayMax time.Duration
	log, logMessages  bool
}

// The wait before the first repetition of a retriable failure; it doubles with each.
const firstDelay = 300 * time.Millisecond

// delay is Connect's: it doubles, and where it would be above the cap it is anything below that.
func (p policy) delay(n int) time.Duration {
	if d := firstDelay << min(n, 30); d <= p.delayMax {
		return d
	}
	return rand.N(p.delayMax)
}

// unfinishedError is a failure that would have been tried again, had there been time.
type unfinishedError struct {
	staged *connect.StageError
	// since is when the record first failed.
	since time.Time
}

func (e *unfinishedError) Error() string {
	return fmt.Sprintf("still failing when the invocation had to end: %v", e.staged)
}

func (e *unfinishedError) Unwrap() error { return e.staged }

// attempt runs one stage of one record until it succeeds, fails for good or ctx ends.
func (p *pipeline) attempt(ctx context.Context, stage connect.Stage, class string, do func() error) error {
	err := do()
	if err == nil {
		return nil
	}
	return p.again(ctx, &connect.StageError{Stage: stage, Class: class, Err: err}, do)
}

// again decides about a stage that has just failed: it is repeated until errors.retry.timeout has passed since the record
// first failed, if the failure is one that may go away.
func (p *pipeline) again(ctx context.Context, failed *connect.StageError, do func() error) error {
	p.report.failure()
	retry, ok := errors.AsType[*connect.RetryError](failed.Err)
	if !ok || p.policy.timeout == 0 || p.policy.delayMax <= 0 {
		return failed
	}
	first := time.Now()
	if p.began != nil {
		var err error
		if first, err = p.began(ctx); err != nil {
			return err
		}
	}
	for n := 0; ; n++ {
		wait := p.policy.delay(n)
		if retry.After > 0 {
			wait = retry.After
		}
		if p.policy.timeout > 0 {
			left := p.policy.timeout - time.Since(first)
			if left <= 0 {
				return failed
			}
			wait = min(wait, left) // the last try is made when the time is up
		}
		if pause(ctx, wait) != nil {
			return &unfinishedError{failed, first}
		}
		p.report.Retries++
		err := do()
		if err == nil {
			return nil
		}
		p.report.failure()
		failed = &connect.StageError{Stage: failed.Stage, Class: failed.Class, Err: err}
		if retry, ok = errors.AsType[*connect.RetryError](err); !ok {
			return failed
		}
	}
}
