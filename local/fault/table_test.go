//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connecttest/proxy"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// behind makes a rig whose functions reach the table through a proxy.
func behind(t *testing.T, script proxy.Script) (*rig, *proxy.Proxy) {
	t.Helper()
	var p *proxy.Proxy
	r := newRig(t, rigOptions{before: func(url string) string {
		var err error
		if p, err = proxy.Start(url, script); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p.URL()
	}})
	return r, p
}

// The table is slow, throttles, cuts connections before and after it did what it was asked, does not answer, and gets
// requests whose sender has long given up and asked again.
func TestFaults_Table(t *testing.T) {
	t.Parallel()
	p := newPlan(t, 4, 12)
	r, faults := behind(t, proxy.Random(p.seed, 0.15,
		proxy.Fault{Kind: proxy.Throttle}, proxy.Fault{Kind: proxy.Throttle}, proxy.Fault{Kind: proxy.Unavailable},
		proxy.Fault{Kind: proxy.CutBefore}, proxy.Fault{Kind: proxy.CutAfter}, proxy.Fault{Kind: proxy.CutInside},
		proxy.Fault{Kind: proxy.Late, For: 150 * time.Millisecond}, proxy.Fault{Kind: proxy.Late, For: 2500 * time.Millisecond},
		proxy.Fault{Kind: proxy.Stall, For: 3 * time.Second}, proxy.Fault{Kind: proxy.StallAfter, For: 3 * time.Second},
	))
	var repeated atomic.Int64
	p.run(t, 32, func(i int, random *rand.Rand) error {
		n, err := throughTable(t, r, i, random)
		repeated.Add(int64(n))
		return err
	})
	for kind, n := range faults.Counts() {
		t.Logf("%5d × fault %d", n, kind)
	}
	t.Logf("%d lines came more than once", repeated.Load())
}

// throughTable runs a source or a sink through faults of the table, and returns how many lines came more than once.
func throughTable(t *testing.T, r *rig, i int, random *rand.Rand) (repeated int, err error) {
	name := fmt.Sprintf("table%d", i)
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w; log:\n\t%s", err, r.log(name))
		}
		r.forget(name)
	}()
	if i%2 == 0 {
		s := &source{rig: r, name: name, random: random}
		if err := s.begin(t); err != nil {
			return 0, err
		}
		s.settings["sluice.restart.backoff.max.ms"] = "500"
		if err := s.put(name, offset.Keep, s.settings); err != nil {
			return 0, err
		}
		for range 8 {
			if err := s.in.grow(between(random, 50, 300)); err != nil {
				return 0, err
			}
			_ = s.tick(name) // it may fail: then the next one goes on
		}
		if err := s.finish(); err != nil {
			return 0, err
		}
		return s.compare()
	}
	s, err := newSink(t, r, name, random, between(random, 1, 3), nil)
	if err != nil {
		return 0, err
	}
	if err := s.pull(nil); err != nil {
		return 0, err
	}
	defer s.close()
	for range 8 {
		if err := errors.Join(s.feed(between(random, 50, 300), 40), s.finish()); err != nil {
			return 0, err
		}
	}
	if repeated, err = s.compare(); err != nil {
		return 0, err
	}
	return repeated, s.once()
}

// The table is gone for longer than a lease while sources are at work: they stop, and go on when it is there again.
func TestFaults_TableGone(t *testing.T) {
	t.Parallel()
	const gone = 9 * time.Second
	newPlan(t, 2, 6).parts(30, func(p plan) {
		r, faults := behind(t, nil)
		o := newOutage(p.rounds, time.Second, gone, func(begins bool) {
			if begins {
				faults.Blackout(time.Hour)
			} else {
				faults.Blackout(0)
			}
		})
		p.run(t, p.rounds, func(i int, random *rand.Rand) error {
			s := &source{rig: r, name: fmt.Sprintf("gone%d", i), random: random}
			return o.share(s.begin(t), s.through)
		})
	})
}

// through lets a source work until things are well again, and then to its end.
func (s *source) through(over <-chan struct{}) error {
	s.settings["sluice.source.idle.ms"] = oneOf(s.random, "0", "500", "5000")
	s.settings["sluice.restart.backoff.max.ms"] = "500"
	if err := s.put(s.name, offset.Keep, s.settings); err != nil {
		return err
	}
	err := s.within(10*time.Minute, func() (bool, error) {
		if err := s.in.grow(between(s.random, 1, 100)); err != nil {
			return false, err
		}
		_ = s.tick(s.name) // it may fail: then the next one goes on
		select {
		case <-over:
			return true, nil
		default:
			return false, nil
		}
	})
	if err == nil {
		err = s.finish()
	}
	if err == nil {
		_, err = s.compare()
	}
	if err != nil {
		return fmt.Errorf("%w; log:\n\t%s", err, s.log(s.name))
	}
	s.forget(s.name)
	return nil
}
