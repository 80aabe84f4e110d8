package worker

import "time"

// Report is what an invocation did. It becomes one line of metrics.
type Report struct {
	Connector, Worker string
	// Task is the task that ran, -1 if none did.
	Task int
	// Did says how it ended: "ran", "paused", "not due", "held elsewhere", "revoked", "fenced", "failed", …
	Did string
	// Polled records came from the source or the event; Written went to Kafka or the target; Dropped by transforms;
	// Skipped because failures are tolerated; Dead went to the dead-letter topic.
	Polled, Written, Dropped, Skipped, Dead int
	// Bytes are those of keys and values written or read.
	Bytes int64
	// Commits counts commits of offsets.
	Commits int
	// Failures counts every failed try of an operation on records, Retries the repetitions, Errors the failures that
	// ended the task, Logged those that errors.log.enable wrote down.
	Failures, Retries, Errors, Logged int
	// DeadFailures counts dead letters that could not be written.
	DeadFailures int
	// LastError is when something last failed; the zero Time means that nothing did.
	LastError time.Time
	// Took is how long it took; Decode is the part of it that reading the trigger's event took.
	Took, Decode time.Duration
	// Err is the failure, also when it was tolerated by trying again.
	Err error
}

// failure notes that an operation failed, whatever comes of it.
func (r *Report) failure() {
	r.Failures++
	r.LastError = time.Now()
}
