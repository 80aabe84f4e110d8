// Package schedule is the desk's scheduler: it invokes functions at a rate, as EventBridge Scheduler does, with ticks of a second allowed.
//
// A tick is delivered at least once: a function must stand getting it twice, and [Options.Twice] makes it so in tests. Ticks never pile up: while one waits
// for a function that is busy, the next ones are dropped, and it is dropped itself when it grows too old. A tick whose function failed is not tried again;
// the next one comes by itself.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// MinEvery is the shortest rate.
const MinEvery = time.Second

// Schedule says what is invoked how often.
type Schedule struct {
	// Name tells schedules apart.
	Name string
	// Every is the time between ticks: whole periods counted from Put, however long a tick takes.
	Every time.Duration
	// Function is what is invoked, and Payload with what. The payload must not change any more.
	Function string
	Payload  []byte
	// Disabled keeps the schedule without ticking. Now works all the same.
	Disabled bool
}

// Options are the settings of a Scheduler.
type Options struct {
	// Invoke runs a function and returns when it has ended. It is called from many goroutines.
	Invoke func(ctx context.Context, function string, payload []byte) error
	// Busy tells whether an error of Invoke means that the function never ran and may be tried again. Defaults to never.
	Busy func(error) bool
	// Age is how long a tick may wait for a busy function. Defaults to 60 seconds.
	Age time.Duration
	// Twice, if set, says which ticks are delivered a second time.
	Twice func(name string) bool
	// OnTick, if set, is told how every tick ended. It is called from many goroutines.
	OnTick func(Tick)
}

// Tick tells how one tick ended.
type Tick struct {
	Schedule  string
	Scheduled time.Time     // when it was due
	Took      time.Duration // from then to its end
	Err       error         // nil when the function succeeded; ErrDropped; or the function's error
}

// ErrDropped is the error of a tick that found its function busy for too long, or another tick waiting for it.
var ErrDropped = errors.New("the function was busy")

// errPiled is ErrDropped for a tick that would wait beside another.
var errPiled = fmt.Errorf("%w, and an earlier tick waits for it", ErrDropped)

// ErrNotFound is the error of Now for a name that was not put.
var ErrNotFound = errors.New("no such schedule")

// Entry is a schedule with what is known of it.
type Entry struct {
	Schedule
	Next time.Time // when it ticks next; zero if disabled
	Last Tick      // how its latest tick ended; zero before
}

// Scheduler ticks. Its methods may be called from several goroutines.
type Scheduler struct {
	opts   Options
	ctx    context.Context //nolint:containedctx // ends with the scheduler, not with a call
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	entries map[string]*entry
	closed  bool
}

type entry struct {
	Entry
	waiting bool        // a tick waits for the busy function
	timer   *time.Timer // fires the next tick; nil when disabled
}

// New makes a scheduler without schedules.
func New(opts Options) *Scheduler {
	if opts.Age == 0 {
		opts.Age = time.Minute
	}
	if opts.Busy == nil {
		opts.Busy = func(error) bool { return false }
	}
	s := &Scheduler{opts: opts, entries: map[string]*entry{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Put adds a schedule or replaces the one of its name. Its first tick comes after one period; a replaced schedule whose rate stays keeps its rhythm.
func (s *Scheduler) Put(schedule Schedule) error {
	if schedule.Every < MinEvery {
		return fmt.Errorf("putting schedule %s: every %s is shorter than %s", schedule.Name, schedule.Every, MinEvery)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("putting schedule %s: the scheduler is closed", schedule.Name)
	}
	e := s.entries[schedule.Name]
	if e == nil {
		e = &entry{}
		s.entries[schedule.Name] = e
	}
	before := e.Schedule
	e.Schedule = schedule
	switch {
	case schedule.Disabled:
		e.stop()
	case e.timer == nil || before.Every != schedule.Every:
		e.stop()
		e.Next = time.Now().Add(schedule.Every)
		e.timer = time.AfterFunc(schedule.Every, func() { s.tick(e) })
	}
	return nil
}

// stop ends the ticking. The caller holds the lock.
func (e *entry) stop() {
	if e.timer != nil {
		e.timer.Stop()
	}
	e.timer, e.Next = nil, time.Time{}
}

// Delete ends the ticks of a schedule; an invocation under way goes on. Unknown names are fine.
func (s *Scheduler) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[name]; e != nil {
		e.stop()
		delete(s.entries, name)
	}
}

// List returns all schedules, by name.
func (s *Scheduler) List() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Entry, 0, len(s.entries))
	for _, e := range s.entries {
		list = append(list, e.Entry)
	}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Now ticks at once, beside the schedule's own rhythm, and does not wait for the function.
func (s *Scheduler) Now(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[name]
	if e == nil {
		return fmt.Errorf("ticking %s: %w", name, ErrNotFound)
	}
	s.fire(e, time.Now())
	return nil
}

// Close ends all ticks and waits until none is under way. It cancels those that are; what a function does then is its invoker's affair.
func (s *Scheduler) Close() {
	s.mu.Lock()
	s.closed = true
	for _, e := range s.entries {
		e.stop()
	}
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
}

// tick fires what is due and sets the timer for what comes next.
func (s *Scheduler) tick(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if e.timer == nil || now.Before(e.Next) { // stopped or replaced while this was on its way
		return
	}
	due := e.Next
	// A machine that slept does not catch up.
	missed := now.Sub(due) / e.Every
	e.Next = due.Add((missed + 1) * e.Every)
	e.timer.Reset(e.Next.Sub(now))
	s.fire(e, due)
}

// fire delivers a tick, or two. The caller holds the lock.
func (s *Scheduler) fire(e *entry, due time.Time) {
	if s.closed {
		return
	}
	if e.waiting {
		s.ended(e, due, errPiled)
		return
	}
	deliveries := 1
	if s.opts.Twice != nil && s.opts.Twice(e.Name) {
		deliveries = 2
	}
	schedule := e.Schedule
	for range deliveries {
		s.work.Go(func() {
			err := s.deliver(e, schedule, due)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended(e, due, err)
		})
	}
}

// deliver invokes the function, and again while it is busy.
func (s *Scheduler) deliver(e *entry, schedule Schedule, due time.Time) error {
	wait := 100 * time.Millisecond
	for {
		err := s.opts.Invoke(s.ctx, schedule.Function, schedule.Payload)
		if err == nil || !s.opts.Busy(err) {
			return err
		}
		if time.Since(due)+wait > s.opts.Age {
			return fmt.Errorf("%w for %s: %w", ErrDropped, s.opts.Age, err)
		}
		if !s.await(e) {
			return errPiled
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
		}
		s.mu.Lock()
		e.waiting = false
		s.mu.Unlock()
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		wait = min(2*wait, time.Second)
	}
}

// await makes this tick the one that waits, unless another does.
func (s *Scheduler) await(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.waiting {
		return false
	}
	e.waiting = true
	return true
}

// ended notes how a tick ended and tells the observer. The caller holds the lock.
func (s *Scheduler) ended(e *entry, due time.Time, err error) {
	t := Tick{Schedule: e.Name, Scheduled: due, Took: time.Since(due), Err: err}
	e.Last = t
	if s.opts.OnTick != nil {
		// Not under the lock: an observer may well ask for the list.
		s.work.Go(func() { s.opts.OnTick(t) })
	}
}
