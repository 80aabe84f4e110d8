package datagen_test

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/sluice-connect/sluice/functions/datagen"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// stored is a connect.OffsetReader that passes positions through JSON, as every store does.
type stored connect.Offsets

func (s stored) Offsets(_ context.Context, partitions ...connect.Partition) (connect.Offsets, error) {
	found := connect.Offsets{}
	for _, p := range partitions {
		at, ok := s[p]
		if !ok {
			continue
		}
		text, err := at.JSON()
		if err != nil {
			return nil, err
		}
		if found[p], err = connect.ParsePosition(text); err != nil {
			return nil, err
		}
	}
	return found, nil
}

type silent struct{}

func (silent) Info(string, ...any) {}
func (silent) Warn(string, ...any) {}

// parse makes a task of settings and validates them.
func parse(settings map[string]string) (connect.SourceTask, error) {
	all := map[string]string{"kafka.topic": "t", "max.interval": "0"}
	maps.Copy(all, settings)
	task := datagen.Source.New()
	if err := config.Parse(all, task); err != nil {
		return nil, err
	}
	return task, task.(connect.Validator).Validate()
}

func open(tb testing.TB, from stored, number int, settings map[string]string) connect.SourceTask {
	tb.Helper()
	task, err := parse(settings)
	if err != nil {
		tb.Fatal(err)
	}
	a := connect.Assignment{Connector: "c", Task: number, Of: number + 1, Offsets: from, Log: silent{}}
	if err := task.Open(tb.Context(), a); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := task.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return task
}

// take polls for n records.
func take(tb testing.TB, task connect.SourceTask, n int) []connect.Record {
	tb.Helper()
	var records []connect.Record
	for len(records) < n {
		batch, err := task.Poll(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		if len(batch) == 0 {
			tb.Fatalf("%d records, want %d", len(records), n)
		}
		records = append(records, batch...)
	}
	return records[:n]
}

// field returns a field of a record's value.
func field(tb testing.TB, r connect.Record, name string) any {
	tb.Helper()
	st, ok := r.Value.Value.(*schema.Struct)
	if !ok {
		tb.Fatalf("the value is a %T", r.Value.Value)
	}
	v, ok := st.Get(name)
	if !ok {
		tb.Fatalf("no field %s", name)
	}
	return v
}

// values makes n values of a type given in JSON.
func values(tb testing.TB, typ string, n int) []any {
	tb.Helper()
	text := fmt.Sprintf(`{"type":"record","name":"r","fields":[{"name":"v","type":%s}]}`, typ)
	task := open(tb, nil, 0, map[string]string{"schema.string": text, "random.seed": "1"})
	var out []any
	for _, r := range take(tb, task, n) {
		if err := schema.Validate(r.Value.Schema, r.Value.Value); err != nil {
			tb.Fatal(err)
		}
		out = append(out, field(tb, r, "v"))
	}
	return out
}
