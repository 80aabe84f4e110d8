//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// A poison record stands at every position of a batch, and is delivered again 50 times in batches that are cut differently
// each time. There is one dead letter.
func TestFaults_PoisonRedelivered(t *testing.T) {
	t.Parallel()
	const records, deliveries = 8, 51
	p := newPlan(t, len(poisonings), records*len(poisonings))
	r := newRig(t, rigOptions{})
	var mu sync.Mutex
	count := map[string]int{}
	p.run(t, 8, func(i int, random *rand.Rand) error {
		k := p.place(i)
		kind := poisonings[k%len(poisonings)]
		position := k / len(poisonings) % records
		s, err := newSink(t, r, fmt.Sprintf("poison%d", i), random, between(random, 1, 2), kind.settings)
		if err != nil {
			return err
		}
		if err := s.redeliver(kind, records, position, deliveries); err != nil {
			return fmt.Errorf("%s, poison at position %d: %w; log:\n\t%s", kind.name, position, err, r.log(s.name))
		}
		r.forget(s.name)
		mu.Lock()
		defer mu.Unlock()
		count[fmt.Sprintf("%s at position %d", kind.name, position)]++
		return nil
	})
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d × %d deliveries, %s", count[what], deliveries, what)
	}
}

// poisoning is why a batch with a poison record comes again.
type poisoning struct {
	name string
	// settings of the connector.
	settings map[string]string
	// lost: the function succeeded, and the trigger is not told.
	lost bool
	// partial: the trigger honours partial answers.
	partial bool
}

var poisonings = []poisoning{
	{name: "answer lost", lost: true},
	{name: "not tolerated", settings: map[string]string{"errors.tolerance": "none"}},
	{name: "not tolerated, partial answers", settings: map[string]string{"errors.tolerance": "none"}, partial: true},
	{name: "answer lost, partial answers", lost: true, partial: true},
}

// redeliver writes records with one that is poison and has the trigger deliver that one so often, and then to the end.
func (s *sink) redeliver(kind poisoning, records, position, deliveries int) error {
	if s.partial = kind.partial; s.partial {
		if err := s.tell(worker.PartialAnswers); err != nil {
			return err
		}
	}
	bad, err := s.feedAround(records, position)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	seen, enough := 0, make(chan struct{})
	s.answer = func(event *kafka.Event, answer []byte, err error) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if holds(event, bad) {
			if seen++; seen == deliveries {
				close(enough)
			}
		}
		// What lies before the poison gets through now and then, so that batches begin at other records too.
		if kind.lost && seen < deliveries && (holds(event, bad) || s.random.IntN(4) > 0) {
			return nil, errors.New("the answer is lost")
		}
		return answer, err
	}
	err = s.pull(func(m *trigger.Mapping) {
		m.Window, m.Pollers, m.ReportBatchItemFailures = -1, 1, kind.partial
		m.Recut = func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return between(s.random, 1, n)
		}
	})
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.within(patience, func() (bool, error) {
		select {
		case <-enough:
			return true, nil
		default:
			return false, nil
		}
	}); err != nil {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Errorf("it was delivered %d times: %w", seen, err)
	}
	if !kind.lost {
		settings := maps.Clone(s.settings)
		settings["errors.tolerance"] = "all"
		if err := s.put(s.name, offset.Restart, settings); err != nil {
			return err
		}
	}
	if err := s.finish(); err != nil {
		return err
	}
	if _, err := s.compare(); err != nil {
		return err
	}
	return s.once()
}

// feedAround writes records to each partition, of which the one at position in the first partition is poison. It returns
// the offset of that one.
func (s *sink) feedAround(records, position int) (int64, error) {
	for i := range records * len(s.partitions) {
		// The numbers begin with 1: partition 0 comes last of each round.
		poison := 0
		if i == position*len(s.partitions)+len(s.partitions)-1 {
			poison = 1
		}
		if err := s.feed(1, poison); err != nil {
			return 0, err
		}
	}
	return int64(position), nil
}

// holds tells whether an event has a record of partition 0.
func holds(event *kafka.Event, record int64) bool {
	return slices.ContainsFunc(event.Batches, func(b kafka.Batch) bool {
		return b.Partition == 0 && slices.ContainsFunc(b.Messages, func(m kafka.Message) bool { return m.Offset == record })
	})
}

// tell sets a trigger handle of the connector.
func (s *sink) tell(handle string) error {
	c, _, err := s.store.Look(s.t.Context(), s.name, 0)
	if err != nil {
		return err
	}
	c.Trigger = map[string]string{handle: "true"}
	_, err = s.store.Put(s.t.Context(), c, offset.Keep)
	return err
}
