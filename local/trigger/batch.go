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

// build makes the next batch from the heads of the partitions, without taking them away. If all of the batch before was done with, it may
// have been prepared. The caller holds the lock.
func (p *poller) build(done bool) {
	if ready := p.ahead.intact(); ready && done {
		p.parcel, p.ahead = p.ahead, p.parcel
		p.ahead.batch = p.ahead.batch[:0]
		return
	}
	p.ahead.batch = p.ahead.batch[:0]
	left := min(p.Mapping.BatchSize, p.records)
	if p.Mapping.Recut != nil && left > 0 {
		left = min(left, max(1, p.Mapping.Recut(left)))
	}
	p.pack(&p.parcel, left, nil)
}

// prepare encodes the event that comes behind the one under way, if there is enough for a full one: the function and the encoder work at
// the same time then.
func (p *poller) prepare() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Mapping.Recut != nil || p.ahead.intact() {
		return
	}
	p.ahead.batch = p.ahead.batch[:0]
	records, bytes, _ := p.ready()
	for _, c := range p.batch {
		if c.revoked {
			return
		}
		records -= c.count
		for _, r := range c.pending[:c.count] {
			bytes -= size(r)
		}
	}
	if p.full(records, bytes) {
		p.pack(&p.ahead, p.Mapping.BatchSize, p.batch)
	}
}

// pack fills a parcel with up to limit records, those that come behind other cuts. The caller holds the lock.
func (p *poller) pack(to *parcel, limit int, behind []cut) {
	to.encoder.Reset()
	to.batch = to.batch[:0]
	// Whose turn it is goes round, so that a busy partition does not starve the others.
	p.turn++
	for i := range p.order {
		part := p.order[(i+p.turn)%len(p.order)]
		if part.blocked != nil {
			continue
		}
		pending := part.pending
		if j := cutOf(behind, part.name); j >= 0 {
			pending = pending[behind[j].count:]
		}
		n, fits := p.encode(to.encoder, pending[:min(limit, len(pending))])
		if n > 0 {
			to.batch = append(to.batch, cut{part, n})
			limit -= n
		}
		if !fits && to.encoder.Len() == 0 && behind == nil {
			p.block(part, pending[0])
			continue
		}
		if !fits || limit == 0 {
			return
		}
	}
}

// encode adds records to an event and tells how many, and whether all of them fit.
func (p *poller) encode(to *kafka.Encoder, records []*kgo.Record) (int, bool) {
	for i, r := range records {
		p.headers = p.headers[:0]
		for _, h := range r.Headers {
			p.headers = append(p.headers, kafka.Header(h))
		}
		p.message = kafka.Message{
			Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value, Headers: p.headers,
			TimestampType: kafka.TimestampType(r.Attrs.TimestampType()),
		}
		if !to.Add(r.Topic, r.Partition, &p.message) {
			return i, false
		}
	}
	return len(records), true
}

// intact tells whether there is a batch that may still be sent as it is. The caller holds the poller's lock.
func (p *parcel) intact() bool {
	for _, c := range p.batch {
		if c.revoked {
			return false
		}
	}
	return len(p.batch) > 0
}

// count is how many records the batch has.
func (p *parcel) count() int {
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
		i := cutOf(p.batch, f.ID)
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

// cutOf finds the cut of a partition; -1 if there is none.
func cutOf(cuts []cut, name string) int {
	for i, c := range cuts {
		if c.name == name {
			return i
		}
	}
	return -1
}
