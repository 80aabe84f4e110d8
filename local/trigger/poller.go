package trigger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// poller reads some partitions and invokes the function, one invocation at a time.
type poller struct {
	*reading
	client *kgo.Client
	abort  context.CancelFunc // ends what the client waits for

	mu         sync.Mutex
	ended      *sync.Cond // an invocation has
	partitions map[int32]*partition
	order      []*partition
	turn       int
	records    int // pending, of partitions that are not blocked or not known to be
	bytes      int // about what they take in events
	busy       bool
	behind     map[int32]kgo.EpochOffset // done with and not committed yet

	// Only the poller's own goroutine uses the rest; of the batch, while it is built, under the lock.
	parcel
	ahead   parcel // what comes behind the batch, if it is known already; empty if not
	message kafka.Message
	headers []kafka.Header
	attempt int
}

// parcel is an event and what it was made of.
type parcel struct {
	batch   []cut
	encoder *kafka.Encoder
}

// startPoller joins the group. The error is a client option that makes no sense.
func (r *reading) startPoller() error {
	p := &poller{reading: r, partitions: map[int32]*partition{}, behind: map[int32]kgo.EpochOffset{}}
	p.ended = sync.NewCond(&p.mu)
	p.encoder, p.ahead.encoder = p.newEncoder(), p.newEncoder()
	ctx, abort := context.WithCancel(context.Background())
	client, err := kgo.NewClient(append(p.options(), kgo.WithContext(ctx))...)
	if err != nil {
		abort()
		return fmt.Errorf("preparing the Kafka client: %w", err)
	}
	p.client, p.abort = client, abort
	r.mu.Lock()
	r.pollers = append(r.pollers, p)
	r.mu.Unlock()
	r.running.Go(p.run)
	return nil
}

func (r *reading) newEncoder() *kafka.Encoder {
	return &kafka.Encoder{Source: "SelfManagedKafka", Bootstrap: r.Mapping.Bootstrap, Limit: r.Mapping.PayloadLimit}
}

func (p *poller) run() {
	defer p.leave()
	for p.soft.Err() == nil {
		if p.collect() {
			p.deliver()
		}
	}
}

// collect reads until a batch is due, and tells whether one is.
func (p *poller) collect() bool {
	var due time.Time
	for p.soft.Err() == nil {
		p.retryCommit()
		p.handOversized()
		p.mu.Lock()
		records, bytes, wake := p.ready()
		p.mu.Unlock()
		now := time.Now()
		if records > 0 && due.IsZero() {
			due = now.Add(p.Mapping.Window)
		}
		if p.full(records, bytes) || records > 0 && !now.Before(due) {
			if !p.full(records/2, bytes/2) {
				p.take(p.client.PollFetches(nil)) //nolint:staticcheck // nil is the client's word for what is there already
			}
			return true
		}
		if records > 0 && (wake.IsZero() || due.Before(wake)) {
			wake = due
		}
		p.poll(wake)
	}
	return false
}

// full tells whether so much is enough for an event that does not wait for more.
func (p *poller) full(records, bytes int) bool {
	return records >= p.Mapping.BatchSize || bytes >= p.Mapping.PayloadLimit
}

// ready tells what could be sent, and when to look again even if nothing comes; zero for never. The caller holds the lock.
func (p *poller) ready() (records, bytes int, wake time.Time) {
	records, bytes = p.records, p.bytes
	for _, part := range p.order {
		if part.blocked == nil {
			continue
		}
		records -= len(part.pending)
		for _, r := range part.pending {
			bytes -= size(r)
		}
		if next := part.blocked.next; !next.IsZero() && (wake.IsZero() || next.Before(wake)) {
			wake = next
		}
	}
	if len(p.behind) > 0 {
		wake = time.Now().Add(commitRetry)
	}
	return records, bytes, wake
}

// poll takes in what was fetched, and waits for it until wake, if that is set.
func (p *poller) poll(wake time.Time) {
	ctx := p.soft
	if !wake.IsZero() {
		limited, cancel := context.WithDeadline(ctx, wake)
		defer cancel()
		ctx = limited
	}
	if p.take(p.client.PollFetches(ctx)) {
		p.sleep(p.trigger.opts.RetryMin) // an error may come back at once, again and again
	}
}

// take takes in what was fetched, and tells whether something went wrong.
func (p *poller) take(fetches kgo.Fetches) (failed bool) {
	p.mu.Lock()
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if len(f.Records) > 0 {
			p.add(f.Partition, f.Records, f.HighWatermark)
		}
		if f.Err != nil && !errors.Is(f.Err, context.Canceled) && !errors.Is(f.Err, context.DeadlineExceeded) && !errors.Is(f.Err, kgo.ErrClientClosed) {
			p.setProblem("reading", fmt.Sprintf("reading topic %s: %v", p.Mapping.Topic, f.Err))
			failed = true
		}
	})
	if !failed && fetches.NumRecords() > 0 {
		p.setProblem("reading", "")
	}
	p.mu.Unlock()
	p.client.AllowRebalance()
	return failed
}

// sleep waits, unless reading is to stop.
func (p *poller) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.soft.Done():
	}
}

// deliver sends a batch until it is done with, or is not ours any more, or reading is to stop.
func (p *poller) deliver() {
	wait := p.trigger.opts.RetryMin
	for p.attempt = 1; p.soft.Err() == nil; p.attempt++ {
		p.mu.Lock()
		if p.attempt == 1 || p.Mapping.Recut != nil || !p.intact() {
			p.build(p.attempt == 1)
		}
		if len(p.batch) == 0 { // all of it was taken away, or is too large
			p.mu.Unlock()
			return
		}
		p.busy = true
		p.mu.Unlock()

		progress, err := p.invoke()

		p.mu.Lock()
		p.busy = false
		if errors.Is(err, errUndone) {
			p.batch = p.batch[:0]             // its cuts say what was done, no longer what was sent
			p.ahead.batch = p.ahead.batch[:0] // which was to come behind all of it
		}
		p.ended.Broadcast()
		p.mu.Unlock()
		if err == nil {
			p.setProblem("function", "")
			return
		}
		if p.hard.Err() != nil {
			return
		}
		p.setProblem("function", err.Error())
		if progress {
			p.sleep(p.trigger.opts.RetryMin)
			return // what is left is the head of its partition, and may go with what came since
		}
		p.sleep(wait)
		wait = min(2*wait, p.trigger.opts.RetryMax)
	}
}

// errUndone is the error of an invocation that answered with failures.
var errUndone = errors.New("the function reported records that it could not handle")

// invoke sends the batch once and commits what was done. It tells whether anything was.
func (p *poller) invoke() (bool, error) {
	p.began()
	payload := p.encoder.Bytes()
	records := p.count()
	var answer []byte
	var err error
	var took time.Duration
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		start := time.Now()
		answer, err = p.Mapping.Invoke(p.hard, payload)
		took = time.Since(start)
	}()
	p.prepare()
	<-answered
	if p.hard.Err() != nil {
		p.encoder = p.newEncoder() // the invocation may still be reading the buffer
	}
	done := 0
	if err == nil {
		err = p.settle(answer)
		if err == nil || errors.Is(err, errUndone) {
			done = p.advance()
		}
	}
	p.finished(Delivery{Mapping: p.name, Records: records, Bytes: len(payload), Done: done, Attempt: p.attempt, Took: took, Err: err})
	if done > 0 {
		p.commit()
	}
	return done > 0, err
}

// settle finds out from the answer how much of the batch was done: afterwards the cuts say so. Any other error than errUndone means none of it.
func (p *poller) settle(answer []byte) error {
	if !p.Mapping.ReportBatchItemFailures {
		return nil
	}
	response, err := kafka.ParseResponse(answer)
	if err != nil {
		return err
	}
	if response.OK() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.obey(response) {
		return errors.New("the function reported failures of records it was not sent")
	}
	return errUndone
}
