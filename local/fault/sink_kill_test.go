//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// sinkSteps are where a sink's process is killed. "write" is to the file: it is seen by looking at the file, so the process
// is killed after it or in the middle of it. What a step after "event" would be is a step before "look".
func sinkSteps() []step {
	steps := both("look", "claim plan", "publish", "read marker", "metadata", "init producer", "produce", "write marker", "status", "answer")
	return append(steps, step{"event", true}, step{"write", true})
}

// A sink's function is killed at every step that can be seen from outside. Nothing is lost, order is kept, no line is torn,
// and what comes twice was in a batch whose invocation did not succeed. A dead letter comes twice only if the process was
// killed before it could take note of it.
func TestFaults_SinkKilled(t *testing.T) {
	t.Parallel()
	p := newPlan(t, 1, 1)
	d := newDeck(p, sinkSteps())
	p.rounds = len(d.hands)
	r := newRig(t, rigOptions{})
	var repeated, torn atomic.Int64
	p.run(t, 20, func(i int, random *rand.Rand) error {
		s, err := newSink(t, r, fmt.Sprintf("sink%d", i), random, between(random, 1, 3), nil)
		if err != nil {
			return err
		}
		n, err := s.round(d, d.hands[i])
		repeated.Add(int64(n))
		if s.torn {
			torn.Add(1)
		}
		if err != nil {
			return fmt.Errorf("killed %s: %w; log:\n\t%s", d.hands[i], err, r.log(s.name))
		}
		r.forget(s.name)
		return nil
	})
	d.report(t)
	t.Logf("%d lines came more than once; %d × a line was seen torn, and then whole", repeated.Load(), torn.Load())
}

// round kills the sink at one step after the other, lets it finish and compares. It returns how many lines came more than
// once.
func (s *sink) round(d *deck, steps []step) (int, error) {
	err := s.pull(func(m *trigger.Mapping) {
		if slices.Contains(steps, step{"write", true}) {
			m.BatchSize, m.Window = 10_000, 50*time.Millisecond // to have it killed in the middle of a write
		}
	})
	if err != nil {
		return 0, err
	}
	defer s.close()
	unnoted := false
	for _, at := range steps {
		kill := s.killAt
		if at.name == "write" {
			kill = s.killAtWrite
		}
		if err := kill(at); err != nil {
			return 0, fmt.Errorf("killing it %s: %w", at, err)
		}
		d.hit(at)
		unnoted = unnoted || s.unnoted(at)
	}
	if err := errors.Join(s.feed(between(s.random, 1, 200), 40), s.finish()); err != nil {
		return 0, err
	}
	repeated, err := s.compare()
	if err != nil {
		return 0, err
	}
	if unnoted {
		_, err = s.letters()
	} else {
		err = s.once()
	}
	return repeated, err
}

// unnoted tells whether a process that is killed there may have written dead letters and not taken note of all of them:
// each partition has a marker of its own. After a write to the file it goes on until it is killed, perhaps that far.
func (s *sink) unnoted(at step) bool {
	switch at.name {
	case "produce":
		return at.after
	case "write marker":
		return !at.after || len(s.partitions) > 1
	}
	return at.name == "write"
}

// killAt feeds the sink until it was killed at a step.
func (s *sink) killAt(at step) error {
	poison := 20
	trap := s.life.kill(at, 1)
	for range 50 {
		switch at.name {
		case "claim plan", "publish", "metadata", "init producer":
			if err := s.put(s.name, offset.Restart, s.settings); err != nil {
				return err
			}
		case "status":
			if err := s.forgetStatus(s.name); err != nil {
				return err
			}
		}
		if err := s.feed(between(s.random, 10, 400), poison); err != nil {
			return err
		}
		hit := s.within(2*time.Second, func() (bool, error) { return trap.sprung(), nil })
		if hit == nil {
			return nil
		}
	}
	return fmt.Errorf("it never came there")
}

// noteTorn notes whether the process that was killed left a line unfinished, if that is still to be seen.
func (s *sink) noteTorn() error {
	content, err := os.ReadFile(s.path)
	s.torn = s.torn || len(content) > 0 && content[len(content)-1] != '\n'
	return err
}

// killAtWrite feeds the sink until it was killed between a write to the file and its answer.
func (s *sink) killAtWrite(step) error {
	size := func() int64 {
		info, err := os.Stat(s.path)
		if errors.Is(err, fs.ErrNotExist) {
			return 0
		}
		if err != nil {
			return -1
		}
		return info.Size()
	}
	for range 50 {
		if err := s.finish(); err != nil {
			return err
		}
		var mu sync.Mutex
		pid, hit := 0, false
		s.life.watch(func(at step, who int) {
			mu.Lock()
			defer mu.Unlock()
			switch at {
			case step{"look", true}:
				pid = who
			case step{"answer", false}:
				pid = 0 // too late
			}
		})
		before := size()
		// A poison record among them makes the way from the write to the answer longer.
		if err := s.feed(between(s.random, 2000, 8000), 1000); err != nil {
			return err
		}
		ticker := time.NewTicker(50 * time.Microsecond)
		for end := time.Now().Add(2 * time.Second); !hit && time.Now().Before(end); <-ticker.C {
			if size() <= before {
				continue
			}
			mu.Lock()
			if hit = pid != 0; hit {
				s.life.died(pid)
				kill(pid)
			}
			mu.Unlock()
			break
		}
		ticker.Stop()
		s.life.watch(nil)
		if hit {
			return s.noteTorn()
		}
	}
	return fmt.Errorf("it was never seen writing")
}
