package file

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// isASCII tells whether every byte is below 0x80. It looks at 32 bytes at a time.
func isASCII(b []byte) bool {
	for len(b) >= 32 {
		x := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) |
			binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
		if x&0x8080808080808080 != 0 {
			return false
		}
		b = b[32:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// units counts the UTF-16 units of valid UTF-8: one for each byte that begins a character, one more for each that begins
// a character of four bytes.
func units(b []byte) int {
	const high, low = 0x8080808080808080, 0x0101010101010101
	n := len(b)
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		if x&high != 0 {
			inner := (x >> 7) &^ (x >> 6) & low                     // 10xxxxxx
			four := (x >> 7) & (x >> 6) & (x >> 5) & (x >> 4) & low // 1111xxxx
			n += bits.OnesCount64(four) - bits.OnesCount64(inner)
		}
		b = b[8:]
	}
	for _, c := range b {
		switch {
		case c >= 0xF0:
			n++
		case c >= 0x80 && c < 0xC0:
			n--
		}
	}
	return n
}

// unitsOf is units of a string.
func unitsOf(s string) int { return units(unsafe.Slice(unsafe.StringData(s), len(s))) }

// step looks at the first character of b, which is not empty: its bytes, its UTF-16 units, and whether it is none, in
// which case Java reads those bytes as one U+FFFD. It must see the bytes up to the next ASCII character, or four.
func step(b []byte) (size, units int, good bool) {
	r, size := utf8.DecodeRune(b)
	switch {
	case r == utf8.RuneError && size <= 1:
		return malformed(b), 1, false
	case r > 0xFFFF:
		return size, 2, true
	}
	return size, 1, true
}

// malformed is how many of the bytes at the start of b, which are no character, Java replaces at once: as many as could
// have begun one, but an encoded surrogate, which Go takes for three mistakes, is one.
func malformed(b []byte) int {
	inner := func(i int) bool { return i < len(b) && b[i]&0xC0 == 0x80 }
	switch c := b[0]; {
	case c >= 0xE0 && c <= 0xEF:
		switch {
		case !inner(1) || c == 0xE0 && b[1] < 0xA0:
			return 1
		case !inner(2):
			return 2
		}
		return 3
	case c >= 0xF0 && c <= 0xF4:
		switch {
		case !inner(1) || c == 0xF0 && b[1] < 0x90 || c == 0xF4 && b[1] > 0x8F:
			return 1
		case !inner(2):
			return 2
		}
		return 3
	}
	return 1
}

// decode returns the text of a line as Java reads it, the line itself if it is UTF-8.
func decode(line string) string {
	if utf8.ValidString(line) {
		return line
	}
	var out strings.Builder
	out.Grow(len(line) + 16)
	rest := unsafe.Slice(unsafe.StringData(line), len(line))
	for len(rest) > 0 {
		size, _, good := step(rest)
		if good {
			out.Write(rest[:size])
		} else {
			out.WriteRune(utf8.RuneError)
		}
		rest = rest[size:]
	}
	return out.String()
}
