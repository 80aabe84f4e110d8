//go:build unix

package fault_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// A tick is delivered twice and more often, at about the same time. Every line arrives once.
func TestFaults_TickTwice(t *testing.T) {
	t.Parallel()
	p := newPlan(t, 2, 10)
	r := newRig(t, rigOptions{})
	var ticks atomic.Int64
	p.run(t, 4, func(i int, random *rand.Rand) error {
		s := &source{rig: r, name: fmt.Sprintf("twice%d", i), random: random}
		if err := s.begin(t); err != nil {
			return err
		}
		s.settings["sluice.lease.ms"] = "60000" // nobody dies: whatever a slow machine does, nobody else gets the lease
		if err := s.put(s.name, offset.Keep, s.settings); err != nil {
			return err
		}
		for range 5 {
			if err := s.in.grow(between(random, 1, 300)); err != nil {
				return err
			}
			var at errgroup.Group
			for range between(random, 2, 4) {
				delay := time.Duration(random.IntN(30)) * time.Millisecond
				ticks.Add(1)
				at.Go(func() error {
					<-time.After(delay)
					return s.tick(s.name)
				})
			}
			if err := at.Wait(); err != nil {
				return err
			}
		}
		if err := s.finish(); err != nil {
			return err
		}
		repeated, err := s.compare()
		if err == nil {
			err = r.repetition(s.name, repeated)
		}
		if err != nil {
			return fmt.Errorf("%w; log:\n\t%s", err, r.log(s.name))
		}
		r.forget(s.name)
		return nil
	})
	t.Logf("%d ticks", ticks.Load())
}
