//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// sourceSteps are where a source's process is killed. What a step after "event" would be is a step before "look".
func sourceSteps() []step {
	steps := both("look", "claim plan", "publish", "claim", "offsets", "announce", "metadata", "init producer", "produce",
		"check", "renew", "commit", "release", "answer")
	return append(steps, step{"event", true})
}

// A source's function is killed at every step that can be seen from outside. Nothing is lost, order is kept, and what comes
// twice lies between the last commit and the kill.
func TestFaults_SourceKilled(t *testing.T) {
	t.Parallel()
	p := newPlan(t, 1, 1)
	d := newDeck(p, sourceSteps())
	p.rounds = len(d.hands)
	r := newRig(t, rigOptions{})
	var repeated atomic.Int64
	p.run(t, 32, func(i int, random *rand.Rand) error {
		s := &source{rig: r, name: fmt.Sprintf("source%d", i), random: random}
		n, err := s.round(t, d, d.hands[i])
		repeated.Add(int64(n))
		if err != nil {
			return fmt.Errorf("killed %s: %w; log:\n\t%s", d.hands[i], err, r.log(s.name))
		}
		r.forget(s.name)
		return nil
	})
	d.report(t)
	t.Logf("%d lines came more than once", repeated.Load())
}

// source is a file source and its file.
type source struct {
	*rig
	name     string
	random   *rand.Rand
	in       *input
	life     *life
	settings map[string]string
	took     time.Duration // from the change of the connector to the end of the invocation that it came upon
}

// begin makes the connector.
func (s *source) begin(t *testing.T) error {
	s.in = &input{path: filepath.Join(t.TempDir(), "in")}
	s.life = s.watch.add(s.name)
	s.settings = map[string]string{
		"connector.class": "FileStreamSource", "tasks.max": "1", "file": s.in.path, "topic": s.name,
		"batch.size":                      strconv.Itoa(between(s.random, 10, 60)),
		"sluice.offset.flush.interval.ms": oneOf(s.random, "0", "0", "5", "60000"),
		"sluice.source.batches.in.flight": strconv.Itoa(between(s.random, 1, 4)),
	}
	return errors.Join(s.createTopic(s.name, 1), s.put(s.name, offset.Keep, s.settings), s.deploy(s.name, "source", patience))
}

// round kills the source at one step after the other, lets it finish and compares. It returns how many lines came more
// than once.
func (s *source) round(t *testing.T, d *deck, steps []step) (int, error) {
	if err := s.begin(t); err != nil {
		return 0, err
	}
	if s.random.IntN(2) == 0 { // a broker that is slower than the table: a commit that did not wait for it would be seen
		slow := rand.New(rand.NewPCG(s.random.Uint64(), 0))
		s.life.slow = func() time.Duration { return time.Duration(slow.IntN(20)) * time.Millisecond }
	}
	for _, at := range steps {
		if err := s.killAt(at); err != nil {
			return 0, fmt.Errorf("killing it %s: %w", at, err)
		}
		d.hit(at)
	}
	if err := s.finish(); err != nil {
		return 0, err
	}
	return s.compare()
}

// killAt runs the source until it was killed at a step.
func (s *source) killAt(at step) error {
	nth := 1
	idle := "0"
	switch at.name {
	case "produce", "commit":
		nth = between(s.random, 1, 3)
	case "check", "renew":
		idle = "3500" // long enough for the heartbeat
	case "announce":
		if err := s.forgetStatus(s.name); err != nil {
			return err
		}
	case "claim plan", "publish":
		if err := s.put(s.name, offset.Restart, s.settings); err != nil {
			return err
		}
	case "metadata", "init producer":
		s.functions.Remove(s.name) // a process that is warm has done so already
		if err := s.deploy(s.name, "source", time.Minute); err != nil {
			return err
		}
	}
	s.settings["sluice.source.idle.ms"] = idle
	if err := s.put(s.name, offset.Keep, s.settings); err != nil {
		return err
	}
	if err := s.in.grow(between(s.random, 50, 300)); err != nil {
		return err
	}
	ran := s.life.seen(step{"release", true})
	trap := s.life.kill(at, nth)
	return s.tickUntil(s.name, 200*time.Millisecond, func() (bool, error) {
		if trap.sprung() {
			return true, nil
		}
		if s.life.seen(step{"release", true}) == ran {
			return false, nil // the lease of the process killed before has not run out
		}
		// It ran to its end without coming there so often.
		trap = s.life.kill(at, 1)
		return false, s.in.grow(between(s.random, 50, 300))
	})
}

// finish lets the source read the rest.
func (s *source) finish() error {
	if err := s.in.grow(between(s.random, 1, 100)); err != nil {
		return err
	}
	return s.tickUntil(s.name, 200*time.Millisecond, func() (bool, error) {
		last, _, _ := s.life.history()
		return last == s.in.position(), nil
	})
}

// compare checks the topic against the file.
func (s *source) compare() (int, error) {
	_, starts, problems := s.life.history()
	if len(problems) > 0 {
		return 0, errors.New(strings.Join(problems, "; "))
	}
	records, err := s.readTopic(s.name)
	if err != nil {
		return 0, err
	}
	got, err := numbers(records)
	if err != nil {
		return 0, err
	}
	lines, err := s.in.linesAt(starts)
	if err != nil {
		return 0, err
	}
	return len(got) - len(s.in.ends), compare(got, upTo(len(s.in.ends)), lines)
}
