package control

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Functions are the connectors' functions.
type Functions interface {
	// Plugins describes the connector classes there are, each once.
	Plugins(ctx context.Context) ([]Plugin, error)
	// Ask sends a control request to a function of a class, named in full, and returns what it answers. about is the
	// connector that it is about, if there is one: where connectors have functions of their own, only that of a connector
	// may resolve its secrets.
	Ask(ctx context.Context, class string, about offset.Connector, request []byte) (answer []byte, err error)
	// Invoke has a connector's own function handle an event, and returns its answer. The error of a function that
	// failed is what it says itself.
	Invoke(ctx context.Context, c offset.Connector, event []byte) (answer []byte, err error)
}

// Plugin is a connector class, as its function describes it.
type Plugin struct {
	// Class is its full Java class name, Aliases are further names of it.
	Class   string   `json:"class"`
	Aliases []string `json:"aliases,omitempty"`
	// Type is "source" or "sink".
	Type    string `json:"type"`
	Version string `json:"version"`
}

// Triggers are what invokes functions: a schedule for each source, and a Kafka trigger for each topic of a sink. Which
// topics these are, and with which consumer groups, say Topics and Group. All methods may be called again after a failure,
// and for what is already as it should be.
type Triggers interface {
	// Changed is told after every change of a connector that is in the table, and makes what invokes it fit. If the
	// connector is to run, a source is invoked at once, and a sink of which Stale is set is asked to plan its tasks. It
	// must not wait for either. It may write handles into the connector's item.
	Changed(ctx context.Context, c offset.Connector) error
	// Deleted is told before a connector leaves the table. Nothing must invoke it any more, or will after a moment.
	Deleted(ctx context.Context, c offset.Connector) error
	// States tells how the triggers of connectors are, by name. One that is left out has none.
	States(ctx context.Context, connectors ...offset.Connector) (map[string]TriggerState, error)
}

// TriggerState is how what invokes a connector is.
type TriggerState struct {
	// Delivering tells whether it may still invoke the function: it is enabled, or not yet disabled. Only when it is
	// off is a sink paused or stopped.
	Delivering bool
	// Broken is why it does not invoke the function although it should; empty if it does.
	Broken string
	// Note is what it is at, or waits for, such as "being enabled"; empty if there is nothing to say.
	Note string
	// Lag is how many records of each partition it has not handed over yet, nil if that is not known.
	Lag map[kafka.TopicPartition]int64
	// Every is how often it runs a source, 0 if that is not known: a source that was not run for several times as long
	// is not running.
	Every time.Duration
}

// Clusters are the Kafka clusters that there are to do with.
type Clusters interface {
	// ID is the identity of the worker's own cluster.
	ID(ctx context.Context) (string, error)
	// Groups returns the consumer groups of the cluster that a sink reads.
	Groups(ctx context.Context, sink offset.Connector) (Groups, error)
}

// GroupReader reads what consumer groups have committed. *kafka.Admin is one.
type GroupReader interface {
	GroupOffsets(ctx context.Context, group string) (map[kafka.TopicPartition]int64, error)
	Topics(ctx context.Context) ([]kafka.Topic, error)
	Extents(ctx context.Context, topics ...string) (map[kafka.TopicPartition]kafka.Extent, error)
}

// GroupWriter changes it, in groups without members. *kafka.Admin is one.
type GroupWriter interface {
	SetGroupOffsets(ctx context.Context, group string, offsets map[kafka.TopicPartition]int64) error
	DeleteGroupOffsets(ctx context.Context, group string, partitions ...kafka.TopicPartition) error
	DeleteGroup(ctx context.Context, group string) error
}

// Groups are the consumer groups of sinks.
type Groups interface {
	GroupReader
	GroupWriter
}

// Meter knows how much connectors did, sooner than the table does, in which sinks count once a minute.
type Meter interface {
	// Counts returns what the tasks of connectors did, by name and by number of the task.
	Counts(ctx context.Context, connectors ...offset.Connector) (map[string]map[int]offset.Count, error)
}
