package table

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// storedFormat is the first byte of every stored item; another form gets another number.
const storedFormat = 1

var errStored = errors.New("the stored item is damaged or was written by a newer version")

// appendStored appends the form in which an item lies in the file: counts and lengths as varints, so reading needs no scanning.
func appendStored(b []byte, it item) []byte {
	return appendStoredMap(append(b, storedFormat), it)
}

func appendStoredMap(b []byte, m map[string]value) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for name, v := range m {
		b = appendStoredText(b, name)
		b = appendStoredValue(b, v)
	}
	return b
}

func appendStoredText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

func appendStoredValue(b []byte, v value) []byte {
	b = append(b, byte(v.kind))
	switch v.kind {
	case kindS, kindN, kindB:
		return appendStoredText(b, v.text)
	case kindBool:
		if v.flag {
			return append(b, 1)
		}
		return append(b, 0)
	case kindNull:
		return b
	case kindL:
		b = binary.AppendUvarint(b, uint64(len(v.list)))
		for _, x := range v.list {
			b = appendStoredValue(b, x)
		}
		return b
	case kindM:
		return appendStoredMap(b, v.m)
	}
	b = binary.AppendUvarint(b, uint64(len(v.set)))
	for _, text := range v.set {
		b = appendStoredText(b, text)
	}
	return b
}

// readStored is the reverse of appendStored. It copies data once; the item shares that copy.
func readStored(data []byte) (item, error) {
	if len(data) == 0 || data[0] != storedFormat {
		return nil, errStored
	}
	r := &storedReader{rest: string(data[1:])}
	it := r.readMap(maxDepth + 1)
	if r.bad || r.rest != "" {
		return nil, fmt.Errorf("reading %d bytes: %w", len(data), errStored)
	}
	return it, nil
}

// A storedReader walks over a stored item. After bad was set its results mean nothing.
type storedReader struct {
	rest string
	bad  bool
}

// count reads the number of things to follow, each of which takes at least one byte.
func (r *storedReader) count() int {
	var n uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		c := r.rest[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c >= 0x80 {
			continue
		}
		r.rest = r.rest[i+1:]
		if n > uint64(len(r.rest)) {
			break
		}
		return int(n)
	}
	r.bad, r.rest = true, ""
	return 0
}

func (r *storedReader) text() string {
	n := r.count()
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return text
}

func (r *storedReader) octet() byte {
	if r.rest == "" {
		r.bad = true
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

func (r *storedReader) readMap(depth int) map[string]value {
	n := r.count()
	m := make(map[string]value, n)
	for range n {
		if r.bad {
			return nil
		}
		name := r.text()
		m[name] = r.readValue(depth)
	}
	return m
}

func (r *storedReader) readValue(depth int) value {
	v := value{kind: kind(r.octet())}
	switch {
	case v.kind == kindNone || v.kind > kindBS || depth == 0:
		r.bad = true
	case v.kind.isOrdered():
		v.text = r.text()
	case v.kind == kindBool:
		v.flag = r.octet() != 0
	case v.kind == kindNull:
	case v.kind == kindM:
		v.m = r.readMap(depth - 1)
	case v.kind == kindL:
		v.list = make([]value, r.count())
		for i := 0; i < len(v.list) && !r.bad; i++ {
			v.list[i] = r.readValue(depth - 1)
		}
	default:
		v.set = make([]string, r.count())
		for i := range v.set {
			v.set[i] = r.text()
		}
	}
	return v
}
