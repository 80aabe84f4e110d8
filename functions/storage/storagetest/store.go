// Package storagetest has a store in memory that is as strict as the protocol of package storage wants stores to be, and
// that can be killed at any step.
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

	"github.com/sluice-connect/sluice/functions/storage"
)

// Store is a store in memory. The zero Store is empty and ready for use.
type Store struct {
	mu     sync.Mutex
	pieces map[string][]byte
	drafts map[string]*sealed
	files  map[string]*file
	serial int
}

type sealed struct {
	name string
	data []byte
}

type file struct {
	handle string
	data   []byte
}

// Client is one process's access to a store.
type Client struct {
	*Store
	// Step, if set, is called before and after every request, with its name. An error is what the request fails with:
	// before it did anything, or after it did all.
	Step func(step string) error
}

var _ storage.Store = (*Client)(nil)

func (s *Client) step(name string) error {
	if s.Step == nil {
		return nil
	}
	return s.Step(name)
}

// do runs one request.
func (s *Client) do(name string, f func() error) error {
	if err := s.step("before " + name); err != nil {
		return err
	}
	s.mu.Lock()
	err := f()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.step("after " + name)
}

// Stage implements storage.Staging. A name can be used once.
func (s *Client) Stage(_ context.Context, name string, data []byte) error {
	return s.do("stage", func() error {
		if s.pieces == nil {
			s.pieces = map[string][]byte{}
		}
		if _, there := s.pieces[name]; there {
			return fmt.Errorf("staging %s: it is there already", name)
		}
		s.pieces[name] = bytes.Clone(data)
		return nil
	})
}

// Read implements storage.Staging.
func (s *Client) Read(_ context.Context, name string, from, length int64) (r io.ReadCloser, err error) {
	err = s.do("read", func() error {
		data, there := s.pieces[name]
		if !there {
			return fmt.Errorf("reading %s: %w", name, storage.ErrNotFound)
		}
		if length < 0 {
			length = int64(len(data)) - from
		}
		if from+length > int64(len(data)) {
			return fmt.Errorf("reading %s: %d bytes at %d of %d", name, length, from, len(data))
		}
		r = io.NopCloser(bytes.NewReader(data[from : from+length]))
		return nil
	})
	return r, err
}

// Remove implements storage.Staging.
func (s *Client) Remove(_ context.Context, names ...string) error {
	return s.do("remove", func() error {
		for _, name := range names {
			delete(s.pieces, name)
		}
		return nil
	})
}

// Draft implements storage.Publisher.
func (s *Client) Draft(_ context.Context, name string, _ *storage.File) (storage.Draft, error) {
	if err := s.step("before draft"); err != nil {
		return nil, err
	}
	return &draft{store: s, name: name}, nil
}

type draft struct {
	store *Client
	name  string
	data  []byte
}

func (d *draft) Append(_ context.Context, data []byte) error {
	return d.store.do("append", func() error {
		d.data = append(d.data, data...)
		return nil
	})
}

func (d *draft) Splice(ctx context.Context, piece string, from, length int64) error {
	r, err := d.store.Read(ctx, piece, from, length)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	d.data = append(d.data, data...)
	return errors.Join(err, r.Close())
}

func (d *draft) Seal(context.Context) (handle string, err error) {
	err = d.store.do("seal", func() error {
		if d.store.drafts == nil {
			d.store.drafts = map[string]*sealed{}
		}
		d.store.serial++
		handle = fmt.Sprintf("draft-%d", d.store.serial)
		d.store.drafts[handle] = &sealed{name: d.name, data: d.data}
		return nil
	})
	return handle, err
}

func (d *draft) Abandon(context.Context) error {
	d.data = nil
	return nil
}

// Publish implements storage.Publisher.
func (s *Client) Publish(_ context.Context, name, handle string, overwrite bool) error {
	return s.do("publish", func() error {
		draft := s.drafts[handle]
		there := s.files[name]
		switch {
		case draft == nil && there != nil && there.handle == handle:
			return nil
		case draft == nil:
			return fmt.Errorf("publishing %s: the draft %s is gone", name, handle)
		case draft.name != name:
			return fmt.Errorf("publishing %s: it was drafted as %s", name, draft.name)
		case there != nil && !overwrite && !bytes.Equal(there.data, draft.data):
			return storage.ErrTaken
		case there != nil && !overwrite:
			delete(s.drafts, handle)
			there.handle = handle
			return nil
		}
		if s.files == nil {
			s.files = map[string]*file{}
		}
		s.files[name] = &file{handle: handle, data: draft.data}
		delete(s.drafts, handle)
		return nil
	})
}

// Discard implements storage.Publisher.
func (s *Client) Discard(_ context.Context, name, handle string) error {
	return s.do("discard", func() error {
		if f := s.files[name]; f != nil && f.handle == handle {
			return fmt.Errorf("discarding %s: it is published", name)
		}
		delete(s.drafts, handle)
		return nil
	})
}

// Files are the visible files with their contents.
func (s *Store) Files() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]byte, len(s.files))
	for name, f := range s.files {
		all[name] = f.data
	}
	return all
}

// Names are the names of the visible files, sorted.
func (s *Store) Names() []string { return slices.Sorted(maps.Keys(s.Files())) }

// Text is the content of a visible file.
func (s *Store) Text(name string) string { return string(s.Files()[name]) }

// Hidden counts what nobody sees: pieces and sealed drafts.
func (s *Store) Hidden() (pieces, drafts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pieces), len(s.drafts)
}

// Under are the names of the pieces below a folder.
func (s *Store) Under(folder string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.pieces {
		if strings.HasPrefix(name, folder) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
