package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Codec compresses files. Its zero value does not.
type Codec struct {
	// Name is none, gzip, snappy or zstd.
	Name string
	// Level is gzip's, -1 for its default.
	Level int

	gzip *gzip.Writer
	zstd *zstd.Encoder
}

// On tells whether it compresses at all.
func (c *Codec) On() bool { return c.Name != "" && c.Name != "none" }

// Append compresses src into something that can stand alone, and behind other such things.
func (c *Codec) Append(dst, src []byte) ([]byte, error) {
	if len(src) == 0 {
		return dst, nil
	}
	switch c.Name {
	case "", "none":
		return append(dst, src...), nil
	case "gzip":
		return c.appendGzip(dst, src)
	case "zstd":
		if c.zstd == nil {
			var err error
			if c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20)); err != nil {
				return nil, err
			}
		}
		return c.zstd.EncodeAll(src, dst), nil
	case "snappy":
		return appendXerial(dst, src), nil
	}
	return nil, fmt.Errorf("compressing: there is no codec %s", c.Name)
}

func (c *Codec) appendGzip(dst, src []byte) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	if c.gzip == nil {
		level := c.Level
		if level == 0 {
			level = gzip.DefaultCompression
		}
		w, err := gzip.NewWriterLevel(out, level)
		if err != nil {
			return nil, err
		}
		c.gzip = w
	} else {
		c.gzip.Reset(out)
	}
	if _, err := c.gzip.Write(src); err != nil {
		return nil, err
	}
	if err := c.gzip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// xerial is the header of a stream of the snappy library for Java: its name, its version and the oldest that reads it.
const (
	xerial      = "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	xerialBlock = 32 << 10
)

// appendXerial writes what Java's SnappyOutputStream does, which is what Java programs read.
func appendXerial(dst, src []byte) []byte {
	dst = append(dst, xerial...)
	for len(src) > 0 {
		n := min(len(src), xerialBlock)
		block := s2.EncodeSnappy(nil, src[:n])
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(block))) //nolint:gosec // at most a little more than xerialBlock
		dst = append(dst, block...)
		src = src[n:]
	}
	return dst
}

// Reader reads what Append wrote, any number of times one behind the other.
func (c *Codec) Reader(r io.Reader) (io.ReadCloser, error) {
	switch c.Name {
	case "", "none":
		return io.NopCloser(r), nil
	case "gzip":
		return gzip.NewReader(r)
	case "zstd":
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case "snappy":
		return io.NopCloser(&xerialReader{r: r}), nil
	}
	return nil, fmt.Errorf("decompressing: there is no codec %s", c.Name)
}

type xerialReader struct {
	r     io.Reader
	begun bool
	block []byte
}

// mostBlock is the largest block that is believed in.
const mostBlock = 64 << 20

// Read implements io.Reader.
func (x *xerialReader) Read(b []byte) (int, error) {
	for len(x.block) == 0 {
		var head [4]byte
		if _, err := io.ReadFull(x.r, head[:]); err != nil {
			return 0, err
		}
		if string(head[:]) == xerial[:4] {
			rest := make([]byte, len(xerial)-4)
			if _, err := io.ReadFull(x.r, rest); err != nil {
				return 0, fmt.Errorf("reading the header of a snappy stream: %w", io.ErrUnexpectedEOF)
			}
			x.begun = true
			continue
		}
		n := binary.BigEndian.Uint32(head[:])
		if !x.begun || n > mostBlock {
			return 0, fmt.Errorf("reading a snappy stream: it is none of Java's")
		}
		block := make([]byte, n)
		if _, err := io.ReadFull(x.r, block); err != nil {
			return 0, fmt.Errorf("reading a snappy block: %w", io.ErrUnexpectedEOF)
		}
		var err error
		if x.block, err = s2.Decode(nil, block); err != nil {
			return 0, fmt.Errorf("reading a snappy block: %w", err)
		}
	}
	n := copy(b, x.block)
	x.block = x.block[n:]
	return n, nil
}
