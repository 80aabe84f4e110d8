package hdfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/sluice-connect/sluice/functions/storage"
)

// store keeps files in HDFS.
type store struct {
	client *client
	// root is put before every name: / or the folder that the URL names.
	root string
	// staging is the folder of drafts.
	staging string
}

var _ storage.Store = (*store)(nil)

func (s *store) path(name string) string { return path.Join("/", s.root, name) }

// Stage implements storage.Staging.
func (s *store) Stage(ctx context.Context, name string, data []byte) error {
	// It may be there from a try whose answer was lost; its name is nobody else's.
	err := s.client.send(ctx, http.MethodPut, s.path(name), "CREATE", url.Values{"overwrite": {"true"}}, data)
	return wrap("staging", name, err)
}

// Read implements storage.Staging.
func (s *store) Read(ctx context.Context, name string, from, length int64) (io.ReadCloser, error) {
	r, err := s.client.open(ctx, s.path(name), from, length)
	return r, wrap("reading", name, err)
}

// Remove implements storage.Staging.
func (s *store) Remove(ctx context.Context, names ...string) error {
	for _, name := range names {
		// That there is nothing to delete is answered with false.
		if _, err := s.client.truth(ctx, http.MethodDelete, s.path(name), "DELETE", nil); err != nil {
			return wrap("removing", name, err)
		}
	}
	return nil
}

// handle is a sealed draft: a temporary file of a length.
type handle struct {
	Path   string `json:"p"`
	Length int64  `json:"n"`
}

// Publish implements storage.Publisher.
func (s *store) Publish(ctx context.Context, name, text string, overwrite bool) error {
	var h handle
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return fmt.Errorf("reading the handle of a draft: %w", err)
	}
	to := s.path(name)
	if _, err := s.client.truth(ctx, http.MethodPut, path.Dir(to), "MKDIRS", nil); err != nil {
		return wrap("making the folder of", name, err)
	}
	done, err := s.client.truth(ctx, http.MethodPut, h.Path, "RENAME", url.Values{"destination": {to}})
	if err != nil && !answered(err, "FileNotFoundException", "FileAlreadyExistsException") {
		return wrap("renaming a draft to", name, err)
	}
	if done {
		return nil
	}
	return s.refused(ctx, name, h, overwrite)
}

// refused finds out why a draft was not renamed.
func (s *store) refused(ctx context.Context, name string, h handle, overwrite bool) error {
	to := s.path(name)
	draft, err := s.client.status(ctx, h.Path)
	gone := errors.Is(err, storage.ErrNotFound)
	if err != nil && !gone {
		return wrap("looking for the draft of", name, err)
	}
	there, err := s.client.status(ctx, to)
	switch {
	case errors.Is(err, storage.ErrNotFound) && gone:
		return fmt.Errorf("publishing %s: the draft is gone and there is no such file: somebody removed it; its records are lost unless the offsets are reset", name)
	case err != nil:
		return wrap("looking at", name, err)
	case gone && there.Length == h.Length:
		return nil // renamed before
	case gone:
		return fmt.Errorf("publishing %s: the draft is gone, and the file has %d bytes instead of %d: %w", name, there.Length, h.Length, storage.ErrTaken)
	}
	same := there.Length == draft.Length
	if same {
		if same, err = s.same(ctx, h.Path, to); err != nil {
			return err
		}
	}
	switch {
	case same: // a replay that came to the same file
		return s.remove(ctx, h.Path)
	case !overwrite:
		return fmt.Errorf("%s was not written by this connector, or before its offsets were changed; move it away: %w", name, storage.ErrTaken)
	}
	if err := s.remove(ctx, to); err != nil {
		return err
	}
	done, err := s.client.truth(ctx, http.MethodPut, h.Path, "RENAME", url.Values{"destination": {to}})
	if err == nil && !done {
		err = storage.ErrTaken
	}
	return wrap("replacing", name, err)
}

// same compares two files of the same length by their checksums.
func (s *store) same(ctx context.Context, a, b string) (bool, error) {
	var sums [2]struct {
		FileChecksum struct{ Algorithm, Bytes string }
	}
	for i, file := range []string{a, b} {
		response, err := s.client.request(ctx, http.MethodGet, file, "GETFILECHECKSUM", nil)
		if err != nil {
			return false, wrap("comparing", file, err)
		}
		if to := response.Header.Get("Location"); to != "" {
			if err := response.Body.Close(); err != nil {
				return false, err
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, to, http.NoBody)
			if err != nil {
				return false, bare(err)
			}
			if response, err = s.client.do(r); err != nil {
				return false, wrap("comparing", file, err)
			}
			if err := failure(response); err != nil {
				return false, wrap("comparing", file, err)
			}
		}
		err = json.NewDecoder(response.Body).Decode(&sums[i])
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return false, wrap("comparing", file, err)
		}
	}
	return sums[0] == sums[1] && sums[0].FileChecksum.Bytes != "", nil
}

func (s *store) remove(ctx context.Context, file string) error {
	_, err := s.client.truth(ctx, http.MethodDelete, file, "DELETE", nil)
	return wrap("removing", file, err)
}

// Discard implements storage.Publisher.
func (s *store) Discard(ctx context.Context, name, text string) error {
	var h handle
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return fmt.Errorf("reading the handle of a draft: %w", err)
	}
	return wrap("discarding the draft of", name, s.remove(ctx, h.Path))
}

func wrap(doing, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}

// draft is a temporary file under way.
type draft struct {
	store  *store
	path   string
	begun  bool
	length int64
	buffer bytes.Buffer
}

// chunk is how many bytes are sent at once.
const chunk = 4 << 20

// Draft implements storage.Publisher.
func (s *store) Draft(_ context.Context, _ string, f *storage.File) (storage.Draft, error) {
	return &draft{store: s, path: s.path(storage.DraftName(s.staging, f))}, nil
}

// Append implements storage.Draft.
func (d *draft) Append(ctx context.Context, data []byte) error {
	for {
		n := min(len(data), chunk-d.buffer.Len())
		d.buffer.Write(data[:n])
		if data = data[n:]; d.buffer.Len() < chunk {
			return nil
		}
		if err := d.flush(ctx); err != nil {
			return err
		}
	}
}

func (d *draft) flush(ctx context.Context) error {
	method, op, query := http.MethodPost, "APPEND", url.Values(nil)
	if !d.begun {
		method, op, query = http.MethodPut, "CREATE", url.Values{"overwrite": {"false"}}
	}
	d.begun = true
	if err := d.store.client.send(ctx, method, d.path, op, query, d.buffer.Bytes()); err != nil {
		return wrap("writing", d.path, err)
	}
	d.length += int64(d.buffer.Len())
	d.buffer.Reset()
	return nil
}

// Splice implements storage.Draft.
func (d *draft) Splice(ctx context.Context, piece string, from, length int64) error {
	r, err := d.store.Read(ctx, piece, from, length)
	if err != nil {
		return err
	}
	b := make([]byte, min(length, 256<<10))
	for left := length; left > 0 && err == nil; {
		n, failed := io.ReadFull(r, b[:min(left, int64(len(b)))])
		left -= int64(n)
		if err = d.Append(ctx, b[:n]); err == nil && failed != nil {
			err = fmt.Errorf("reading %s: %w", piece, failed)
		}
	}
	return errors.Join(err, r.Close())
}

// Seal implements storage.Draft.
func (d *draft) Seal(ctx context.Context) (string, error) {
	if d.buffer.Len() > 0 || !d.begun {
		if err := d.flush(ctx); err != nil {
			return "", err
		}
	}
	// Whoever reads the file later goes by its length.
	there, err := d.store.client.status(ctx, d.path)
	if err != nil {
		return "", wrap("looking at", d.path, err)
	}
	if there.Length != d.length {
		return "", fmt.Errorf("writing %s: it has %d bytes, %d were written", d.path, there.Length, d.length)
	}
	text, err := json.Marshal(handle{Path: d.path, Length: d.length})
	return string(text), err
}

// Abandon implements storage.Draft.
func (d *draft) Abandon(ctx context.Context) error {
	if !d.begun {
		return nil
	}
	return d.store.remove(ctx, d.path)
}

// recover finds the offset behind the last one in the names of a partition's files, -1 if there are none.
func (s *store) recover(ctx context.Context, folder, delim, topic string, partition int32) (int64, error) {
	next := int64(-1)
	prefix := fmt.Sprintf("%s%s%d%s", topic, delim, partition, delim)
	var walk func(folder string) error
	walk = func(folder string) error {
		entries, err := s.client.list(ctx, folder)
		if err != nil {
			return wrap("listing", folder, err)
		}
		for _, e := range entries {
			if e.Type == "DIRECTORY" {
				if err := walk(path.Join(folder, e.Name)); err != nil {
					return err
				}
				continue
			}
			if rest, ok := strings.CutPrefix(e.Name, prefix); ok {
				if end, ok := lastOffset(rest, delim); ok {
					next = max(next, end+1)
				}
			}
		}
		return nil
	}
	return next, walk(s.path(folder))
}
