package file

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// place is where to go on in a file. Users see and set the position only; the rest is known when an invocation of this
// package left off here, and saves reading the file from its start to find the place.
type place struct {
	// units is the position: UTF-16 units of the text before the place.
	units int64
	// bytes are the bytes before the place; -1 if that is not known.
	bytes int64
	// check is the checksum of the bytes at both ends of what lies before the place.
	check int64
}

// parsePlace reads a stored position.
func parsePlace(p connect.Position) (place, error) {
	if p.IsZero() {
		return place{}, nil
	}
	units, _, err := p.Int64("position")
	if err != nil {
		return place{}, schema.NewError(schema.ConnectException, "Offset position is the incorrect type", nil)
	}
	at := place{units: units, bytes: -1}
	bytes, _ := p.Get("byte")
	check, _ := p.Get("check")
	if b, ok := bytes.(int64); ok {
		if c, ok := check.(int64); ok {
			at.bytes, at.check = b, c
		}
	}
	return at, nil
}

func (p place) position() connect.Position {
	return connect.NewPosition(map[string]any{"position": p.units, "byte": p.bytes, "check": p.check})
}

// checked is how many bytes at each end the checksum covers.
const checked = 256

// checksum covers the first and last bytes of the n bytes at the start of r. Another file in the place of one that was
// read, or the same one overwritten, has others; one that merely grew, or was copied, has not.
func checksum(r io.ReaderAt, n int64) (int64, error) {
	both := make([]byte, 2*checked)
	head := both[:min(n, checked)]
	tail := both[checked:][:min(n, checked)]
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if _, err := r.ReadAt(tail, n-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return int64(crc32.Update(crc32.ChecksumIEEE(head), crc32.IEEETable, tail)), nil
}

// find returns the place in f from which to read on after p. found is false when there is no such place any more: f is
// too short, or not what was read.
func (p place) find(ctx context.Context, f *os.File) (at place, found bool, err error) {
	if p.units <= 0 {
		return place{}, true, nil
	}
	if p.bytes < 0 {
		return p.count(ctx, f)
	}
	info, err := f.Stat()
	if err != nil {
		return place{}, false, err
	}
	if info.Mode().IsRegular() && info.Size() < p.bytes {
		return place{}, false, nil
	}
	check, err := checksum(f, p.bytes)
	if err != nil || check != p.check {
		return place{}, false, err
	}
	return p, true, nil
}

// count finds the place of a position in units by reading the file from its start.
func (p place) count(ctx context.Context, f io.ReaderAt) (at place, found bool, err error) {
	buf := make([]byte, 4*chunk)
	kept := 0 // bytes at the start of buf that may be the beginning of a character
	for at.units < p.units {
		if ctx.Err() != nil {
			return place{}, false, context.Cause(ctx)
		}
		n, err := f.ReadAt(buf[kept:], at.bytes+int64(kept))
		if err != nil && !errors.Is(err, io.EOF) {
			return place{}, false, err
		}
		b := buf[:kept+n]
		if n == 0 && len(b) == 0 {
			return place{}, false, nil
		}
		// All but the last few bytes are whole characters or mistakes; at the end of the file all are.
		whole := b
		if n > 0 {
			whole = b[:wholeCharacters(b)]
		}
		size, units := skip(whole, p.units-at.units)
		at.bytes += int64(size)
		at.units += units
		kept = copy(buf, b[size:])
		if size < len(whole) {
			break
		}
	}
	return at, true, nil
}

// skip goes over as much of b as has at most limit units, but never into a character of two. b ends where a character
// ends.
func skip(b []byte, limit int64) (size int, n int64) {
	if isASCII(b) {
		size = int(min(int64(len(b)), limit))
		return size, int64(size)
	}
	if utf8.Valid(b) {
		if all := int64(units(b)); all <= limit {
			return len(b), all
		}
	}
	for size < len(b) {
		wide, u, _ := step(b[size:])
		if n+int64(u) > limit {
			break
		}
		size += wide
		n += int64(u)
	}
	return size, n
}

// wholeCharacters is the length of b without a character at its end of which bytes may be missing.
func wholeCharacters(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-3; i-- {
		missing := 0
		switch c := b[i]; {
		case c < 0x80:
			return len(b)
		case c < 0xC0:
			continue
		case c < 0xE0:
			missing = 2
		case c < 0xF0:
			missing = 3
		default:
			missing = 4
		}
		if len(b)-i < missing {
			return i
		}
		return len(b)
	}
	return len(b)
}
