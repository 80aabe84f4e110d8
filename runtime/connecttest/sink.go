package connecttest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// SinkSuite is a sink with what a test must know of it.
type SinkSuite struct {
	Connector connect.SinkConnector
	// Required are settings without which its configuration is refused.
	Required []string
	// Fresh prepares an empty outside system. What it opens it closes with t.Cleanup.
	Fresh func(t *testing.T) SinkTarget
}

// SinkTarget is an outside system of a test's own.
type SinkTarget struct {
	// Settings make the sink write there, and try again as little as it can.
	Settings map[string]string
	// Record makes the n-th record of a topic, offset n.
	Record func(n int) connect.Record
	// Bad makes an n-th record that cannot be written. It is nil for a sink that takes everything.
	Bad func(n int) connect.Record
	// Read returns which records are there, in the order in which they were written.
	Read func(t *testing.T) []int
	// Idempotent says that a record that comes again is there once.
	Idempotent bool
	// Atomic says that of a batch that fails nothing is written.
	Atomic bool
	// State keeps what the sink wants kept. It is nil for a sink that keeps nothing.
	State connect.State
	// Break makes the system unreachable until repair is called. It is nil for a system that cannot be.
	Break func(t *testing.T) (repair func())
}

// Sink checks that a sink does what connect.SinkTask promises. Each subtest has a system of its own.
func Sink(t *testing.T, s SinkSuite) {
	t.Helper()
	described(t, s.Connector, s.Required, func(t *testing.T) map[string]string { t.Helper(); return s.Fresh(t).Settings })
	for _, test := range []struct {
		name string
		run  func(r *sinkRun)
	}{
		{"PutsInOrder", (*sinkRun).order},
		{"KeepsNothingOfTheSlice", (*sinkRun).ownership},
		{"IsDurable", (*sinkRun).durable},
		{"TakesABatchAgain", (*sinkRun).again},
		{"ReportsBadRecordsAlone", (*sinkRun).bad},
		{"FailsTheBatch", (*sinkRun).strict},
		{"EndsWithItsContext", (*sinkRun).cancelled},
		{"GoesOnAfterAFailure", (*sinkRun).broken},
		{"ClosesTwice", (*sinkRun).closes},
		{"TakesOffsets", (*sinkRun).offsets},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(&sinkRun{T: t, suite: s, SinkTarget: s.Fresh(t)})
		})
	}
}

type sinkRun struct {
	*testing.T
	SinkTarget
	suite SinkSuite
}

// noState is a connect.State that holds nothing.
type noState struct{}

func (noState) Get(context.Context, string, int32) ([]byte, int64, error) { return nil, 0, nil }
func (noState) Put(context.Context, string, int32, []byte, int64) (int64, error) {
	return 0, connect.ErrConflict
}

func (r *sinkRun) open(isolate bool) connect.SinkTask {
	r.Helper()
	task, err := parse(r.suite.Connector, r.Settings)
	if err != nil {
		r.Fatal(err)
	}
	a := connect.SinkAssignment{Connector: "suite", Isolate: isolate, State: noState{}, Log: silent{}}
	if r.State != nil {
		a.State = r.State
	}
	if err := task.Open(r.Context(), a); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := task.Close(context.WithoutCancel(r.Context())); err != nil {
			r.Errorf("closing: %v", err)
		}
	})
	return task
}

// put puts and flushes, as often as it is asked to.
func (r *sinkRun) put(ctx context.Context, task connect.SinkTask, records []connect.Record) error {
	for range 20 {
		err := task.Put(ctx, records)
		if _, again := errors.AsType[*connect.RetryError](err); again {
			continue
		}
		if f, ok := task.(connect.Flusher); ok && err == nil {
			err = f.Flush(ctx)
		}
		return err
	}
	return errors.New("it asked for a retry 20 times")
}

func (r *sinkRun) mustPut(task connect.SinkTask, records ...connect.Record) {
	r.Helper()
	if err := r.put(r.Context(), task, records); err != nil {
		r.Fatal(err)
	}
}

// records makes records from to to, the last excluded.
func (r *sinkRun) records(from, to int) []connect.Record {
	var all []connect.Record
	for n := from; n < to; n++ {
		all = append(all, r.Record(n))
	}
	return all
}

func (r *sinkRun) want(numbers ...int) {
	r.Helper()
	if diff := cmp.Diff(append([]int{}, numbers...), append([]int{}, r.Read(r.T)...)); diff != "" {
		r.Errorf("records (-want +got):\n%s", diff)
	}
}

func (r *sinkRun) order() {
	task := r.open(false)
	r.mustPut(task)
	r.mustPut(task, r.records(0, 1)...)
	r.mustPut(task, r.records(1, 40)...)
	r.mustPut(task, r.records(40, 41)...)
	r.want(count(0, 41)...)
}

func (r *sinkRun) ownership() {
	task := r.open(false)
	batch := r.records(0, 10)
	r.mustPut(task, batch...)
	for i := range batch {
		batch[i] = r.Record(10 + i)
	}
	r.mustPut(task, batch...)
	clear(batch)
	r.mustPut(task, r.records(20, 21)...)
	r.want(count(0, 21)...)
}

func (r *sinkRun) durable() {
	first := r.open(false)
	r.mustPut(first, r.records(0, 5)...)
	r.want(count(0, 5)...) // before it is closed
	if err := first.Close(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.mustPut(r.open(false), r.records(5, 10)...)
	r.want(count(0, 10)...)
}

func (r *sinkRun) again() {
	task := r.open(false)
	r.mustPut(task, r.records(0, 10)...)
	r.mustPut(task, r.records(0, 10)...)
	r.mustPut(r.open(false), r.records(5, 12)...)
	got := r.Read(r.T)
	if r.Idempotent && len(got) != 12 {
		r.Errorf("there are %d records of 12: %v", len(got), got)
	}
	for n := range 12 {
		if !slices.Contains(got, n) {
			r.Errorf("record %d is missing", n)
		}
	}
}

// mixed is a batch of 20 records of which some are bad.
func (r *sinkRun) mixed() (batch []connect.Record, bad map[int]bool, good []int) {
	bad = map[int]bool{0: true, 7: true, 8: true, 19: true}
	for n := range 20 {
		if bad[n] {
			batch = append(batch, r.Bad(n))
			continue
		}
		batch, good = append(batch, r.Record(n)), append(good, n)
	}
	return batch, bad, good
}

func (r *sinkRun) bad() {
	if r.Bad == nil {
		r.Skip("it takes everything")
	}
	task := r.open(true)
	batch, bad, good := r.mixed()
	err := r.put(r.Context(), task, batch)
	failed, ok := errors.AsType[*connect.BatchError](err)
	if !ok {
		r.Fatalf("a batch with bad records: %v", err)
	}
	for i := range batch {
		if (failed.Failed[i] != nil) != bad[i] {
			r.Errorf("record %d, which is bad: %t: %v", i, bad[i], failed.Failed[i])
		}
	}
	r.want(good...)
	r.mustPut(task, r.records(20, 22)...)
	r.want(append(good, 20, 21)...)
}

func (r *sinkRun) strict() {
	if r.Bad == nil {
		r.Skip("it takes everything")
	}
	task := r.open(false)
	batch, _, _ := r.mixed()
	err := r.put(r.Context(), task, batch)
	if _, alone := errors.AsType[*connect.BatchError](err); err == nil || alone {
		r.Errorf("a batch with bad records: %v", err)
	}
	if r.Atomic {
		r.want()
	}
}

func (r *sinkRun) cancelled() {
	task := r.open(false)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	err := task.Put(ctx, r.records(0, 5)) // may have written it; must end
	if f, ok := task.(connect.Flusher); ok && err == nil {
		_ = f.Flush(ctx)
	}
	next := r.open(false) // as the runtime does after a failure
	r.mustPut(next, r.records(0, 5)...)
	for n := range 5 {
		if !slices.Contains(r.Read(r.T), n) {
			r.Errorf("record %d is missing", n)
		}
	}
}

func (r *sinkRun) broken() {
	if r.Break == nil {
		r.Skip("the system is always there")
	}
	task := r.open(false)
	r.mustPut(task, r.records(0, 3)...)
	repair := r.Break(r.T)
	if err := r.put(r.Context(), task, r.records(3, 6)); err == nil {
		r.Error("putting to a system that is not there went well")
	}
	repair()
	r.mustPut(task, r.records(3, 6)...)
	r.want(count(0, 6)...)
}

func (r *sinkRun) closes() {
	fresh, err := parse(r.suite.Connector, r.Settings)
	if err != nil {
		r.Fatal(err)
	}
	if err := fresh.Close(r.Context()); err != nil {
		r.Errorf("closing what was never opened: %v", err)
	}
	task := r.open(false)
	r.mustPut(task, r.records(0, 1)...)
	for range 2 {
		if err := task.Close(r.Context()); err != nil {
			r.Error(err)
		}
	}
}

func (r *sinkRun) offsets() {
	task, err := parse(r.suite.Connector, r.Settings)
	if err != nil {
		r.Fatal(err)
	}
	a, ok := task.(connect.SinkOffsetAlterer)
	if !ok {
		r.Skip("it does not ask for them")
	}
	at := r.Record(0).Kafka
	part := connect.TopicPartition{Topic: at.Topic, Partition: at.Partition}
	if _, err := a.AlterSinkOffsets(r.Context(), map[connect.TopicPartition]*int64{part: nil}); err != nil {
		r.Error(err)
	}
}
