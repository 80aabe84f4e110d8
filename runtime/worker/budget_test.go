package worker_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// flood is a source that has the same n records at every opening, made without allocating.
type flood struct {
	records []connect.Record
	n, at   int
}

func (f *flood) Define(*config.Def) {}

func (f *flood) Open(context.Context, connect.Assignment) error { f.at = 0; return nil }

func (f *flood) Poll(context.Context) ([]connect.Record, error) {
	from := f.at
	f.at = min(f.at+2000, f.n)
	return f.records[from:f.at], nil
}

func (f *flood) Close(context.Context) error { return nil }

// The budgets are for what the runtime adds, with string converters; what one allocates, all records pay.
func TestSource_AllocatesLittle(t *testing.T) {
	b := setup(t)
	b.env.Plugins.Converters = convert.Converters()
	const n = 20_000
	partition, err := connect.NewPartition(map[string]any{"p": "x"})
	if err != nil {
		t.Fatal(err)
	}
	task := &flood{n: n}
	value := any(strings.Repeat("x", 100))
	for i := range n {
		task.records = append(task.records, connect.Record{
			Topic: "flood", Partition: connect.AnyPartition, Value: connect.Datum{Value: value},
			Source: connect.Source{Partition: partition, Position: connect.At("n", int64(i))},
		})
	}
	b.put(t, "c", nil)
	s := &worker.Source{Env: b.env, Store: b.store, Connector: connect.SourceConnector{
		Class: "test.Flood", TaskClass: "test.FloodTask", New: func() connect.SourceTask { return task },
	}}
	run(t, s, "c")
	per := testing.AllocsPerRun(3, func() {
		if r := run(t, s, "c"); r.Written != n {
			t.Fatalf("%+v", r)
		}
	}) / n
	t.Logf("%.2f allocations per record, the client's and the broker's own included", per)
	if per > 3 {
		t.Errorf("%.2f allocations per record, and 3 are the budget", per)
	}
}

// drain is a sink that only counts.
type drain struct{ n int }

func (d *drain) Define(*config.Def) {}

func (d *drain) Open(context.Context, connect.SinkAssignment) error { return nil }

func (d *drain) Put(_ context.Context, records []connect.Record) error {
	d.n += len(records)
	return nil
}

func (d *drain) Close(context.Context) error { return nil }

func TestSink_AllocatesLittle(t *testing.T) {
	b := setup(t)
	b.env.Plugins.Converters = convert.Converters()
	b.put(t, "s", map[string]string{"topics": "in"})
	task := &drain{}
	s := &worker.Sink{Name: "s", Env: b.env, Store: b.store, Connector: connect.SinkConnector{
		Class: "test.Drain", TaskClass: "test.DrainTask", New: func() connect.SinkTask { return task },
	}}
	const n = 5000
	values := make([]string, n)
	for i := range values {
		values[i] = strings.Repeat("x", 100)
	}
	payload := event(t, "in", 0, 0, values...)
	per := testing.AllocsPerRun(5, func() {
		if _, _, err := s.Run(context.Background(), payload); err != nil {
			t.Fatal(err)
		}
	}) / n
	if per > 1.05 {
		t.Errorf("%.2f allocations per record, and 1 is the budget", per)
	}
}

// What a tick asks of DynamoDB is what a connector at rest costs.
func TestSource_AsksTheTableSeldom(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	store := onDynamoDB(t)
	b.store = store
	f.add("a", "x")
	b.put(t, "c", nil)
	s := b.source(f)
	run(t, s, "c")
	ticks := func(did string, most int64) {
		t.Helper()
		before := store.Calls()
		if r := run(t, s, "c"); r.Did != did {
			t.Errorf("it %q and not %q", r.Did, did)
		}
		if n := store.Calls() - before; n > most {
			t.Errorf("a tick that %q asks %d times, and %d are the budget", did, n, most)
		}
	}
	ticks("ran", 4) // dry
	c, tasks, err := store.Look(t.Context(), "c", 1)
	if err != nil {
		t.Fatal(err)
	}
	claim := offset.Claim{Connector: "c", Generation: c.Generation, Nonce: "other", TTL: time.Hour}
	if _, err := store.Acquire(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	ticks("held elsewhere", 2)
	lease := offset.Lease{Connector: "c", Nonce: "other", Epoch: tasks[0].Epoch + 1, Generation: c.Generation, TTL: time.Hour}
	if err := store.Release(t.Context(), lease, offset.Outcome{NotBefore: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	ticks("not due", 1)
	c.Target = offset.Paused
	if _, err := store.Put(t.Context(), c, offset.Stop); err != nil {
		t.Fatal(err)
	}
	ticks("paused", 1)
}

// onDynamoDB is an empty table, on the embedded DynamoDB.
func onDynamoDB(t *testing.T) *dynamo.Store {
	t.Helper()
	db, err := table.Open("")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(db)
	t.Cleanup(func() { server.Close(); db.Close() })
	store, err := dynamo.Open(t.Context(), dynamo.Options{
		Table: "sluice", Region: "us-east-1", Endpoint: server.URL, AccessKey: "x", SecretKey: "x", Attempt: time.Minute, Patience: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}
