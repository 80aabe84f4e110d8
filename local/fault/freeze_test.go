//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Processes are frozen between invocations, as Lambda does, and an invocation ends while the broker has not acknowledged
// what it was sent, because it does not answer. Nothing of that invocation is sent when the process goes on: not while the
// process is thawed for an invocation that has nothing to send, and not with what a later one sends.
func TestFaults_FrozenProcessSendsNothingLater(t *testing.T) {
	t.Parallel()
	p := newPlan(t, 2, 8)
	r := newRig(t, rigOptions{freeze: true})
	var held, thawed atomic.Int64
	p.run(t, 16, func(i int, random *rand.Rand) error {
		s := &source{rig: r, name: fmt.Sprintf("frozen%d", i), random: random}
		if err := s.begin(t); err != nil {
			return err
		}
		after := i%2 == 0
		n, err := s.freeze(after)
		if err != nil {
			return fmt.Errorf("acknowledgement withheld %t: %w; log:\n\t%s", after, err, r.log(s.name))
		}
		held.Add(1)
		thawed.Add(int64(n))
		r.forget(s.name)
		return nil
	})
	t.Logf("%d invocations ended with records unacknowledged; %d later ones had nothing to send", held.Load(), thawed.Load())
}

// freeze lets one invocation end without acknowledgements. With after the broker has got the records; without, it has not.
// It returns how many invocations of the same process then had nothing to send.
func (s *source) freeze(after bool) (thawed int, err error) {
	s.settings["sluice.restart.backoff.ms"] = "1500"
	s.settings["sluice.restart.backoff.max.ms"] = "1500"
	if err := errors.Join(s.put(s.name, 0, s.settings), s.in.grow(between(s.random, 200, 400))); err != nil {
		return 0, err
	}
	// Between its answer and its next event a process must not produce.
	var mu sync.Mutex
	idle, early := false, 0
	s.life.watch(func(at step, pid int) {
		mu.Lock()
		defer mu.Unlock()
		switch at {
		case step{"answer", false}:
			idle = true
		case step{"look", false}:
			idle = false
		case step{"produce", false}:
			if idle {
				early++
			}
		}
	})
	defer s.life.watch(nil)
	lost := make(chan struct{})
	give := sync.OnceFunc(func() { close(lost) })
	defer give()
	var withheld *trap
	for nth := between(s.random, 1, 3); ; nth = 1 {
		holding := make(chan struct{})
		withheld = s.life.set(&trap{step: step{"produce", after}, nth: nth, drop: true, spring: func(int) { close(holding); <-lost }})
		if err := s.tick(s.name); err != nil {
			return 0, fmt.Errorf("the invocation that was not answered: %w", err)
		}
		mu.Lock()
		ended := idle
		mu.Unlock()
		if !ended {
			return 0, errors.New("the invocation ended without an answer")
		}
		select {
		case <-holding:
		default: // it had fewer batches
			if err := s.in.grow(between(s.random, 200, 400)); err != nil {
				return 0, err
			}
			continue
		}
		break
	}
	claims := s.life.seen(step{"claim", true})
	produced := s.life.seen(step{"produce", false})
	// Now the request it waited for is gone, with its connection.
	give()
	select {
	case <-withheld.hit:
	case <-time.After(patience):
		return 0, errors.New("nothing was withheld")
	}
	// The task backs off: these invocations have nothing to send.
	for range 3 {
		if err := s.tick(s.name); err != nil {
			return 0, err
		}
		if s.life.seen(step{"claim", true}) > claims {
			break // the pause is over already
		}
		thawed++
		if n := s.life.seen(step{"produce", false}); n != produced {
			return 0, fmt.Errorf("%d requests were sent by an invocation that had nothing to send", n-produced)
		}
	}
	if err := s.finish(); err != nil {
		return 0, err
	}
	mu.Lock()
	defer mu.Unlock()
	if early > 0 {
		return 0, fmt.Errorf("%d requests were sent between invocations", early)
	}
	_, err = s.compare()
	return thawed, err
}
