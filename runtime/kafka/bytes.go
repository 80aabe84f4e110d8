package kafka

import (
	"bytes"
	stdbase64 "encoding/base64"
	"fmt"
	"strconv"

	"github.com/segmentio/asm/base64"
)

// base64 reads a base64 string into the arena, or null.
func (d *Decoder) base64(name string) ([]byte, error) {
	s := &d.scan
	if s.next() != '"' {
		if s.null() {
			return nil, nil
		}
		return nil, s.unexpected("a string or null for the " + name)
	}
	quote := s.pos
	start := quote + 1
	length := bytes.IndexByte(s.data[start:], '"')
	if length < 0 {
		s.pos = len(s.data)
		return nil, s.unexpected("the end of a string")
	}
	text := s.data[start : start+length]
	if length == 0 {
		s.pos = start + 1
		return []byte{}, nil
	}
	// The common case is text of base64 alone. Everything else, and that includes an escaped quote, line breaks and
	// errors, does not come out as long as it should and is read again, slowly.
	if length%4 == 0 {
		want := length / 4 * 3
		if text[length-1] == '=' {
			want--
			if text[length-2] == '=' {
				want--
			}
		}
		n, err := base64.StdEncoding.Decode(d.alloc(length/4*3), text)
		if err == nil && n == want {
			s.pos = start + length + 1
			return d.take(n), nil
		}
	}
	text, err := s.escaped()
	if err != nil {
		return nil, err
	}
	n, err := stdbase64.StdEncoding.Decode(d.alloc(stdbase64.StdEncoding.DecodedLen(len(text))), text)
	if err != nil {
		return nil, fmt.Errorf("byte %d: the %s is not base64", quote, name)
	}
	return d.take(n), nil
}

// signedBytes reads the value of a header: an array of numbers from -128 to 127 (or up to 255), or null.
func (d *Decoder) signedBytes(name string) ([]byte, error) {
	s := &d.scan
	if s.next() != '[' {
		if s.null() {
			return nil, nil
		}
		return nil, s.unexpected("an array or null for the header " + strconv.Quote(name))
	}
	end := bytes.IndexByte(s.data[s.pos:], ']')
	if end < 0 {
		s.pos = len(s.data)
		return nil, s.unexpected("the end of an array")
	}
	// Each byte takes a digit and, but for the last, a comma.
	value := d.alloc((end + 1) / 2)
	if n, ok := compactBytes(value, s.data[s.pos+1:s.pos+end]); ok {
		s.pos += end + 1
		return d.take(n), nil
	}
	n := 0
	err := s.array(func() error {
		c := s.next()
		if c != '-' && (c < '0' || c > '9') {
			return s.unexpected("a number in the header " + strconv.Quote(name))
		}
		start := s.pos
		b, err := s.digits()
		if err != nil {
			return err
		}
		if b < -128 || b > 255 {
			return fmt.Errorf("byte %d: %d in the header %q is not a byte", start, b, name)
		}
		value[n] = byte(b)
		n++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d.take(n), nil
}

// compactBytes reads numbers as triggers write them, without blanks, and gives up on everything else.
func compactBytes(dst, src []byte) (n int, ok bool) {
	for i := 0; i < len(src); i++ {
		least := 0
		if src[i] == '-' {
			least = -128
			i++
		}
		first, b := i, 0
		for i < len(src) && src[i]-'0' <= 9 && i < first+3 {
			b = b*10 + int(src[i]-'0')
			i++
		}
		if least < 0 {
			b = -b
		}
		if i == first || src[first] == '0' && i > first+1 || b < least || b > 255 {
			return 0, false
		}
		if i < len(src) && (src[i] != ',' || i == len(src)-1) {
			return 0, false
		}
		dst[n] = byte(b)
		n++
	}
	return n, true
}
