package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// complete writes every open file to a draft, and begins a new generation.
func (a *attempt) complete(ctx context.Context) error {
	if a.open.Count == 0 {
		return nil
	}
	for _, f := range a.open.Files { // a record that is unfit for one of its files must not be in another
		if f.View == "" {
			continue
		}
		if _, err := a.encode(nil, a.format(f.View), f, true); err != nil {
			return err
		}
	}
	tail, err := a.readTail(ctx, a.open.Pieces)
	if err != nil {
		return err
	}
	for _, f := range a.open.Files {
		if err := a.draft(ctx, f, tail); err != nil {
			return fmt.Errorf("writing %s: %w", a.shape.Layout.Name(a.describe(f)), err)
		}
	}
	a.renew()
	a.shape = a.lane.sink.Shape
	return nil
}

// renew begins a new generation.
func (a *attempt) renew() {
	for _, p := range a.open.Pieces {
		a.drop = append(a.drop, p.Name)
	}
	a.open = &generation{}
	a.schemas, a.changed = nil, true
	clear(a.places)
	a.recent = recent{}
	clear(a.projected)
}

// draft writes one file. Small ones are uploaded while the next ones are encoded.
func (a *attempt) draft(ctx context.Context, f *openFile, tail tail) error {
	info, format := a.describe(f), a.format(f.View)
	name := a.shape.Layout.Name(info)
	d, err := a.drafts.open(ctx, name, info)
	if err != nil {
		return err
	}
	if assembler, ok := format.(Assembler); ok {
		if len(f.At) == 0 && len(f.hand) == 0 {
			return d.drop(ctx)
		}
		return d.write(ctx, func(ctx context.Context, d Draft) error {
			return a.assemble(ctx, d, assembler, info, f, tail)
		})
	}
	data, err := a.encode(a.lane.sink.buffers.get(), format, f, true)
	if err != nil {
		return errors.Join(err, d.drop(ctx))
	}
	if len(f.At) == 0 && len(f.hand) == 0 { // all its records were refused
		return d.drop(ctx)
	}
	info.Count = f.Count
	extents := a.extents(f)
	d.begin(ctx, f.staged()+int64(len(data)), func(ctx context.Context, d Draft) error {
		defer a.lane.sink.buffers.put(data)
		if err := tail.splice(ctx, d, extents); err != nil || len(data) == 0 {
			return err
		}
		return d.Append(ctx, data)
	})
	return nil
}

// extent is a stretch of a piece.
type extent struct {
	piece        string
	from, length int64
}

// extents are where the bytes of a file are, adjacent ones joined.
func (a *attempt) extents(f *openFile) []extent {
	var all []extent
	for _, at := range f.At {
		name := a.open.Pieces[at[0]].Name
		if n := len(all) - 1; n >= 0 && all[n].piece == name && all[n].from+all[n].length == at[1] {
			all[n].length += at[2]
			continue
		}
		all = append(all, extent{name, at[1], at[2]})
	}
	return all
}

// splice copies what is staged of a file. What of it is in the tail is at hand.
func (t tail) splice(ctx context.Context, d Draft, all []extent) error {
	for _, e := range all {
		var err error
		if data, there := t[e.piece]; there {
			err = d.Append(ctx, data[e.from:e.from+e.length])
		} else {
			err = gone(d.Splice(ctx, e.piece, e.from, e.length))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// gone turns a missing piece into a conflict: whoever needs no piece any more has swapped the ledger.
func gone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %w", connect.ErrConflict, err)
	}
	return err
}

// assemble has a format make a whole file.
func (a *attempt) assemble(ctx context.Context, d Draft, format Assembler, info *File, f *openFile, tail tail) error {
	staged := &pieceReader{open: func(e extent) (io.ReadCloser, error) {
		if data, there := tail[e.piece]; there {
			return io.NopCloser(bytes.NewReader(data[e.from : e.from+e.length])), nil
		}
		return a.lane.sink.Store.Read(ctx, e.piece, e.from, e.length)
	}, extents: a.extents(f)}
	w := bufferedDraft{append: func(b []byte) error { return d.Append(ctx, b) }}
	for {
		err := format.Assemble(&w, info, staged, f.hand)
		if bad, ok := errors.AsType[*RecordError](err); ok && w.n == 0 {
			a.drop1(f, bad)
			staged.i = 0
			continue
		}
		if err != nil {
			return errors.Join(err, staged.Close())
		}
		return w.flush()
	}
}

// encode appends the bytes of a file's records at hand. Records that cannot be encoded are refused.
func (a *attempt) encode(dst []byte, format Format, f *openFile, last bool) ([]byte, error) {
	info, start := a.describe(f), len(dst)
	for {
		out, err := format.Append(dst[:start], &Stretch{
			File: info, Records: f.hand, First: len(f.At) == 0, Last: last,
		})
		bad, ok := errors.AsType[*RecordError](err)
		if !ok {
			return out, err
		}
		a.drop1(f, bad)
		if len(f.hand) == 0 && len(f.At) == 0 {
			return dst[:start], nil
		}
	}
}

// drop1 refuses a record that was added to a file and turned out to be unfit for it.
func (a *attempt) drop1(f *openFile, bad *RecordError) {
	r := f.hand[bad.Index]
	f.hand = slices.Delete(f.hand, bad.Index, bad.Index+1)
	f.Count--
	if i := a.origin(r); i >= 0 {
		a.refuse(r, i, bad.Err)
	}
	for _, view := range []View{"", Keys, Headers} { // it must not stay in the other files either
		other := a.places[a.key(f.Topic, f.Place, view)]
		if other == nil || other == f {
			continue
		}
		if i := slices.Index(other.hand, r); i >= 0 {
			other.hand = slices.Delete(other.hand, i, i+1)
			other.Count--
		}
	}
}

// pieceReader reads extents one after the other.
type pieceReader struct {
	open    func(e extent) (io.ReadCloser, error)
	extents []extent
	i       int
	now     io.ReadCloser
}

// Read implements io.Reader.
func (r *pieceReader) Read(b []byte) (int, error) {
	for {
		if r.now == nil {
			if r.i == len(r.extents) {
				return 0, io.EOF
			}
			now, err := r.open(r.extents[r.i])
			if err != nil {
				return 0, gone(err)
			}
			r.i++
			r.now = now
		}
		n, err := r.now.Read(b)
		if errors.Is(err, io.EOF) {
			err = r.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close closes what is open.
func (r *pieceReader) Close() error {
	if r.now == nil {
		return nil
	}
	err := r.now.Close()
	r.now = nil
	return err
}

// bufferedDraft hands bytes on in large pieces.
type bufferedDraft struct {
	buffer bytes.Buffer
	append func(b []byte) error
	n      int64 // bytes handed on
}

const draftBuffer = 1 << 20

// Write implements io.Writer.
func (w *bufferedDraft) Write(b []byte) (int, error) {
	w.buffer.Write(b)
	if w.buffer.Len() >= draftBuffer {
		return len(b), w.flush()
	}
	return len(b), nil
}

func (w *bufferedDraft) flush() error {
	w.n += int64(w.buffer.Len())
	err := w.append(w.buffer.Bytes())
	w.buffer.Reset()
	return err
}
