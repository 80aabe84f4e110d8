package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// drafts writes drafts of small files side by side, because each of them takes some requests one after the other.
type drafts struct {
	store Store
	group errgroup.Group

	mu      sync.Mutex
	sealed  []closing
	begun   int
	waiting int64 // bytes of drafts under way
	room    sync.Cond
}

// Limits of what is under way at a time.
const (
	mostDrafts  = 16
	mostWaiting = 8 << 20
)

func newDrafts(store Store) *drafts {
	d := &drafts{store: store}
	d.room.L = &d.mu
	d.group.SetLimit(mostDrafts)
	return d
}

// begin has a draft of size bytes written. It waits as long as too many bytes are under way.
func (d *drafts) begin(ctx context.Context, name string, f *File, size int64, write func(ctx context.Context, d Draft) error) error {
	size = min(size, mostWaiting)
	d.mu.Lock()
	for d.waiting > 0 && d.waiting+size > mostWaiting {
		d.room.Wait()
	}
	d.waiting += size
	place := d.reserve()
	d.mu.Unlock()
	d.group.Go(func() error {
		defer func() {
			d.mu.Lock()
			d.waiting -= size
			d.mu.Unlock()
			d.room.Broadcast()
		}()
		return d.seal(ctx, name, f, place, write)
	})
	return nil
}

// write writes a draft at once.
func (d *drafts) write(ctx context.Context, name string, f *File, write func(ctx context.Context, d Draft) error) error {
	d.mu.Lock()
	place := d.reserve()
	d.mu.Unlock()
	return d.seal(ctx, name, f, place, write)
}

// reserve keeps a place, so that drafts are published in order.
func (d *drafts) reserve() int {
	d.begun++
	d.sealed = append(d.sealed, closing{})
	return d.begun - 1
}

func (d *drafts) seal(ctx context.Context, name string, f *File, place int, write func(ctx context.Context, d Draft) error) error {
	draft, err := d.store.Draft(ctx, name, f)
	if err != nil {
		return fmt.Errorf("beginning %s: %w", name, err)
	}
	err = write(ctx, draft)
	var handle string
	if err == nil {
		handle, err = draft.Seal(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", name, err), draft.Abandon(context.WithoutCancel(ctx)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sealed[place] = closing{Name: name, Handle: handle}
	return nil
}

func (d *drafts) empty() bool { return d.begun == 0 }

// wait returns all drafts, sealed, in the order in which they were begun.
func (d *drafts) wait() ([]closing, error) {
	if err := d.group.Wait(); err != nil {
		return nil, err
	}
	return d.sealed, nil
}

// discard throws away what was sealed.
func (d *drafts) discard(ctx context.Context) error {
	failure := d.group.Wait()
	failures := []error{}
	for _, c := range d.sealed {
		if c.Handle != "" {
			failures = append(failures, d.store.Discard(ctx, c.Name, c.Handle))
		}
	}
	d.sealed = nil
	_ = failure // it was reported already
	return errors.Join(failures...)
}

// publish publishes drafts, in order but side by side.
func (s *Sink) publish(ctx context.Context, all []closing) error {
	var group errgroup.Group
	group.SetLimit(mostDrafts)
	replace := s.Shape.Overwrite || s.Shape.Latest
	for _, c := range slices.All(all) {
		group.Go(func() error {
			if err := s.Store.Publish(ctx, c.Name, c.Handle, replace); err != nil {
				return fmt.Errorf("publishing %s: %w", c.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}
