package worker

import (
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// progress is what the resolved records of a batch add to the offsets: per source partition the last position that was
// delivered, and the last one that was passed over without being delivered.
//
// Both are kept because Connect commits only what it delivered: a dropped record's position is covered by the next
// delivered one. The private resume position goes further, so that a source that drops all it reads does not read it
// again.
type progress struct {
	of []partitionProgress
}

type partitionProgress struct {
	partition connect.Partition
	delivered connect.Position
	passed    connect.Position
}

// find returns the place of a partition. Batches rarely mix partitions, so the last one used is tried first.
func (p *progress) find(partition connect.Partition) *partitionProgress {
	for i := len(p.of) - 1; i >= 0; i-- {
		if p.of[i].partition == partition {
			return &p.of[i]
		}
	}
	p.of = append(p.of, partitionProgress{partition: partition})
	return &p.of[len(p.of)-1]
}

// deliver notes a record that Kafka acknowledged, or will have when the batch is resolved.
func (p *progress) deliver(s *connect.Source) {
	if s.Position.IsZero() || s.Partition.IsZero() {
		return
	}
	at := p.find(s.Partition)
	at.delivered, at.passed = s.Position, connect.Position{}
}

// pass notes a record that was dropped or skipped.
func (p *progress) pass(s *connect.Source) {
	if s.Position.IsZero() || s.Partition.IsZero() {
		return
	}
	p.find(s.Partition).passed = s.Position
}

// ledger collects the progress of resolved batches until it is committed.
type ledger struct {
	offsets, resume connect.Offsets
	topics          map[string]bool // all topics noted so far
	fresh           []string        // those not yet committed
}

// add notes a resolved batch. Batches are added in the order in which they were polled.
func (l *ledger) add(p *progress) {
	for i := range p.of {
		at := &p.of[i]
		if !at.delivered.IsZero() {
			put(&l.offsets, at.partition, at.delivered)
			delete(l.resume, at.partition)
		}
		if !at.passed.IsZero() {
			put(&l.resume, at.partition, at.passed)
		}
	}
}

// place notes positions that no record carries.
func (l *ledger) place(o connect.Offsets) {
	for partition, position := range o {
		put(&l.resume, partition, position)
	}
}

func (l *ledger) topic(name string) {
	if l.topics[name] {
		return
	}
	if l.topics == nil {
		l.topics = make(map[string]bool)
	}
	l.topics[name] = true
	l.fresh = append(l.fresh, name)
}

func put(o *connect.Offsets, partition connect.Partition, position connect.Position) {
	if *o == nil {
		*o = make(connect.Offsets)
	}
	(*o)[partition] = position
}

// empty tells whether there is nothing to commit.
func (l *ledger) empty() bool { return len(l.offsets) == 0 && len(l.resume) == 0 && len(l.fresh) == 0 }

// take empties the ledger into a commit.
func (l *ledger) take() offset.Commit {
	c := offset.Commit{Offsets: l.offsets, Resume: l.resume, Topics: l.fresh}
	l.offsets, l.resume, l.fresh = nil, nil, nil
	return c
}
