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
	for _, f := range a.open.Files {
		if err := a.draft(ctx, f); err != nil {
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
func (a *attempt) draft(ctx context.Context, f *openFile) error {
	info, format := a.describe(f), a.format(f.View)
	name := a.shape.Layout.Name(info)
	if assembler, ok := format.(Assembler); ok {
		if len(f.At) == 0 && len(f.hand) == 0 {
			return nil
		}
		return a.drafts.write(ctx, name, info, func(ctx context.Context, d Draft) error {
			return a.assemble(ctx, d, assembler, info, f)
		})
	}
	data, err := a.encode(nil, format, f, true)
	if err != nil {
		return err
	}
	if len(f.At) == 0 && len(f.hand) == 0 {
		return nil // all its records were refused
	}
	extents := a.extents(f)
	return a.drafts.begin(ctx, name, info, f.staged()+int64(len(data)), func(ctx context.Context, d Draft) error {
		if err := splice(ctx, d, extents); err != nil || len(data) == 0 {
			return err
		}
		return d.Append(ctx, data)
	})
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

// splice copies what is staged of a file.
func splice(ctx context.Context, d Draft, all []extent) error {
	for _, e := range all {
		if err := gone(d.Splice(ctx, e.piece, e.from, e.length)); err != nil {
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
func (a *attempt) assemble(ctx context.Context, d Draft, format Assembler, info *File, f *openFile) error {
	staged := &pieceReader{open: func(e extent) (io.ReadCloser, error) {
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

// stage writes what is at hand of the open files into one piece.
func (a *attempt) stage(ctx context.Context) error {
	if !slices.ContainsFunc(a.open.Files, func(f *openFile) bool { return len(f.hand) > 0 }) {
		return nil
	}
	fresh := make([][]byte, len(a.open.Files))
	var total int64
	for i, f := range a.open.Files {
		if len(f.hand) == 0 {
			continue
		}
		data, err := a.encode(nil, a.format(f.View), f, false)
		if err != nil {
			return err
		}
		fresh[i] = data
		total += int64(len(data))
	}
	keep := a.loose(total)
	old, err := a.readLoose(ctx, keep)
	if err != nil {
		return err
	}
	var out []byte
	n := int64(len(a.open.Pieces[:keep]))
	for i, f := range a.open.Files {
		from := int64(len(out))
		f.At = slices.DeleteFunc(f.At, func(at [3]int64) bool {
			if at[0] < n {
				return false
			}
			out = append(out, old[at[0]-n][at[1]:at[1]+at[2]]...)
			return true
		})
		out = append(out, fresh[i]...)
		if length := int64(len(out)) - from; length > 0 {
			f.At = append(f.At, [3]int64{n, from, length})
		}
		f.hand = nil
	}
	a.open.Files = slices.DeleteFunc(a.open.Files, func(f *openFile) bool { return len(f.At) == 0 })
	if len(a.open.Files) == 0 { // all its records were refused
		a.renew()
		return nil
	}
	for _, p := range a.open.Pieces[keep:] {
		a.drop = append(a.drop, p.Name)
	}
	a.piece = a.lane.sink.Staging + a.name + pieceSuffix
	a.open.Pieces = append(a.open.Pieces[:keep], piece{Name: a.piece, Size: int64(len(out))})
	if err := a.lane.sink.Store.Stage(ctx, a.piece, out); err != nil {
		return fmt.Errorf("staging %d bytes: %w", len(out), err)
	}
	return nil
}

// Pieces of this size are left alone; smaller ones at the end are merged when there are so many of them, or when they make
// a large one together.
const (
	largePiece = 5 << 20
	mostLoose  = 32
)

// loose tells how many pieces stay as they are when a piece of size bytes is added. The others are merged with it.
func (a *attempt) loose(size int64) (keep int) {
	pieces := a.open.Pieces
	keep = len(pieces)
	total := size
	for keep > 0 && pieces[keep-1].Size < largePiece {
		keep--
		total += pieces[keep].Size
	}
	if len(pieces)-keep < mostLoose && total < largePiece {
		return len(pieces)
	}
	return keep
}

// readLoose reads the pieces from a place on, which are small together.
func (a *attempt) readLoose(ctx context.Context, keep int) ([][]byte, error) {
	var all [][]byte
	for _, p := range a.open.Pieces[keep:] {
		r, err := a.lane.sink.Store.Read(ctx, p.Name, 0, p.Size)
		if err != nil {
			return nil, gone(err)
		}
		data, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
		if int64(len(data)) != p.Size {
			return nil, fmt.Errorf("reading %s: it has %d bytes, the ledger says %d", p.Name, len(data), p.Size)
		}
		all = append(all, data)
	}
	return all, nil
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
