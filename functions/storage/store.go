package storage

import (
	"context"
	"errors"
	"io"
)

// Store keeps files. Another system costs one implementation of it.
type Store interface {
	Staging
	Publisher
}

// Staging keeps pieces: objects under fresh names below the staging folder, which readers of the files leave alone.
type Staging interface {
	// Stage writes a piece. It is durable when Stage returns.
	Stage(ctx context.Context, name string, data []byte) error
	// Read opens length bytes of a piece from an offset on. The error is ErrNotFound if there is no such piece.
	Read(ctx context.Context, name string, from, length int64) (io.ReadCloser, error)
	// Remove removes pieces. Those that are gone already are no error.
	Remove(ctx context.Context, names ...string) error
}

// Publisher makes files visible.
type Publisher interface {
	// Draft begins a file that will be called name. Nobody sees it before it is published.
	Draft(ctx context.Context, name string, f *File) (Draft, error)
	// Publish makes a sealed draft visible, or finds that this was done before. The error is ErrTaken if another file has
	// the name, unless overwrite says that it is to be replaced.
	Publish(ctx context.Context, name, handle string, overwrite bool) error
	// Discard throws a sealed draft away that is not published and never will be.
	Discard(ctx context.Context, name, handle string) error
}

// Draft is a file in the making.
type Draft interface {
	// Append adds bytes, which the draft does not keep.
	Append(ctx context.Context, data []byte) error
	// Splice adds length bytes of a piece from an offset on. That there is no such piece may be said by Seal.
	Splice(ctx context.Context, piece string, from, length int64) error
	// Seal ends the file and makes it durable. The handle finds it again, in any process.
	Seal(ctx context.Context) (handle string, err error)
	// Abandon throws away a draft that was not sealed.
	Abandon(ctx context.Context) error
}

var (
	// ErrNotFound means that a piece does not exist.
	ErrNotFound = errors.New("there is no such object")
	// ErrTaken means that another file has the name.
	ErrTaken = errors.New("another file has this name already")
)
