package storage

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// stream is what is known of the files that share a source partition: a folder, or a slice of one.
//
// The offset that users see is that of Confluent's connectors: the last file in the order of names, and how far it was
// read. Beside it, for each series of names in the stream, is kept a name up to which every file is read and, as
// exceptions, which of the files behind it are. By that a file is known that comes with a name of which later ones were
// read already: it is read then, and once.
type stream struct {
	name      string // as routes say it
	partition connect.Partition
	series    map[string]*series
	// top is the greatest name that was begun.
	top string
	// opens are files that were begun and not ended.
	opens []openRead
	// todo are files that were read and are to be disposed of, as long as that is not known to be done.
	todo []uint64
	// floor is the name that an offset without details said: every file up to it is read.
	floor string

	due   map[uint64]bool // what todo was when it was read: nothing depends on a commit any more
	dirty bool            // it changed since positions were asked for
	last  int             // the place of its last record in the batch at hand, -1 if there is none
	read  []disposal      // files that were read, in order
	// The positions of the last record that was handed out, and of the last one that was committed, as texts.
	emitted, committed string
}

// openRead is how far a file was read.
type openRead struct {
	name, version string
	offset        int64
}

// series are files whose names grow, such as those of one topic partition.
type series struct {
	floor string          // every file up to it is read
	seen  map[uint64]mark // files behind it that are read, and that the walk has not come to
	next  []passed        // those that the walk has come to, in its order
}

// mark says that a file was read.
type mark struct {
	id uint64
	// size is how large it was, offset how far it was read. Files that do not grow have none.
	size, offset int64
}

type passed struct {
	mark
	name string
}

// hash is what is kept of an ID.
func hash(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // it never fails
	return h.Sum64()
}

func (s *stream) of(name string) *series {
	r := s.series[name]
	if r == nil {
		r = &series{floor: s.floor, seen: map[uint64]mark{}}
		if s.series == nil {
			s.series = map[string]*series{}
		}
		s.series[name] = r
	}
	return r
}

// find looks up a file.
func (r *series) find(id uint64) (mark, bool) {
	if m, ok := r.seen[id]; ok {
		return m, true
	}
	for i := range r.next {
		if r.next[i].id == id {
			return r.next[i].mark, true
		}
	}
	return mark{}, false
}

// leastWindow is how many exceptions a series has at least.
const leastWindow = 16

// pass notes that the walk went by a file that is read. Names come in order, so that those passed first are passed for ever
// when there are too many exceptions.
func (s *stream) pass(r *series, name string, m mark, window int) {
	delete(r.seen, m.id)
	r.next = append(r.next, passed{m, name})
	most := max(leastWindow, window/len(s.series))
	if n := len(r.next) - most; n > 0 {
		r.floor = r.next[n-1].name
		r.next = slices.Delete(r.next, 0, n)
		s.dirty = true
	}
}

// walked ends a walk: exceptions that it did not come to are gone, and so are files that were begun.
func (s *stream) walked() {
	for _, r := range s.series {
		if len(r.seen) > 0 {
			s.dirty = true
		}
		clear(r.seen)
	}
	s.rewind()
}

// rewind goes back to where the walk began.
func (s *stream) rewind() {
	for _, r := range s.series {
		for _, p := range r.next {
			r.seen[p.id] = p.mark
		}
		r.next = nil
	}
}

// settled notes that nothing but its disposal is left to do about a file.
func (s *stream) settled(id uint64) {
	if s.due == nil {
		s.due = map[uint64]bool{}
	}
	s.due[id] = true
}

// begun returns how far a file was read.
func (s *stream) begun(name string) *openRead {
	for i := range s.opens {
		if s.opens[i].name == name {
			return &s.opens[i]
		}
	}
	return nil
}

// begin notes that a file is being read.
func (s *stream) begin(e *Entry, offset int64) {
	s.end(e.Name)
	s.opens = append(s.opens, openRead{e.Name, e.Version, offset})
	s.top, s.dirty = max(s.top, e.Name), true
}

// end forgets how far a file was read.
func (s *stream) end(name string) {
	s.opens = slices.DeleteFunc(s.opens, func(o openRead) bool { return o.name == name })
}

// The members of positions that users see, as Confluent's connectors call them.
const (
	lastFileRead = "lastFileRead"
	fileOffset   = "fileOffset"
	endOfFile    = "eof"
	// A file whose name is less than that of the last one has members of its own.
	lateFile   = "lateFile"
	lateOffset = "lateOffset"
	// detail is all the rest. It stands in resume positions only.
	detail = "detail"
)

// position is what users see.
func (s *stream) position() connect.Position { return connect.NewPosition(s.fields()) }

func (s *stream) fields() map[string]any {
	fields := map[string]any{lastFileRead: s.top, fileOffset: "0", endOfFile: "true"}
	for _, o := range s.opens {
		if o.name == s.top {
			fields[fileOffset], fields[endOfFile] = strconv.FormatInt(o.offset, 10), "false"
		} else {
			fields[lateFile], fields[lateOffset] = o.name, strconv.FormatInt(o.offset, 10)
		}
	}
	return fields
}

// resume is the position with all that is known.
func (s *stream) resume() connect.Position {
	fields := s.fields()
	fields[detail] = base64.StdEncoding.EncodeToString(s.encode())
	return connect.NewPosition(fields)
}

// member is a member of a position as text; users may have set numbers and truths.
func member(p connect.Position, name string) string {
	switch v, _ := p.Get(name); v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// restore reads what position or resume wrote.
func (s *stream) restore(p connect.Position) error {
	if p.IsZero() {
		return nil
	}
	s.top = member(p, lastFileRead)
	if text := member(p, detail); text != "" {
		b, err := base64.StdEncoding.DecodeString(text)
		if err == nil {
			err = s.decode(b)
		}
		if err != nil {
			return fmt.Errorf("reading the stored offset of %s: %w", s.name, err)
		}
		for _, id := range s.todo {
			s.settled(id)
		}
		return nil
	}
	s.floor = s.top
	for name, offset := range map[string]string{member(p, lateFile): member(p, lateOffset), s.top: member(p, fileOffset)} {
		if name == "" || name == s.top && member(p, endOfFile) == "true" {
			continue
		}
		n, err := strconv.ParseInt(offset, 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("reading the stored offset of %s: %q of %s is none", s.name, offset, name)
		}
		s.opens = append(s.opens, openRead{name: name, offset: n})
	}
	return nil
}

const detailVersion = 1

func (s *stream) encode() []byte {
	e := encoder{detailVersion}
	e.uint(uint64(len(s.opens)))
	for _, o := range s.opens {
		e.text(o.name)
		e.text(o.version)
		e.int(o.offset)
	}
	e.uint(uint64(len(s.todo)))
	for _, id := range s.todo {
		e.id(id)
	}
	e.text(s.floor)
	e.uint(uint64(len(s.series)))
	for _, name := range slices.Sorted(maps.Keys(s.series)) {
		r := s.series[name]
		e.text(name)
		e.text(r.floor)
		e.uint(uint64(len(r.next) + len(r.seen)))
		for _, p := range r.next {
			e.mark(p.mark)
		}
		for _, m := range r.seen {
			e.mark(m)
		}
	}
	return e
}

func (s *stream) decode(b []byte) error {
	d := &decoder{b: b}
	if v := d.take(1); v == nil || v[0] != detailVersion {
		return errDetail
	}
	for n := d.uint(); n > 0 && !d.bad; n-- {
		s.opens = append(s.opens, openRead{d.text(), d.text(), d.int()})
	}
	for n := d.uint(); n > 0 && !d.bad; n-- {
		s.todo = append(s.todo, d.id())
	}
	s.floor = d.text()
	s.series = map[string]*series{}
	for n := d.uint(); n > 0 && !d.bad; n-- {
		name := d.text()
		r := &series{floor: d.text(), seen: map[uint64]mark{}}
		for m := d.uint(); m > 0 && !d.bad; m-- {
			read := mark{id: d.id(), size: d.int(), offset: d.int()}
			r.seen[read.id] = read
		}
		s.series[name] = r
	}
	if d.bad || len(d.b) > 0 || slices.ContainsFunc(s.opens, func(o openRead) bool { return o.offset < 0 }) {
		return errDetail
	}
	return nil
}
