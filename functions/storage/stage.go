package storage

import (
	"context"
	"fmt"
	"slices"
)

// stage makes one piece of what is at hand of the open files, and begins to write it.
func (a *attempt) stage(ctx context.Context) error {
	if !slices.ContainsFunc(a.open.Files, func(f *openFile) bool { return len(f.hand) > 0 }) {
		return nil
	}
	sink := a.lane.sink
	out, lengths, err := a.encodeAll()
	if err != nil {
		return err
	}
	keep := a.loose(int64(len(out)))
	if keep < len(a.open.Pieces) {
		if out, err = a.merge(ctx, out, lengths, keep); err != nil {
			return err
		}
	}
	a.note(lengths, keep)
	if len(a.open.Files) == 0 { // all its records were refused
		a.renew()
		return nil
	}
	for _, p := range a.open.Pieces[keep:] {
		a.drop = append(a.drop, p.Name)
	}
	a.piece = sink.Staging + a.name + pieceSuffix
	a.open.Pieces = append(a.open.Pieces[:keep], piece{Name: a.piece, Size: int64(len(out))})
	a.upload(ctx, out)
	return nil
}

// upload begins to write the piece. Settling waits for it.
func (a *attempt) upload(ctx context.Context, data []byte) {
	sink := a.lane.sink
	size := sink.room.enter(int64(len(data)))
	a.staging.Go(func() error {
		defer sink.room.leave(size)
		defer sink.buffers.put(data)
		if err := sink.Store.Stage(ctx, a.piece, data); err != nil {
			return fmt.Errorf("staging %d bytes: %w", len(data), err)
		}
		if len(data) < largePiece {
			sink.warm.add(a.piece, data)
		}
		return nil
	})
}

// encodeAll encodes what is at hand of the open files, one behind the other, and says how long each of them is.
func (a *attempt) encodeAll() (out []byte, lengths []int, err error) {
	out, lengths = a.lane.sink.buffers.get(), make([]int, len(a.open.Files))
	for i, f := range a.open.Files {
		if len(f.hand) == 0 {
			continue
		}
		before := len(out)
		if out, err = a.encode(out, a.format(f.View), f, false); err != nil {
			return nil, nil, err
		}
		lengths[i] = len(out) - before
		f.hand = nil
	}
	return out, lengths, nil
}

// merge puts fresh bytes behind those of the pieces from keep on, file by file. It changes the lengths accordingly.
func (a *attempt) merge(ctx context.Context, fresh []byte, lengths []int, keep int) ([]byte, error) {
	buffers := &a.lane.sink.buffers
	defer buffers.put(fresh)
	old, err := a.readTail(ctx, a.open.Pieces[keep:])
	if err != nil {
		return nil, err
	}
	out, rest := buffers.get(), fresh
	for i, f := range a.open.Files {
		before := len(out)
		f.At = slices.DeleteFunc(f.At, func(at [3]int64) bool {
			if at[0] < int64(keep) {
				return false
			}
			out = append(out, old[a.open.Pieces[at[0]].Name][at[1]:at[1]+at[2]]...)
			return true
		})
		out = append(out, rest[:lengths[i]]...)
		rest = rest[lengths[i]:]
		lengths[i] = len(out) - before
	}
	return out, nil
}

// note writes down where in the new piece, which is number n, the bytes of the open files are.
func (a *attempt) note(lengths []int, n int) {
	from := 0
	for i, f := range a.open.Files {
		if lengths[i] > 0 {
			f.At = append(f.At, [3]int64{int64(n), int64(from), int64(lengths[i])})
		}
		from += lengths[i]
	}
	a.open.Files = slices.DeleteFunc(a.open.Files, func(f *openFile) bool { return len(f.At) == 0 })
}

// Pieces of largePiece are left alone, because a server can copy out of them. Smaller ones are at the end, which is merged
// when it makes a large one; before that, many very small ones are merged with each other, so that every byte is written
// three times at most, but for those of events of some bytes.
const (
	largePiece  = 5 << 20
	mediumPiece = largePiece / mostSmall
	mostSmall   = 32 // pieces of less than mediumPiece
	mostLoose   = 64 // pieces of less than largePiece
)

// loose tells how many pieces stay as they are when a piece of size bytes is added. The others are merged with it.
func (a *attempt) loose(size int64) (keep int) {
	pieces := a.open.Pieces
	large, medium, total := len(pieces), len(pieces), size
	for large > 0 && pieces[large-1].Size < largePiece {
		large--
		total += pieces[large].Size
		if medium == large+1 && pieces[large].Size < mediumPiece {
			medium = large
		}
	}
	switch {
	case total >= largePiece, len(pieces)-large >= mostLoose:
		return large
	case len(pieces)-medium >= mostSmall:
		return medium
	}
	return len(pieces)
}
