package trigger

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The limits of a mapping, as AWS has them.
const (
	DefaultBatchSize    = 100
	MaxBatchSize        = 10_000
	DefaultWindow       = 500 * time.Millisecond
	DefaultPayloadLimit = 6 << 20
)

// Position is where a group without committed offsets begins.
type Position int

// The positions.
const (
	TrimHorizon Position = iota // with the oldest record there is
	Latest                      // with what is written after the mapping was first enabled
)

// Mapping says which topic invokes what, and how.
type Mapping struct {
	// Name tells mappings apart.
	Name string
	// Topic is what is read.
	Topic string
	// Group is the consumer group whose offsets say how far. Defaults to connect-<Name>.
	Group string
	// Client are the options of the Kafka client: the brokers at least.
	Client []kgo.Opt
	// Bootstrap is told to the function as the event's bootstrapServers.
	Bootstrap string
	// Invoke runs the function and returns its answer. It only reads the payload, and no longer when it returns, except when it returns because ctx ended.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)

	// BatchSize is the most records of one event, up to 10,000. Defaults to 100.
	BatchSize int
	// Window is how long a batch waits to become full, counted from its first record. Defaults to 500 ms; a negative one does not wait.
	Window time.Duration
	// PayloadLimit is the most bytes of one event. Defaults to 6 MB.
	PayloadLimit int
	// Start is where a group without committed offsets begins. Defaults to TrimHorizon.
	Start Position
	// Pollers is how many invocations may run at a time. There are never more of them than partitions. Defaults to 1.
	Pollers int
	// ReportBatchItemFailures obeys partial answers.
	ReportBatchItemFailures bool
	// Oversized, if set, is where a record goes that no event can hold. When it returns nil, the record counts as delivered.
	Oversized func(ctx context.Context, r *kgo.Record, size int) error
	// Disabled keeps the mapping without reading.
	Disabled bool

	// Recut, if set, is asked before every delivery how many of the n records at hand to send, so that what comes again comes in other pieces. For tests.
	Recut func(n int) int
}

func (m *Mapping) withDefaults() {
	if m.Group == "" {
		m.Group = "connect-" + m.Name
	}
	if m.BatchSize == 0 {
		m.BatchSize = DefaultBatchSize
	}
	if m.Window == 0 {
		m.Window = DefaultWindow
	}
	if m.PayloadLimit == 0 {
		m.PayloadLimit = DefaultPayloadLimit
	}
	if m.Pollers == 0 {
		m.Pollers = 1
	}
}

func (m *Mapping) validate() error {
	switch {
	case m.Name == "":
		return errors.New("it has no name")
	case m.Topic == "":
		return errors.New("it names no topic")
	case m.Invoke == nil:
		return errors.New("it invokes nothing")
	case m.BatchSize < 0 || m.BatchSize > MaxBatchSize:
		return errors.New("its batch size is not between 1 and 10,000")
	case m.PayloadLimit < 0, m.Pollers < 0:
		return errors.New("a limit is negative")
	}
	return nil
}

// Options are the settings all mappings share.
type Options struct {
	// EnableDelay and DisableDelay are how long enabling and disabling take at least; while a mapping is being disabled it goes on reading, as on AWS.
	EnableDelay, DisableDelay time.Duration
	// RetryMin and RetryMax bound the pause before a failed batch comes again; it doubles in between. Default to 100 ms and 5 s.
	RetryMin, RetryMax time.Duration
	// OnDelivery, if set, is told about every invocation that ended. It is called from many goroutines.
	OnDelivery func(Delivery)
	// OnOversized, if set, is told when a record is found that no event can hold, whether or not there is a destination for it.
	OnOversized func(mapping string, r *kgo.Record, size int)
}

// Delivery tells how one invocation went.
type Delivery struct {
	Mapping string
	Records int
	Bytes   int           // of the payload
	Done    int           // records that are done with; less than Records after a failure or a partial answer
	Attempt int           // 1 for the first
	Took    time.Duration // of the invocation
	Err     error
}
