package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Shelf is where the files are that a source reads. Another system costs one implementation of it.
type Shelf interface {
	// Walk begins to list the files whose name begins with root.
	Walk(root string) Walk
	// Read opens length bytes of a file from an offset on, all of it if length is negative. The error is ErrNotFound if the
	// file is gone, ErrChanged if it is not the version that the entry says.
	Read(ctx context.Context, e *Entry, from, length int64) (io.ReadCloser, error)
}

// Walk lists files. Those of one folder come in the order of their names, whatever comes between them.
type Walk interface {
	// Next returns the next file. The error is io.EOF when there is none.
	Next(ctx context.Context) (*Entry, error)
	// Skip says that files up to this name, in the folder of the last one, are of no interest. They may be listed all the
	// same.
	Skip(name string)
}

// Entry is a file on a shelf.
type Entry struct {
	Name string
	Size int64
	// ID tells files apart: a file whose ID was read is not read again, whatever it is called.
	ID string
	// Version is another one when the bytes are others.
	Version  string
	Modified time.Time
}

// ErrChanged means that a file was replaced while it was read.
var ErrChanged = errors.New("the file was replaced")

// Reading is a format as a source reads it.
type Reading interface {
	// Takes tells whether a file of the name is of this format.
	Takes(name string) bool
	// Open begins to read a file behind an offset, which is what an Item said, or 0.
	Open(ctx context.Context, c *Content, offset int64) (Items, error)
}

// Items are the records of one file.
type Items interface {
	// Next returns the next record. The error is io.EOF at the end, a *BadItem for a record that cannot be read and
	// does not stand in the way of those behind it.
	Next() (Item, error)
	// Close closes the file.
	Close() error
}

// Item is a record of a file.
type Item struct {
	Key, Value connect.Datum
	Headers    []connect.Header
	Time       time.Time
	// Offset is where the file goes on behind it, in a measure of the format's own: bytes of text, or records.
	Offset int64
	// Torn says that the file ended without what ends a record.
	Torn bool
}

// BadItem is a record that cannot be read. The file goes on at Offset.
type BadItem struct {
	Offset int64
	Err    error
}

// Error implements error.
func (b *BadItem) Error() string { return b.Err.Error() }

// Unwrap returns the cause.
func (b *BadItem) Unwrap() error { return b.Err }

// Content is one version of a file.
type Content struct {
	Shelf Shelf
	Entry *Entry
}

// mostReopened is how often reading goes on after a failure without a byte in between.
const mostReopened = 3

// From reads from a byte on. When the connection is lost, it goes on where it was.
func (c *Content) From(ctx context.Context, at int64) (io.ReadCloser, error) {
	s := &steady{content: c, ctx: ctx, at: at}
	return s, s.open()
}

// steady reads a file in spite of lost connections.
type steady struct {
	content *Content
	ctx     context.Context //nolint:containedctx // that of the reader's owner, for as long as it reads
	at      int64
	now     io.ReadCloser
	failed  int // since the last byte
}

func (s *steady) open() (err error) {
	if s.at >= s.content.Entry.Size {
		return nil
	}
	s.now, err = s.content.Shelf.Read(s.ctx, s.content.Entry, s.at, -1)
	return err
}

// Read implements io.Reader. It ends where the entry says that the file does, also if that has grown since.
func (s *steady) Read(b []byte) (int, error) {
	left := s.content.Entry.Size - s.at
	if left <= 0 {
		return 0, io.EOF
	}
	if int64(len(b)) > left {
		b = b[:left]
	}
	for {
		n, err := s.now.Read(b)
		s.at += int64(n)
		if n > 0 {
			s.failed = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the answer was shorter than the file
		}
		if s.failed++; s.ctx.Err() != nil || s.failed > mostReopened {
			return 0, connect.Retry(fmt.Errorf("reading %s at byte %d: %w", s.content.Entry.Name, s.at, err), 0)
		}
		_ = s.now.Close() // it is broken already
		if err := s.open(); err != nil {
			return 0, err
		}
	}
}

// Close implements io.Closer.
func (s *steady) Close() error {
	if s.now == nil {
		return nil
	}
	return s.now.Close()
}
