//go:build unix

package fault_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stopSteps are where the holder of a lease is stopped.
func stopSteps() []step {
	return both("claim", "offsets", "announce", "init producer", "produce", "commit", "check", "renew")
}

// The holder of a lease is stopped (SIGSTOP) until its lease has run out and another invocation has done all the work, and
// then goes on. From then on it commits nothing: not with a commit it makes then, nor with one that was on its way when it
// was stopped and arrives now. Records that it had handed to its Kafka client before it was stopped may still arrive; they
// are the only ones, so what comes twice comes from between its last commit and the moment it was stopped.
func TestFaults_LeaseTakenFromStoppedHolder(t *testing.T) {
	t.Parallel()
	steps := stopSteps()
	p := newPlan(t, len(steps)/2, 2*len(steps))
	r := newRig(t, rigOptions{})
	var mu sync.Mutex
	count := map[string]int{}
	p.run(t, 32, func(i int, random *rand.Rand) error {
		at := steps[p.place(i)%len(steps)]
		late := random.IntN(2) == 0 && at != step{"claim", false} // which is no holder yet
		nth := 1
		if at.name == "produce" || at.name == "commit" {
			nth = between(random, 1, 2)
		}
		s, what, err := (*source)(nil), []string(nil), errNeverCame
		for again := 0; errors.Is(err, errNeverCame) && again < 5; again++ { // its heartbeat may have been slow
			s = &source{rig: r, name: fmt.Sprintf("stopped%d.%d", i, again), random: random}
			if err := s.begin(t); err != nil {
				return err
			}
			what, err = s.stopAt(at, nth, late)
		}
		if err != nil {
			return fmt.Errorf("stopped %s, late %t: %w; log:\n\t%s", at, late, err, r.log(s.name))
		}
		r.forget(s.name)
		mu.Lock()
		defer mu.Unlock()
		count["stopped "+at.String()]++
		for _, w := range what {
			count[w]++
		}
		return nil
	})
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d × %s", count[what], what)
	}
}

// stopAt has one invocation be stopped at a step and another one take over. With late, what the stopped one was asking for
// is passed on only after that; otherwise it is carried out at once. It tells what was seen.
func (s *source) stopAt(at step, nth int, late bool) (what []string, err error) {
	if at.name == "check" || at.name == "renew" {
		s.settings["sluice.source.idle.ms"] = "3500"
	}
	if err := errors.Join(s.put(s.name, 0, s.settings), s.in.grow(between(s.random, 100, 400))); err != nil {
		return nil, err
	}
	arrive := make(chan struct{})
	if !late {
		close(arrive)
	}
	stopped := make(chan int, 1)
	s.life.set(&trap{step: at, nth: nth, spring: func(pid int) {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
		stopped <- pid
		<-arrive
	}})
	first := make(chan error, 1)
	go func() { first <- s.tick(s.name) }()
	var holder int
	select {
	case holder = <-stopped:
	case err := <-first:
		if err != nil || nth == 1 {
			return nil, errors.Join(errNeverCame, err)
		}
		return s.stopAt(at, 1, late) // it had only one batch
	case <-time.After(patience):
		return nil, errors.New("it never came there")
	}
	release := sync.OnceFunc(func() {
		if late {
			close(arrive)
		}
		_ = syscall.Kill(holder, syscall.SIGCONT) // it waits for its answer: the number is its own
	})
	defer release()
	if err := s.finish(); err != nil {
		return nil, fmt.Errorf("taking over: %w", err)
	}
	before, err := s.standing()
	if err != nil {
		return nil, err
	}
	if what, err = s.judge(holder, before, before); err != nil {
		return nil, fmt.Errorf("before it woke: %w", err)
	}
	release()
	select {
	case err := <-first:
		// It slept through all its deadlines, and may say so.
		if err != nil && at.name != "claim" && !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
			return nil, fmt.Errorf("the one that was stopped: %w", err)
		}
	case <-time.After(patience):
		return nil, errors.New("the one that was stopped does not come to an end")
	}
	after, err := s.standing()
	if err != nil {
		return nil, err
	}
	if diff := cmp.Diff(before.offsets, after.offsets); diff != "" {
		return nil, fmt.Errorf("it changed offsets after it woke (-before +after):\n%s", diff)
	}
	// One that did not know yet that it was the holder asks again for the lease, and may get it: it is free.
	if diff := cmp.Diff(before.task, after.task); diff != "" && at.name != "claim" {
		return nil, fmt.Errorf("it changed the task after it woke (-before +after):\n%s", diff)
	}
	more, err := s.judge(holder, before, after)
	if err != nil {
		return nil, fmt.Errorf("after it woke: %w", err)
	}
	// And the connector goes on as if nothing had been.
	if err := s.finish(); err != nil {
		return nil, err
	}
	return append(what, more...), s.goesOn(after)
}

// standing is how things stand: the task and its offset in the table, and the lines in the topic.
type standing struct {
	task, offsets string

	topic   []int
	lines   int
	starts  int
	commits []commit
}

func (s *source) standing() (standing, error) {
	c, tasks, err := s.store.Look(s.t.Context(), s.name, 1)
	if err != nil {
		return standing{}, err
	}
	offsets, err := s.store.AllOffsets(s.t.Context(), s.name)
	if err != nil {
		return standing{}, err
	}
	records, err := s.readTopic(s.name)
	if err != nil {
		return standing{}, err
	}
	topic, err := numbers(records)
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	return standing{fmt.Sprintf("%+v\n%+v", c, tasks), fmt.Sprintf("%+v", offsets), topic, len(s.in.ends), len(s.life.starts), slices.Clone(s.life.commits)}, err
}

// judge checks what is in the topic now. What came since before is from the holder that was stopped: nobody else was at work.
func (s *source) judge(holder int, before, now standing) (what []string, err error) {
	_, starts, problems := s.life.history()
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	// What the holder committed is what came before anybody else committed.
	own, others := int64(0), false
	for _, c := range now.commits {
		switch {
		case c.pid != holder:
			others = true
		case others:
			return nil, fmt.Errorf("process %d was stopped, lost its lease and then committed %d", holder, c.position)
		default:
			own = c.position
		}
	}
	from, err := s.in.lineAt(own)
	if err != nil {
		return nil, err
	}
	lines, err := s.in.linesAt(starts)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(before.topic, now.topic[:len(before.topic)]) {
		return nil, errors.New("the topic changed where it was written already")
	}
	late := now.topic[len(before.topic):]
	for j, n := range late {
		if j > 0 && n != late[j-1]+1 {
			return nil, fmt.Errorf("records that arrive late are out of order: %v", late)
		}
		if n <= from {
			return nil, fmt.Errorf("line %d arrives late, and its holder had committed all up to %d", n, from)
		}
	}
	if most := s.inFlight(); len(late) > most {
		return nil, fmt.Errorf("%d records arrive late, and only %d can have been on their way", len(late), most)
	}
	if len(late) > 0 {
		what = append(what, "records arrived late")
	}
	return what, compare(before.topic, upTo(now.lines), lines)
}

// inFlight is how many records a holder may have handed to its Kafka client before they are acknowledged.
func (s *source) inFlight() int {
	size, _ := strconv.Atoi(s.settings["batch.size"])
	batches, _ := strconv.Atoi(s.settings["sluice.source.batches.in.flight"])
	return size * (batches + 1)
}

// goesOn checks that only what is new was added to the topic.
func (s *source) goesOn(before standing) error {
	now, err := s.standing()
	if err != nil {
		return err
	}
	_, starts, _ := s.life.history()
	lines, err := s.in.linesAt(starts[before.starts:])
	if err != nil {
		return err
	}
	if !slices.Equal(before.topic, now.topic[:len(before.topic)]) {
		return errors.New("the topic changed where it was written already")
	}
	for i := range lines {
		lines[i] -= before.lines
	}
	added := now.topic[len(before.topic):]
	for i := range added {
		added[i] -= before.lines
	}
	if err := compare(added, upTo(now.lines-before.lines), lines); err != nil {
		return fmt.Errorf("behind the first %d lines: %w", before.lines, err)
	}
	return s.repetition(s.name, len(added)-(now.lines-before.lines))
}
