package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// put hands the records to the task until they are durable, and deals with those that never will be.
func (r *sinkRun) put(ctx context.Context, records []connect.Record) error {
	if len(records) == 0 {
		return r.flush(ctx) // what an earlier event left, if anything
	}
	err := r.write(ctx, records)
	if err == nil {
		r.report.Written += len(records)
		return nil
	}
	batch, ok := errors.AsType[*connect.BatchError](err)
	switch {
	case !ok || len(batch.Failed) == 0 && batch.Err == nil:
		return r.putError(err)
	case len(batch.Failed) > 0:
		return r.refused(ctx, records, batch)
	case len(records) == 1:
		return r.refused(ctx, records, &connect.BatchError{Failed: map[int]error{0: batch.Err}})
	case !r.task.pipe.policy.tolerate:
		return r.putError(err) // all of it comes again: to put parts of it now would only write them twice
	}
	// Halves keep the order: the later one is put when the earlier one is written.
	middle := len(records) / 2
	if err := r.put(ctx, records[:middle]); err != nil {
		return err
	}
	return r.put(ctx, records[middle:])
}

// write puts and flushes once, and repeats what the task asks to be repeated as long as there is time.
func (r *sinkRun) write(ctx context.Context, records []connect.Record) error {
	begun := time.Now()
	err := r.repeat(ctx, func() error { return r.task.plugin.Put(ctx, records) })
	r.report.Calls.add(time.Since(begun))
	r.report.BatchMax = max(r.report.BatchMax, len(records))
	if err != nil {
		return err
	}
	return r.flush(ctx)
}

func (r *sinkRun) flush(ctx context.Context) error {
	f, ok := r.task.plugin.(connect.Flusher)
	if !ok {
		return nil
	}
	if err := r.repeat(ctx, func() error { return f.Flush(ctx) }); err != nil {
		return fmt.Errorf("flushing: %w", err)
	}
	return nil
}

// repeat calls until the task does not ask for more, as Connect does with no limit but here the end of the invocation.
func (r *sinkRun) repeat(ctx context.Context, call func() error) error {
	for {
		err := call()
		retry, ok := errors.AsType[*connect.RetryError](err)
		if !ok {
			return err
		}
		r.report.Retries++
		wait := retry.After
		if wait <= 0 {
			wait = connect.RetryDelay
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait || pause(ctx, wait) != nil {
			return fmt.Errorf("still asking for a retry when the invocation had to end: %w", err)
		}
	}
}

func (r *sinkRun) putError(err error) error {
	return &connect.StageError{Stage: connect.StagePut, Class: r.sink.Connector.TaskClass, Err: err}
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
			return r.putError(err)
		}
		if f := slices.IndexFunc(r.failures, func(f failure) bool { return f.batch == b }); f >= 0 && r.failures[f].offset <= at.Offset {
			continue
		}
		r.report.failure()
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
