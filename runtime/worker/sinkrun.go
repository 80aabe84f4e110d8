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
	// at is the record that is being decoded.
	at failure
}

// failure is where and why a partition's batch cannot go on.
type failure struct {
	batch  *kafka.Batch
	offset int64
	err    error
	// since is when it first failed, if that was before now.
	since time.Time
}

// run works through the share. An error means the whole event must come again.
func (r *sinkRun) run(ctx context.Context) (err error) {
	r.report.Task = r.item.ID
	in, out := r.report.Polled, r.report.Written // of other tasks' shares
	err = r.work(ctx)
	r.sink.did(r.item.ID, offset.Done{In: int64(r.report.Polled - in), Out: int64(r.report.Written - out)})
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
	working, cancel := r.working(ctx)
	defer cancel()
	r.task.pipe.report, r.task.pipe.began = r.report, r.began
	records, err := r.decode(working)
	defer clear(r.task.records) // or the event's bytes would stay until the next one
	if err != nil {
		return err
	}
	if err := r.put(working, records); err != nil {
		return err
	}
	for i := range r.batches {
		if b := &r.batches[i]; len(b.Messages) > 0 {
			r.report.settled(b.Messages[0].Time())
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
			r.at = failure{batch: b, offset: m.Offset}
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
	if late, ok := errors.AsType[*unfinishedError](err); ok {
		// The next delivery goes on counting from where this one began.
		err = fmt.Errorf("record %d of %s-%d: %w", m.Offset, b.Topic, b.Partition, err)
		r.failures = append(r.failures, failure{batch: b, offset: m.Offset, err: err, since: late.since})
		return false, err
	}
	if ctx.Err() != nil {
		return false, err // time is up, not the record's fault
	}
	where := fmt.Errorf("record %d of %s-%d: %w", m.Offset, b.Topic, b.Partition, err)
	if unreachable(err) {
		return false, where
	}
	if err := r.bury(ctx, b, m, err); err != nil {
		return false, err
	}
	if r.task.pipe.policy.tolerate {
		r.report.Skipped++
		return true, nil
	}
	r.report.Errors++
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

// began is when the record that is being decoded first failed: now, unless an earlier delivery left word of it.
func (r *sinkRun) began(ctx context.Context) (time.Time, error) {
	m, err := r.marker(ctx, connect.TopicPartition{Topic: r.at.batch.Topic, Partition: r.at.batch.Partition})
	if err != nil || m.Attempts == 0 || m.Offset != r.at.offset {
		return time.Now(), err
	}
	return m.First, nil
}

// errTolerance is Connect's word for a failure that errors.tolerance does not let pass.
var errTolerance = errors.New("Tolerance exceeded in error handler") //nolint:staticcheck // and people look for it

// succeeded shows progress in the table, at once after a failure and otherwise now and then.
func (r *sinkRun) succeeded(ctx context.Context) error {
	s := r.item.Status
	if s.State == offset.StateRunning && s.Attempts == 0 && time.Since(s.Success) < statusEvery {
		return nil
	}
	err := r.sink.show(ctx, r.item.ID, r.connector.Generation, succeeded(s, r.sink.Env.Worker, time.Now()))
	if err != nil && !errors.Is(err, offset.ErrStale) {
		// The records are durable; failing the event for a status would deliver them twice.
		r.log.Warn("writing the task's status failed", "error", err)
	}
	r.recovered(ctx)
	return nil
}

// did notes what was done for a task, until its status is next written.
func (s *Sink) did(task int, done offset.Done) {
	if s.done == nil {
		s.done = map[int]offset.Done{}
	}
	s.done[task] = s.done[task].Plus(done)
}

// show writes the status of a task, with what was done for it since it was last written.
func (s *Sink) show(ctx context.Context, task int, generation int64, status offset.Status) error {
	err := s.Store.PutTaskStatus(ctx, s.Name, task, generation, status, s.done[task])
	if err == nil {
		delete(s.done, task)
	}
	return err
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
		err := r.sink.show(ctx, t.ID, r.connector.Generation, s)
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
