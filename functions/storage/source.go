package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Source reads the records of files. It is what the tasks of file sources are made of. It is used from one goroutine.
type Source struct {
	Shelf Shelf
	// Root is what the names of the files begin with.
	Root    string
	Reading Reading
	// Route says what becomes of a file. ok is false for files that are none of the connector's.
	Route func(name string) (r Route, ok bool, err error)
	// Partition is the source partition of a stream.
	Partition func(stream string) map[string]any
	// Batch is how many records a poll returns at most.
	Batch int
	// Interval is how long after a walk began the next one begins.
	Interval time.Duration
	// Since leaves older files out.
	Since time.Time
	// Window is how many exceptions are kept for each stream. Defaults to 1000.
	Window int
	// Growing says that files may grow, and that one that ends without an end of its last record is looked at again. It
	// counts as whole when it has not changed for Settle.
	Growing bool
	Settle  time.Duration
	// Tolerant passes over records that cannot be read, and over what lies behind them where nobody knows where the
	// next one begins.
	Tolerant bool
	// Disposal does away with files that were read; nil leaves them.
	Disposal Disposal
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time

	assigned connect.Assignment
	streams  map[string]*stream
	walk     Walk
	began    time.Time
	due      time.Time
	ahead    []candidate // listed and not looked at
	ended    bool        // the walk, behind ahead

	reading *candidate      // the file at hand
	items   Items           // nil: to be opened
	opened  context.Context //nolint:containedctx // that with which items were opened
	records []connect.Record
	failure error // to be returned by the next poll
}

// Route is what becomes of a file's records.
type Route struct {
	Topic     string
	Partition int32
	// Key is that of records that have none of their own.
	Key connect.Datum
	// Stream names the offset that the file belongs to, Series the names among which its own grows.
	Stream, Series string
	// Share decides which task reads it, modulo their number.
	Share uint64
}

// candidate is a listed file with its route.
type candidate struct {
	*Entry
	route  Route
	stream *stream
}

// Limits of what is done at a time.
const (
	mostAhead     = 100
	mostPoll      = 8 << 20 // bytes of files
	defaultWindow = 1000
)

// Open makes no call.
func (s *Source) Open(a connect.Assignment) {
	s.assigned, s.streams = a, map[string]*stream{}
	if s.Window <= 0 {
		s.Window = defaultWindow
	}
	if s.Now == nil {
		s.Now = time.Now
	}
}

// Poll returns the next records.
func (s *Source) Poll(ctx context.Context) ([]connect.Record, error) {
	s.records = s.records[:0]
	if err := s.failure; err != nil {
		s.failure = nil
		return nil, err
	}
	for _, st := range s.streams {
		st.last = -1
	}
	if s.items != nil && s.opened.Err() != nil && ctx.Err() == nil {
		s.drop()
	}
	var err error
	for err == nil && len(s.records) < max(1, s.Batch) && ctx.Err() == nil {
		var more bool
		if more, err = s.step(ctx); !more {
			break
		}
	}
	if settled := s.settle(ctx); err == nil {
		err = settled
	}
	if err != nil && len(s.records) > 0 {
		s.failure, err = err, nil
	}
	return s.records, err
}

// step reads one record, or goes to the next file. more is false if there is nothing now.
func (s *Source) step(ctx context.Context) (more bool, err error) {
	switch {
	case s.items != nil:
		return true, s.take(ctx)
	case s.reading != nil:
		return true, s.open(ctx)
	}
	return s.next(ctx)
}

// next goes to the next file that is to be read.
func (s *Source) next(ctx context.Context) (found bool, err error) {
	if s.walk == nil {
		now := s.Now()
		if now.Before(s.due) {
			return false, nil
		}
		s.walk, s.began, s.ended = s.Shelf.Walk(s.Root), now, false
		for _, st := range s.streams {
			st.rewind()
		}
	}
	skip := ""
	for {
		if len(s.ahead) == 0 {
			if s.ended {
				s.walked()
				return false, nil
			}
			if skip != "" {
				s.walk.Skip(skip)
				skip = ""
			}
			if err := s.look(ctx); err != nil {
				s.walk, s.ahead = nil, nil // which begins anew
				return false, fmt.Errorf("listing files: %w", err)
			}
			continue
		}
		c := s.ahead[0]
		s.ahead = s.ahead[1:]
		r := c.stream.of(c.route.Series)
		if c.Name <= r.floor && c.stream.begun(c.Name) == nil {
			skip = r.floor
			continue
		}
		skip = ""
		if begin, offset := s.wanted(&c, r); begin {
			c.stream.begin(c.Entry, offset)
			s.reading = &c
			return true, nil
		}
		if err := s.passBy(ctx, &c, r); err != nil {
			return false, err
		}
	}
}

// look lists some files and asks where their streams go on.
func (s *Source) look(ctx context.Context) error {
	var fresh []*stream
	for len(s.ahead) < mostAhead {
		e, err := s.walk.Next(ctx)
		if errors.Is(err, io.EOF) {
			s.ended = true
			break
		}
		if err != nil {
			return err
		}
		if e.Size == 0 || !s.Reading.Takes(e.Name) || e.Modified.Before(s.Since) {
			continue
		}
		route, ok, err := s.Route(e.Name)
		if err != nil {
			return err
		}
		if !ok || s.assigned.Of > 1 && route.Share%uint64(s.assigned.Of) != uint64(s.assigned.Task) { //nolint:gosec // neither is negative
			continue
		}
		st := s.streams[route.Stream]
		if st == nil {
			st = &stream{name: route.Stream, last: -1}
			if st.partition, err = connect.NewPartition(s.Partition(route.Stream)); err != nil {
				return err
			}
			s.streams[route.Stream] = st
			fresh = append(fresh, st)
		}
		s.ahead = append(s.ahead, candidate{e, route, st})
	}
	return s.restore(ctx, fresh)
}

// restore asks where streams go on.
func (s *Source) restore(ctx context.Context, fresh []*stream) (err error) {
	defer func() {
		if err != nil {
			for _, st := range fresh {
				delete(s.streams, st.name)
			}
		}
	}()
	partitions := make([]connect.Partition, len(fresh))
	for i, st := range fresh {
		partitions[i] = st.partition
	}
	if len(partitions) == 0 {
		return nil
	}
	stored, err := s.assigned.Offsets.Offsets(ctx, partitions...)
	if err != nil {
		return fmt.Errorf("asking where to go on: %w", err)
	}
	for _, st := range fresh {
		if err := st.restore(stored[st.partition]); err != nil {
			return err
		}
	}
	return nil
}

// wanted tells whether a file is to be read, and from which offset on.
func (s *Source) wanted(c *candidate, r *series) (begin bool, offset int64) {
	m, seen := r.find(hash(c.ID))
	if o := c.stream.begun(c.Name); o != nil {
		if o.version == "" || o.version == c.Version {
			return true, o.offset
		}
		s.assigned.Log.Warn("reading a file from its start: it was replaced while it was read", "file", c.Name)
		return true, 0
	}
	if !seen {
		return true, 0
	}
	if !s.Growing || c.Size == m.size {
		return false, 0
	}
	if c.Size < m.offset {
		s.assigned.Log.Warn("reading a file from its start: it is shorter than what was read of it", "file", c.Name, "size", c.Size)
		return true, 0
	}
	return true, m.offset
}

// walked ends the walk.
func (s *Source) walked() {
	for _, st := range s.streams {
		for _, o := range st.opens {
			s.assigned.Log.Warn("a file is gone that was not read to its end", "file", o.name, "offset", o.offset)
			st.dirty = true
		}
		st.opens = nil
		st.walked()
	}
	s.walk, s.due = nil, s.began.Add(s.Interval)
}

// open opens the file at hand.
func (s *Source) open(ctx context.Context) error {
	c := s.reading
	items, err := s.Reading.Open(ctx, &Content{Shelf: s.Shelf, Entry: c.Entry}, c.stream.begun(c.Name).offset)
	if err != nil {
		return s.failed(ctx, err)
	}
	s.items, s.opened = items, ctx
	return nil
}

// take reads a record.
func (s *Source) take(ctx context.Context) error {
	c := s.reading
	item, err := s.items.Next()
	if errors.Is(err, io.EOF) {
		s.finish(false)
		return nil
	}
	if bad, ok := errors.AsType[*BadItem](err); ok && s.Tolerant {
		s.assigned.Log.Warn("passing over a record that cannot be read", "file", c.Name, "offset", bad.Offset, "error", bad.Err)
		c.stream.begun(c.Name).offset, c.stream.dirty = bad.Offset, true
		return nil
	}
	if err != nil {
		return s.failed(ctx, err)
	}
	if item.Torn && s.Growing && s.Now().Sub(c.Modified) < s.Settle {
		s.finish(true) // the rest may be about to be written
		return nil
	}
	key := item.Key
	if key.IsNull() {
		key = c.route.Key
	}
	c.stream.begun(c.Name).offset, c.stream.dirty, c.stream.last = item.Offset, true, len(s.records)
	s.records = append(s.records, connect.Record{
		Topic: c.route.Topic, Partition: c.route.Partition, Key: key, Value: item.Value, Headers: item.Headers, Time: item.Time,
		Source: connect.Source{Partition: c.stream.partition},
	})
	return nil
}

// finish ends the file at hand. again says that it is to be looked at again.
func (s *Source) finish(again bool) {
	c := s.reading
	err := s.items.Close()
	s.reading, s.items = nil, nil
	s.read(c, again)
	if err != nil {
		s.assigned.Log.Warn("closing a file failed that was read to its end", "file", c.Name, "error", err)
	}
}

// read notes that a file is read.
func (s *Source) read(c *candidate, again bool) {
	st := c.stream
	m := mark{id: hash(c.ID)}
	if s.Growing {
		m.size, m.offset = c.Size, st.begun(c.Name).offset
		if again {
			m.size = -1
		}
	}
	st.end(c.Name)
	st.dirty = true
	st.pass(st.of(c.route.Series), c.Name, m, s.Window)
	if s.Disposal != nil {
		st.todo = append(st.todo, m.id)
		st.read = append(st.read, disposal{entry: c.Entry})
	}
}

// failed decides what an error of the file at hand means.
func (s *Source) failed(ctx context.Context, err error) error {
	c := s.reading
	at := c.stream.begun(c.Name).offset
	s.drop()
	_, retry := errors.AsType[*connect.RetryError](err)
	switch {
	case errors.Is(err, ErrNotFound):
		s.assigned.Log.Warn("a file is gone that was about to be read", "file", c.Name, "offset", at)
		c.stream.end(c.Name)
		s.reading, c.stream.dirty = nil, true
		return nil
	case errors.Is(err, ErrChanged): // the next walk finds what it is now
		s.reading, s.walk, s.ahead = nil, nil, nil
		return nil
	case s.Tolerant && !retry && ctx.Err() == nil:
		s.assigned.Log.Warn("passing over what is left of a file that cannot be read", "file", c.Name, "offset", at, "error", err)
		s.reading = nil
		s.read(c, false)
		return nil
	}
	return fmt.Errorf("reading %s behind offset %d: %w", c.Name, at, err)
}

// drop closes the file at hand, which is opened again where it was.
func (s *Source) drop() {
	if s.items != nil {
		_ = s.items.Close() // it is of no more use
		s.items = nil
	}
}

// NotBefore is when the next walk is due.
func (s *Source) NotBefore() time.Time { return s.due }

// Close closes what is open.
func (s *Source) Close() error {
	s.drop()
	s.reading = nil
	return nil
}

// Check lists a file, or finds that there is none.
func (s *Source) Check(ctx context.Context) error {
	_, err := s.Shelf.Walk(s.Root).Next(ctx)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
