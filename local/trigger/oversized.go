package trigger

import (
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// blockage is a record that no event can hold, at the head of its partition.
type blockage struct {
	record *kgo.Record
	size   int // of an event with nothing else
	text   string
	next   time.Time // when its destination is tried next; zero if there is none
	wait   time.Duration
}

// block keeps a partition from being read on. The caller holds the lock.
func (p *poller) block(part *partition, r *kgo.Record) {
	alone := kafka.Encoder{Source: p.encoder.Source, Bootstrap: p.encoder.Bootstrap, Limit: math.MaxInt}
	alone.Add(r.Topic, r.Partition, &p.message)
	b := &blockage{record: r, size: alone.Size(), wait: p.trigger.opts.RetryMin}
	b.text = fmt.Sprintf("partition %d stands still: record %d makes an event of %d bytes, and %d are allowed", part.id, r.Offset, b.size, p.Mapping.PayloadLimit)
	if p.Mapping.Oversized != nil {
		b.next = time.Now()
	} else {
		b.text += "; give the mapping a destination for such records, or skip it by altering the group's offset"
		p.setProblem(part.name, b.text)
	}
	part.blocked = b
	p.client.PauseFetchPartitions(map[string][]int32{p.Mapping.Topic: {part.id}}) // or it would be read into memory without end
	if report := p.trigger.opts.OnOversized; report != nil {
		p.running.Go(func() { report(p.name, r, b.size) }) // without the lock
	}
}

// unblock lets a partition be read on. The caller holds the lock.
func (p *poller) unblock(part *partition) {
	if part.blocked == nil {
		return
	}
	part.blocked = nil
	p.setProblem(part.name, "")
	p.client.ResumeFetchPartitions(map[string][]int32{p.Mapping.Topic: {part.id}})
}

// handOversized gives blocked records whose time has come to their destination.
func (p *poller) handOversized() {
	for {
		part := p.dueOversized()
		if part == nil {
			return
		}
		b := part.blocked // only this goroutine changes it while busy is set
		err := p.Mapping.Oversized(p.hard, b.record, b.size)
		if err == nil {
			p.advance()
			p.commit()
		}
		p.mu.Lock()
		if err == nil {
			p.unblock(part)
		} else {
			b.next, b.wait = time.Now().Add(b.wait), min(2*b.wait, p.trigger.opts.RetryMax)
			p.setProblem(part.name, fmt.Sprintf("%s, and its destination fails: %v", b.text, err))
		}
		p.busy = false
		p.ended.Broadcast()
		p.mu.Unlock()
	}
}

// dueOversized finds a partition whose blocked record is to be handed over now, and marks the poller busy with it.
func (p *poller) dueOversized() *partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.order {
		if b := part.blocked; b != nil && !b.next.IsZero() && !b.next.After(time.Now()) && p.soft.Err() == nil {
			p.batch = append(p.batch[:0], cut{part, 1}) // a rebalance waits for it
			p.busy = true
			return part
		}
	}
	return nil
}
