package storage

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"context"
	"crypto/md5" //nolint:gosec // markers have its size
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// avroReading reads Avro's object container files. Offsets count records.
type avroReading struct {
	extension string
	data      *avro.Data
}

// Takes implements Reading.
func (a *avroReading) Takes(name string) bool { return strings.HasSuffix(name, a.extension) }

// Open implements Reading.
func (a *avroReading) Open(ctx context.Context, c *Content, offset int64) (Items, error) {
	file, err := c.From(ctx, 0)
	if err != nil {
		return nil, err
	}
	items := &avroItems{file: file, in: bufio.NewReaderSize(file, 64<<10)}
	if err := items.header(a.data); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the header of an Avro file: %w", err), file.Close())
	}
	if err := items.skip(offset); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return items, nil
}

// avroItems are the records of a container file.
type avroItems struct {
	file    io.ReadCloser
	in      *bufio.Reader
	codec   string
	marker  [md5.Size]byte
	decoder *avro.Decoder
	zstd    *zstd.Decoder

	block []byte // what is left of the block at hand, whose memory records share
	left  int64  // records in it
	at    int64
}

// mostHeader and mostBlockBytes are the largest entry of a header and the largest block that are believed in.
const (
	mostHeader     = 16 << 20
	mostBlockBytes = 256 << 20
)

func (a *avroItems) header(data *avro.Data) error {
	magic := make([]byte, len(avroMagic))
	if _, err := io.ReadFull(a.in, magic); err != nil {
		return torn(err)
	}
	if string(magic) != avroMagic {
		return errors.New("the file does not begin like one")
	}
	meta, err := a.meta()
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(a.in, a.marker[:]); err != nil {
		return torn(err)
	}
	switch a.codec = meta["avro.codec"]; a.codec {
	case "", "null", "deflate", "snappy", "zstandard", "bzip2", "xz":
	default:
		return fmt.Errorf("its codec %s is not known", a.codec)
	}
	s, err := parseAvro(meta["avro.schema"])
	if err != nil {
		return err
	}
	a.decoder, err = data.Decoder(s, nil, nil)
	return err
}

// meta reads the map in the header.
func (a *avroItems) meta() (map[string]string, error) {
	all := map[string]string{}
	for {
		n, err := binary.ReadVarint(a.in)
		if err != nil {
			return nil, torn(err)
		}
		if n == 0 {
			return all, nil
		}
		if n < 0 { // the length of the entries in bytes follows
			n = -n
			if _, err := binary.ReadVarint(a.in); err != nil {
				return nil, torn(err)
			}
		}
		for ; n > 0; n-- {
			name, err := a.bytes(mostHeader)
			if err != nil {
				return nil, err
			}
			value, err := a.bytes(mostHeader)
			if err != nil {
				return nil, err
			}
			all[string(name)] = string(value)
		}
	}
}

// bytes reads a length and as many bytes into memory of their own.
func (a *avroItems) bytes(most int64) ([]byte, error) {
	n, err := a.length(most)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(a.in, n))
	if err == nil && int64(len(b)) < n {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

func (a *avroItems) length(most int64) (int64, error) {
	n, err := binary.ReadVarint(a.in)
	if err != nil {
		return 0, torn(err)
	}
	if n < 0 || n > most {
		return 0, fmt.Errorf("a length of %d bytes", n)
	}
	return n, nil
}

// torn says that a file ends where it must not.
func torn(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// skip passes over records: whole blocks are not decompressed.
func (a *avroItems) skip(records int64) error {
	for a.at < records {
		n, err := binary.ReadVarint(a.in)
		if errors.Is(err, io.EOF) {
			return nil // the file is shorter now: there is nothing behind
		}
		if err != nil || n < 0 {
			return fmt.Errorf("skipping a block of an Avro file: %d records: %w", n, err)
		}
		if a.at+n > records {
			if err := a.unpack(n); err != nil {
				return err
			}
			for a.at < records {
				if _, err := a.Next(); err != nil {
					if bad, ok := errors.AsType[*BadItem](err); !ok || bad.Offset <= a.at-1 {
						return err
					}
				}
			}
			return nil
		}
		size, err := a.length(mostBlockBytes)
		if err == nil {
			_, err = a.in.Discard(int(size) + md5.Size)
		}
		if err != nil {
			return fmt.Errorf("skipping a block of an Avro file: %w", torn(err))
		}
		a.at += n
	}
	return nil
}

// Next implements Items.
func (a *avroItems) Next() (Item, error) {
	for a.left == 0 {
		n, err := binary.ReadVarint(a.in)
		if errors.Is(err, io.EOF) {
			return Item{}, io.EOF
		}
		if err != nil || n < 0 {
			return Item{}, fmt.Errorf("reading a block of an Avro file: %d records: %w", n, err)
		}
		if err := a.unpack(n); err != nil {
			return Item{}, err
		}
	}
	value, rest, err := a.decoder.Decode(a.block)
	if err != nil {
		// Where the next record begins is not known; the next block does not depend on this one.
		a.at, a.left, a.block = a.at+a.left, 0, nil
		return Item{}, &BadItem{Offset: a.at, Err: fmt.Errorf("reading a record of an Avro file: %w", err)}
	}
	a.block = rest
	a.left--
	a.at++
	return Item{Value: connect.Datum{Schema: a.decoder.Schema, Value: value}, Offset: a.at}, nil
}

// unpack reads the block of n records that begins here.
func (a *avroItems) unpack(n int64) error {
	packed, err := a.bytes(mostBlockBytes)
	if err == nil {
		var marker [md5.Size]byte
		if _, err = io.ReadFull(a.in, marker[:]); err == nil && marker != a.marker {
			err = errors.New("the marker behind it is another than in the header")
		}
	}
	if err == nil {
		a.block, err = a.decompress(packed)
	}
	if err != nil {
		return fmt.Errorf("reading a block of an Avro file behind record %d: %w", a.at, torn(err))
	}
	a.left = n
	return nil
}

func (a *avroItems) decompress(packed []byte) ([]byte, error) {
	switch a.codec {
	case "deflate":
		return readBlock(flate.NewReader(bytes.NewReader(packed)))
	case "bzip2":
		return readBlock(bzip2.NewReader(bytes.NewReader(packed)))
	case "xz":
		r, err := xz.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		return readBlock(r)
	case "snappy":
		if len(packed) < crc32.Size {
			return nil, io.ErrUnexpectedEOF
		}
		body, sum := packed[:len(packed)-crc32.Size], packed[len(packed)-crc32.Size:]
		if n, err := s2.DecodedLen(body); err != nil || n > mostBlockBytes {
			return nil, fmt.Errorf("it says that it has %d bytes: %w", n, err)
		}
		data, err := s2.Decode(nil, body)
		if err == nil && crc32.ChecksumIEEE(data) != binary.BigEndian.Uint32(sum) {
			err = errors.New("its checksum is wrong")
		}
		return data, err
	case "zstandard":
		if a.zstd == nil {
			var err error
			if a.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(mostBlockBytes)); err != nil {
				return nil, err
			}
		}
		return a.zstd.DecodeAll(packed, nil)
	}
	return packed, nil
}

// readBlock reads all of a block, within reason.
func readBlock(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, mostBlockBytes+1))
	if err == nil && len(data) > mostBlockBytes {
		err = fmt.Errorf("it has more than %d bytes", mostBlockBytes)
	}
	return data, err
}

// Close implements Items.
func (a *avroItems) Close() error {
	if a.zstd != nil {
		a.zstd.Close()
	}
	return a.file.Close()
}
