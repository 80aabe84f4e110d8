package convert

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// charset is one of the character sets that every Java has.
type charset int

const (
	unset charset = iota
	utf8Charset
	ascii
	latin1
	utf16Marked // big-endian with a byte order mark; reads either
	utf16BE
	utf16LE
	utf32Marked // big-endian; reads either
	utf32BE
	utf32LE
	latin9
	windows1252
)

// charsetOf knows a character set by its Java name and aliases, in any case.
func charsetOf(name string) (charset, bool) {
	switch strings.ToLower(name) {
	case "utf-8", "utf8", "unicode-1-1-utf-8":
		return utf8Charset, true
	case "us-ascii", "ascii", "iso646-us", "646", "ansi_x3.4-1968", "ansi_x3.4-1986", "iso_646.irv:1983", "iso_646.irv:1991",
		"iso-ir-6", "ascii7", "default", "cp367", "ibm367", "ibm-367", "csascii", "us":
		return ascii, true
	case "iso-8859-1", "iso8859_1", "latin1", "iso-ir-100", "iso_8859-1", "iso_8859-1:1987", "iso8859-1", "l1", "ibm819",
		"ibm-819", "cp819", "819", "csisolatin1", "8859_1", "iso_8859_1":
		return latin1, true
	case "utf-16", "utf16", "utf_16", "unicode", "unicodebig":
		return utf16Marked, true
	case "utf-16be", "utf_16be", "iso-10646-ucs-2", "x-utf-16be", "unicodebigunmarked":
		return utf16BE, true
	case "utf-16le", "utf_16le", "x-utf-16le", "unicodelittleunmarked":
		return utf16LE, true
	case "utf-32", "utf32", "utf_32", "iso-10646-ucs-4":
		return utf32Marked, true
	case "utf-32be", "utf_32be", "x-utf-32be":
		return utf32BE, true
	case "utf-32le", "utf_32le", "x-utf-32le":
		return utf32LE, true
	case "iso-8859-15", "iso_8859-15", "iso8859-15", "iso8859_15", "8859_15", "latin9", "latin-9", "l9", "923", "cp923", "ibm923",
		"ibm-923", "csiso885915", "csisolatin9", "iso8859_15_fdis", "csisolatin0":
		return latin9, true
	case "windows-1252", "cp1252", "cp5348", "ibm-1252", "ibm1252":
		return windows1252, true
	}
	return unset, false
}

// encode writes what the character set does not have as a question mark.
func (c charset) encode(s string) []byte {
	switch c {
	case ascii, latin1:
		limit := rune(0x80)
		if c == latin1 {
			limit = 0x100
		}
		out := make([]byte, 0, len(s))
		for _, r := range s {
			if r >= limit {
				r = '?'
			}
			out = append(out, byte(r))
		}
		return out
	case utf16Marked, utf16BE, utf16LE:
		order := binary.AppendByteOrder(binary.BigEndian)
		if c == utf16LE {
			order = binary.LittleEndian
		}
		out := make([]byte, 0, 2*len(s)+2)
		if c == utf16Marked && s != "" {
			out = order.AppendUint16(out, 0xfeff)
		}
		for _, r := range s {
			if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
				out = order.AppendUint16(out, uint16(hi))
				r = lo
			}
			out = order.AppendUint16(out, uint16(r))
		}
		return out
	case utf32Marked, utf32BE, utf32LE:
		order := binary.AppendByteOrder(binary.BigEndian)
		if c == utf32LE {
			order = binary.LittleEndian
		}
		out := make([]byte, 0, 4*len(s))
		for _, r := range s {
			out = order.AppendUint32(out, uint32(r))
		}
		return out
	case latin9, windows1252:
		out := make([]byte, 0, len(s))
		for _, r := range s {
			out = append(out, c.byteOf(r))
		}
		return out
	case unset, utf8Charset:
	}
	return []byte(s)
}

// decode reads bytes, putting U+FFFD for what is malformed where Java does.
func (c charset) decode(b []byte) string {
	switch c {
	case ascii, latin1:
		var out strings.Builder
		out.Grow(len(b))
		for _, x := range b {
			r := rune(x)
			if c == ascii && x >= utf8.RuneSelf {
				r = utf8.RuneError
			}
			out.WriteRune(r)
		}
		return out.String()
	case utf16Marked, utf16BE, utf16LE:
		return c.decodeUnits(b)
	case utf32Marked, utf32BE, utf32LE:
		return c.decodeCodePoints(b)
	case latin9, windows1252:
		var out strings.Builder
		for _, x := range b {
			out.WriteRune(c.runeOf(x))
		}
		return out.String()
	case unset, utf8Charset:
	}
	if utf8.Valid(b) {
		return stringOf(b)
	}
	return schema.RepairUTF8(b)
}

func (c charset) decodeUnits(b []byte) string {
	order := binary.ByteOrder(binary.BigEndian)
	if c == utf16LE {
		order = binary.LittleEndian
	}
	if c == utf16Marked && len(b) >= 2 {
		switch binary.BigEndian.Uint16(b) {
		case 0xfffe:
			order = binary.LittleEndian
			b = b[2:]
		case 0xfeff:
			b = b[2:]
		}
	}
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	text := string(utf16.Decode(units))
	if len(b) == 1 {
		text += string(utf8.RuneError)
	}
	return text
}

func (c charset) decodeCodePoints(b []byte) string {
	order := binary.ByteOrder(binary.BigEndian)
	if c == utf32LE {
		order = binary.LittleEndian
	}
	if c == utf32Marked && len(b) >= 4 {
		switch binary.BigEndian.Uint32(b) {
		case 0xfffe0000:
			order = binary.LittleEndian
			b = b[4:]
		case 0xfeff:
			b = b[4:]
		}
	}
	var out strings.Builder
	for ; len(b) >= 4; b = b[4:] {
		if r := order.Uint32(b); r <= utf8.MaxRune {
			out.WriteRune(rune(r))
		} else {
			out.WriteRune(utf8.RuneError)
		}
	}
	if len(b) > 0 {
		out.WriteRune(utf8.RuneError)
	}
	return out.String()
}

// runeOf is the character of a byte in a set that is Latin-1 but for a few places.
func (c charset) runeOf(b byte) rune {
	if c == windows1252 && b >= 0x80 && b < 0xa0 {
		return [...]rune{
			0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
			0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
		}[b-0x80]
	}
	if c == latin9 {
		switch b {
		case 0xa4:
			return '€'
		case 0xa6:
			return 'Š'
		case 0xa8:
			return 'š'
		case 0xb4:
			return 'Ž'
		case 0xb8:
			return 'ž'
		case 0xbc:
			return 'Œ'
		case 0xbd:
			return 'œ'
		case 0xbe:
			return 'Ÿ'
		}
	}
	return rune(b)
}

// byteOf is the byte of a character in such a set, or a question mark.
func (c charset) byteOf(r rune) byte {
	if r < 0x100 && c.runeOf(byte(r)) == r {
		return byte(r)
	}
	for b := 0x80; b < 0x100; b++ {
		if x := c.runeOf(byte(b)); x == r && x != utf8.RuneError {
			return byte(b)
		}
	}
	return '?'
}
