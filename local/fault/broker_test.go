//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/local/trigger"
)

// The broker is gone: connections are cut and new ones refused.
func TestFaults_BrokerGone(t *testing.T) {
	t.Parallel()
	unreachable(t, 30*time.Second, (*brokerGate).goDark)
}

// The broker is silent: connections stay, and nothing is answered.
func TestFaults_BrokerSilent(t *testing.T) {
	t.Parallel()
	unreachable(t, 30*time.Second, (*brokerGate).goSilent)
}

// unreachable runs sources and sinks that do not reach their broker for a time.
func unreachable(t *testing.T, long time.Duration, set func(*brokerGate, bool)) {
	t.Helper()
	newPlan(t, 2, 6).parts(30, func(p plan) {
		r := newRig(t, rigOptions{})
		o := newOutage(p.rounds, time.Second, long, func(begins bool) { set(r.gate, begins) })
		p.run(t, p.rounds, func(i int, random *rand.Rand) error {
			name := fmt.Sprintf("unreachable%d", i)
			if i%2 == 0 {
				s := &source{rig: r, name: name, random: random}
				return o.share(s.begin(t), s.through)
			}
			s, err := newSink(t, r, name, random, between(random, 1, 3), nil)
			if err == nil {
				s.batch = between(random, 1, 20)
				events := 400 // enough that the outage finds it at work; where many share the machine, fewer are
				if p.rounds > 8 {
					events = 100
				}
				err = s.feed(events*s.batch, 200)
			}
			return o.share(err, s.through)
		})
	})
}

// outage is a time in which something is out of order for all rounds that go on together.
type outage struct {
	// ready is done when all rounds are prepared.
	ready sync.WaitGroup
	over  chan struct{}
}

// newOutage waits for so many rounds, and then a moment more, before the outage begins.
func newOutage(rounds int, moment, long time.Duration, set func(begins bool)) *outage {
	o := &outage{over: make(chan struct{})}
	o.ready.Add(rounds)
	go func() {
		o.ready.Wait()
		<-time.After(moment)
		set(true)
		<-time.After(long)
		set(false)
		close(o.over)
	}()
	return o
}

// share does something from before the outage begins to after it has ended.
func (o *outage) share(prepared error, do func(over <-chan struct{}) error) error {
	o.ready.Done()
	if prepared != nil {
		return prepared
	}
	return do(o.over)
}

// through lets a sink work until things are well again, and then to its end.
func (s *sink) through(over <-chan struct{}) error {
	s.forgetful = true // the trigger does not reach the broker either
	// One poller: of two, the one that the group has given up may go on for a while beside the one that took over.
	err := s.pull(func(m *trigger.Mapping) {
		m.BatchSize, m.Pollers, m.Client = s.batch, 1, []kgo.Opt{kgo.SeedBrokers(s.brokers)}
	})
	if err != nil {
		return err
	}
	defer s.close()
	select {
	case <-over:
	case <-s.t.Context().Done():
		return s.t.Context().Err()
	}
	err = errors.Join(s.feed(100, 20), s.finish())
	if err == nil {
		_, err = s.compare()
	}
	if err == nil {
		_, err = s.letters()
	}
	if err != nil {
		return fmt.Errorf("%w; log:\n\t%s", err, s.log(s.name))
	}
	s.forget(s.name)
	return nil
}

// A trigger is closed while it waits to join its group, which lasts as long as another member is at work. It does not wait
// for that: the desk has to end when it is told to.
func TestFaults_TriggerClosesWhileItJoins(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	s, err := newSink(t, r, "joining", plan{}.random(0), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	joining, answer := make(chan struct{}), make(chan struct{})
	defer close(answer)
	begun := sync.OnceFunc(func() { close(joining) })
	r.gate.keepBack(func(key kmsg.Key) <-chan struct{} {
		if key != kmsg.JoinGroup {
			return nil
		}
		begun()
		return answer
	})
	if err := s.pull(nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-joining:
	case <-time.After(patience):
		t.Fatal("it does not join")
	}
	closed := make(chan struct{})
	go func() {
		s.close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Fatal("it is not closed after 30 s")
	}
}
