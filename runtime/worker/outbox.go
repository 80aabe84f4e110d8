package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// outbox holds the batches on their way to Kafka, oldest first.
type outbox struct {
	producer *kafka.Producer
	// limit is how many batches may be in flight.
	limit int
	queue []*batch
	free  []*batch
	last  string // the topic of the last record
	bad   bool   // something failed: the producer's connections must not be used again
}

// batch is what one Poll returned.
type batch struct {
	records []kafka.Record
	marks   []mark
	places  connect.Offsets
	flight  *kafka.Delivery // nil: nothing of it went to Kafka
	oldest  time.Time       // timestamp of the first record
}

// mark is one polled record: where it came from and which record of the batch it became, -1 for none. A letter is one on
// its way to the dead letters.
type mark struct {
	source connect.Source
	record int
	letter bool
}

// next returns an empty batch with room for n records.
func (o *outbox) next(n int) *batch {
	b := &batch{}
	if len(o.free) > 0 {
		b = o.free[len(o.free)-1]
		o.free = o.free[:len(o.free)-1]
	}
	b.records = slices.Grow(b.records[:0], n)
	b.marks = slices.Grow(b.marks[:0], n)
	return b
}

// place notes positions that count once every batch so far is resolved.
func (o *outbox) place(offsets connect.Offsets) {
	if len(o.queue) == 0 || o.queue[len(o.queue)-1].places != nil {
		o.queue = append(o.queue, o.next(0))
	}
	o.queue[len(o.queue)-1].places = offsets
}

// close drops what is unacknowledged, with the connections that would have sent it. A producer with nothing left to do
// keeps them for the next invocation.
func (o *outbox) close() {
	if len(o.queue) > 0 || o.bad {
		o.producer.Abort()
	}
}

// abortWhenLost drops what is unacknowledged the moment the lease is lost, also while the task is busy with its poll: its
// client would go on sending. The function it returns ends that.
func (o *outbox) abortWhenLost(held context.Context) (stop func()) {
	ended := make(chan struct{})
	watching := context.AfterFunc(held, func() {
		defer close(ended)
		if lost(held) != nil {
			o.producer.Abort()
		}
	})
	return func() {
		if !watching() {
			<-ended // or it might hit the next invocation
		}
	}
}

// deliver transforms, converts and hands over what a Poll returned, all in this one pass. What fails is tried again while
// there is time for polling.
func (r *sourceRun) deliver(ctx, polling context.Context, records []connect.Record) error {
	b := r.out.next(len(records))
	b.oldest = records[0].Time // they come in order, and a transform may change it
	failure := r.encode(polling, records, b)
	if failure != nil && ctx.Err() != nil {
		failure = context.Cause(ctx)
	}
	if err := r.send(ctx, b); err != nil {
		return err
	}
	if failure != nil {
		// What came before it is delivered and committed: the next attempt starts at the record that failed.
		return r.settleThen(ctx, failure)
	}
	for len(r.out.queue) > r.out.limit {
		if !r.out.queue[0].wait(ctx) {
			return nil // the invocation is to end: settling decides about what is on its way
		}
		if err := r.land(ctx, r.out.queue[0]); err != nil {
			return err
		}
	}
	return r.flushIfDue(ctx)
}

// encode fills the batch from the records, up to the first failure that is not tolerated.
func (r *sourceRun) encode(ctx context.Context, records []connect.Record, b *batch) (failure error) {
	defer contain(&failure)
	for i := range records {
		rec := &records[i]
		from := rec.Source // a transform may change the record, not where it came from
		var original connect.Record
		if r.keepsOriginals {
			original = *rec
		}
		b.records = append(b.records, kafka.Record{})
		out := &b.records[len(b.records)-1]
		keep, err := r.pipe.encode(ctx, rec, out)
		if err == nil && keep && !r.pipe.policy.tolerate {
			if failure := r.fits(out); failure != nil {
				b.records = b.records[:len(b.records)-1]
				return failure
			}
		}
		if err == nil && keep {
			r.note(out)
			b.marks = append(b.marks, mark{source: from, record: len(b.records) - 1})
			continue
		}
		b.records = b.records[:len(b.records)-1]
		if err == nil {
			r.report.Dropped++
			b.marks = append(b.marks, mark{source: from, record: -1})
			continue
		}
		if err := r.encodeFailed(ctx, b, from, &original, err); err != nil {
			return err
		}
	}
	return nil
}

// fits refuses a record that the producer would refuse, too, but only when those behind it are on their way: they would
// overtake it, and come again with every attempt.
func (r *sourceRun) fits(out *kafka.Record) error {
	err := r.out.producer.CheckSize(out)
	if err == nil {
		return nil
	}
	err = produceError(err)
	r.report.failure()
	r.report.Errors++
	r.logFailure(nil, err)
	return err
}

// note counts a record on its way to Kafka.
func (r *sourceRun) note(out *kafka.Record) {
	if out.Topic != r.out.last {
		r.out.last = out.Topic
		r.ledger.topic(out.Topic)
	}
	r.report.Bytes += int64(len(out.Key) + len(out.Value))
}

// encodeFailed decides about a record that could not be transformed or converted: without it, with a dead letter in its
// place, or not at all.
func (r *sourceRun) encodeFailed(ctx context.Context, b *batch, from connect.Source, original *connect.Record, err error) error {
	where := fmt.Errorf("the record from %s: %w", from.Partition.JSON(), err)
	if _, ok := errors.AsType[*unfinishedError](err); ok || unreachable(err) {
		return where
	}
	r.logFailure(original, err)
	if !r.pipe.policy.tolerate {
		r.report.Errors++
		return fmt.Errorf("%w: %w", errTolerance, where)
	}
	r.report.Skipped++
	if r.dead == nil {
		b.marks = append(b.marks, mark{source: from, record: -1})
		return nil
	}
	letter, err := r.dead.ofRecord(ctx, r, original, err)
	if err != nil {
		return err
	}
	b.records = append(b.records, letter)
	b.marks = append(b.marks, mark{source: from, record: len(b.records) - 1, letter: true})
	return nil
}

// send hands a batch to the producer.
func (r *sourceRun) send(ctx context.Context, b *batch) error {
	if len(b.records) > 0 {
		// Invariant 3: somebody else may be at it before these arrive.
		if err := lost(ctx); err != nil {
			return err
		}
		if !r.keeper.safe() {
			return errLeaseExpiring
		}
		// The records do not end with the poll: what is handed over is waited for, or dropped with the producer.
		b.flight = r.out.producer.Produce(context.WithoutCancel(ctx), b.records)
	}
	r.out.queue = append(r.out.queue, b)
	return nil
}

// collect resolves the batches that have landed, or with wait all of them, and commits when that is due.
func (r *sourceRun) collect(ctx context.Context, wait bool) error {
	for len(r.out.queue) > 0 && (wait || r.out.queue[0].landed()) {
		if b := r.out.queue[0]; !b.wait(ctx) {
			return fmt.Errorf("waiting for Kafka to acknowledge %d records: %w", len(b.records), context.Cause(ctx))
		}
		if err := r.land(ctx, r.out.queue[0]); err != nil {
			return err
		}
	}
	return r.flushIfDue(ctx)
}

// flushIfDue commits now and then. When the invocation is to end, settling does.
func (r *sourceRun) flushIfDue(ctx context.Context) error {
	due := !r.ledger.empty() && time.Since(r.flushed) >= r.settings.FlushEvery
	if due && ctx.Err() == nil {
		return r.commit(ctx)
	}
	return nil
}

func (b *batch) landed() bool {
	if b.flight == nil {
		return true
	}
	select {
	case <-b.flight.Done():
		return true
	default:
		return false
	}
}

// wait waits until the batch has landed. It is false if ctx ended first.
func (b *batch) wait(ctx context.Context) bool {
	if b.landed() {
		return true
	}
	select {
	case <-b.flight.Done():
		return true
	case <-ctx.Done():
		return b.landed()
	}
}

// land moves the progress of the oldest batch, which has landed, into the ledger. Batches land in the order they were polled, so
// nothing is committed before what was polled earlier is resolved: Invariant 1.
func (r *sourceRun) land(ctx context.Context, b *batch) error {
	var refused []*kafka.ProduceError
	if b.flight != nil {
		refused = b.flight.Errs()
	}
	failure := r.produceFailed(b, refused)
	if failure == nil && len(refused) > 0 && r.dead != nil {
		failure = r.dead.bury(ctx, r, b, refused) // Invariant 5
	}
	done := r.resolve(b, refused, failure == nil)
	r.ledger.add(&done)
	if failure != nil {
		// Later batches may hold records of the same source partition: none of them counts.
		return r.commitThen(ctx, failure)
	}
	r.report.settled(b.oldest)
	r.ledger.place(b.places)
	r.out.queue = r.out.queue[1:]
	r.out.recycle(b)
	return nil
}

// resolve tells what became of the records of a batch. Those that Kafka refused are passed over if that is tolerated, and
// else end their source partition: nothing after them counts, acknowledged or not.
func (r *sourceRun) resolve(b *batch, refused []*kafka.ProduceError, tolerated bool) (done progress) {
	if len(refused) > 0 && refused[0].Index < 0 {
		return done // nothing is known of any record
	}
	var blocked map[connect.Partition]bool
	for _, m := range b.marks {
		for len(refused) > 0 && m.record > refused[0].Index {
			refused = refused[1:]
		}
		bad := len(refused) > 0 && m.record == refused[0].Index
		switch {
		case blocked[m.source.Partition]:
		case m.record < 0:
			done.pass(&m.source)
		case m.letter && (!bad || tolerated):
			done.pass(&m.source)
			r.report.Dead++
		case !bad:
			done.deliver(&m.source)
			r.report.Written++
		case tolerated:
			done.pass(&m.source)
			r.report.Skipped++
		default:
			if blocked == nil {
				blocked = make(map[connect.Partition]bool)
			}
			blocked[m.source.Partition] = true
		}
	}
	return done
}

// producerClass is what Connect names as the class at work when Kafka refuses a record.
const producerClass = "org.apache.kafka.connect.runtime.WorkerSourceTask"

// produceFailed decides about what Kafka refused: nil if there is nothing or all of it is tolerated. What may be tolerated
// is a record's own fault; brokers out of reach are nobody's record's.
func (r *sourceRun) produceFailed(b *batch, refused []*kafka.ProduceError) error {
	if len(refused) == 0 {
		return nil
	}
	own := !slices.ContainsFunc(refused, func(e *kafka.ProduceError) bool { return e.Index < 0 || kafka.IsRetriable(e) })
	for _, e := range refused {
		r.report.failure()
		if own && !b.isLetter(e.Index) {
			r.logFailure(nil, produceError(e))
		}
	}
	if own && r.pipe.policy.tolerate {
		return nil
	}
	r.out.bad = true
	r.report.Errors++
	return produceError(refused[0])
}

func produceError(err error) error {
	return &connect.StageError{Stage: connect.StageProduce, Class: producerClass, Err: err}
}

// isLetter tells whether the record of that index is a dead letter.
func (b *batch) isLetter(record int) bool {
	return slices.ContainsFunc(b.marks, func(m mark) bool { return m.record == record && m.letter })
}

// commitThen commits what was resolved before a failure, and returns the failure.
func (r *sourceRun) commitThen(ctx context.Context, failure error) error {
	if r.ledger.empty() {
		return failure
	}
	if err := r.commit(ctx); err != nil {
		return errors.Join(failure, err)
	}
	return failure
}

// recycle keeps a resolved batch's memory for another one.
func (o *outbox) recycle(b *batch) {
	clear(b.records)
	clear(b.marks)
	b.flight, b.places, b.oldest = nil, nil, time.Time{}
	o.free = append(o.free, b)
}

// newOutbox makes the outbox of a task, over the producer that an earlier invocation left warm if its settings are the
// same.
func (s *Source) newOutbox(env *Env, c *connector.SourceConfig, generation int64, task int) (*outbox, error) {
	id := fmt.Sprintf("connector-producer-%s-%d", c.Name, task)
	properties, err := env.producerProperties(id, c.Overrides.Producer)
	if err != nil {
		return nil, err
	}
	warm, ok := s.warm[id]
	if !ok || !maps.Equal(warm.properties, properties) || warm.generation != generation {
		if ok {
			warm.producer.Close()
		}
		producer, err := env.NewProducer(kafka.ProducerConfig{
			Properties: properties, DeliveryTimeout: c.Lease * 2 / 3, Topics: topicGroups(c.Creation),
		})
		if err != nil {
			return nil, fmt.Errorf("making the producer: %w", err)
		}
		warm = warmProducer{properties: properties, generation: generation, producer: producer}
		if s.warm == nil {
			s.warm = make(map[string]warmProducer)
		}
		s.warm[id] = warm
	}
	return &outbox{producer: warm.producer, limit: c.InFlight}, nil
}

// warmProducer is a producer kept for the next invocation, with what it was made from.
type warmProducer struct {
	properties map[string]string
	generation int64
	producer   *kafka.Producer
}

// topicGroups says in the producer's words how topics are made.
func topicGroups(creation connector.TopicCreation) []kafka.TopicGroup {
	groups := make([]kafka.TopicGroup, len(creation))
	for i, g := range creation {
		belongs := func(topic string) bool {
			first, ok := creation.For(topic)
			return ok && first.Name == g.Name
		}
		groups[i] = kafka.TopicGroup{
			Name: g.Name, ReplicationFactor: g.ReplicationFactor, Partitions: int32(g.Partitions), Configs: g.Configs,
			Include: []func(string) bool{belongs},
		}
	}
	return groups
}
