package kafka

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
)

// defaultMaxMessage is the largest batch of records that a topic takes unless somebody set it otherwise.
const defaultMaxMessage = 1 << 20

// batchLimits knows how large a batch of records each topic takes.
//
// Java sends batches of batch.size, which are small, and lets single records be as large as max.request.size. Our
// library knows one limit for both, and sends all that is waiting. So a topic that takes less than max.request.size
// would refuse what Java could send, unless its own limit is known.
type batchLimits struct {
	most int32 // max.request.size

	mu      sync.Mutex
	topics  map[string]int32
	refused map[string]bool // what is known of these topics was wrong
}

// of returns the most bytes of a batch for topic. The library asks when it first sees a partition.
func (l *batchLimits) of(topic string) int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if limit, ok := l.topics[topic]; ok {
		return limit
	}
	return l.most
}

// smaller notes that a broker refused a batch for topic with a record of size bytes in it, and says whether smaller
// batches could help.
func (l *batchLimits) smaller(topic string, size int) bool {
	// A batch and its record have a little around what the user put in.
	const around = 512
	limit := l.of(topic)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused[topic] {
		// Every record of a batch comes here, and there may be several batches: they all tell the same.
		return size+around <= int(limit)
	}
	if size+around > int(limit/2) {
		return false
	}
	l.set(topic, limit/2)
	if l.refused == nil {
		l.refused = make(map[string]bool)
	}
	l.refused[topic] = true
	return true
}

func (l *batchLimits) set(topic string, limit int32) {
	if l.topics == nil {
		l.topics = make(map[string]int32)
	}
	l.topics[topic] = limit
}

// wants says whether a look at the settings of topic is worth its while.
func (l *batchLimits) wants(topic string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.topics[topic]
	return l.refused[topic] || !known && l.most > defaultMaxMessage
}

// learn asks for the limit of topic. A user need not be allowed to see it, and not all that speaks Kafka has it; then
// things stay as they are.
func (l *batchLimits) learn(ctx context.Context, admin *kadm.Client, topic string) {
	limit := l.of(topic)
	found, err := admin.DescribeTopicConfigs(ctx, topic)
	if err == nil && len(found) == 1 && found[0].Err == nil {
		for _, c := range found[0].Configs {
			if n, err := strconv.ParseInt(c.MaybeValue(), 10, 32); c.Key == "max.message.bytes" && err == nil && n >= 512 {
				limit = min(l.most, int32(n))
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(topic, limit)
	delete(l.refused, topic)
}

// errSmallerBatches is in the chain of errors for records that may well be taken in a smaller batch.
var errSmallerBatches = errors.New("the broker refused a batch of records as too large (max.message.bytes of the topic?), the next try sends smaller ones")
