package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

func (b *bench) source(f *feed) *worker.Source {
	return &worker.Source{Connector: f.source(), Env: b.env, Store: b.store}
}

func run(t *testing.T, s *worker.Source, name string) worker.Report {
	t.Helper()
	report, err := s.Run(t.Context(), worker.Tick{Connector: name})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestSource_DeliversResumesAndCommits(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", numbered(0, 95)...)
	b.put(t, "c", nil)
	s := b.source(f)
	if r := run(t, s, "c"); r.Did != "ran" || r.Written != 95 || r.Err != nil {
		t.Fatalf("the first invocation: %+v", r)
	}
	f.add("a", numbered(95, 100)...)
	if r := run(t, b.source(f), "c"); r.Written != 5 {
		t.Fatalf("the second invocation, in another process: %+v", r)
	}
	if diff := cmp.Diff(numbered(0, 100), b.read(t, "feed", 100)); diff != "" {
		t.Error(diff)
	}
	task := b.task(t, "c", 0)
	if task.Status.State != offset.StateRunning || task.Owner != "" {
		t.Errorf("after the invocation the task is %+v", task)
	}
	if len(f.committed) == 0 {
		t.Error("the task was never told what is durable")
	}
}

func TestSource_DoesNothingWhenPausedHeldOrNotDue(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "x")
	b.put(t, "c", nil)
	s := b.source(f)
	run(t, s, "c")
	c, tasks, err := b.store.Look(t.Context(), "c", 1)
	if err != nil {
		t.Fatal(err)
	}
	claim := offset.Claim{Connector: "c", Generation: c.Generation, Nonce: "other", TTL: time.Minute}
	if _, err := b.store.Acquire(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	if r := run(t, s, "c"); r.Did != "held elsewhere" {
		t.Errorf("while somebody else holds the task: %q", r.Did)
	}
	lease := offset.Lease{Connector: "c", Nonce: "other", Epoch: tasks[0].Epoch + 1, Generation: c.Generation, TTL: time.Minute}
	if err := b.store.Release(t.Context(), lease, offset.Outcome{NotBefore: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if r := run(t, s, "c"); r.Did != "not due" {
		t.Errorf("an hour before the next poll: %q", r.Did)
	}
	c.Target = offset.Paused
	if _, err := b.store.Put(t.Context(), c, offset.Stop); err != nil {
		t.Fatal(err)
	}
	if r := run(t, s, "c"); r.Did != "paused" {
		t.Errorf("while paused: %q", r.Did)
	}
	if f.opened != 1 {
		t.Errorf("the task was opened %d times", f.opened)
	}
}

func TestSource_FailureKeepsWhatCameBefore(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "0", "1", "bad", "3")
	b.put(t, "c", nil)
	s := b.source(f)
	for attempt := 1; attempt <= 3; attempt++ {
		r := run(t, s, "c")
		if r.Did != "failed" || !strings.Contains(r.Err.Error(), "converting the value") {
			t.Fatalf("attempt %d: %+v", attempt, r)
		}
		task := b.task(t, "c", 0)
		if task.Status.State != offset.StateFailed || task.Status.Attempts != attempt || task.Status.Trace == "" {
			t.Fatalf("attempt %d left %+v", attempt, task.Status)
		}
	}
	if diff := cmp.Diff([]string{"0", "1"}, b.read(t, "feed", 2)); diff != "" {
		t.Error(diff)
	}
	b.put(t, "c", map[string]string{"errors.tolerance": "all"})
	if r := run(t, s, "c"); r.Did != "ran" || r.Written != 1 || r.Skipped != 1 {
		t.Fatalf("tolerated: %+v", r)
	}
	// Had an attempt repeated what came before the failure, it would stand here again.
	if diff := cmp.Diff([]string{"0", "1", "3"}, b.read(t, "feed", 3)); diff != "" {
		t.Error(diff)
	}
	if task := b.task(t, "c", 0); task.Status.State != offset.StateRunning || task.Status.Attempts != 0 {
		t.Errorf("after success: %+v", task.Status)
	}
}

// What comes behind a record that Kafka's client refuses does not overtake it.
func TestSource_ARecordTooLargeHoldsBackWhatFollows(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "0", strings.Repeat("x", 2<<20), "2")
	b.put(t, "c", nil)
	s := b.source(f)
	for attempt := 1; attempt <= 3; attempt++ {
		if r := run(t, s, "c"); r.Did != "failed" || !strings.Contains(r.Err.Error(), "is larger than 1048576, which is the value of the max.request.size") {
			t.Fatalf("attempt %d: %+v", attempt, r)
		}
	}
	if diff := cmp.Diff([]string{"0"}, b.read(t, "feed", 1)); diff != "" {
		t.Error(diff)
	}
	b.put(t, "c", map[string]string{"errors.tolerance": "all"})
	if r := run(t, s, "c"); r.Did != "ran" || r.Written != 1 || r.Skipped != 1 {
		t.Fatalf("tolerated: %+v", r)
	}
	if diff := cmp.Diff([]string{"0", "2"}, b.read(t, "feed", 2)); diff != "" {
		t.Error(diff)
	}
}

func TestSource_PanicFailsTheTask(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{poll: func(context.Context) error { panic("boom") }}
	b.put(t, "c", nil)
	if r := run(t, b.source(f), "c"); r.Did != "failed" || !strings.Contains(r.Err.Error(), "boom") {
		t.Errorf("%+v", r)
	}
	if s := b.task(t, "c", 0).Status; s.State != offset.StateFailed || !strings.Contains(s.Trace, "boom") {
		t.Errorf("%+v", s)
	}
}

func TestSource_RetriesPollWithoutFailing(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "x")
	n := 0
	f.poll = func(context.Context) error {
		if n++; n < 4 {
			return connect.Retry(errors.New("not yet"), time.Millisecond)
		}
		return nil
	}
	b.put(t, "c", nil)
	if r := run(t, b.source(f), "c"); r.Did != "ran" || r.Retries != 3 || r.Written != 1 {
		t.Errorf("%+v", r)
	}
}

func TestSource_StopsBeforeDeadlineAndCommits(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "x")
	f.poll = func(ctx context.Context) error {
		f.mu.Lock()
		empty := f.opened > 0 && len(f.lines["a"]) == 0
		f.mu.Unlock()
		if empty {
			<-ctx.Done()
		}
		return nil
	}
	b.put(t, "c", map[string]string{"sluice.source.idle.ms": "600000"})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	r, err := b.source(f).Run(ctx, worker.Tick{Connector: "c"})
	if err != nil || r.Did != "ran" || r.Written != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if ctx.Err() != nil {
		t.Error("the invocation outlived its deadline")
	}
}

func TestSource_RevokedFinishesItsBatch(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", numbered(0, 5)...)
	polled := make(chan struct{}, 100)
	n := 0
	f.poll = func(ctx context.Context) error {
		if n++; n > 1 {
			polled <- struct{}{}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return nil
	}
	b.put(t, "c", nil)
	s := b.source(f)
	reports := make(chan worker.Report, 1)
	go func() {
		r, _ := s.Run(t.Context(), worker.Tick{Connector: "c"})
		reports <- r
	}()
	<-polled
	c, _, err := b.store.Look(t.Context(), "c", 1)
	if err != nil {
		t.Fatal(err)
	}
	c.Target = offset.Paused
	if _, err := b.store.Put(t.Context(), c, offset.Stop); err != nil {
		t.Fatal(err)
	}
	if r := <-reports; r.Did != "revoked" || r.Took > offset.Grace {
		t.Fatalf("%+v", r)
	}
	c, _, _ = b.store.Look(t.Context(), "c", 1)
	c.Target = offset.Running
	if _, err := b.store.Put(t.Context(), c, offset.Restart); err != nil {
		t.Fatal(err)
	}
	f.poll = nil
	f.add("a", "5")
	if r := run(t, s, "c"); r.Written != 1 {
		t.Fatalf("after the pause, %+v: what was delivered before it came again", r)
	}
}

// Who is invoked by a change itself finds the lease still held; so what gave way to the change has it gone on with.
func TestSource_GoesOnAfterAChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(ctx context.Context, store offset.Store, c offset.Connector) error
		want   []worker.Tick
	}{
		"configured": {func(ctx context.Context, store offset.Store, c offset.Connector) error {
			_, err := store.Put(ctx, c, offset.Restart)
			return err
		}, []worker.Tick{{Connector: "c"}}},
		"paused": {func(ctx context.Context, store offset.Store, c offset.Connector) error {
			c.Target = offset.Paused
			_, err := store.Put(ctx, c, offset.Stop)
			return err
		}, nil},
		"deleted": {func(ctx context.Context, store offset.Store, c offset.Connector) error { return store.Delete(ctx, c) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, f := setup(t), &feed{}
			f.add("a", "x")
			f.poll = func(ctx context.Context) error {
				current, _, err := b.store.Look(t.Context(), "c", 0)
				if err == nil {
					err = c.change(t.Context(), b.store, current)
				}
				<-ctx.Done()
				return errors.Join(err, context.Cause(ctx))
			}
			b.put(t, "c", nil)
			s := b.source(f)
			var handed []worker.Tick
			s.Hand = func(_ context.Context, tick worker.Tick) error {
				if _, tasks, err := b.store.Look(t.Context(), "c", 1); err != nil || tasks[0].HeldAt(time.Now()) {
					t.Errorf("handed on while the lease is held: %+v, %v", tasks, err)
				}
				handed = append(handed, tick)
				return nil
			}
			if r, err := s.Run(t.Context(), worker.Tick{Connector: "c"}); err != nil || r.Did != "revoked" {
				t.Errorf("%+v, %v", r, err)
			}
			if diff := cmp.Diff(c.want, handed); diff != "" {
				t.Errorf("handed on (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSource_HandsTasksOn(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	for _, part := range []string{"a", "b", "c"} {
		f.add(part, part)
	}
	b.put(t, "c", map[string]string{"parts": "a,b,c", "tasks.max": "3"})
	s := b.source(f)
	var handed []worker.Tick
	s.Hand = func(_ context.Context, tick worker.Tick) error {
		handed = append(handed, tick)
		if *tick.Task == 1 {
			return errors.New("no concurrency left")
		}
		return nil
	}
	if r := run(t, s, "c"); r.Task != 0 || r.Written != 1 {
		t.Fatalf("%+v", r)
	}
	if len(handed) != 2 {
		t.Fatalf("handed on: %+v", handed)
	}
	for _, tick := range handed {
		if r, err := b.source(f).Run(t.Context(), tick); err != nil || r.Task != *tick.Task || r.Written != 1 {
			t.Errorf("task %d: %+v, %v", *tick.Task, r, err)
		}
	}
	if got := b.read(t, "feed", 3); len(got) != 3 {
		t.Error(got)
	}
}

func TestSource_DroppedRecordsMoveOnlyTheResumePosition(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "keep", "drop", "drop")
	b.put(t, "c", map[string]string{"transforms": "d", "transforms.d.type": "dropping"})
	s := b.source(f)
	s.Env.Plugins.Transforms = []connect.Plugin[connect.Transform]{{Class: "dropping", New: func() connect.Transform { return dropping{} }}}
	if r := run(t, s, "c"); r.Written != 1 || r.Dropped != 2 {
		t.Fatalf("%+v", r)
	}
	entries, err := b.store.AllOffsets(t.Context(), "c")
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	if n, _, _ := entries[0].Offset.Int64("line"); n != 1 {
		t.Errorf("the visible offset is %d and not that of the delivered record", n)
	}
	if n, _, _ := entries[0].Start().Int64("line"); n != 3 {
		t.Errorf("the next invocation starts at %d", n)
	}
	if r := run(t, s, "c"); r.Polled != 0 {
		t.Errorf("dropped records were read again: %+v", r)
	}
}

// An invocation that is told to end while many batches are on their way commits them all.
func TestSource_ToldToEndCommitsWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", numbered(0, 5000)...)
	b.put(t, "c", map[string]string{"batch": "1", "sluice.source.batches.in.flight": "1"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	f.poll = func(context.Context) error {
		if n++; n == 300 {
			cancel() // the records of this poll are still handed over
		}
		return nil
	}
	r, err := b.source(f).Run(ctx, worker.Tick{Connector: "c"})
	if err != nil || r.Did != "ran" || r.Polled != 300 || r.Written != r.Polled {
		t.Fatalf("%+v, %v", r, err)
	}
	f.poll = nil
	if r := run(t, b.source(f), "c"); r.Written != 4700 {
		t.Errorf("the next invocation: %+v", r)
	}
}

// farTable is a table whose answers do not come before the invocation is told to end.
type farTable struct {
	offset.Store
	tell func()
	fail func(context.Context) error
}

func (f farTable) Look(ctx context.Context, _ string, _ int) (offset.Connector, []offset.Task, error) {
	f.tell()
	return offset.Connector{}, nil, f.fail(ctx)
}

// What fails because the invocation was told to end is no failure of the function, and anything else still is.
func TestSource_ToldToEndDoesNotFail(t *testing.T) {
	t.Parallel()
	broken := errors.New("the table is out of reach")
	for name, fail := range map[string]func(context.Context) error{
		"the context's error": func(ctx context.Context) error { return fmt.Errorf("reading: %w", ctx.Err()) },
		"its cause":           func(ctx context.Context) error { return fmt.Errorf("reading: %w", context.Cause(ctx)) },
		"another":             func(context.Context) error { return broken },
	} {
		b := setup(t)
		s := b.source(&feed{})
		ctx, end := context.WithCancelCause(t.Context())
		s.Store = farTable{b.store, func() { end(errors.New("terminated signal received")) }, fail}
		r, err := s.Run(ctx, worker.Tick{Connector: "c"})
		if name == "another" {
			if !errors.Is(err, broken) || r.Did != "failed" {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
		} else if err != nil || r.Did != "stopped" || r.Err != nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// A task that has lost its lease while it polls sends nothing more: neither what it had not sent, nor what the poll brings.
func TestSource_SendsNothingWithoutItsLease(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "late")
	b.put(t, "c", map[string]string{"sluice.lease.ms": "6000"})
	f.poll = func(ctx context.Context) error {
		c, _, err := b.store.Look(t.Context(), "c", 1)
		if err == nil {
			_, err = b.store.AlterOffsets(t.Context(), c, nil, true)
		}
		if err == nil {
			<-ctx.Done()
		}
		return err
	}
	if r := run(t, b.source(f), "c"); r.Did != "fenced" || r.Polled != 1 || r.Written != 0 {
		t.Errorf("%+v", r)
	}
	f.poll = nil
	f.add("a", "then")
	if r := run(t, b.source(f), "c"); r.Written != 2 {
		t.Errorf("the next one: %+v", r)
	}
	if diff := cmp.Diff([]string{"late", "then"}, b.read(t, "feed", 2)); diff != "" {
		t.Error(diff)
	}
}
