package trigger

import (
	"sort"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// partition is what a poller holds of one partition. The poller's lock guards it.
type partition struct {
	id      int32
	name    string        // its key in events
	pending []*kgo.Record // fetched and not done with, in order
	next    int64
	end     int64
	revoked bool // it is another's now
	blocked *blockage
}

// cut is the part of a batch that is one partition's.
type cut struct {
	*partition
	count int // the first of pending
}

// size is about what a record takes in an event; the encoder knows exactly.
func size(r *kgo.Record) int {
	n := 160 + 2*len(r.Topic) + (len(r.Key)+len(r.Value)+4)/3*4
	for i := range r.Headers {
		n += 16 + len(r.Headers[i].Key) + 4*len(r.Headers[i].Value)
	}
	return n
}

// add takes in what was fetched of one partition. The caller holds the lock.
func (p *poller) add(id int32, records []*kgo.Record, end int64) {
	part := p.partitions[id]
	if part == nil || part.revoked {
		return // it was taken away while this was on its way, and whoever has it now reads it
	}
	part.end = end
	if len(part.pending) == 0 {
		part.pending = records
	} else {
		part.pending = append(part.pending, records...)
	}
	for _, r := range records {
		p.bytes += size(r)
	}
	p.records += len(records)
}

// drop lets the first n records of a partition go. The caller holds the lock.
func (p *poller) drop(part *partition, n int) {
	done := part.pending[:n]
	for _, r := range done {
		p.bytes -= size(r)
	}
	p.records -= n
	clear(done) // the rest of the slice would keep them
	part.pending = part.pending[n:]
	if len(part.pending) == 0 {
		part.pending = nil
	}
}

// build encodes the next batch from the heads of the partitions, without taking them away. The caller holds the lock.
func (p *poller) build() {
	p.encoder.Reset()
	p.batch = p.batch[:0]
	left := min(p.Mapping.BatchSize, p.records)
	if p.Mapping.Recut != nil && left > 0 {
		left = min(left, max(1, p.Mapping.Recut(left)))
	}
	// Whose turn it is goes round, so that a busy partition does not starve the others.
	p.turn++
	for i := range p.order {
		part := p.order[(i+p.turn)%len(p.order)]
		if part.blocked != nil || len(part.pending) == 0 {
			continue
		}
		n, full := p.encode(part, left)
		if n > 0 {
			p.batch = append(p.batch, cut{part, n})
			left -= n
		}
		if full || left == 0 {
			return
		}
	}
}

// encode adds up to limit records of a partition to the event and tells how many, and whether the event is full. A record that does not fit into an empty
// event blocks its partition.
func (p *poller) encode(part *partition, limit int) (int, bool) {
	for i, r := range part.pending[:min(limit, len(part.pending))] {
		p.headers = p.headers[:0]
		for _, h := range r.Headers {
			p.headers = append(p.headers, kafka.Header(h))
		}
		p.message = kafka.Message{
			Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value, Headers: p.headers,
			TimestampType: kafka.TimestampType(r.Attrs.TimestampType()),
		}
		if p.encoder.Add(r.Topic, r.Partition, &p.message) {
			continue
		}
		if p.encoder.Len() == 0 {
			p.block(part, r)
			return 0, false
		}
		return i, true
	}
	return min(limit, len(part.pending)), false
}

// intact tells whether the batch that was built may still be sent as it is. The caller holds the lock.
func (p *poller) intact() bool {
	for _, c := range p.batch {
		if c.revoked {
			return false
		}
	}
	return len(p.batch) > 0
}

// count is how many records the batch has.
func (p *poller) count() int {
	n := 0
	for _, c := range p.batch {
		n += c.count
	}
	return n
}

// obey reads a partial answer and shortens the cuts to what was done. It tells whether it made sense: every failure has to be a record of the event.
func (p *poller) obey(r kafka.Response) bool {
	done := make([]int, len(p.batch))
	for i, c := range p.batch {
		done[i] = c.count
	}
	for _, f := range r.Failures() {
		i := p.cutOf(f.ID)
		if i < 0 {
			return false
		}
		sent := p.batch[i].pending[:p.batch[i].count]
		at := sort.Search(len(sent), func(j int) bool { return sent[j].Offset >= f.Offset })
		if at == len(sent) || sent[at].Offset != f.Offset {
			return false
		}
		done[i] = min(done[i], at)
	}
	for i := range p.batch {
		p.batch[i].count = done[i]
	}
	return true
}

func (p *poller) cutOf(name string) int {
	for i, c := range p.batch {
		if c.name == name {
			return i
		}
	}
	return -1
}
