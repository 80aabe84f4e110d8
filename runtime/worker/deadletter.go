package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// letter is a record on its way to the dead-letter topic.
type letter struct {
	at     connect.TopicPartition
	offset int64
	record kafka.Record
}

// bury reports a failed record: to the log if that is wanted, and to the dead-letter topic if there is one and it is not
// there yet. Redelivery repeats no dead letter: what was buried is remembered in the partition's marker.
// Only a process that ends between Kafka's acknowledgement and the marker leaves one that comes twice: nobody can tell it from
// one that was never sent.
func (r *sinkRun) bury(ctx context.Context, b *kafka.Batch, m *kafka.Message, err error) error {
	r.logFailure(b, m, err)
	if r.task.dead == nil {
		return nil
	}
	at := connect.TopicPartition{Topic: b.Topic, Partition: b.Partition}
	marker, failed := r.marker(ctx, at)
	if failed != nil {
		return failed
	}
	pending := slices.ContainsFunc(r.letters, func(l letter) bool { return l.at == at && l.offset == m.Offset })
	if pending || slices.Contains(marker.Dead, m.Offset) {
		return nil
	}
	r.letters = append(r.letters, letter{at: at, offset: m.Offset, record: r.task.dead.record(r, b, m, err)})
	return nil
}

// marker reads what earlier deliveries left about a partition, once per invocation and only when something failed.
func (r *sinkRun) marker(ctx context.Context, at connect.TopicPartition) (*offset.Marker, error) {
	if m := r.markers[at]; m != nil {
		return m, nil
	}
	m, err := r.sink.Store.Marker(ctx, r.sink.Name, at.Topic, at.Partition)
	if err != nil {
		return nil, fmt.Errorf("reading the failure marker of %s-%d: %w", at.Topic, at.Partition, err)
	}
	if r.markers == nil {
		r.markers = make(map[connect.TopicPartition]*offset.Marker)
	}
	r.markers[at] = &m
	return &m, nil
}

// buryAll writes the pending dead letters and then remembers them. A dead letter that cannot be written fails the
// event: Invariant 5.
func (r *sinkRun) buryAll(ctx context.Context) error {
	if len(r.letters) == 0 {
		return nil
	}
	records := make([]kafka.Record, len(r.letters))
	for i := range r.letters {
		records[i] = r.letters[i].record
	}
	if err := r.task.dead.write(ctx, records); err != nil {
		r.report.DeadFailures += len(records)
		return fmt.Errorf("writing %d records to the dead-letter topic %s: %w", len(records), r.task.dead.topic, err)
	}
	r.report.Dead += len(records)
	for _, l := range r.letters {
		m := r.markers[l.at]
		m.Dead = append(m.Dead, l.offset)
	}
	for at, m := range r.markers {
		if err := r.remember(ctx, at, m); err != nil {
			return err
		}
	}
	r.letters = r.letters[:0]
	return nil
}

// remember writes a marker, less what the group has gone past: those offsets never come again.
func (r *sinkRun) remember(ctx context.Context, at connect.TopicPartition, m *offset.Marker) error {
	slices.Sort(m.Dead)
	m.Dead = slices.Compact(m.Dead)
	first := r.first(at)
	m.Dead = slices.DeleteFunc(m.Dead, func(o int64) bool { return o < first })
	for range 10 {
		next, err := r.sink.Store.PutMarker(ctx, r.sink.Name, *m)
		if err == nil {
			*m = next
			return nil
		}
		if !errors.Is(err, connect.ErrConflict) {
			return fmt.Errorf("remembering the failures of %s-%d: %w", at.Topic, at.Partition, err)
		}
		// Another delivery of the same records was at work too: keep what both know.
		theirs, err := r.sink.Store.Marker(ctx, r.sink.Name, at.Topic, at.Partition)
		if err != nil {
			return fmt.Errorf("reading the failure marker of %s-%d: %w", at.Topic, at.Partition, err)
		}
		m.Version = theirs.Version
		m.Dead = append(m.Dead, theirs.Dead...)
		slices.Sort(m.Dead)
		m.Dead = slices.Compact(m.Dead)
	}
	return fmt.Errorf("remembering the failures of %s-%d: %w", at.Topic, at.Partition, connect.ErrConflict)
}

// first is the lowest offset of the event in that partition.
func (r *sinkRun) first(at connect.TopicPartition) int64 {
	for i := range r.batches {
		if b := &r.batches[i]; b.Topic == at.Topic && b.Partition == at.Partition && len(b.Messages) > 0 {
			return b.Messages[0].Offset
		}
	}
	return 0
}

// note records a failure of the event: in the markers of its partitions, whose count of attempts survives the process,
// and in the task's status. When no attempt is left it stops the trigger.
func (r *sinkRun) note(ctx context.Context, err error) error {
	err = r.sink.Env.Scrub(err)
	now := time.Now()
	attempts := 0
	for _, f := range r.failedAt(err) {
		at := connect.TopicPartition{Topic: f.batch.Topic, Partition: f.batch.Partition}
		m, failed := r.marker(ctx, at)
		if failed != nil {
			return failed
		}
		if m.Attempts == 0 || m.Offset != f.offset {
			m.Offset, m.First, m.Attempts = f.offset, now, 0
			if !f.since.IsZero() {
				m.First = f.since
			}
		}
		m.Attempts++
		attempts = max(attempts, m.Attempts)
		if err := r.remember(ctx, at, m); err != nil {
			return err
		}
	}
	policy := restartIn(r.connector.Config)
	if r.task != nil {
		policy = restartOf(&r.task.settings.Own)
	}
	status := r.item.Status
	status.Attempts = max(attempts-1, 0) // what failed counts it once more
	status = failed(status, r.sink.Env.Worker, err, now, policy)
	gone := status.Next.IsZero()
	if gone && r.sink.Halt != nil {
		if err := r.sink.Halt(ctx, r.connector, err.Error()); err != nil {
			return fmt.Errorf("stopping the trigger after %d attempts: %w", status.Attempts, err)
		}
	}
	failed := r.sink.show(ctx, r.item.ID, r.connector.Generation, status)
	if errors.Is(failed, offset.ErrStale) {
		return nil // the connector was changed meanwhile: this failure is of another generation
	}
	return failed
}

// failedAt is where the event failed: at the records that did, or else at the head of each partition.
func (r *sinkRun) failedAt(err error) []failure {
	if len(r.failures) > 0 {
		return r.failures
	}
	var all []failure
	for i := range r.batches {
		if b := &r.batches[i]; len(b.Messages) > 0 {
			all = append(all, failure{batch: b, offset: b.Messages[0].Offset, err: err})
		}
	}
	return all
}

// deadWriter writes to the dead-letter topic of a connector.
type deadWriter struct {
	topic    string
	headers  bool
	producer *kafka.Producer
}

// newDeadWriter returns the writer of a connector's dead letters, nil if it has no topic for them.
func (e *Env) newDeadWriter(ctx context.Context, c *connector.SinkConfig, task int) (*deadWriter, error) {
	if c.DeadLetters.Topic == "" {
		return nil, nil
	}
	properties, err := e.producerProperties(fmt.Sprintf("connector-dlq-producer-%s-%d", c.Name, task), c.Overrides.Producer)
	if err != nil {
		return nil, err
	}
	producer, err := e.NewProducer(kafka.ProducerConfig{Properties: properties})
	if err != nil {
		return nil, fmt.Errorf("making the producer of dead letters: %w", err)
	}
	// As in Connect the topic is there before the first letter: what is wrong with it shows when the task starts.
	if err := producer.EnsureDeadLetterTopic(ctx, c.DeadLetters.Topic, c.DeadLetters.ReplicationFactor); err != nil {
		producer.Close()
		return nil, err
	}
	return &deadWriter{
		topic: c.DeadLetters.Topic, headers: c.DeadLetters.ContextHeaders, producer: producer,
	}, nil
}

// Names of the headers that say where a dead letter comes from.
const (
	headerTopic      = "__connect.errors.topic"
	headerPartition  = "__connect.errors.partition"
	headerOffset     = "__connect.errors.offset"
	headerConnector  = "__connect.errors.connector.name"
	headerTask       = "__connect.errors.task.id"
	headerStage      = "__connect.errors.stage"
	headerClass      = "__connect.errors.class.name"
	headerException  = "__connect.errors.exception.class.name"
	headerMessage    = "__connect.errors.exception.message"
	headerStackTrace = "__connect.errors.exception.stacktrace"
)

// record is the dead letter of a message: its bytes as they were, and why it is dead.
func (w *deadWriter) record(r *sinkRun, b *kafka.Batch, m *kafka.Message, err error) kafka.Record {
	out := kafka.Record{Topic: w.topic, Partition: connect.AnyPartition, Key: m.Key, Value: m.Value, Timestamp: m.Time()}
	out.Headers = make([]kafka.RecordHeader, 0, len(m.Headers)+10)
	for _, h := range m.Headers {
		out.Headers = append(out.Headers, kafka.RecordHeader{Key: h.Key, Value: h.Value})
	}
	if !w.headers {
		return out
	}
	out.Headers = append(out.Headers,
		kafka.RecordHeader{Key: headerTopic, Value: []byte(b.Topic)},
		kafka.RecordHeader{Key: headerPartition, Value: strconv.AppendInt(nil, int64(b.Partition), 10)},
		kafka.RecordHeader{Key: headerOffset, Value: strconv.AppendInt(nil, m.Offset, 10)},
	)
	out.Headers = appendCause(out.Headers, &r.sink.Env, r.sink.Name, r.item.ID, err)
	return out
}

// appendCause appends the headers that say which task failed in which stage, and why.
func appendCause(headers []kafka.RecordHeader, env *Env, name string, task int, err error) []kafka.RecordHeader {
	stage, class := stageOf(err)
	exception, message := exceptionOf(err)
	for _, h := range [][2]string{
		{headerConnector, name},
		{headerTask, strconv.Itoa(task)},
		{headerStage, string(stage)},
		{headerClass, class},
		{headerException, exception},
		{headerMessage, env.ScrubText(message)},
		{headerStackTrace, env.ScrubText(err.Error())},
	} {
		headers = append(headers, kafka.RecordHeader{Key: h[0], Value: []byte(h[1])})
	}
	return headers
}

// write produces the letters and waits until Kafka has them.
func (w *deadWriter) write(ctx context.Context, records []kafka.Record) error {
	err := w.producer.Produce(ctx, records).Wait(ctx)
	if err != nil {
		w.producer.Abort() // Invariant 8
	}
	return err
}

// stageOf returns the stage and the class at work of a failure.
func stageOf(err error) (connect.Stage, string) {
	if s, ok := errors.AsType[*connect.StageError](err); ok {
		return s.Stage, s.Class
	}
	return connect.StagePut, putClass
}

// exceptionOf returns the Java class and message of the error that made a stage fail.
func exceptionOf(err error) (class, message string) {
	cause := err
	if s, ok := errors.AsType[*connect.StageError](err); ok {
		cause = s.Err
	}
	if e, ok := errors.AsType[*schema.Error](cause); ok {
		return e.Class, e.Message
	}
	if e, ok := errors.AsType[*config.Error](cause); ok {
		return config.ExceptionClass, e.Message
	}
	if retry, ok := errors.AsType[*connect.RetryError](cause); ok {
		return "org.apache.kafka.connect.errors.RetriableException", retry.Err.Error()
	}
	if _, ok := errors.AsType[*kafka.RecordTooLargeError](cause); ok {
		return "org.apache.kafka.common.errors.RecordTooLargeException", cause.Error()
	}
	return "org.apache.kafka.connect.errors.ConnectException", cause.Error()
}
