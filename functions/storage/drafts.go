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
	sink  *Sink
	group errgroup.Group

	mu     sync.Mutex
	sealed []closing
	begun  int
}

// mostDrafts is how many drafts of a partition are under way at a time.
const mostDrafts = 16

func newDrafts(s *Sink) *drafts {
	d := &drafts{sink: s}
	d.group.SetLimit(mostDrafts)
	return d
}

// pending is a draft that is to be written. Its place among the others is kept, so that they are published in order.
type pending struct {
	drafts *drafts
	draft  Draft
	name   string
	place  int
}

// open begins a draft. What the store has to do for that it may do while the file is encoded.
func (d *drafts) open(ctx context.Context, name string, f *File) (*pending, error) {
	draft, err := d.sink.Store.Draft(ctx, name, f)
	if err != nil {
		return nil, fmt.Errorf("beginning %s: %w", name, err)
	}
	d.begun++
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sealed = append(d.sealed, closing{})
	return &pending{drafts: d, draft: draft, name: name, place: len(d.sealed) - 1}, nil
}

// drop throws the draft away.
func (p *pending) drop(ctx context.Context) error {
	return p.draft.Abandon(context.WithoutCancel(ctx))
}

// begin has the draft, of size bytes, written. It waits as long as too many bytes are under way.
func (p *pending) begin(ctx context.Context, size int64, write func(ctx context.Context, d Draft) error) {
	room := &p.drafts.sink.room
	size = room.enter(size)
	p.drafts.group.Go(func() error {
		defer room.leave(size)
		return p.write(ctx, write)
	})
}

// write writes the draft at once.
func (p *pending) write(ctx context.Context, write func(ctx context.Context, d Draft) error) error {
	err := write(ctx, p.draft)
	var handle string
	if err == nil {
		handle, err = p.draft.Seal(ctx)
		err = gone(err)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", p.name, err), p.drop(ctx))
	}
	p.drafts.mu.Lock()
	defer p.drafts.mu.Unlock()
	p.drafts.sealed[p.place] = closing{Name: p.name, Handle: handle}
	return nil
}

// room bounds the bytes that are on their way to the store. The zero value is ready for use.
type room struct {
	mu   sync.Mutex
	used int64
	left sync.Cond
}

// mostWaiting is how many bytes are under way at a time, if that is not one piece or draft alone.
const mostWaiting = 8 << 20

// enter waits until there is room for size bytes, and returns how many to leave with.
func (r *room) enter(size int64) int64 {
	size = min(size, mostWaiting)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left.L = &r.mu
	for r.used > 0 && r.used+size > mostWaiting {
		r.left.Wait()
	}
	r.used += size
	return size
}

func (r *room) leave(size int64) {
	r.mu.Lock()
	r.used -= size
	r.mu.Unlock()
	r.left.Broadcast()
}

func (d *drafts) empty() bool { return d.begun == 0 }

// wait returns all drafts, sealed, in the order in which they were begun.
func (d *drafts) wait() ([]closing, error) {
	if err := d.group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(d.sealed, func(c closing) bool { return c.Handle == "" }), nil // those that were dropped
}

// discard throws away what was sealed.
func (d *drafts) discard(ctx context.Context) error {
	failure := d.group.Wait()
	failures := []error{}
	for _, c := range d.sealed {
		if c.Handle != "" {
			failures = append(failures, d.sink.Store.Discard(ctx, c.Name, c.Handle))
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
