package kafka

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Delivery is a slab of records on its way to Kafka.
//
// Its methods may be called from any goroutine.
type Delivery struct {
	producer *Producer
	session  *session
	records  []Record
	cancel   context.CancelFunc
	timer    *time.Timer
	pending  atomic.Int64
	done     chan struct{}

	mu       sync.Mutex
	finished bool
	failed   []*ProduceError
	hint     int // where the next failed record is looked for
}

// Done is closed when every record is acknowledged or failed, or the delivery time-out has passed.
func (d *Delivery) Done() <-chan struct{} { return d.done }

// Wait waits until the delivery is done and returns Err, or until ctx is, and returns the cause of that. It does not
// change what becomes of the records.
func (d *Delivery) Wait(ctx context.Context) error {
	select {
	case <-d.done:
		return d.Err()
	default:
	}
	select {
	case <-d.done:
		return d.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Err returns the error of the first record of the slab that failed, a *[ProduceError], or nil. It is final once the
// delivery is done; nil then means that Kafka has acknowledged every record.
func (d *Delivery) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.failed) == 0 {
		return nil
	}
	return d.failed[0]
}

// Errs returns the errors of all records that failed, in the order of the slab. It is final once the delivery is done.
// Records that are not in it were acknowledged, unless one has Index -1: then nothing is known of the others.
func (d *Delivery) Errs() []*ProduceError {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.failed)
}

// acked is the promise of every record of the delivery. Records of different partitions come in any order.
func (d *Delivery) acked(r *Record, err error) {
	if err != nil {
		d.fail(r, err)
	}
	if d.pending.Add(-1) == 0 {
		d.finish(nil)
		d.session.held.Done()
	}
}

func (d *Delivery) fail(r *Record, err error) {
	err = explain(r, d.producer.limits, err)
	d.mu.Lock()
	if !d.finished {
		d.failed = append(d.failed, &ProduceError{Index: d.index(r), Topic: r.Topic, Err: err})
	}
	d.mu.Unlock()
	d.session.failed(err)
}

// index finds r in the slab. Records of one partition fail in order, so looking on from the last one is soon done.
func (d *Delivery) index(r *Record) int {
	for range d.records {
		if d.hint >= len(d.records) {
			d.hint = 0
		}
		d.hint++
		if &d.records[d.hint-1] == r {
			return d.hint - 1
		}
	}
	return -1
}

// expire ends a delivery whose time has passed. The library would go on with records that are in flight, because it
// cannot know what became of them; the producer is broken until it is aborted.
func (d *Delivery) expire(after time.Duration) {
	err := d.session.watch.because(fmt.Errorf("%w of %s", ErrDeliveryTimeout, after))
	d.session.failed(err)
	d.finish(err)
}

// finish ends the delivery, with an error that concerns all of it or nil. Only the first call has an effect.
func (d *Delivery) finish(err error) {
	d.mu.Lock()
	if d.finished {
		d.mu.Unlock()
		return
	}
	d.finished = true
	slices.SortFunc(d.failed, func(x, y *ProduceError) int { return cmp.Compare(x.Index, y.Index) })
	if err != nil {
		d.failed = slices.Insert(d.failed, 0, &ProduceError{Index: -1, Err: err})
	}
	d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	if d.session != nil {
		d.session.forget(d)
	}
	close(d.done)
	d.cancel()
}
