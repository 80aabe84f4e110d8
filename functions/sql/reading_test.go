package sql_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// reading is a source that is read as the worker reads it: opened, polled until it is dry, closed, and the same again from
// the stored positions.
type reading struct {
	tb       testing.TB
	settings map[string]string
	task     connect.SourceTask
	stored   map[connect.Partition][]byte // positions as JSON, as every table stores them
	shown    map[connect.Partition]connect.Position
}

// reads prepares to read with settings added to the server's.
func (s *server) reads(tb testing.TB, settings map[string]string) *reading {
	tb.Helper()
	all := map[string]string{"topic.prefix": "t-", "poll.interval.ms": "0"}
	if s.name() != nil {
		all["catalog.pattern"] = s.database()
	}
	maps.Copy(all, s.settings)
	maps.Copy(all, settings)
	return &reading{tb: tb, settings: all, stored: map[connect.Partition][]byte{}, shown: map[connect.Partition]connect.Position{}}
}

// Offsets implements connect.OffsetReader.
func (r *reading) Offsets(_ context.Context, partitions ...connect.Partition) (connect.Offsets, error) {
	found := connect.Offsets{}
	for _, p := range partitions {
		if text, ok := r.stored[p]; ok {
			at, err := connect.ParsePosition(text)
			if err != nil {
				return nil, err
			}
			found[p] = at
		}
	}
	return found, nil
}

func (r *reading) store(p connect.Partition, at connect.Position) {
	r.tb.Helper()
	text, err := at.JSON()
	if err != nil {
		r.tb.Fatal(err)
	}
	r.stored[p] = text
}

// plan returns the settings of the tasks.
func (r *reading) plan(limit int) ([]map[string]string, error) {
	r.tb.Helper()
	task := sql.Source.New()
	if err := config.Parse(r.settings, task); err != nil {
		return nil, err
	}
	if err := task.(connect.Validator).Validate(); err != nil {
		return nil, err
	}
	return task.(connect.Planner).Plan(r.tb.Context(), r.settings, limit)
}

// open opens the only task.
func (r *reading) open(ctx context.Context) error {
	r.tb.Helper()
	plan, err := r.plan(1)
	if err != nil {
		return err
	}
	if len(plan) == 0 {
		r.tb.Fatal("there is no table")
	}
	r.task = sql.Source.New()
	if err := config.Parse(plan[0], r.task); err != nil {
		return err
	}
	return r.task.Open(ctx, connect.Assignment{Connector: "c", Of: 1, Offsets: r, Log: slog.New(slog.NewTextHandler(r.tb.Output(), nil))})
}

// poll polls once and stores where to go on.
func (r *reading) poll(ctx context.Context) ([]connect.Record, error) {
	r.tb.Helper()
	records, err := r.task.Poll(ctx)
	for _, record := range records {
		if !record.Source.Position.IsZero() {
			r.store(record.Source.Partition, record.Source.Position)
			r.shown[record.Source.Partition] = record.Source.Position
		}
	}
	for p, at := range r.task.(connect.Positioner).Position() {
		r.store(p, at)
	}
	return records, err
}

func (r *reading) close() {
	r.tb.Helper()
	if err := r.task.Close(context.WithoutCancel(r.tb.Context())); err != nil {
		r.tb.Error(err)
	}
	r.task = nil
}

// tick is an invocation: it hands every batch to use until the source is dry, and says when the next is due.
func (r *reading) tick(use func(records []connect.Record)) time.Time {
	r.tb.Helper()
	if err := r.open(r.tb.Context()); err != nil {
		r.tb.Fatal(err)
	}
	defer r.close()
	for {
		records, err := r.poll(r.tb.Context())
		if err != nil {
			r.tb.Fatal(err)
		}
		if len(records) == 0 {
			return r.task.(connect.Sleeper).NotBefore()
		}
		use(records)
	}
}

// all are the rows of the ticks until the source is dry, as their fields' values. A tick that ends before other tests' writers
// in the same server have ended is followed by another one.
func (r *reading) all() [][]any {
	r.tb.Helper()
	var rows [][]any
	for range 60 {
		r.tick(func(records []connect.Record) {
			for _, record := range records {
				rows = append(rows, values(record.Value.Value.(*schema.Struct)))
			}
		})
		if !r.waits() {
			return rows
		}
	}
	r.tb.Fatal("the source waits for transactions that do not end")
	return nil
}

// waits tells whether what is stored says that rows are withheld until transactions have ended.
func (r *reading) waits() bool {
	for _, at := range r.stored {
		if bytes.Contains(at, []byte(`"horizon"`)) {
			return true
		}
	}
	return false
}

func values(s *schema.Struct) []any {
	out := make([]any, len(s.Schema().Fields))
	for i := range out {
		out[i] = s.Raw(i)
	}
	return out
}
