package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// lane is what a process knows of one topic partition.
type lane struct {
	sink  *Sink
	at    connect.TopicPartition
	books books

	ledger  *ledger // nil: to be read
	version int64
	spilled string // the piece that holds the ledger, if one does
	listed  bool   // in the index
}

func (l *lane) String() string { return fmt.Sprintf("%s-%d", l.at.Topic, l.at.Partition) }

// forget makes the lane read its ledger again.
func (l *lane) forget() { l.ledger = nil }

// mostAttempts is how often an event is tried anew because somebody else swapped the ledger. Two invocations that work on
// one partition at a time are rare, and one of them always wins.
const mostAttempts = 8

// take takes an event's records.
func (l *lane) take(ctx context.Context, records []connect.Record, indices []int, failed map[int]error) error {
	return l.retry(func() error {
		if err := l.load(ctx); err != nil {
			return err
		}
		a, err := newAttempt(ctx, l)
		if err != nil {
			return err
		}
		if err := a.take(ctx, records, indices); err != nil {
			a.undo(ctx)
			return err
		}
		if err := a.settle(ctx); err != nil {
			return err
		}
		maps.Copy(failed, a.refused)
		if a.skipped > 0 {
			l.sink.Log.Info("records that are in files already were delivered again", "partition", l.String(), "records", a.skipped)
		}
		return nil
	})
}

// tick completes files that are due by the clock.
func (l *lane) tick(ctx context.Context) error {
	return l.retry(func() error {
		if err := l.load(ctx); err != nil {
			return err
		}
		g := l.ledger.Open
		if g == nil {
			return nil
		}
		a, err := newAttempt(ctx, l)
		if err != nil {
			return err
		}
		if !a.shape.Rotation.old(g, a.now) && a.shape == l.sink.Shape {
			return nil
		}
		if err := a.complete(ctx); err != nil {
			a.undo(ctx)
			return err
		}
		return a.settle(ctx)
	})
}

// retry repeats what met a ledger that somebody else had swapped.
func (l *lane) retry(f func() error) error {
	for n := 1; ; n++ {
		err := f()
		if err == nil || !errors.Is(err, connect.ErrConflict) || n == mostAttempts {
			if err != nil {
				err = fmt.Errorf("writing files of %s: %w", l, err)
			}
			return err
		}
		l.forget()
	}
}

// load reads the ledger unless it is known, and finishes what it says is closing. Steps 1 and 2.
func (l *lane) load(ctx context.Context) error {
	if l.ledger == nil {
		book, version, err := l.books.read(ctx, l.at.Topic, l.at.Partition)
		if err != nil {
			return err
		}
		if book.Next < 0 && l.sink.Recover != nil {
			if book.Next, err = l.sink.Recover(ctx, l.at.Topic, l.at.Partition); err != nil {
				return fmt.Errorf("looking for files: %w", err)
			}
		}
		l.ledger, l.version, l.spilled = book, version, ""
	}
	return l.finish(ctx)
}

// finish publishes what is closing and removes what is of no more use. Steps 6 to 8.
func (l *lane) finish(ctx context.Context) error {
	book := l.ledger
	if len(book.Closing) == 0 && len(book.Drop) == 0 {
		return nil
	}
	if err := l.sink.publish(ctx, book.Closing); err != nil {
		return err
	}
	if err := l.sink.Store.Remove(ctx, book.Drop...); err != nil {
		l.sink.Log.Warn("removing staged objects failed; they are of no more use", "partition", l.String(), "error", err)
	}
	closed := len(book.Closing) > 0
	book.Closing, book.Drop = nil, nil
	if !closed {
		return nil // that Drop is empty can wait for the next swap
	}
	next := *book
	next.Attempt = nonce()
	return l.swap(ctx, &next)
}

// swap writes the ledger. The error is ErrConflict if somebody else did, and nothing of this attempt ever counts.
func (l *lane) swap(ctx context.Context, next *ledger) error {
	if next.Open != nil && !l.listed {
		if err := l.books.list(ctx, "", l.at.Topic); err != nil {
			return err
		}
		if err := l.books.list(ctx, l.at.Topic, strconv.Itoa(int(l.at.Partition))); err != nil {
			return err
		}
		l.listed = true
	}
	spill := l.sink.Staging + next.Attempt + ".ledger"
	version, kept, err := l.books.write(ctx, l.at.Topic, l.at.Partition, next, l.version, spill)
	if err != nil {
		if version, err = l.settled(ctx, next, err); err != nil {
			return err
		}
	}
	if l.spilled != "" {
		if err := l.sink.Store.Remove(ctx, l.spilled); err != nil {
			l.sink.Log.Warn("removing an old ledger failed", "partition", l.String(), "error", err)
		}
	}
	l.ledger, l.version, l.spilled = next, version, ""
	if kept {
		l.spilled = spill
	}
	return nil
}

// errUnknown means that nobody knows whether a swap took place.
var errUnknown = errors.New("nobody knows whether the ledger was written")

// settled finds out whether a swap took place that did not say so.
func (l *lane) settled(ctx context.Context, next *ledger, failure error) (version int64, err error) {
	now, version, err := l.books.read(context.WithoutCancel(ctx), l.at.Topic, l.at.Partition)
	switch {
	case err != nil:
		return 0, errors.Join(errUnknown, failure, err)
	case now.Attempt == next.Attempt:
		return version, nil
	case version > l.version:
		return 0, fmt.Errorf("writing the ledger: %w", connect.ErrConflict)
	}
	// The write may still be under way.
	return 0, errors.Join(errUnknown, failure)
}

// clone returns a copy that shares nothing that changes.
func (g *generation) clone() *generation {
	if g == nil {
		return nil
	}
	c := *g
	c.Pieces = slices.Clone(g.Pieces)
	c.Schemas = slices.Clone(g.Schemas)
	c.Heads = maps.Clone(g.Heads)
	c.Files = make([]*openFile, len(g.Files))
	for i, f := range g.Files {
		file := *f
		file.At, file.hand = slices.Clone(f.At), nil
		c.Files[i] = &file
	}
	return &c
}
