package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Disposal does away with files that were read.
type Disposal interface {
	// Dispose is called when nobody will read the file again, and again if that was not known to have gone well.
	Dispose(ctx context.Context, e *Entry) error
}

// disposal is a file that was read. covered is the position that covers its last record, "" until that is known.
type disposal struct {
	entry   *Entry
	covered string
	known   bool
}

// settle gives the last record of every stream its position, which covers those before.
func (s *Source) settle(ctx context.Context) error {
	var failures []error
	for _, st := range s.streams {
		if st.last >= 0 {
			at := st.position()
			s.records[st.last].Source.Position = at
			if s.Disposal != nil {
				st.emitted = positionText(at)
			}
		}
		for i := range st.read {
			if !st.read[i].known {
				st.read[i].covered, st.read[i].known = st.emitted, true
			}
		}
		failures = append(failures, s.sweep(ctx, st))
	}
	return errors.Join(failures...)
}

func positionText(p connect.Position) string {
	text, err := p.JSON()
	if err != nil {
		return "" // it has texts only
	}
	return string(text)
}

// sweep disposes of the files whose records are covered by what was committed.
func (s *Source) sweep(ctx context.Context, st *stream) error {
	n := 0
	for i := range st.read {
		if st.read[i].known && st.read[i].covered == st.committed {
			n = i + 1
		}
	}
	done := st.read[:n]
	st.read = st.read[n:]
	for i, d := range done {
		if err := s.dispose(ctx, st, d.entry); err != nil {
			for _, d := range done[i:] { // the next walk comes by
				st.settled(hash(d.entry.ID))
			}
			return err
		}
	}
	return nil
}

// passBy notes that a file is read, and disposes of it if that was not known to be done.
func (s *Source) passBy(ctx context.Context, c *candidate, r *series) error {
	id := hash(c.ID)
	m, _ := r.find(id)
	c.stream.pass(r, c.Name, m, s.Window)
	if s.Disposal == nil || !c.stream.due[id] {
		return nil
	}
	return s.dispose(ctx, c.stream, c.Entry)
}

func (s *Source) dispose(ctx context.Context, st *stream, e *Entry) error {
	if err := s.Disposal.Dispose(ctx, e); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("disposing of %s, which was read: %w", e.Name, err)
	}
	id := hash(e.ID)
	delete(st.due, id)
	st.todo = slices.DeleteFunc(st.todo, func(o uint64) bool { return o == id })
	st.dirty = true
	return nil
}

// Position says where streams go on, with all details.
func (s *Source) Position() connect.Offsets {
	var all connect.Offsets
	for _, st := range s.streams {
		if !st.dirty || st.top == "" {
			continue
		}
		if all == nil {
			all = connect.Offsets{}
		}
		all[st.partition], st.dirty = st.resume(), false
	}
	return all
}

// Commit disposes of the files that durable offsets cover.
func (s *Source) Commit(ctx context.Context, o connect.Offsets) error {
	if s.Disposal == nil {
		return nil
	}
	var failures []error
	for _, st := range s.streams {
		if at, ok := o[st.partition]; ok {
			st.committed = positionText(at)
			failures = append(failures, s.sweep(ctx, st))
		}
	}
	return errors.Join(failures...)
}
