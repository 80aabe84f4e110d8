package worker

import "time"

// Report is what an invocation did. It becomes one line of metrics.
type Report struct {
	// Kind is "source" or "sink".
	Kind              string
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
	// Calls are the source's polls or the sink's puts; BatchMax is the most records one of them had.
	Calls    Timing
	BatchMax int
	// Commits are those of offsets; CommitFailures counts the ones that failed, which are not among them.
	Commits        Timing
	CommitFailures int
	// Partitions counts the Kafka partitions of a sink's event.
	Partitions int
	// Age is how old the oldest record was, by its timestamp, when it was durable; 0 if none had one.
	Age time.Duration
	// TableCalls counts requests to the table, repeated ones too.
	TableCalls int
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

// Timing is how often something was done and how long it took.
type Timing struct {
	N        int
	Sum, Max time.Duration
}

func (t *Timing) add(d time.Duration) {
	t.N++
	t.Sum += d
	t.Max = max(t.Max, d)
}

// Mean is how long it took each time; 0 if it never was done.
func (t Timing) Mean() time.Duration {
	if t.N == 0 {
		return 0
	}
	return t.Sum / time.Duration(t.N)
}

// settled notes that records are durable of which the oldest has that timestamp.
func (r *Report) settled(oldest time.Time) {
	if !oldest.IsZero() {
		r.Age = max(r.Age, time.Since(oldest))
	}
}
