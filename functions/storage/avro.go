package storage

import (
	"bytes"
	"compress/flate"
	"crypto/md5" //nolint:gosec // makes a marker of a name, nothing secret
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// rows turns records into Avro: whole values, or records of the fields that Aiven's formats write.
type rows struct {
	data   *avro.Data
	fields []string // Aiven's; none for whole values

	last   *rowPlan
	lastOf *schema.Schema
}

// rowPlan is how the records of one file are written.
type rowPlan struct {
	schema *avro.Schema
	append func(dst []byte, r *connect.Record) ([]byte, error)
}

func newRows(options avro.Options, fields []string, envelope bool) *rows {
	r := &rows{data: avro.New(options)}
	if envelope || len(fields) > 1 {
		r.fields = fields
	}
	return r
}

// plan makes the plan of a file by its first record.
func (w *rows) plan(f *File, first *connect.Record) (*rowPlan, error) {
	if w.fields != nil {
		return w.envelope(first)
	}
	s := f.Schema
	if f.View == Headers {
		s = headersSchema()
	}
	if w.last != nil && w.lastOf == s {
		return w.last, nil
	}
	a, err := w.data.FromConnect(s)
	if err != nil {
		return nil, err
	}
	e, err := w.data.Encoder(s, a)
	if err != nil {
		return nil, err
	}
	view := f.View
	w.lastOf, w.last = s, &rowPlan{schema: a, append: func(dst []byte, r *connect.Record) ([]byte, error) {
		d := part(r, view)
		if view == Headers {
			d = headersOf(r)
		}
		return e.Append(dst, d.Value)
	}}
	return w.last, nil
}

// envelope is the plan of a record of fields, as Aiven's connector builds its schema of the first record.
func (w *rows) envelope(first *connect.Record) (*rowPlan, error) {
	if first.Key.Schema == nil {
		return nil, schema.Errorf("Record key without schema")
	}
	if first.Value.Schema == nil {
		return nil, schema.Errorf("Record value without schema")
	}
	all := &avro.Schema{Type: avro.Record, Name: "connector_records", Namespace: "io.aiven.avro.output.schema"}
	var parts []func(dst []byte, r *connect.Record) ([]byte, error)
	for _, name := range w.fields {
		s, part, err := w.field(name, first)
		if err != nil {
			return nil, err
		}
		all.Fields = append(all.Fields, avro.Field{Name: name, Type: s})
		parts = append(parts, part)
	}
	return &rowPlan{schema: all, append: func(dst []byte, r *connect.Record) ([]byte, error) {
		var err error
		for _, part := range parts {
			if dst, err = part(dst, r); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}}, nil
}

func (w *rows) field(name string, first *connect.Record) (*avro.Schema, func(dst []byte, r *connect.Record) ([]byte, error), error) {
	switch name {
	case fieldKey:
		s, e, err := w.datum(first.Key.Schema)
		return s, func(dst []byte, r *connect.Record) ([]byte, error) { return e.Append(dst, r.Key.Value) }, err
	case fieldValue:
		s, e, err := w.datum(first.Value.Schema)
		return s, func(dst []byte, r *connect.Record) ([]byte, error) { return e.Append(dst, r.Value.Value) }, err
	case fieldOffset:
		return &avro.Schema{Type: avro.Long}, func(dst []byte, r *connect.Record) ([]byte, error) {
			return binary.AppendVarint(dst, r.Kafka.Offset), nil
		}, nil
	case fieldTimestamp:
		return &avro.Schema{Type: avro.Long}, func(dst []byte, r *connect.Record) ([]byte, error) {
			if r.Time.IsZero() {
				return binary.AppendVarint(dst, -1), nil
			}
			return binary.AppendVarint(dst, schema.EpochMillis(r.Time)), nil
		}, nil
	case fieldHeaders:
		return w.headers(first)
	}
	return nil, nil, fmt.Errorf("there is no output field %s", name)
}

func (w *rows) datum(s *schema.Schema) (*avro.Schema, *avro.Encoder, error) {
	a, err := w.data.FromConnect(s)
	if err != nil {
		return nil, nil, err
	}
	e, err := w.data.Encoder(s, a)
	return a, e, err
}

// headers are a map of one kind of values, or null if the first record has none.
func (w *rows) headers(first *connect.Record) (*avro.Schema, func(dst []byte, r *connect.Record) ([]byte, error), error) {
	if len(first.Headers) == 0 {
		return &avro.Schema{Type: avro.Null}, func(dst []byte, _ *connect.Record) ([]byte, error) { return dst, nil }, nil
	}
	s := first.Headers[0].Value.Schema
	if s == nil {
		return nil, nil, schema.Errorf("Header %s without schema", first.Headers[0].Key)
	}
	a, e, err := w.datum(s)
	return &avro.Schema{Type: avro.Map, Items: a}, func(dst []byte, r *connect.Record) ([]byte, error) {
		var err error
		if len(r.Headers) > 0 {
			dst = binary.AppendVarint(dst, int64(len(r.Headers)))
		}
		for _, h := range r.Headers {
			if h.Value.Schema == nil || h.Value.Schema.Type != s.Type {
				return dst, schema.Errorf("Header schema %s is not the same as %s", h.Value.Schema, s)
			}
			dst = append(binary.AppendVarint(dst, int64(len(h.Key))), h.Key...)
			if dst, err = e.Append(dst, h.Value.Value); err != nil {
				return dst, err
			}
		}
		return append(dst, 0), nil
	}, err
}

// container is Avro's object container files.
type container struct {
	extension string
	codec     string
	rows      *rows

	block, packed []byte
	zstd          *zstd.Encoder
}

// Extension implements Format.
func (c *container) Extension() string { return c.extension }

// blockSize is how many bytes a block has before it is compressed, about.
const blockSize = 64_000

// Append implements Format.
func (c *container) Append(dst []byte, s *Stretch) ([]byte, error) {
	if len(s.Records) == 0 {
		return dst, nil
	}
	plan, err := c.rows.plan(s.File, s.Records[0])
	if err != nil {
		return dst, &RecordError{0, err}
	}
	marker := markerOf(s.File)
	out := dst
	if s.First {
		out = appendHeader(out, plan.schema.String(), c.codec, marker)
	}
	c.block = c.block[:0]
	n := 0
	for i, r := range s.Records {
		if c.block, err = plan.append(c.block, r); err != nil {
			return dst, &RecordError{i, err}
		}
		if n++; len(c.block) < blockSize && i < len(s.Records)-1 {
			continue
		}
		packed, err := c.pack()
		if err != nil {
			return dst, err
		}
		out = binary.AppendVarint(out, int64(n))
		out = binary.AppendVarint(out, int64(len(packed)))
		out = append(append(out, packed...), marker[:]...)
		c.block, n = c.block[:0], 0
	}
	return out, nil
}

// markerOf is what stands between the blocks of a file. It follows from the file, so that whoever continues it knows it.
func markerOf(f *File) [md5.Size]byte {
	return md5.Sum(fmt.Appendf(nil, "%s\x00%d\x00%s\x00%s\x00%d", f.Topic, f.Partition, f.Place, f.View, f.Start)) //nolint:gosec // see above
}

const avroMagic = "Obj\x01"

func appendHeader(dst []byte, schema, codec string, marker [md5.Size]byte) []byte {
	dst = append(dst, avroMagic...)
	dst = binary.AppendVarint(dst, 2)
	for _, text := range []string{"avro.schema", schema, "avro.codec", codec} {
		dst = append(binary.AppendVarint(dst, int64(len(text))), text...)
	}
	dst = append(dst, 0)
	return append(dst, marker[:]...)
}

// pack compresses the block.
func (c *container) pack() ([]byte, error) {
	switch c.codec {
	case "deflate":
		out := bytes.NewBuffer(c.packed[:0])
		w, err := flate.NewWriter(out, 6)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(c.block); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		c.packed = out.Bytes()
	case "snappy":
		c.packed = append(c.packed[:0], s2.EncodeSnappy(nil, c.block)...)
		c.packed = binary.BigEndian.AppendUint32(c.packed, crc32.ChecksumIEEE(c.block))
	case "zstandard":
		if c.zstd == nil {
			var err error
			if c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20)); err != nil {
				return nil, err
			}
		}
		c.packed = c.zstd.EncodeAll(c.block, c.packed[:0])
	default:
		return c.block, nil
	}
	return c.packed, nil
}
