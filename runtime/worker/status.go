package worker

import (
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// restart is how failed tasks are tried again.
type restart struct {
	// maxAttempts is after how many failures in a row a task stays failed; negative means never.
	maxAttempts int
	// backoff is the wait after the first failure; it doubles up to backoffMax.
	backoff, backoffMax time.Duration
}

// succeeded is the status after progress.
func succeeded(s offset.Status, worker string, now time.Time) offset.Status {
	next := offset.Status{State: offset.StateRunning, Worker: worker, Since: s.Since, Success: now, Failure: s.Failure}
	if s.State != offset.StateRunning {
		next.Since = now
	}
	return next
}

// maxTrace is the most bytes of a trace that are kept: an item of the table holds 400 kB in all.
const maxTrace = 32 << 10

func trace(failure error) string {
	text := failure.Error()
	if len(text) > maxTrace {
		text = strings.ToValidUTF8(text[:maxTrace], "") + "…"
	}
	return text
}

// failed is the status after a failure: the trace is kept, and when the next attempt is due.
func failed(s offset.Status, worker string, failure error, now time.Time, policy restart) offset.Status {
	next := offset.Status{
		State: offset.StateFailed, Trace: trace(failure), Worker: worker, Since: s.Since, Success: s.Success,
		Failure: now, Attempts: s.Attempts + 1,
	}
	if s.State != offset.StateFailed {
		next.Since = now
	}
	if policy.maxAttempts < 0 || next.Attempts < policy.maxAttempts {
		next.Next = now.Add(policy.wait(next.Attempts))
	}
	return next
}

// wait is the time before the attempt after the n-th failure in a row.
func (r restart) wait(n int) time.Duration {
	if n > 30 || r.backoff > r.backoffMax>>(n-1) {
		return r.backoffMax
	}
	return r.backoff << (n - 1)
}
