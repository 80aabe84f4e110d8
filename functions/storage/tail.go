package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// tail is the bytes of the small pieces of a generation, by their names. They are less than a large piece together.
type tail map[string][]byte

// readTail reads the small ones of some pieces, side by side, as far as this process does not know them still.
func (a *attempt) readTail(ctx context.Context, pieces []piece) (tail, error) {
	sink, t := a.lane.sink, tail{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(mostDrafts)
	for _, p := range pieces {
		if p.Size >= largePiece {
			continue
		}
		group.Go(func() (err error) {
			data := sink.warm.get(p.Name)
			if data == nil {
				data, err = sink.fetch(ctx, p)
			}
			mu.Lock()
			defer mu.Unlock()
			t[p.Name] = data
			return err
		})
	}
	return t, group.Wait()
}

func (s *Sink) fetch(ctx context.Context, p piece) ([]byte, error) {
	r, err := s.Store.Read(ctx, p.Name, 0, p.Size)
	if err != nil {
		return nil, gone(err)
	}
	data := make([]byte, p.Size)
	if _, err = io.ReadFull(r, data); err != nil {
		err = fmt.Errorf("reading %s, which has %d bytes: %w", p.Name, p.Size, err)
	}
	return data, errors.Join(err, r.Close())
}

// warm is what a process remembers of the small pieces that it staged itself, the last ones of all partitions. They have
// fresh names and never change, so that a ledger that names one means these bytes. The zero value is ready for use.
type warm struct {
	mu     sync.Mutex
	pieces map[string][]byte
	order  []string
	size   int
}

// mostWarm is how many bytes are remembered.
const mostWarm = largePiece

func (w *warm) add(name string, data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pieces == nil {
		w.pieces = map[string][]byte{}
	}
	w.pieces[name] = slices.Clone(data)
	w.order = append(w.order, name)
	w.size += len(data)
	for w.size > mostWarm {
		w.forget(w.order[0])
	}
}

func (w *warm) get(name string) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pieces[name]
}

func (w *warm) remove(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		w.forget(name)
	}
}

func (w *warm) forget(name string) {
	data, there := w.pieces[name]
	if !there {
		return
	}
	w.size -= len(data)
	delete(w.pieces, name)
	w.order = slices.DeleteFunc(w.order, func(n string) bool { return n == name })
}

// buffers are used again and again. The zero value is ready for use.
type buffers struct {
	mu   sync.Mutex
	free [][]byte
	size int
}

// mostFree is how many bytes wait to be used again.
const mostFree = 12 << 20

// get returns an empty buffer.
func (b *buffers) get() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.free) - 1
	if n < 0 {
		return nil
	}
	out := b.free[n]
	b.free = b.free[:n]
	b.size -= cap(out)
	return out[:0]
}

// put takes back a buffer that nobody uses any more.
func (b *buffers) put(buffer []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := cap(buffer); n > 0 && b.size+n <= mostFree {
		b.free = append(b.free, buffer)
		b.size += n
	}
}
