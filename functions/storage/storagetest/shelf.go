package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
)

// Shelf is a shelf in memory. The zero Shelf is empty and ready for use.
type Shelf struct {
	// Torn makes every read end early after so many bytes, as lost connections do; 0 for never.
	Torn int
	// Reads counts requests for bytes, Listed files that were listed.
	Reads, Listed int

	mu     sync.Mutex
	files  map[string]*shelved
	serial int
}

type shelved struct {
	entry storage.Entry
	data  []byte
}

var _ storage.Shelf = (*Shelf)(nil)

// Put puts a file, whatever is there.
func (s *Shelf) Put(name string, data []byte) { s.set(name, data, "", time.Now()) }

// PutAll puts files, as Store.Files returns them.
func (s *Shelf) PutAll(files map[string][]byte) {
	for name, data := range files {
		s.Put(name, data)
	}
}

// Grow adds to a file.
func (s *Shelf) Grow(name string, data []byte, at time.Time) {
	s.mu.Lock()
	f := s.files[name]
	s.mu.Unlock()
	id := ""
	if f != nil {
		data, id = slices.Concat(f.data, data), f.entry.ID
	}
	s.set(name, data, id, at)
}

// Rename renames a file.
func (s *Shelf) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[from]
	delete(s.files, from)
	f.entry.Name = to
	s.files[to] = f
}

// Remove removes a file.
func (s *Shelf) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
}

// Names are the names of all files, sorted.
func (s *Shelf) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.files))
}

func (s *Shelf) set(name string, data []byte, id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	if id == "" {
		id = fmt.Sprint("file-", s.serial)
	}
	if s.files == nil {
		s.files = map[string]*shelved{}
	}
	s.files[name] = &shelved{data: data, entry: storage.Entry{Name: name, Size: int64(len(data)), ID: id, Version: id, Modified: at}}
}

// Walk implements storage.Shelf.
func (s *Shelf) Walk(root string) storage.Walk { return &walk{shelf: s, root: root} }

type walk struct {
	shelf       *Shelf
	root, after string
}

func (w *walk) Next(ctx context.Context) (*storage.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.shelf.mu.Lock()
	defer w.shelf.mu.Unlock()
	found := ""
	for name := range w.shelf.files {
		if strings.HasPrefix(name, w.root) && name > w.after && (found == "" || name < found) {
			found = name
		}
	}
	if found == "" {
		return nil, io.EOF
	}
	w.after = found
	w.shelf.Listed++
	entry := w.shelf.files[found].entry
	return &entry, nil
}

func (w *walk) Skip(name string) { w.after = max(w.after, name) }

// Read implements storage.Shelf.
func (s *Shelf) Read(_ context.Context, e *storage.Entry, from, length int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Reads++
	f := s.files[e.Name]
	switch {
	case f == nil:
		return nil, storage.ErrNotFound
	case f.entry.Version != e.Version:
		return nil, storage.ErrChanged
	}
	data := f.data[from:]
	if length >= 0 {
		data = data[:length]
	}
	if s.Torn > 0 && len(data) > s.Torn {
		return io.NopCloser(io.MultiReader(bytes.NewReader(data[:s.Torn]), broken{})), nil
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the connection was lost") }
