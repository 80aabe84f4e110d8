package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// sinkRun is what one task does with its share of an event.
type sinkRun struct {
	sink      *Sink
	connector offset.Connector
	item      offset.Task
	others    []offset.Task // all tasks
	batches   []kafka.Batch
	partial   bool
	report    *Report
	response  *kafka.Response
	log       *slog.Logger

	task *sinkTask
	// letters are dead letters not yet written; markers are what is known of the partitions that failed.
	letters []letter
	markers map[connect.TopicPartition]*offset.Marker
	// failures are the lowest failed offsets by batch; with partial answers the rest of the event counts as done.
	failures []failure
}

// failure is where and why a partition's batch cannot go on.
type failure struct {
	batch  *kafka.Batch
	offset int64
	err    error
}

// run works through the share. An error means the whole event must come again.
func (r *sinkRun) run(ctx context.Context) (err error) {
	r.report.Task = r.item.ID
	err = r.work(ctx)
	if err != nil {
		return r.failed(ctx, err)
	}
	if len(r.failures) == 0 {
		return r.succeeded(ctx)
	}
	for _, f := range r.failures {
		r.response.Fail(f.batch.ID, f.offset)
	}
	// What was answered as failed comes again; the failure is recorded as for a whole batch.
	if err := r.note(ctx, r.failures[0].err); err != nil {
		r.log.Warn("recording the failure failed", "error", err)
	}
	return nil
}

func (r *sinkRun) work(ctx context.Context) (err error) {
	defer contain(&err)
	if r.task, err = r.sink.task(ctx, r.connector, r.item, r.log); err != nil {
		return err
	}
	records, err := r.decode(ctx)
	defer clear(r.task.records) // or the event's bytes would stay until the next one
	if err != nil {
		return err
	}
	finishing, cancel := r.working(ctx)
	defer cancel()
	if err := r.put(finishing, records); err != nil {
		return err
	}
	if f, ok := r.task.plugin.(connect.Flusher); ok {
		if err := f.Flush(ctx); err != nil {
			return fmt.Errorf("flushing: %w", err)
		}
	}
	// Invariant 5: the event is not done before its dead letters are written.
	return r.buryAll(ctx)
}

// working is the time the task has for records: up to the deadline less what it takes to answer.
func (r *sinkRun) working(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(finishTime, time.Until(deadline)/4)))
}

// decode turns the messages into records. Records that fail and are tolerated are left out, after they were handed to
// the dead letters. A failure that is not tolerated ends its partition here if partial answers are honoured, and else
// the whole event before anything of it was put: it will come again, and what was put now would be put twice.
func (r *sinkRun) decode(ctx context.Context) ([]connect.Record, error) {
	n := 0
	for i := range r.batches {
		n += len(r.batches[i].Messages)
	}
	records := slices.Grow(r.task.records[:0], n)[:n]
	r.task.records = records
	n = 0
	for i := range r.batches {
		b := &r.batches[i]
		for j := range b.Messages {
			m := &b.Messages[j]
			r.report.Bytes += int64(len(m.Key) + len(m.Value))
			keep, err := r.task.pipe.decode(ctx, b, m, &records[n])
			switch {
			case err == nil && keep:
				n++
			case err == nil:
				r.report.Dropped++
			default:
				goOn, err := r.recordFailed(ctx, b, m, err)
				if err != nil {
					return nil, err
				}
				if !goOn {
					j = len(b.Messages) // the rest of this partition comes again
				}
			}
			if j == len(b.Messages) {
				break
			}
		}
		r.report.Polled += len(b.Messages)
	}
	return records[:n], nil
}

// recordFailed decides about a record that could not be decoded or transformed: go on without it, end its partition's
// batch before it, or fail the event.
func (r *sinkRun) recordFailed(ctx context.Context, b *kafka.Batch, m *kafka.Message, err error) (goOn bool, failed error) {
	if ctx.Err() != nil {
		return false, err // time is up, not the record's fault
	}
	where := fmt.Errorf("record %d of %s-%d: %w", m.Offset, b.Topic, b.Partition, err)
	if err := r.bury(ctx, b, m, err); err != nil {
		return false, err
	}
	if r.task.pipe.policy.tolerate {
		r.report.Skipped++
		return true, nil
	}
	if err := r.buryAll(ctx); err != nil {
		return false, err
	}
	f := failure{batch: b, offset: m.Offset, err: fmt.Errorf("%w: %w", errTolerance, where)}
	if r.partial {
		r.failures = append(r.failures, f)
		return false, nil
	}
	r.failures = []failure{f}
	return false, f.err
}

// errTolerance is Connect's word for a failure that errors.tolerance does not let pass.
var errTolerance = errors.New("tolerance exceeded in error handler")

// put hands the records to the task and repeats that as often as it asks for it and there is time.
func (r *sinkRun) put(ctx context.Context, records []connect.Record) error {
	class := r.sink.Connector.TaskClass
	for len(records) > 0 {
		err := r.task.plugin.Put(ctx, records)
		if err == nil {
			r.report.Written += len(records)
			return nil
		}
		if retry, ok := errors.AsType[*connect.RetryError](err); ok {
			r.report.Retries++
			wait := retry.After
			if wait <= 0 {
				wait = connect.RetryDelay
			}
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait || pause(ctx, wait) != nil {
				return &connect.StageError{Stage: connect.StagePut, Class: class, Err: fmt.Errorf("still asking for a retry when the invocation had to end: %w", err)}
			}
			continue
		}
		batch, ok := errors.AsType[*connect.BatchError](err)
		if !ok || len(batch.Failed) == 0 {
			return &connect.StageError{Stage: connect.StagePut, Class: class, Err: err}
		}
		return r.refused(ctx, records, batch)
	}
	return nil
}

// refused deals with records that the sink could not write while it wrote the others.
func (r *sinkRun) refused(ctx context.Context, records []connect.Record, e *connect.BatchError) error {
	r.report.Written += len(records) - len(e.Failed)
	for i := range records {
		err, bad := e.Failed[i]
		if !bad {
			continue
		}
		at := records[i].Kafka
		b, m := r.find(at)
		if b == nil {
			return &connect.StageError{Stage: connect.StagePut, Class: r.sink.Connector.TaskClass, Err: err}
		}
		if f := slices.IndexFunc(r.failures, func(f failure) bool { return f.batch == b }); f >= 0 && r.failures[f].offset <= at.Offset {
			continue
		}
		staged := &connect.StageError{Stage: connect.StagePut, Class: putClass, Err: err}
		if _, err := r.recordFailed(ctx, b, m, staged); err != nil {
			return err
		}
	}
	return nil
}

// putClass is what Connect names as the class at work when a sink reports a record.
const putClass = "org.apache.kafka.connect.sink.SinkTask"

// find returns the message a record was made of.
func (r *sinkRun) find(at connect.Kafka) (*kafka.Batch, *kafka.Message) {
	for i := range r.batches {
		b := &r.batches[i]
		if b.Topic != at.Topic || b.Partition != at.Partition {
			continue
		}
		for j := range b.Messages {
			if b.Messages[j].Offset == at.Offset {
				return b, &b.Messages[j]
			}
		}
	}
	return nil, nil
}

// succeeded shows progress in the table, at once after a failure and otherwise now and then.
func (r *sinkRun) succeeded(ctx context.Context) error {
	s := r.item.Status
	if s.State == offset.StateRunning && s.Attempts == 0 && time.Since(s.Success) < statusEvery {
		return nil
	}
	err := r.sink.Store.PutTaskStatus(ctx, r.sink.Name, r.item.ID, r.connector.Generation, succeeded(s, r.sink.Env.Worker, time.Now()))
	if err != nil && !errors.Is(err, offset.ErrStale) {
		// The records are durable; failing the event for a status would deliver them twice.
		r.log.Warn("writing the task's status failed", "error", err)
	}
	r.recovered(ctx)
	return nil
}

// recovered shows tasks as running again that failed only because they stood in for this one: on the same record.
func (r *sinkRun) recovered(ctx context.Context) {
	own := r.item.Status
	if own.State != offset.StateFailed {
		return
	}
	for _, t := range r.others {
		s := t.Status
		if t.ID == r.item.ID || s.State != offset.StateFailed || s.Trace != own.Trace {
			continue
		}
		s = offset.Status{State: offset.StateRunning, Worker: s.Worker, Since: time.Now(), Success: s.Success, Failure: s.Failure}
		err := r.sink.Store.PutTaskStatus(ctx, r.sink.Name, t.ID, r.connector.Generation, s)
		if err != nil && !errors.Is(err, offset.ErrStale) {
			r.log.Warn("writing the status of a task that stood in failed", "error", err)
		}
	}
}

// failed records why the event failed and returns it for the trigger.
func (r *sinkRun) failed(ctx context.Context, failure error) error {
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := r.note(noting, failure); err != nil {
		r.log.Warn("recording the failure failed", "error", err, "failure", failure)
	}
	// The next attempt starts with a fresh task, as a restart does.
	if t := r.sink.open[r.item.ID]; t != nil {
		delete(r.sink.open, r.item.ID)
		if err := t.close(noting); err != nil {
			r.log.Warn("closing the failed task failed", "error", err)
		}
	}
	return failure
}
