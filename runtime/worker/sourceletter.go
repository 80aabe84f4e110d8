package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// sourceLetters makes the dead letters of a source, which Connect does not have. They go the way of the records, with the
// same producer and in the same batches, so that offsets are committed behind them only once they are acknowledged.
//
// A record that never became bytes is written as JSON with its schema. One that is too large for its topic keeps its
// bytes; where those are too many for the dead-letter topic as well, the letter has no value, and its headers say where
// the record is in the source.
type sourceLetters struct {
	topic   string
	factor  int16
	headers bool
	json    *convert.JSON
	made    bool
}

// newSourceLetters returns nil if there is no topic for dead letters.
func newSourceLetters(c *connector.DeadLetters) *sourceLetters {
	if c.Topic == "" {
		return nil
	}
	json := &convert.JSON{}
	if err := config.Parse(map[string]string{"converter.type": "value"}, json); err != nil {
		panic(err) // the defaults are valid
	}
	return &sourceLetters{topic: c.Topic, factor: c.ReplicationFactor, headers: c.ContextHeaders, json: json}
}

// Names of the headers that only the dead letters of a source have.
const (
	headerSourcePartition = "__connect.errors.source.partition"
	headerSourceOffset    = "__connect.errors.source.offset"
)

// ofRecord is the dead letter of a record that failed before it was bytes.
func (l *sourceLetters) ofRecord(ctx context.Context, r *sourceRun, original *connect.Record, err error) (kafka.Record, error) {
	if err := l.ensure(ctx, r); err != nil {
		return kafka.Record{}, err
	}
	out := kafka.Record{
		Topic: l.topic, Partition: connect.AnyPartition, Timestamp: original.Time,
		Key: l.bytes(ctx, original.Key), Value: l.bytes(ctx, original.Value),
	}
	for _, h := range original.Headers {
		out.Headers = append(out.Headers, kafka.RecordHeader{Key: h.Key, Value: l.bytes(ctx, h.Value)})
	}
	out.Headers = l.explain(out.Headers, r, original.Topic, &original.Source, err)
	return out, nil
}

// bytes are a datum as JSON with its schema, or as text if it does not keep to its schema.
func (l *sourceLetters) bytes(ctx context.Context, d connect.Datum) []byte {
	b, err := l.json.Encode(ctx, "", d)
	if err != nil {
		b = schema.AppendText(nil, d.Value)
	}
	return b
}

// explain appends the headers that say what went wrong.
func (l *sourceLetters) explain(headers []kafka.RecordHeader, r *sourceRun, topic string, from *connect.Source, err error) []kafka.RecordHeader {
	if !l.headers {
		return headers
	}
	position, failed := from.Position.JSON()
	if failed != nil || from.Position.IsZero() {
		position = nil
	}
	headers = append(slices.Clip(headers),
		kafka.RecordHeader{Key: headerTopic, Value: []byte(topic)},
		kafka.RecordHeader{Key: headerSourcePartition, Value: []byte(from.Partition.JSON())},
		kafka.RecordHeader{Key: headerSourceOffset, Value: position},
	)
	return appendCause(headers, &r.source.Env, r.connector.Name, r.task.ID, err)
}

// ensure makes the topic before the first letter.
func (l *sourceLetters) ensure(ctx context.Context, r *sourceRun) error {
	if l.made {
		return nil
	}
	if err := r.out.producer.EnsureDeadLetterTopic(ctx, l.topic, l.factor); err != nil {
		return err
	}
	l.made = true
	return nil
}

// bury writes the dead letters of what Kafka refused of a batch and waits until Kafka has them. A letter that was refused
// itself is written once more, without its value.
func (l *sourceLetters) bury(ctx context.Context, r *sourceRun, b *batch, refused []*kafka.ProduceError) error {
	if err := l.ensure(ctx, r); err != nil {
		return err
	}
	letters := make([]kafka.Record, len(refused))
	for i, e := range refused {
		record := &b.records[e.Index]
		if b.isLetter(e.Index) {
			letters[i] = l.again(record, nil)
			continue
		}
		at := slices.IndexFunc(b.marks, func(m mark) bool { return m.record == e.Index })
		letters[i] = l.again(record, record.Value)
		letters[i].Headers = l.explain(record.Headers, r, record.Topic, &b.marks[at].source, produceError(e.Err))
	}
	first := r.out.producer.Produce(context.WithoutCancel(ctx), letters)
	if err := first.Wait(ctx); err == nil {
		r.report.Dead += len(letters) - b.letters(refused)
		return nil
	}
	var small []kafka.Record
	for _, e := range first.Errs() {
		if _, ok := errors.AsType[*kafka.RecordTooLargeError](e); !ok || e.Index < 0 || letters[e.Index].Value == nil {
			r.report.DeadFailures++
			r.out.bad = true
			return fmt.Errorf("writing to the dead-letter topic %s: %w", l.topic, e)
		}
		small = append(small, l.again(&letters[e.Index], nil))
	}
	if err := r.out.producer.Produce(context.WithoutCancel(ctx), small).Wait(ctx); err != nil {
		r.report.DeadFailures += len(small)
		r.out.bad = true
		return fmt.Errorf("writing to the dead-letter topic %s: %w", l.topic, err)
	}
	r.report.Dead += len(letters) - b.letters(refused)
	return nil
}

// again is a record for the dead-letter topic with the key and headers of another one.
func (l *sourceLetters) again(r *kafka.Record, value []byte) kafka.Record {
	return kafka.Record{
		Topic: l.topic, Partition: connect.AnyPartition, Timestamp: r.Timestamp, Key: r.Key, Value: value, Headers: r.Headers,
	}
}

// letters counts those of the refused records that are letters themselves.
func (b *batch) letters(refused []*kafka.ProduceError) int {
	n := 0
	for _, e := range refused {
		if b.isLetter(e.Index) {
			n++
		}
	}
	return n
}
