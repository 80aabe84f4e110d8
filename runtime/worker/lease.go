package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// How often a holder looks whether its lease was revoked, so that what follows is also done within 2 s of the change, and
// how far from expiry it must be to produce.
const (
	lookEvery   = 1500 * time.Millisecond
	leaseMargin = 2 * time.Second
)

// errLeaseExpiring stops an invocation that could not renew its lease in time.
var errLeaseExpiring = errors.New("the lease is about to run out and could not be renewed")

// keeper keeps a lease alive while an invocation runs and tells when it is lost.
type keeper struct {
	store offset.Leaser
	lease offset.Lease
	// look is how often it looks.
	look time.Duration
	// expires is when the lease runs out by this process's monotonic clock, counted from before the call that
	// extended it, so that it is never later than what the table says.
	expires atomic.Pointer[time.Time]
	revoked atomic.Bool
	end     context.CancelCauseFunc
	done    chan struct{}
}

// keep starts the heartbeat of a lease acquired by a call that began at since. The context it returns ends with the
// cause when the lease is lost or revoked; stop ends the heartbeat and waits for it.
func keep(ctx context.Context, store offset.Leaser, lease offset.Lease, since time.Time) (context.Context, *keeper) {
	held, end := context.WithCancelCause(ctx)
	k := &keeper{store: store, lease: lease, look: min(lookEvery, lease.TTL/5), end: end, done: make(chan struct{})}
	k.extend(since)
	go k.run(held)
	return held, k
}

// lost is why the lease is gone for good: nil while it is held, and when it was revoked and there is a moment left.
func lost(held context.Context) error {
	if err := context.Cause(held); errors.Is(err, offset.ErrFenced) || errors.Is(err, errLeaseExpiring) {
		return err
	}
	return nil
}

func (k *keeper) extend(since time.Time) {
	t := since.Add(k.lease.TTL)
	k.expires.Store(&t)
}

// left is how long the lease still lasts by the local clock.
func (k *keeper) left() time.Duration { return time.Until(*k.expires.Load()) }

// safe tells whether there is time enough on the lease to hand records to Kafka.
func (k *keeper) safe() bool { return k.left() > k.margin() }

func (k *keeper) margin() time.Duration { return min(leaseMargin, k.lease.TTL/4) }

func (k *keeper) run(ctx context.Context) {
	defer close(k.done)
	tick := time.NewTicker(k.look)
	defer tick.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := k.beat(ctx, &renewed); err != nil {
			k.end(err)
			return
		}
	}
}

// beat looks or renews once. A table that does not answer is asked again at the next beat until the lease is nearly out.
func (k *keeper) beat(ctx context.Context, renewed *time.Time) error {
	since := time.Now()
	var err error
	if since.Sub(*renewed) >= k.lease.TTL/3-k.look/2 {
		if err = k.store.Renew(ctx, k.lease); err == nil {
			*renewed = since
			k.extend(since)
		}
	} else {
		err = k.store.Check(ctx, k.lease)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, offset.ErrRevoked):
		k.revoked.Store(true)
		return err
	case errors.Is(err, offset.ErrFenced):
		return err
	case k.safe():
		return nil
	}
	return fmt.Errorf("%w: %w", errLeaseExpiring, err)
}

// stop ends the heartbeat and waits for it, so that nothing of it is left behind.
func (k *keeper) stop() {
	k.end(context.Canceled)
	<-k.done
}
