package schedule_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/local/schedule"
)

var errBusy = errors.New("busy")

// recorder is a function that notes when it was invoked.
type recorder struct {
	start time.Time
	mu    sync.Mutex
	at    []time.Duration
	err   error
	takes time.Duration
}

func (r *recorder) invoke(ctx context.Context, function string, payload []byte) error {
	r.mu.Lock()
	r.at = append(r.at, time.Since(r.start))
	err := r.err
	r.mu.Unlock()
	if r.takes > 0 {
		select {
		case <-time.After(r.takes):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func newScheduler(t *testing.T, r *recorder, opts schedule.Options) *schedule.Scheduler {
	r.start = time.Now()
	opts.Invoke = r.invoke
	opts.Busy = func(err error) bool { return errors.Is(err, errBusy) }
	s := schedule.New(opts)
	t.Cleanup(s.Close)
	return s
}

func put(t *testing.T, s *schedule.Scheduler, sc schedule.Schedule) {
	t.Helper()
	if err := s.Put(sc); err != nil {
		t.Fatal(err)
	}
}

// pass lets virtual time go by and everything due in it happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func seconds(n ...float64) []time.Duration {
	var all []time.Duration
	for _, s := range n {
		all = append(all, time.Duration(s*float64(time.Second)))
	}
	return all
}

func TestScheduler_TicksAtItsRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{takes: 300 * time.Millisecond, err: errors.New("a failure is not tried again")}
		s := newScheduler(t, r, schedule.Options{})
		put(t, s, schedule.Schedule{Name: "orders", Every: time.Second, Function: "f"})
		pass(3500 * time.Millisecond)
		if diff := cmp.Diff(seconds(1, 2, 3), r.at); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
		e := s.List()[0]
		if e.Next != r.start.Add(4*time.Second) || e.Last.Err != r.err || e.Last.Took != r.takes {
			t.Errorf("the list says %+v", e)
		}
		s.Delete("orders")
		s.Delete("orders")
		pass(time.Minute)
		if len(r.at) != 3 || len(s.List()) != 0 {
			t.Errorf("%d ticks after deletion", len(r.at)-3)
		}
	})
}

func TestScheduler_PutReplaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s := newScheduler(t, r, schedule.Options{})
		put(t, s, schedule.Schedule{Name: "a", Every: 10 * time.Second})
		pass(4 * time.Second)
		put(t, s, schedule.Schedule{Name: "a", Every: 10 * time.Second, Payload: []byte("new")}) // keeps its rhythm: 10
		pass(8 * time.Second)
		put(t, s, schedule.Schedule{Name: "a", Every: 5 * time.Second}) // at 12: 17
		pass(6 * time.Second)
		put(t, s, schedule.Schedule{Name: "a", Every: 5 * time.Second, Disabled: true}) // at 18
		if !s.List()[0].Next.IsZero() {
			t.Error("a disabled schedule has a next tick")
		}
		pass(time.Hour)
		put(t, s, schedule.Schedule{Name: "a", Every: 5 * time.Second})
		pass(6 * time.Second)
		if diff := cmp.Diff(seconds(10, 17, 3600+18+5), r.at); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
		if err := s.Put(schedule.Schedule{Name: "b", Every: time.Millisecond}); err == nil {
			t.Error("a rate of a millisecond was taken")
		}
	})
}

func TestScheduler_NowTicksAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s := newScheduler(t, r, schedule.Options{})
		put(t, s, schedule.Schedule{Name: "a", Every: time.Minute, Disabled: true})
		if err := s.Now("a"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if diff := cmp.Diff(seconds(0), r.at); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
		if err := s.Now("b"); !errors.Is(err, schedule.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestScheduler_TicksOfABusyFunctionDoNotPileUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dropped, ran atomic.Int32
		r := &recorder{err: errBusy}
		s := newScheduler(t, r, schedule.Options{Age: 60 * time.Second, OnTick: func(tick schedule.Tick) {
			switch {
			case errors.Is(tick.Err, schedule.ErrDropped):
				dropped.Add(1)
			case tick.Err == nil:
				ran.Add(1)
			}
		}})
		put(t, s, schedule.Schedule{Name: "a", Every: time.Second})
		pass(59500 * time.Millisecond)
		if n := dropped.Load(); n != 58 {
			t.Errorf("%d ticks dropped while one waits, want 58", n)
		}
		pass(2 * time.Second) // the waiting one grows too old
		if n := dropped.Load(); n < 60 {
			t.Errorf("%d ticks dropped, want the oldest too", n)
		}
		r.mu.Lock()
		r.err = nil
		r.mu.Unlock()
		pass(1100 * time.Millisecond)
		if n := ran.Load(); n < 1 || n > 2 { // the one that waits, and perhaps the one due
			t.Errorf("%d ticks ran when the function became free", n)
		}
	})
}

func TestScheduler_DeliversTwiceOnRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		s := schedule.New(schedule.Options{
			Invoke: func(context.Context, string, []byte) error { n.Add(1); return nil },
			Twice:  func(name string) bool { return name == "a" },
		})
		defer s.Close()
		put(t, s, schedule.Schedule{Name: "a", Every: time.Second})
		put(t, s, schedule.Schedule{Name: "b", Every: time.Second})
		pass(1500 * time.Millisecond)
		if n.Load() != 3 {
			t.Errorf("%d deliveries, want 3", n.Load())
		}
	})
}

func TestScheduler_CloseCancelsAndWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{takes: time.Hour}
		s := newScheduler(t, r, schedule.Options{})
		put(t, s, schedule.Schedule{Name: "a", Every: time.Second})
		pass(1500 * time.Millisecond)
		start := time.Now()
		s.Close()
		if d := time.Since(start); d != 0 || len(r.at) != 1 {
			t.Errorf("closing took %s after %d ticks", d, len(r.at))
		}
		if err := s.Put(schedule.Schedule{Name: "a", Every: time.Second}); err == nil {
			t.Error("a closed scheduler took a schedule")
		}
	})
}
