package connect

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// SinkTask writes records to an outside system. All methods are called from one goroutine.
type SinkTask interface {
	config.Definer
	// Open connects. It is called once before the first Put; an error fails the invocation.
	Open(ctx context.Context, a SinkAssignment) error
	// Put writes records, in order within each Kafka partition. nil means all of them are written, durably unless the
	// task is a Flusher. *BatchError names those that never can be; Retry(err, after) asks to be called again with the same
	// records; any other error fails the whole batch. The slice is the task's until Put, and Flush if it has one, return.
	Put(ctx context.Context, records []Record) error
	// Close lets go of everything.
	Close(ctx context.Context) error
}

// SinkAssignment is what a sink task is opened with.
type SinkAssignment struct {
	// Connector is the connector's name.
	Connector string
	// Isolate tells that the connector tolerates errors: a record that cannot be written should be found and reported alone,
	// by a BatchError, while the others are written. Without it any failure makes the whole batch come again, so that a sink
	// with transactions should write nothing of it.
	Isolate bool
	// State keeps what must outlive an invocation. Never nil.
	State State
	// Log takes notes for the function's log. Never nil.
	Log Logger
}

// Flusher is a sink that collects. Flush returns when everything put before is durable. It may fail as Put does; a
// *BatchError is about the records of the last Put, and Retry asks to be called again.
type Flusher interface {
	Flush(ctx context.Context) error
}

// Ticker is a sink that completes things by the clock, such as a file that is due although no more records come.
type Ticker interface {
	// Tick is called from a schedule of its own, in an invocation without records.
	Tick(ctx context.Context) error
}

// State keeps small values of a sink per topic partition, for sinks that stage things across invocations. When a user alters
// or resets the offset of a partition, its value is emptied. Negative partitions are the sink's own.
type State interface {
	// Get returns the value and its version; version 0 means there is none.
	Get(ctx context.Context, topic string, partition int32) (value []byte, version int64, err error)
	// Put stores a value if the version is still the one given (0: if there is none) and returns the new version.
	// ErrConflict means somebody else stored one first.
	Put(ctx context.Context, topic string, partition int32, value []byte, version int64) (int64, error)
}

// SinkOffsetAlterer is a sink that keeps positions of its own and must hear when a user sets offsets from outside.
type SinkOffsetAlterer interface {
	// AlterSinkOffsets is called on a fresh task with the connector's settings. nil removes a partition's offset.
	AlterSinkOffsets(ctx context.Context, offsets map[TopicPartition]*int64) (done bool, err error)
}

// TopicPartition names a Kafka partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// RetryDelay is how long the runtime waits before it repeats a call that asked for a retry without saying when.
const RetryDelay = 100 * time.Millisecond
