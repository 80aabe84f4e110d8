package avro

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// FormError is a failure of Avro's binary form: bytes that are not what their schema says, or data that the schema to be
// written with has no place for. Failures of the mapping are a schema.Error instead.
type FormError struct {
	// Class is the Java class of the exception, Message its message, which may be empty.
	Class, Message string
}

// Error implements error.
func (e *FormError) Error() string {
	if e.Message == "" {
		return e.Class[len(e.Class)-len(simpleName(e.Class)):]
	}
	return e.Message
}

// JavaClass is the exception's class.
func (e *FormError) JavaClass() string { return e.Class }

func simpleName(class string) string {
	for i := len(class) - 1; i >= 0; i-- {
		if class[i] == '.' {
			return class[i+1:]
		}
	}
	return class
}

func errEOF() error { return &FormError{Class: "java.io.EOFException"} }

func outOfBounds(i int64, n int) error {
	return &FormError{
		Class:   "java.lang.ArrayIndexOutOfBoundsException",
		Message: "Index " + strconv.FormatInt(i, 10) + " out of bounds for length " + strconv.Itoa(n),
	}
}

func malformed(n int64) error {
	return &FormError{"org.apache.avro.AvroRuntimeException", "Malformed data. Length is negative: " + strconv.FormatInt(n, 10)}
}

// IsTruncated tells whether bytes ended before the value did.
func IsTruncated(err error) bool {
	e, ok := errors.AsType[*FormError](err)
	return ok && e.Class == "java.io.EOFException" || errors.Is(err, io.ErrUnexpectedEOF)
}

func appendLong(dst []byte, n int64) []byte {
	u := uint64(n)<<1 ^ uint64(n>>63)
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

func appendBytes(dst, b []byte) []byte { return append(appendLong(dst, int64(len(b))), b...) }

func appendString(dst []byte, s string) []byte { return append(appendLong(dst, int64(len(s))), s...) }

// maxNesting is how deep values may nest: a schema that contains itself lets bytes decide.
const maxNesting = 5000

// reader reads Avro's binary form. What it returns shares b's memory.
type reader struct {
	b     []byte
	at    int
	depth int
	empty int64 // elements so far that may have taken no bytes
}

func (r *reader) enter() error {
	if r.depth++; r.depth > maxNesting {
		return &FormError{"java.lang.StackOverflowError", "the value nests too deep"}
	}
	return nil
}

func (r *reader) leave() { r.depth-- }

func (r *reader) long() (int64, error) {
	var u uint64
	for i := range 10 {
		if r.at >= len(r.b) {
			return 0, errEOF()
		}
		c := r.b[r.at]
		r.at++
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), nil
		}
	}
	return 0, &FormError{"org.apache.avro.InvalidNumberEncodingException", "Invalid long encoding"}
}

func (r *reader) int() (int32, error) {
	var u uint32
	for i := range 5 {
		if r.at >= len(r.b) {
			return 0, errEOF()
		}
		c := r.b[r.at]
		r.at++
		u |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			return int32(u>>1) ^ -int32(u&1), nil
		}
	}
	return 0, &FormError{"org.apache.avro.InvalidNumberEncodingException", "Invalid int encoding"}
}

func (r *reader) fixed(n int) ([]byte, error) {
	if n > len(r.b)-r.at {
		return nil, errEOF()
	}
	b := r.b[r.at : r.at+n : r.at+n]
	r.at += n
	return b, nil
}

func (r *reader) bytes() ([]byte, error) {
	n, err := r.long()
	switch {
	case err != nil:
		return nil, err
	case n < 0:
		return nil, malformed(n)
	case n > int64(len(r.b)-r.at):
		return nil, errEOF()
	}
	return r.fixed(int(n))
}

func (r *reader) string() (string, error) {
	b, err := r.bytes()
	switch {
	case err != nil || len(b) == 0:
		return "", err
	case !utf8.Valid(b):
		return schema.RepairUTF8(b), nil
	}
	return unsafe.String(&b[0], len(b)), nil
}

func (r *reader) boolean() (bool, error) {
	b, err := r.fixed(1)
	return err == nil && b[0] == 1, err
}

func (r *reader) float() (float32, error) {
	b, err := r.fixed(4)
	if err != nil {
		return 0, err
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b)), nil
}

func (r *reader) double() (float64, error) {
	b, err := r.fixed(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
}

// maxEmpty is how many elements of a message may take no bytes, so that a few bytes cannot ask for any number of them.
const maxEmpty = 1 << 16

// count reads how many elements of an array or a map follow until the next count. empty tells that an element may take no
// bytes.
func (r *reader) count(empty bool) (int64, error) {
	n, err := r.long()
	if err != nil {
		return 0, err
	}
	if n < 0 { // the number of bytes follows
		if _, err := r.long(); err != nil {
			return 0, err
		}
		n = -n
	}
	switch {
	case n < 0:
		return 0, malformed(n)
	case empty && n > maxEmpty-r.empty:
		return 0, &FormError{"org.apache.avro.SystemLimitException", "a block has " + strconv.FormatInt(n, 10) + " elements that take no bytes"}
	case !empty && n > int64(len(r.b)-r.at):
		return 0, errEOF()
	case empty:
		r.empty += n
	}
	return n, nil
}
