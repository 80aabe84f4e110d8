package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// parquetReading reads Parquet files. Offsets count records.
type parquetReading struct {
	extension string
	data      *avro.Data
}

// Takes implements Reading.
func (p *parquetReading) Takes(name string) bool { return strings.HasSuffix(name, p.extension) }

// columnBuffer is how many bytes of a column are read at a time.
const columnBuffer = 256 << 10

// Open implements Reading.
func (p *parquetReading) Open(ctx context.Context, c *Content, offset int64) (Items, error) {
	f, err := openParquet(&rangeReader{ctx: ctx, content: c}, c.Entry.Size)
	if err != nil {
		return nil, fmt.Errorf("reading the footer of a Parquet file: %w", err)
	}
	a, err := avroOf(f)
	if err != nil {
		return nil, err
	}
	items := &parquetItems{groups: f.RowGroups(), rows: make([]parquet.Row, 64), at: offset}
	if items.joiner, err = newJoiner(a, f.Root(), len(f.Schema().Columns())); err != nil {
		return nil, err
	}
	if items.decoder, err = p.data.Decoder(a, nil, nil); err != nil {
		return nil, err
	}
	for len(items.groups) > 0 && offset >= items.groups[0].NumRows() {
		offset -= items.groups[0].NumRows()
		items.groups = items.groups[1:]
	}
	items.skip = offset
	return items, nil
}

// openParquet opens a file. Its reader panics over some files that are none.
func openParquet(r io.ReaderAt, size int64) (f *parquet.File, err error) {
	defer contain(&err)
	return parquet.OpenFile(r, size, &parquet.FileConfig{
		SkipPageIndex: true, SkipBloomFilters: true, OptimisticRead: true, ReadBufferSize: columnBuffer, ReadMode: parquet.ReadModeSync,
	})
}

// contain makes an error of a panic.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the file is broken: %v", p)
	}
}

// parquetItems are the records of a Parquet file.
type parquetItems struct {
	groups  []parquet.RowGroup // that are not begun
	now     parquet.Rows
	skip    int64 // rows of the group that is begun next
	rows    []parquet.Row
	ready   []parquet.Row // read and not yet handed out
	ended   bool          // the group at hand
	joiner  *joiner
	decoder *avro.Decoder
	at      int64
	size    int // of the last record
}

// Next implements Items.
func (p *parquetItems) Next() (Item, error) {
	for len(p.ready) == 0 {
		if err := p.read(); err != nil {
			return Item{}, err
		}
	}
	row := p.ready[0]
	p.ready = p.ready[1:]
	p.at++
	// Texts of the value share the memory of what is decoded, so that it is used once.
	text, err := p.joiner.append(make([]byte, 0, p.size+p.size/4+64), row)
	if err != nil {
		return Item{}, &BadItem{Offset: p.at, Err: fmt.Errorf("reading record %d of a Parquet file: %w", p.at-1, err)}
	}
	p.size = len(text)
	value, _, err := p.decoder.Decode(text)
	if err != nil {
		return Item{}, &BadItem{Offset: p.at, Err: fmt.Errorf("reading record %d of a Parquet file: %w", p.at-1, err)}
	}
	return Item{Value: connect.Datum{Schema: p.decoder.Schema, Value: value}, Offset: p.at}, nil
}

// read reads some rows.
func (p *parquetItems) read() (err error) {
	defer contain(&err)
	if p.ended {
		if err := p.Close(); err != nil {
			return err
		}
		p.ended = false
	}
	if p.now == nil {
		if len(p.groups) == 0 {
			return io.EOF
		}
		p.now = p.groups[0].Rows()
		p.groups = p.groups[1:]
		if p.skip > 0 {
			if err := p.now.SeekToRow(p.skip); err != nil {
				return fmt.Errorf("going to record %d of a Parquet file: %w", p.at, err)
			}
			p.skip = 0
		}
	}
	n, err := p.now.ReadRows(p.rows)
	p.ready = p.rows[:n]
	if p.ended = errors.Is(err, io.EOF); p.ended {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a Parquet file behind record %d: %w", p.at, err)
	}
	return nil
}

// Close implements Items.
func (p *parquetItems) Close() error {
	if p.now == nil {
		return nil
	}
	now := p.now
	p.now = nil
	return now.Close()
}

// rangeReader reads parts of a file wherever they are.
type rangeReader struct {
	ctx     context.Context //nolint:containedctx // that of the reader's owner, for as long as it reads
	content *Content
}

// ReadAt implements io.ReaderAt.
func (r *rangeReader) ReadAt(b []byte, at int64) (int, error) {
	size := r.content.Entry.Size
	if at < 0 || at >= size {
		return 0, io.EOF
	}
	want := min(int64(len(b)), size-at)
	var err error
	for range mostReopened {
		var n int
		if n, err = r.readAt(b[:want], at); err == nil {
			if n < len(b) {
				return n, io.EOF
			}
			return n, nil
		}
		if r.ctx.Err() != nil || errors.Is(err, ErrChanged) || errors.Is(err, ErrNotFound) {
			return 0, err
		}
	}
	return 0, connect.Retry(err, 0)
}

func (r *rangeReader) readAt(b []byte, at int64) (int, error) {
	body, err := r.content.Shelf.Read(r.ctx, r.content.Entry, at, int64(len(b)))
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(body, b)
	if err != nil {
		err = fmt.Errorf("reading %s at byte %d: %w", r.content.Entry.Name, at, err)
	}
	return n, errors.Join(err, body.Close())
}
