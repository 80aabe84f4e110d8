package connect

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// SourceTask reads records from an outside system. All methods are called from one goroutine.
type SourceTask interface {
	config.Definer
	// Open connects and goes to where the last invocation stopped, which it asks of a.Offsets. An error fails the task.
	Open(ctx context.Context, a Assignment) error
	// Poll returns the next records in order. None and no error means there is nothing more now: the runtime ends the
	// invocation, or asks again when the task is to wait for more. Poll must return soon after ctx ends; what it
	// returns then is still delivered, and context.Cause(ctx) as an error is no failure. Retry(err, after) asks to be called again; any other error fails
	// the task. The slice is the runtime's until the next call.
	Poll(ctx context.Context) ([]Record, error)
	// Close lets go of everything. It is called once after Open, also after one that failed, and may come when ctx
	// has little time left.
	Close(ctx context.Context) error
}

// Assignment is what a source task is opened with.
type Assignment struct {
	// Connector is the connector's name.
	Connector string
	// Task is this task's number, from 0; Of is how many there are.
	Task, Of int
	// Offsets answers where to resume.
	Offsets OffsetReader
	// Log takes notes for the function's log: a rotated file, a skipped part. Never nil.
	Log Logger
}

// OffsetReader answers where to resume.
type OffsetReader interface {
	// Offsets returns the stored positions of those of the partitions that have one.
	Offsets(ctx context.Context, partitions ...Partition) (Offsets, error)
}

// Logger takes notes. *slog.Logger is one.
type Logger interface {
	Info(msg string, args ...any)
	Warn(msg string, args ...any)
}

// Planner is a source or sink that decides how work is spread over tasks. Without it a source has one task and a sink
// has tasks.max equal ones.
type Planner interface {
	// Plan returns the settings of each task, at most max of them, as Connect's taskConfigs does. It is called on a
	// fresh task with the connector's settings, and may ask the outside system. A task is opened with exactly the
	// settings returned for it.
	Plan(ctx context.Context, settings map[string]string, limit int) ([]map[string]string, error)
}

// Replanner is a source whose plan must be made again from time to time, because new tables or shards may have appeared.
type Replanner interface {
	// ReplanEvery is how long a plan is good for; 0 means for ever.
	ReplanEvery() time.Duration
}

// Committer is a source that wants to know what is safe: told after the offsets of o are durable in the table.
type Committer interface {
	Commit(ctx context.Context, o Offsets) error
}

// Sleeper is a source that knows when its next poll is due, such as one with poll.interval.ms. It is asked when the task closes
// after having been dry; the runtime does not open the task again before that time.
type Sleeper interface {
	NotBefore() time.Time
}

// Positioner is a source with a place to resume from that no record carries: a start at "now", a heartbeat. It is asked
// after every Poll; what it returns is stored once everything polled before is resolved, and handed to the next Open,
// but not shown as a committed offset.
type Positioner interface {
	Position() Offsets
}

// Validator has settings that depend on each other.
type Validator interface {
	// Validate is called after the settings were parsed. Its error should be config errors that name their keys.
	Validate() error
}

// Checker can tell whether the outside system is in reach.
type Checker interface {
	Check(ctx context.Context) error
}

// OffsetAlterer checks offsets that a user wants to set from outside, and may refuse them.
type OffsetAlterer interface {
	// AlterOffsets is called on a fresh task with the connector's settings. A zero Position removes the partition. done tells that the
	// connector itself took care of what it keeps outside the table.
	AlterOffsets(ctx context.Context, o Offsets) (done bool, err error)
}
