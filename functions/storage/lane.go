package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// lane is what a process knows of one topic partition.
type lane struct {
	sink  *Sink
	at    connect.TopicPartition
	books books

	ledger  *ledger // nil: to be read
	version int64
	spilled string                    // the piece that holds the ledger, if one does
	listed  bool                      // in the index
	parsed  map[string]*schema.Schema // those of open files by their texts
	texts   map[*schema.Schema]json.RawMessage
}

func (l *lane) String() string { return fmt.Sprintf("%s-%d", l.at.Topic, l.at.Partition) }

// forget makes the lane read its ledger again.
func (l *lane) forget() { l.ledger = nil }

// schemas reads those of open files. Those that were read before, or were written down, are the same values again.
func (l *lane) schemas(ctx context.Context, texts []json.RawMessage) ([]*schema.Schema, error) {
	known := l.parsed
	l.parsed = make(map[string]*schema.Schema, len(texts))
	var all []*schema.Schema
	for _, text := range texts {
		s := known[string(text)]
		if s == nil {
			var err error
			if s, err = parseSchema(ctx, text); err != nil {
				return nil, fmt.Errorf("reading the schema of an open file: %w", err)
			}
		}
		l.parsed[string(text)] = s
		all = append(all, s)
	}
	return all, nil
}

// mostTexts is how many schemas a lane remembers.
const mostTexts = 64

// text is the text of a schema, which is remembered for it.
func (l *lane) text(ctx context.Context, s *schema.Schema) (json.RawMessage, error) {
	if text, known := l.texts[s]; known {
		l.parsed[string(text)] = s
		return text, nil
	}
	text, err := formatSchema(ctx, s)
	if err != nil {
		return nil, err
	}
	if l.texts == nil || len(l.texts) == mostTexts {
		l.texts = map[*schema.Schema]json.RawMessage{}
	}
	l.texts[s], l.parsed[string(text)] = text, s
	return text, nil
}

// mostAttempts is how often an event is tried anew because somebody else swapped the ledger. Two invocations that work on
// one partition at a time are rare, and one of them always wins.
const mostAttempts = 8

// take takes an event's records, as often as somebody else swaps the ledger meanwhile.
func (l *lane) take(ctx context.Context, records []connect.Record, indices []int) (a *attempt, err error) {
	err = l.retry(func() error {
		if err := l.load(ctx); err != nil {
			return err
		}
		if a, err = l.begin(ctx, records, indices); err != nil {
			return err
		}
		return a.settle(ctx)
	})
	return a, err
}

// begin tries to take an event's records, up to what makes that count.
func (l *lane) begin(ctx context.Context, records []connect.Record, indices []int) (*attempt, error) {
	a, err := newAttempt(ctx, l)
	if err != nil {
		return nil, err
	}
	if err := a.take(ctx, records, indices); err != nil {
		a.undo(ctx)
		return nil, err
	}
	return a, nil
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
		if !errors.Is(err, connect.ErrConflict) || n == mostAttempts {
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

// mostDropped is how many pieces of no more use may wait for a file that is complete, because removing them takes a request.
const mostDropped = 128

// finish publishes what is closing and removes what is of no more use. Steps 6 to 8.
func (l *lane) finish(ctx context.Context) error {
	book := l.ledger
	if len(book.Closing) == 0 && len(book.Drop) < mostDropped {
		return nil
	}
	if err := l.sink.publish(ctx, book.Closing); err != nil {
		return err
	}
	l.sink.warm.remove(book.Drop...)
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
