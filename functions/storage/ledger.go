package storage

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// ledger is what is known of a topic partition across invocations. The package's documentation says what it is for.
type ledger struct {
	Version int `json:"v"`
	// Attempt names the attempt that wrote this state of the ledger.
	Attempt string `json:"attempt"`
	// Next is the offset from which on records are not taken yet.
	Next int64 `json:"next"`
	// Refused are offsets below Next whose records were reported as failed.
	Refused []int64     `json:"refused,omitempty"`
	Open    *generation `json:"open,omitempty"`
	Closing []closing   `json:"closing,omitempty"`
	// Drop names pieces that nothing needs any more.
	Drop []string `json:"drop,omitempty"`
}

// ledgerVersion is the form in which ledgers are written.
const ledgerVersion = 1

// closing is a sealed draft that is to be published.
type closing struct {
	Name   string `json:"name"`
	Handle string `json:"handle"`
}

// generation is the set of files of a topic partition that are open together and complete together.
type generation struct {
	// Count is how many records it has, Base the time of its first one as the timestamp extractor sees it, if it was asked.
	Count int    `json:"n"`
	Base  *int64 `json:"base,omitempty"`
	// Current is the place of the last record.
	Current string `json:"current"`
	// Shape are the settings by which its files are made, see [Shape].
	Shape map[string]string `json:"shape,omitempty"`
	// Due is when it is complete by the clock; 0 means never. Times are milliseconds since 1970.
	Due     int64             `json:"due,omitempty"`
	Heads   map[string]int64  `json:"heads,omitempty"`
	Schemas []json.RawMessage `json:"schemas,omitempty"`
	Pieces  []piece           `json:"pieces,omitempty"`
	Files   []*openFile       `json:"files"`
}

// piece is a staged object.
type piece struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// openFile is a file of which bytes are staged, or will be at the end of the event.
type openFile struct {
	// Topic is that of its records if it is not the one they were read from.
	Topic string `json:"topic,omitempty"`
	Place string `json:"place"`
	View  View   `json:"view,omitempty"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	Count int    `json:"n"`
	// Schema is the place of its schema in the generation's Schemas plus one; 0 means it has none.
	Schema int `json:"schema,omitempty"`
	// At says where its bytes are: index of the piece, offset, length, in order.
	At [][3]int64 `json:"at,omitempty"`

	hand []*connect.Record // its records that are not staged
}

// staged is how many bytes of the file are in pieces.
func (f *openFile) staged() (n int64) {
	for _, at := range f.At {
		n += at[2]
	}
	return n
}

// books reads and writes the ledgers of a connector.
type books struct {
	state   connect.State
	staging Staging
}

// Forms of the value in the state: JSON, the same compressed, or the name of a piece that holds it compressed.
const (
	mostPlain      = 8 << 10
	mostCompressed = 200 << 10
	elsewhere      = '@'
)

func (b books) read(ctx context.Context, topic string, partition int32) (l *ledger, version int64, err error) {
	value, version, err := b.state.Get(ctx, topic, partition)
	if err != nil || len(value) == 0 {
		return &ledger{Version: ledgerVersion, Next: -1}, version, err
	}
	if value[0] == elsewhere {
		if value, err = b.fetch(ctx, string(value[1:])); err != nil {
			return nil, 0, fmt.Errorf("reading the ledger of %s-%d: %w", topic, partition, err)
		}
	}
	if value[0] != '{' {
		if value, err = inflate(value); err != nil {
			return nil, 0, fmt.Errorf("reading the ledger of %s-%d: %w", topic, partition, err)
		}
	}
	l = new(ledger)
	if err := json.Unmarshal(value, l); err != nil {
		return nil, 0, fmt.Errorf("reading the ledger of %s-%d: %w", topic, partition, err)
	}
	if l.Version != ledgerVersion {
		return nil, 0, fmt.Errorf("reading the ledger of %s-%d: it has version %d, and this function knows only %d", topic, partition, l.Version, ledgerVersion)
	}
	return l, version, nil
}

// fetch reads a large ledger. A piece that is gone means that somebody swapped the ledger since.
func (b books) fetch(ctx context.Context, name string) ([]byte, error) {
	r, err := b.staging.Read(ctx, name, 0, -1)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%s: %w: %w", name, err, connect.ErrConflict)
	}
	if err != nil {
		return nil, err
	}
	value, err := io.ReadAll(r)
	return value, errors.Join(err, r.Close())
}

// write swaps a ledger. spill names a piece that a large one goes to; kept tells that it did.
func (b books) write(ctx context.Context, topic string, partition int32, l *ledger, version int64, spill string) (next int64, kept bool, err error) {
	value, err := json.Marshal(l)
	if err != nil {
		return 0, false, err
	}
	if len(value) > mostPlain {
		if value, err = deflate(value); err != nil {
			return 0, false, err
		}
	}
	if len(value) > mostCompressed {
		if err := b.staging.Stage(ctx, spill, value); err != nil {
			return 0, false, err
		}
		kept = true
		value = append([]byte{elsewhere}, spill...)
	}
	next, err = b.state.Put(ctx, topic, partition, value, version)
	return next, kept, err
}

// index is the pseudo-partition whose state lists the partitions of a topic with open files, and of the empty topic the
// topics with such partitions: ticks go by it, for the state cannot be listed.
const index = -1

func (b books) listed(ctx context.Context, topic string) (list []string, version int64, err error) {
	value, version, err := b.state.Get(ctx, topic, index)
	if err == nil && len(value) > 0 {
		err = json.Unmarshal(value, &list)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the list of open files: %w", err)
	}
	return list, version, nil
}

// list adds an entry to an index. Nothing takes one out again: an entry too many costs a tick one look, and one too few
// a file that nobody completes.
func (b books) list(ctx context.Context, topic, entry string) error {
	for {
		list, version, err := b.listed(ctx, topic)
		if err != nil {
			return err
		}
		i, found := slices.BinarySearch(list, entry)
		if found {
			return nil
		}
		value, err := json.Marshal(slices.Insert(list, i, entry))
		if err != nil {
			return err
		}
		if _, err = b.state.Put(ctx, topic, index, value, version); !errors.Is(err, connect.ErrConflict) {
			return err
		}
	}
}

func deflate(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func inflate(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(r)
	return out, errors.Join(err, r.Close())
}
