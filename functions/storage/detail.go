package storage

import (
	"encoding/binary"
	"errors"
)

var errDetail = errors.New("it is not what this connector writes")

// encoder writes the details of a position.
type encoder []byte

func (e *encoder) uint(v uint64) { *e = binary.AppendUvarint(*e, v) }
func (e *encoder) int(v int64)   { *e = binary.AppendVarint(*e, v) }
func (e *encoder) id(v uint64)   { *e = binary.BigEndian.AppendUint64(*e, v) }
func (e *encoder) text(t string) { *e = append(binary.AppendUvarint(*e, uint64(len(t))), t...) }
func (e *encoder) mark(m mark)   { e.id(m.id); e.int(m.size); e.int(m.offset) }

// decoder reads them. What is missing is zero, and bad is set.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	return counted(d, v, n)
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	return counted(d, v, n)
}

func counted[N uint64 | int64](d *decoder, v N, n int) N {
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) text() string { return string(d.take(d.uint())) }

func (d *decoder) id() uint64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
