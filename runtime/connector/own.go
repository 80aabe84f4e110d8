package connector

import (
	"math"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// Own are the settings that Sluice adds to Connect's. They are not among the keys that the REST API lists.
type Own struct {
	// Lease is how long a task belongs to the function that took it, unless it is renewed.
	Lease time.Duration
	// Idle is how long a source that has nothing more is asked again before the invocation ends.
	Idle time.Duration
	// InvocationMax is how long an invocation reads at most; 0 means until the function's deadline is near.
	InvocationMax time.Duration
	// RestartMax is after how many failures in a row a task stays failed; 0 means at the first, less means never.
	RestartMax int
	// RestartBackoff is the pause before the first of those tries. It doubles from try to try, up to RestartBackoffMax.
	RestartBackoff, RestartBackoffMax time.Duration
	// InFlight is how many batches of a source may be on their way to Kafka at once.
	InFlight int
	// SourceLetters says where the records of a source go that fail and are tolerated. Connect has this for sinks only.
	SourceLetters DeadLetters
	// FlushInterval and FlushTimeout replace the worker's offset.flush.interval.ms and offset.flush.timeout.ms if they are
	// not nil.
	FlushInterval, FlushTimeout *time.Duration

	interval, timeout any
}

// Define declares the settings.
func (o *Own) Define(d *config.Def) {
	d.Millis(&o.Lease, "sluice.lease.ms", 15*time.Second,
		"How long a task belongs to the invocation that took it, unless that renews it, which it does three times as often.",
		config.Check(config.AtLeast(6000)), config.Low)
	d.Millis(&o.Idle, "sluice.source.idle.ms", 0,
		"How long a source that has nothing more is asked again before the invocation ends. 0 ends it at once.",
		config.Check(config.AtLeast(0)), config.Medium)
	d.Millis(&o.InvocationMax, "sluice.invocation.max.ms", 0,
		"How long an invocation reads at most. 0 means until the function's deadline is near.",
		config.Check(config.AtLeast(0)), config.Medium)
	d.Int(&o.RestartMax, "sluice.restart.max.attempts", -1,
		"After how many failures in a row a task stays failed. 0 means at the first, as in Kafka Connect; -1 means never.",
		config.Check(config.AtLeast(-1)), config.Medium)
	d.Millis(&o.RestartBackoff, "sluice.restart.backoff.ms", time.Second,
		"Pause before a failed task is first tried again. It doubles from try to try.",
		config.Check(config.AtLeast(0)), config.Low)
	d.Millis(&o.RestartBackoffMax, "sluice.restart.backoff.max.ms", 5*time.Minute,
		"Longest pause before a failed task is tried again.", config.Check(config.AtLeast(0)), config.Low)
	d.Int(&o.InFlight, "sluice.source.batches.in.flight", 16,
		"How many batches of a source may be on their way to Kafka at once.", config.Check(config.Between(1, 1000)), config.Low)
	d.String(&o.SourceLetters.Topic, "sluice.errors.deadletterqueue.topic.name", "",
		"Topic for records of a source that cannot be transformed, converted or written, and that errors.tolerance lets pass. "+
			"Empty means that there is none.", config.Medium)
	d.Short(&o.SourceLetters.ReplicationFactor, "sluice.errors.deadletterqueue.topic.replication.factor", 3,
		"Replication factor of that topic, if it has to be made.", config.Medium)
	d.Bool(&o.SourceLetters.ContextHeaders, "sluice.errors.deadletterqueue.context.headers.enable", true,
		"Whether those dead letters have headers that say what went wrong, and where in the source they come from.", config.Medium)
	d.Any(&o.interval, "sluice.offset.flush.interval.ms", config.TypeLong, nil,
		"How often the connector's offsets are stored. Defaults to the worker's offset.flush.interval.ms.",
		config.Check(nullOr(config.AtLeast(0))), config.Low)
	d.Any(&o.timeout, "sluice.offset.flush.timeout.ms", config.TypeLong, nil,
		"How long storing offsets may take. Defaults to the worker's offset.flush.timeout.ms.",
		config.Check(nullOr(config.AtLeast(1))), config.Low)
}

// finish returns how often offsets are stored and how long that may take.
func (o *Own) finish(w Worker) (every, within time.Duration) {
	o.FlushInterval, o.FlushTimeout = optionalMillis(o.interval), optionalMillis(o.timeout)
	every, within = w.FlushInterval, w.FlushTimeout
	if o.FlushInterval != nil {
		every = *o.FlushInterval
	}
	if o.FlushTimeout != nil {
		within = *o.FlushTimeout
	}
	return every, within
}

func optionalMillis(v any) *time.Duration {
	ms, ok := v.(int64)
	if !ok {
		return nil
	}
	d := milliseconds(ms)
	return &d
}

// milliseconds is a duration, or the longest there is.
func milliseconds(ms int64) time.Duration {
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
