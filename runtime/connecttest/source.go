package connecttest

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// SourceSuite is a source with what a test must know of it.
type SourceSuite struct {
	Connector connect.SourceConnector
	// Required are settings without which its configuration is refused.
	Required []string
	// Fresh prepares an empty outside system. What it opens it closes with t.Cleanup.
	Fresh func(t *testing.T) SourceOrigin
}

// SourceOrigin is an outside system of a test's own, whose records are numbered.
type SourceOrigin struct {
	// Settings make the source read all of it, a few records at a time, and at once whenever it is asked.
	Settings map[string]string
	// Add adds the records from to to, the last excluded. They come after all that are there.
	Add func(t *testing.T, from, to int)
	// Number is the number of a record that was read.
	Number func(r connect.Record) int
	// Break makes the system unreachable until repair is called. It is nil for a system that cannot be.
	Break func(t *testing.T) (repair func())
}

// Source checks that a source does what connect.SourceTask promises. Each subtest has a system of its own.
func Source(t *testing.T, s SourceSuite) {
	t.Helper()
	described(t, s.Connector, s.Required, func(t *testing.T) map[string]string { t.Helper(); return s.Fresh(t).Settings })
	for _, test := range []struct {
		name string
		run  func(r *sourceRun)
	}{
		{"ReadsInOrder", (*sourceRun).order},
		{"IsDryInBetween", (*sourceRun).dry},
		{"ResumesAfterEveryRecord", (*sourceRun).resumes},
		{"KeepsItsPlaceWithoutRecords", (*sourceRun).places},
		{"LeavesRecordsAlone", (*sourceRun).ownership},
		{"EndsWithItsContext", (*sourceRun).cancelled},
		{"GoesOnAfterAFailure", (*sourceRun).broken},
		{"PlansWithinTheLimit", (*sourceRun).plans},
		{"TakesOffsets", (*sourceRun).offsets},
		{"ClosesAnyTime", (*sourceRun).closes},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(&sourceRun{T: t, suite: s, SourceOrigin: s.Fresh(t), stored: map[connect.Partition][]byte{}})
		})
	}
}

// sourceRun is one subtest. It is the table, too: positions pass through JSON.
type sourceRun struct {
	*testing.T
	SourceOrigin
	suite  SourceSuite
	stored map[connect.Partition][]byte
}

// Offsets implements connect.OffsetReader.
func (r *sourceRun) Offsets(_ context.Context, partitions ...connect.Partition) (connect.Offsets, error) {
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

func (r *sourceRun) store(p connect.Partition, at connect.Position) {
	r.Helper()
	if at.IsZero() {
		return
	}
	text, err := at.JSON()
	if err != nil {
		r.Fatal(err)
	}
	r.stored[p] = text
}

// plan returns the settings of the tasks.
func (r *sourceRun) plan(limit int) []map[string]string {
	r.Helper()
	task, err := parse(r.suite.Connector, r.Settings)
	if err != nil {
		r.Fatal(err)
	}
	p, ok := task.(connect.Planner)
	if !ok {
		return []map[string]string{r.Settings}
	}
	plan, err := p.Plan(r.Context(), maps.Clone(r.Settings), limit)
	if err != nil {
		r.Fatal(err)
	}
	return plan
}

// open opens the only task where the table says.
func (r *sourceRun) open() connect.SourceTask {
	r.Helper()
	plan := r.plan(1)
	if len(plan) != 1 {
		r.Fatalf("there are %d tasks of 1", len(plan))
	}
	task, err := parse(r.suite.Connector, plan[0])
	if err != nil {
		r.Fatal(err)
	}
	if err := task.Open(r.Context(), connect.Assignment{Connector: "suite", Of: 1, Offsets: r, Log: silent{}}); err != nil {
		r.Fatal(err)
	}
	return task
}

func (r *sourceRun) close(task connect.SourceTask) {
	r.Helper()
	if err := task.Close(context.WithoutCancel(r.Context())); err != nil {
		r.Errorf("closing: %v", err)
	}
}

// drain polls until there is nothing more, keeps the positions, and returns the records.
func (r *sourceRun) drain(task connect.SourceTask) []connect.Record {
	r.Helper()
	var all []connect.Record
	for dry := 0; dry < 2; {
		records, err := task.Poll(r.Context())
		if err != nil {
			r.Fatalf("polling: %v", err)
		}
		if dry++; len(records) > 0 {
			dry = 0
		}
		all = append(all, records...)
		r.keep(task, records)
	}
	return all
}

// keep stores what the runtime would.
func (r *sourceRun) keep(task connect.SourceTask, records []connect.Record) {
	r.Helper()
	for _, record := range records {
		r.store(record.Source.Partition, record.Source.Position)
	}
	if p, ok := task.(connect.Positioner); ok {
		for partition, at := range p.Position() {
			r.store(partition, at)
		}
	}
}

// read opens, drains and closes.
func (r *sourceRun) read() []int {
	r.Helper()
	task := r.open()
	defer r.close(task)
	return r.numbers(r.drain(task))
}

func (r *sourceRun) numbers(records []connect.Record) []int {
	out := []int{}
	for _, record := range records {
		out = append(out, r.Number(record))
	}
	return out
}

func (r *sourceRun) want(got []int, numbers ...int) {
	r.Helper()
	if diff := cmp.Diff(append([]int{}, numbers...), got); diff != "" {
		r.Errorf("records (-want +got):\n%s", diff)
	}
}

func (r *sourceRun) order() {
	r.Add(r.T, 0, 41)
	task := r.open()
	defer r.close(task)
	records := r.drain(task)
	r.want(r.numbers(records), count(0, 41)...)
	for _, record := range records {
		if record.Topic == "" || record.Source.Partition.IsZero() && !record.Source.Position.IsZero() {
			r.Errorf("a record for the topic %q from %v", record.Topic, record.Source)
		}
		if err := schema.Validate(record.Value.Schema, record.Value.Value); record.Value.Schema != nil && err != nil {
			r.Errorf("a value that does not fit its schema: %v", err)
		}
	}
}

func (r *sourceRun) dry() {
	task := r.open()
	r.want(r.numbers(r.drain(task)))
	r.Add(r.T, 0, 5)
	r.want(r.numbers(r.drain(task)), count(0, 5)...)
	r.Add(r.T, 5, 7)
	r.want(r.numbers(r.drain(task)), 5, 6)
	r.close(task)
	r.want(r.read())
	r.Add(r.T, 7, 9)
	r.want(r.read(), 7, 8)
}

// resumes opens from the position of every record: what comes then are all the later ones.
func (r *sourceRun) resumes() {
	r.Add(r.T, 0, 12)
	task := r.open()
	records := r.drain(task)
	r.close(task)
	positions := 0
	for i := range records {
		at := records[i].Source
		if at.Position.IsZero() {
			continue
		}
		positions++
		clear(r.stored)
		r.store(at.Partition, at.Position)
		r.want(r.read(), count(i+1, 12)...)
	}
	if positions == 0 {
		r.Error("no record has a position")
	}
}

// places opens without anything to read, which must not lose the place.
func (r *sourceRun) places() {
	for n := range 4 {
		r.want(r.read())
		r.Add(r.T, n, n+1)
		r.want(r.read(), n)
	}
}

// ownership looks at records again after later polls.
func (r *sourceRun) ownership() {
	r.Add(r.T, 0, 30)
	task := r.open()
	defer r.close(task)
	first, err := task.Poll(r.Context())
	if err != nil || len(first) == 0 {
		r.Fatalf("%d records, %v", len(first), err)
	}
	mine := slices.Clone(first)
	var before []string
	for _, record := range mine {
		before = append(before, schema.Text(record.Value.Value))
	}
	r.drain(task)
	for i, record := range mine {
		if after := schema.Text(record.Value.Value); after != before[i] {
			r.Errorf("a record became another one: %s, and was %s", after, before[i])
		}
	}
}

func (r *sourceRun) cancelled() {
	r.Add(r.T, 0, 30)
	task := r.open()
	first, err := task.Poll(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	r.keep(task, first)
	got := r.numbers(first)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	more, _ := task.Poll(ctx) // must end; what it returns is delivered
	r.keep(task, more)
	got = append(got, r.numbers(more)...)
	r.close(task)
	r.want(append(got, r.read()...), count(0, 30)...)
}

func (r *sourceRun) broken() {
	if r.Break == nil {
		r.Skip("the system is always there")
	}
	r.Add(r.T, 0, 30)
	task := r.open()
	first, err := task.Poll(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	r.keep(task, first)
	got := r.numbers(first)
	repair := r.Break(r.T)
	for range 50 {
		records, err := task.Poll(r.Context())
		r.keep(task, records)
		got = append(got, r.numbers(records)...)
		if err != nil || len(records) == 0 {
			break
		}
	}
	r.close(task)
	repair()
	got = append(got, r.read()...)
	for n := range 30 {
		if !slices.Contains(got, n) {
			r.Errorf("record %d is missing", n)
		}
	}
}

func (r *sourceRun) plans() {
	r.Add(r.T, 0, 1)
	for limit := 1; limit < 4; limit++ {
		plan := r.plan(limit)
		if len(plan) == 0 || len(plan) > limit {
			r.Errorf("%d tasks of at most %d", len(plan), limit)
		}
		for _, settings := range plan {
			if _, err := parse(r.suite.Connector, settings); err != nil {
				r.Errorf("a task's settings: %v", err)
			}
		}
	}
}

func (r *sourceRun) offsets() {
	r.Add(r.T, 0, 3)
	task := r.open()
	records := r.drain(task)
	r.close(task)
	fresh, err := parse(r.suite.Connector, r.Settings)
	if err != nil {
		r.Fatal(err)
	}
	a, ok := fresh.(connect.OffsetAlterer)
	if !ok {
		r.Skip("it takes any offsets")
	}
	if len(records) == 0 {
		r.Fatal("no record was read")
	}
	last := records[len(records)-1].Source
	for _, at := range []connect.Position{last.Position, {}} {
		if _, err := a.AlterOffsets(r.Context(), connect.Offsets{last.Partition: at}); err != nil {
			r.Errorf("the source's own offset %v: %v", at.Fields(), err)
		}
	}
}

func (r *sourceRun) closes() {
	fresh, err := parse(r.suite.Connector, r.Settings)
	if err != nil {
		r.Fatal(err)
	}
	r.close(fresh) // never opened
	r.Add(r.T, 0, 30)
	r.close(r.open()) // never polled
	task := r.open()
	if _, err := task.Poll(r.Context()); err != nil { // in the midst of it
		r.Error(err)
	}
	r.close(task)
}
