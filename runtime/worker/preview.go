package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Preview is what a source would produce next.
type Preview struct {
	Records []PreviewRecord `json:"records"`
	// Dropped records were left out by transforms, Skipped ones because failures are tolerated.
	Dropped int `json:"dropped"`
	Skipped int `json:"skipped"`
	// Failure is what the task would fail on after these records; empty if nothing is wrong.
	Failure string `json:"failure,omitempty"`
}

// PreviewRecord is a record as it would be produced. Bytes that are no text are given in base64.
type PreviewRecord struct {
	Task      int             `json:"task"`
	Topic     string          `json:"topic"`
	Partition *int32          `json:"partition"` // nil: as the producer's partitioner decides
	Timestamp *int64          `json:"timestamp"` // in milliseconds; nil: when it is produced
	Key       previewBytes    `json:"key"`
	Value     previewBytes    `json:"value"`
	Headers   []PreviewHeader `json:"headers"`
	// SourcePartition and SourceOffset are where it came from; the offset is null if it is no place to resume from.
	SourcePartition json.RawMessage `json:"source_partition"`
	SourceOffset    json.RawMessage `json:"source_offset"`
}

// PreviewHeader is a header of a PreviewRecord.
type PreviewHeader struct {
	Key   string       `json:"key"`
	Value previewBytes `json:"value"`
}

// previewBytes are null, {"text": …} or {"base64": …}.
type previewBytes []byte

// MarshalJSON implements json.Marshaler.
func (b previewBytes) MarshalJSON() ([]byte, error) {
	switch {
	case b == nil:
		return []byte("null"), nil
	case utf8.Valid(b):
		return json.Marshal(map[string]string{"text": string(b)})
	}
	return json.Marshal(map[string][]byte{"base64": b})
}

// Preview limits.
const (
	previewRecords = 100
	previewTime    = 10 * time.Second
)

// Preview polls a source's tasks, as many records as are wanted, and returns them as they would be produced. It produces
// nothing, commits nothing and takes no lease: a task that runs meanwhile is not disturbed.
func (s *Source) Preview(ctx context.Context, name string, wanted int) (Preview, error) {
	ctx, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	p := &previewer{source: s, wanted: min(max(wanted, 1), previewRecords), found: Preview{Records: []PreviewRecord{}}}
	c, _, err := s.Store.Look(ctx, name, 0)
	if err != nil {
		return p.found, fmt.Errorf("looking up connector %q: %w", name, err)
	}
	if err := p.run(ctx, c); err != nil {
		p.found.Failure = s.Env.failed(err).Error()
	}
	return p.found, nil
}

// previewer is one preview under way.
type previewer struct {
	source *Source
	wanted int
	found  Preview
}

// run goes through the tasks as they would be planned now.
func (p *previewer) run(ctx context.Context, c offset.Connector) (err error) {
	defer contain(&err)
	tasks, err := p.source.define(ctx, c)
	if err != nil {
		return err
	}
	env, settled, err := p.source.Env.Resolved(ctx, c.Config)
	if err != nil {
		return err
	}
	settings, err := connector.ParseSource(settled, env.Plugins, env.Settings)
	if err != nil {
		return connector.ConcealError(err, c.Config, settled)
	}
	c.Tasks = len(tasks)
	for id := range tasks {
		if len(p.found.Records) < p.wanted {
			if err := p.task(ctx, &env, c, newPipeline(&settings.Pipeline, &settings.Errors), offset.Task{ID: id, Settings: tasks[id]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// task polls one task until it has nothing, or there is enough.
func (p *previewer) task(ctx context.Context, env *Env, c offset.Connector, pipe *pipeline, task offset.Task) (err error) {
	plugin := p.source.Connector.New()
	settings, err := env.resolve(ctx, task.Settings)
	if err != nil {
		return err
	}
	if err := parse(settings, plugin); err != nil {
		return connector.ConcealError(err, task.Settings, settings)
	}
	defer func() {
		if failed := plugin.Close(context.WithoutCancel(ctx)); failed != nil && err == nil {
			err = fmt.Errorf("closing the task: %w", failed)
		}
	}()
	reader := &sourceRun{source: p.source, connector: c}
	err = plugin.Open(ctx, connect.Assignment{Connector: c.Name, Task: task.ID, Of: c.Tasks, Offsets: reader, Log: env.Log})
	if err != nil {
		return fmt.Errorf("opening the task: %w", err)
	}
	for len(p.found.Records) < p.wanted && ctx.Err() == nil {
		records, err := plugin.Poll(ctx)
		for i := range records {
			if len(p.found.Records) == p.wanted {
				return nil
			}
			if err := p.encode(ctx, pipe, task.ID, &records[i]); err != nil {
				return err
			}
		}
		if err != nil && ctx.Err() == nil {
			return &connect.StageError{Stage: connect.StagePoll, Class: p.source.Connector.TaskClass, Err: err}
		}
		if len(records) == 0 {
			return nil
		}
	}
	return nil
}

// encode adds a record as it would be produced.
func (p *previewer) encode(ctx context.Context, pipe *pipeline, task int, r *connect.Record) error {
	from := r.Source
	var out kafka.Record
	keep, err := pipe.encode(ctx, r, &out)
	switch {
	case err != nil && pipe.policy.tolerate:
		p.found.Skipped++
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", errTolerance, err)
	case !keep:
		p.found.Dropped++
		return nil
	}
	record := PreviewRecord{
		Task: task, Topic: out.Topic, Key: out.Key, Value: out.Value, Headers: []PreviewHeader{},
		SourcePartition: json.RawMessage("null"), SourceOffset: json.RawMessage("null"),
	}
	if out.Partition >= 0 {
		record.Partition = &out.Partition
	}
	if !out.Timestamp.IsZero() {
		ms := out.Timestamp.UnixMilli()
		record.Timestamp = &ms
	}
	for _, h := range out.Headers {
		record.Headers = append(record.Headers, PreviewHeader{h.Key, h.Value})
	}
	if text := from.Partition.JSON(); text != "" {
		record.SourcePartition = json.RawMessage(text)
	}
	if !from.Position.IsZero() {
		if record.SourceOffset, err = from.Position.JSON(); err != nil {
			return fmt.Errorf("writing the offset of a record: %w", err)
		}
	}
	p.found.Records = append(p.found.Records, record)
	return nil
}
