package registry

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zlib"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Glue's wire form: a byte for the version of the form, one for the compression, and the id of the schema's version before
// the value.
const (
	glueVersion  = 3
	gluePlain    = 0
	glueZlib     = 5
	glueFrame    = 18
	glueIDOffset = 2
)

// gluePrefix is the frame of a version's id.
func gluePrefix(id string, compressed bool) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(b) != glueFrame-glueIDOffset {
		return nil, schema.NewError(glueException, "AWS Glue gave a version of the schema the id "+id+", which is no UUID", nil)
	}
	compression := byte(gluePlain)
	if compressed {
		compression = glueZlib
	}
	return append([]byte{glueVersion, compression}, b...), nil
}

// glueUnframe finds out which schema a record has, and what is left to read.
func glueUnframe(b []byte, z *zlibbing) (schemaRef, []byte, error) {
	const incompatible = "com.amazonaws.services.schemaregistry.exception.GlueSchemaRegistryIncompatibleDataException"
	switch {
	case len(b) < glueFrame:
		return schemaRef{}, nil, schema.NewError(incompatible, fmt.Sprintf("Data is not compatible with schema registry size: %d", len(b)), nil)
	case b[0] != glueVersion:
		return schemaRef{}, nil, schema.NewError(incompatible, "Invalid schema registry header version byte in data", nil)
	case b[1] != gluePlain && b[1] != glueZlib:
		return schemaRef{}, nil, schema.NewError(incompatible, "Invalid schema registry compression byte in data", nil)
	}
	ref := schemaRef{guid: [16]byte(b[glueIDOffset:glueFrame])}
	if b[1] == gluePlain {
		return ref, b[glueFrame:], nil
	}
	body, err := z.inflate(b[glueFrame:])
	if err != nil {
		return ref, nil, schema.NewError(glueException, "Error while decompressing data", err)
	}
	return ref, body, nil
}

// uuid is how 16 bytes are written as a UUID.
func uuid(b []byte) string {
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// mostInflated is how long a value may become when it is read, so that a few bytes cannot ask for any memory.
const mostInflated = 64 << 20

// zlibbing compresses and decompresses values. The zero zlibbing is ready for use, by one goroutine at a time.
type zlibbing struct {
	writer *zlib.Writer
	reader io.ReadCloser
	out    bytes.Buffer
}

// deflate returns b with what stands at and behind a place compressed.
func (z *zlibbing) deflate(b []byte, at int) ([]byte, error) {
	z.out.Reset()
	if z.writer == nil {
		z.writer = zlib.NewWriter(&z.out)
	} else {
		z.writer.Reset(&z.out)
	}
	if _, err := z.writer.Write(b[at:]); err != nil {
		return nil, fmt.Errorf("compressing a value: %w", err)
	}
	if err := z.writer.Close(); err != nil {
		return nil, fmt.Errorf("compressing a value: %w", err)
	}
	return slices.Concat(b[:at], z.out.Bytes()), nil
}

// inflate returns what was compressed, in memory of its own.
func (z *zlibbing) inflate(b []byte) ([]byte, error) {
	in := bytes.NewReader(b)
	var err error
	if z.reader == nil {
		z.reader, err = zlib.NewReader(in)
	} else {
		err = z.reader.(zlib.Resetter).Reset(in, nil) //nolint:forcetypeassert // every reader of the package is one
	}
	if err != nil {
		z.reader = nil
		return nil, fmt.Errorf("the bytes are not compressed as they say: %w", err)
	}
	z.out.Reset()
	n, err := io.Copy(&z.out, io.LimitReader(z.reader, mostInflated+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the bytes are not compressed as they say: %w", err)
	case n > mostInflated:
		return nil, errors.New("the value is larger than 64 MiB")
	}
	return bytes.Clone(z.out.Bytes()), nil
}
