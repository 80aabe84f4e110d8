package schema

import (
	"strings"
	"unicode/utf8"
)

// RepairUTF8 reads malformed UTF-8 as Java's String does: U+FFFD for each longest beginning of a character, and one for
// the three bytes of a surrogate.
func RepairUTF8(b []byte) string {
	var out strings.Builder
	out.Grow(len(b) + 8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = malformed(b)
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}

// malformed is the number of bytes that stand for one U+FFFD.
func malformed(b []byte) int {
	lead := b[0]
	next := func(i int) bool { return i < len(b) && b[i]&0xc0 == 0x80 }
	switch {
	case lead >= 0xe0 && lead < 0xf0:
		if !next(1) || lead == 0xe0 && b[1] < 0xa0 {
			return 1
		}
		if lead == 0xed && b[1] >= 0xa0 && next(2) {
			return 3
		}
		return 2
	case lead >= 0xf0 && lead <= 0xf4:
		if !next(1) || lead == 0xf0 && b[1] < 0x90 || lead == 0xf4 && b[1] >= 0x90 {
			return 1
		}
		if !next(2) {
			return 2
		}
		return 3
	}
	return 1
}
