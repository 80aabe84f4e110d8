//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// A connector is changed while its function is at every step: other settings, another topic, a new plan, a pause. Nothing is
// lost, order is kept, and because the task that is revoked may finish what it is at, nothing comes twice if it does so in time.
func TestFaults_Changed(t *testing.T) {
	t.Parallel()
	steps := both("look", "claim", "offsets", "announce", "metadata", "init producer", "produce", "commit", "check", "renew", "release")
	changes := []string{"settings", "topic", "plan", "pause"}
	p := newPlan(t, len(steps)/2, len(steps)*2)
	r := newRig(t, rigOptions{})
	var mu sync.Mutex
	count := map[string]int{}
	p.run(t, 12, func(i int, random *rand.Rand) error {
		k := p.place(i)
		at, change := steps[k%len(steps)], changes[(k+k/len(steps))%len(changes)]
		s, repeated, err := (*source)(nil), 0, errNeverCame
		for again := 0; errors.Is(err, errNeverCame) && again < 5; again++ { // its heartbeat may have been slow
			s = &source{rig: r, name: fmt.Sprintf("changed%d.%d", i, again), random: random}
			if err := s.begin(t); err != nil {
				return err
			}
			repeated, err = s.changeAt(at, change)
		}
		if err == nil && s.took < offset.Grace/2 {
			err = r.repetition(s.name, repeated)
		}
		if err != nil {
			return fmt.Errorf("%s changed %s: %w; log:\n\t%s", change, at, err, r.log(s.name))
		}
		r.forget(s.name)
		mu.Lock()
		defer mu.Unlock()
		count[fmt.Sprintf("%s changed %s", change, at)]++
		if repeated > 0 {
			count["too slow to finish after the change"]++
		}
		return nil
	})
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d × %s", count[what], what)
	}
}

// errNeverCame: a process ended without having come to a step.
var errNeverCame = errors.New("it never came there")

// changeAt changes the connector when its function comes to a step, and returns how many lines came more than once.
func (s *source) changeAt(at step, change string) (int, error) {
	s.settings["sluice.lease.ms"] = "12000" // revoked it is, but a slow machine should not lose it
	switch at.name {
	case "check":
		s.settings["sluice.source.idle.ms"] = "3500"
	case "renew":
		s.settings["sluice.source.idle.ms"] = "6500"
	}
	if err := errors.Join(s.put(s.name, 0, s.settings), s.in.grow(between(s.random, 100, 400))); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	var changing time.Time
	trap := s.life.set(&trap{step: at, spring: func(int) {
		changing = time.Now()
		done <- s.change(change)
	}})
	first := make(chan error, 1)
	go func() { first <- s.tick(s.name) }()
	if err := s.in.grow(between(s.random, 100, 400)); err != nil {
		return 0, err
	}
	if err := <-first; err != nil {
		return 0, err
	}
	if !trap.sprung() {
		return 0, errNeverCame
	}
	if err := <-done; err != nil {
		return 0, err
	}
	s.took = time.Since(changing)
	if change == "pause" {
		commits, _, _ := s.life.history()
		if err := errors.Join(s.tick(s.name), s.tick(s.name)); err != nil {
			return 0, err
		}
		if now, _, _ := s.life.history(); now != commits {
			return 0, fmt.Errorf("it went on from %d to %d while it was paused", commits, now)
		}
		if err := s.target(offset.Running); err != nil {
			return 0, err
		}
	}
	delete(s.settings, "sluice.source.idle.ms")
	if err := s.finish(); err != nil {
		return 0, err
	}
	return s.compareTopics(s.name, s.name+"-other")
}

func (s *source) change(what string) error {
	settings := maps.Clone(s.settings)
	switch what {
	case "topic":
		if err := s.createTopic(s.name+"-other", 1); err != nil {
			return err
		}
		settings["topic"] = s.name + "-other"
	case "settings":
		settings["batch.size"] = strconv.Itoa(between(s.random, 1, 100))
	case "pause":
		return s.target(offset.Paused)
	}
	return s.put(s.name, offset.Restart, settings)
}

// target pauses or resumes.
func (s *source) target(target offset.Target) error {
	for {
		c, _, err := s.store.Look(s.t.Context(), s.name, 0)
		if err != nil {
			return err
		}
		c.Target = target
		if _, err := s.store.Put(s.t.Context(), c, offset.Stop); !errors.Is(err, offset.ErrStale) {
			return err
		}
	}
}

// compareTopics checks what came to one topic and then to another.
func (s *source) compareTopics(first, second string) (int, error) {
	last, starts, problems := s.life.history()
	if len(problems) > 0 {
		return 0, errors.New(strings.Join(problems, "; "))
	}
	if last != s.in.position() {
		return 0, fmt.Errorf("position %d of %d is committed", last, s.in.position())
	}
	var got []int
	for _, topic := range []string{first, second} {
		records, err := s.readTopic(topic)
		if err != nil && topic == second {
			break // there was no change of topic
		}
		if err != nil {
			return 0, err
		}
		part, err := numbers(records)
		if err != nil {
			return 0, err
		}
		got = append(got, part...)
	}
	lines, err := s.in.linesAt(starts)
	if err != nil {
		return 0, err
	}
	return len(got) - len(s.in.ends), compare(got, upTo(len(s.in.ends)), lines)
}
