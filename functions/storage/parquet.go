package storage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// columns is the Parquet format. What is staged of a file is a list of lengths and records in Avro.
type columns struct {
	extension string
	codec     compress.Codec
	rows      *rows

	checked *avro.Schema // the schema of check
	check   *shredder
	row     []byte
}

// newColumns makes the format with a codec as parquet.codec and file.compression.type name them.
func newColumns(extension func(codec string) string, codec string, rows *rows) (Format, error) {
	c := &columns{rows: rows}
	switch codec {
	case "none", "uncompressed":
		c.codec = &parquet.Uncompressed
	case "gzip":
		c.codec = &parquet.Gzip
	case "snappy":
		c.codec = &parquet.Snappy
	case "lz4":
		c.codec = &parquet.Lz4Raw
	case "brotli":
		c.codec = &parquet.Brotli
	case "zstd":
		c.codec = &parquet.Zstd
	default:
		return nil, fmt.Errorf("compressing Parquet: there is no codec %s", codec)
	}
	c.extension = extension(codec)
	return c, nil
}

// parquetExtension is Confluent's: the codec stands before it.
func parquetExtension(codec string) string {
	switch codec {
	case "gzip":
		return ".gz.parquet"
	case "snappy":
		return ".snappy.parquet"
	case "lz4":
		return ".lz4.parquet"
	case "brotli":
		return ".br.parquet"
	case "zstd":
		return ".zstd.parquet"
	}
	return ".parquet"
}

// Extension implements Format.
func (c *columns) Extension() string { return c.extension }

// Append implements Format: it writes what Assemble reads.
func (c *columns) Append(dst []byte, s *Stretch) ([]byte, error) {
	if len(s.Records) == 0 {
		return dst, nil
	}
	plan, err := c.rows.plan(s.File, s.Records[0])
	if err != nil {
		return dst, &RecordError{0, err}
	}
	if c.checked != plan.schema {
		if c.check, err = newShredder(plan.schema); err != nil {
			return dst, &RecordError{0, err}
		}
		c.checked = plan.schema
	}
	out := dst
	if s.First {
		text := plan.schema.String()
		out = append(binary.AppendUvarint(out, uint64(len(text))), text...)
	}
	row := c.row
	defer func() { c.row = row }()
	for i, r := range s.Records {
		if row, err = plan.append(row[:0], r); err == nil && c.check.picky {
			_, err = c.check.shred(row) // what Parquet has no place for must not be staged
		}
		if err != nil {
			return dst, &RecordError{i, err}
		}
		out = append(binary.AppendUvarint(out, uint64(len(row))), row...)
	}
	return out, nil
}

// rowGroup is how many bytes of records make a row group, which is what a writer keeps in memory.
const rowGroup = 8 << 20

// Assemble implements Assembler.
func (c *columns) Assemble(w io.Writer, f *File, staged io.Reader, records []*connect.Record) error {
	in := bufio.NewReaderSize(staged, 64<<10)
	text, err := readRow(in, nil)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading staged records: %w", err)
	}
	var out *columnWriter
	if len(text) > 0 {
		if out, err = c.open(w, string(text)); err != nil {
			return err
		}
		if err := out.copy(in); err != nil {
			return err
		}
	}
	if len(records) > 0 {
		plan, err := c.rows.plan(f, records[0])
		if err != nil {
			return &RecordError{0, err}
		}
		if out == nil {
			if out, err = c.open(w, plan.schema.String()); err != nil {
				return &RecordError{0, err}
			}
		}
		var row []byte
		for i, r := range records {
			if row, err = plan.append(row[:0], r); err != nil {
				return &RecordError{i, err}
			}
			if err := out.write(row); err != nil {
				return &RecordError{i, err}
			}
		}
	}
	return out.close()
}

// mostRow is the largest record that is believed in.
const mostRow = 256 << 20

// readRow reads a length and as many bytes.
func readRow(r *bufio.Reader, b []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > mostRow {
		return nil, fmt.Errorf("a record of %d bytes", n)
	}
	if uint64(cap(b)) < n {
		b = make([]byte, n)
	}
	b = b[:n]
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	}
	return b, nil
}

// columnWriter writes rows into a Parquet file.
type columnWriter struct {
	shredder *shredder
	writer   *parquet.Writer //nolint:staticcheck // its successor asks for Go types, which lists of two levels have none of
	batch    []parquet.Row
	held     int // bytes of rows in the row group under way
}

func (c *columns) open(w io.Writer, text string) (*columnWriter, error) {
	s, err := parseAvro(text)
	if err != nil {
		return nil, err
	}
	shredder, err := newShredder(s)
	if err != nil {
		return nil, err
	}
	return &columnWriter{shredder: shredder, writer: parquet.NewWriter(w,
		shredder.schema, parquet.Compression(c.codec), parquet.CreatedBy("sluice", "1", "0"), parquet.PageBufferSize(64<<10),
		parquet.WriteBufferSize(0), parquet.DataPageStatistics(true),
		parquet.KeyValueMetadata("parquet.avro.schema", text), parquet.KeyValueMetadata("writer.model.name", "avro"),
	)}, nil
}

func (w *columnWriter) write(row []byte) error {
	values, err := w.shredder.shred(row)
	if err != nil {
		return err
	}
	// The row's bytes are reused by the caller, and the writer copies values only when it is handed them.
	w.batch = append(w.batch, values)
	w.held += len(row)
	if _, err := w.writer.WriteRows(w.batch); err != nil {
		return err
	}
	w.batch = w.batch[:0]
	if w.held >= rowGroup {
		w.held = 0
		return w.writer.Flush()
	}
	return nil
}

func (w *columnWriter) copy(in *bufio.Reader) error {
	var row []byte
	for {
		var err error
		if row, err = readRow(in, row); errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading staged records: %w", err)
		}
		if err := w.write(row); err != nil {
			return err
		}
	}
}

func (w *columnWriter) close() error {
	if w == nil {
		return nil
	}
	return w.writer.Close()
}
