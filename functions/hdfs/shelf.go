package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
)

// shelf is the file system as sources see it.
type shelf struct {
	client *client
	root   string // put before every name
}

var _ storage.Shelf = (*shelf)(nil)

func (s *shelf) path(name string) string { return path.Join("/", s.root, name) }

// Walk implements storage.Shelf.
func (s *shelf) Walk(root string) storage.Walk {
	return &walk{shelf: s, folders: []*folder{{name: root}}}
}

// walk goes through a tree of folders, a page of a folder at a time.
type walk struct {
	shelf   *shelf
	folders []*folder // the one at hand is the last
}

// folder is a folder that is being listed. Its name ends with a slash.
type folder struct {
	name  string
	page  []entry
	last  string // the last entry that was listed
	ended bool
}

// Next implements storage.Walk.
func (w *walk) Next(ctx context.Context) (*storage.Entry, error) {
	for len(w.folders) > 0 {
		f := w.folders[len(w.folders)-1]
		if len(f.page) == 0 {
			if f.ended {
				w.folders = w.folders[:len(w.folders)-1]
				continue
			}
			if err := w.shelf.list(ctx, f); err != nil {
				return nil, err
			}
			continue
		}
		e := &f.page[0]
		f.page = f.page[1:]
		name := f.name + e.Name
		switch {
		case strings.HasPrefix(e.Name, "+") || strings.HasPrefix(e.Name, ".") || strings.HasPrefix(e.Name, "_"):
			// What others write and have not completed: the sink's own, Hadoop's and Spark's.
		case e.Type == "DIRECTORY":
			w.folders = append(w.folders, &folder{name: name + "/"})
		case e.Type == "FILE":
			return fileOf(name, e), nil
		}
	}
	return nil, io.EOF
}

// fileOf is a file as sources see it. The number of a file stays when it is renamed; without one its name is all that is known.
func fileOf(name string, e *entry) *storage.Entry {
	file := &storage.Entry{Name: name, ID: name, Size: e.Length, Modified: time.UnixMilli(e.Modified)}
	if e.FileID != 0 {
		file.ID = strconv.FormatInt(e.FileID, 10)
		file.Version = file.ID
	}
	return file
}

// Skip implements storage.Walk. Folders lie between files, so that everything is listed.
func (w *walk) Skip(string) {}

// list reads the next page of a folder; one that is gone is empty.
func (s *shelf) list(ctx context.Context, f *folder) error {
	var answer struct {
		DirectoryListing struct {
			PartialListing struct {
				FileStatuses struct{ FileStatus []entry }
			} `json:"partialListing"`
			Remaining int `json:"remainingEntries"`
		}
	}
	query := url.Values{}
	if f.last != "" {
		query.Set("startAfter", f.last)
	}
	err := missing(s.client.call(ctx, http.MethodGet, s.path(f.name), "LISTSTATUS_BATCH", query, &answer))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		f.ended = true
		return nil
	case answered(err, "IllegalArgumentException", "UnsupportedOperationException"): // a server that knows no pages
		f.ended = true
		f.page, err = s.client.list(ctx, s.path(f.name))
		return wrap("listing", f.name, err)
	case err != nil:
		return wrap("listing", f.name, err)
	}
	f.page = answer.DirectoryListing.PartialListing.FileStatuses.FileStatus
	f.ended = answer.DirectoryListing.Remaining == 0
	if n := len(f.page); n > 0 {
		f.last = f.page[n-1].Name
	} else {
		f.ended = true
	}
	return nil
}

// Read implements storage.Shelf.
func (s *shelf) Read(ctx context.Context, e *storage.Entry, from, length int64) (io.ReadCloser, error) {
	if e.Version != "" {
		now, err := s.client.status(ctx, s.path(e.Name))
		if err != nil {
			return nil, wrap("looking at", e.Name, err)
		}
		if strconv.FormatInt(now.FileID, 10) != e.Version {
			return nil, fmt.Errorf("reading %s: %w", e.Name, storage.ErrChanged)
		}
	}
	if length < 0 {
		length = e.Size - from
	}
	r, err := s.client.open(ctx, s.path(e.Name), from, length)
	return r, wrap("reading", e.Name, err)
}
