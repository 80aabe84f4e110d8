package convert

import (
	"encoding/binary"
	"slices"
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
	firstCodepage // and those behind it: codepages in their order
)

// charsetOf knows a character set by its Java name and aliases, in any case.
func charsetOf(name string) (charset, bool) {
	switch strings.ToLower(name) {
	case "utf-8", "utf8", "unicode-1-1-utf-8":
		return utf8Charset, true
	case "us-ascii", "ascii", "iso646-us", "646", "ansi_x3.4-1968", "ansi_x3.4-1986", "iso_646.irv:1983", "iso_646.irv:1991",
		"iso-ir-6", "ascii7", "cp367", "ibm367", "ibm-367", "csascii", "us":
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
	}
	for i, page := range codepages {
		if slices.Contains(strings.Fields(page.names), strings.ToLower(name)) {
			return firstCodepage + charset(i), true
		}
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
	case unset, utf8Charset:
		return []byte(s)
	}
	upper := c.upper()
	out := make([]byte, 0, len(s))
	for _, r := range s {
		switch at := slices.Index(upper, r); {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case at >= 0 && r != utf8.RuneError:
			out = append(out, byte(utf8.RuneSelf+at))
		default:
			out = append(out, '?')
		}
	}
	return out
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
	case unset, utf8Charset:
		if utf8.Valid(b) {
			return stringOf(b)
		}
		return schema.RepairUTF8(b)
	}
	upper := c.upper()
	var out strings.Builder
	for _, x := range b {
		if x < utf8.RuneSelf {
			out.WriteByte(x)
		} else {
			out.WriteRune(upper[x-utf8.RuneSelf])
		}
	}
	return out.String()
}

// upper are the characters of a code page from 0x80 on.
func (c charset) upper() []rune { return []rune(codepages[c-firstCodepage].upper) }

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
	var out strings.Builder
	for len(b) >= 2 {
		first := rune(order.Uint16(b))
		switch {
		case !utf16.IsSurrogate(first):
			out.WriteRune(first)
			b = b[2:]
			continue
		case first >= 0xdc00: // a low surrogate on its own
			out.WriteRune(utf8.RuneError)
			b = b[2:]
			continue
		case len(b) < 4:
			out.WriteRune(utf8.RuneError)
			return out.String()
		}
		// Of a high surrogate and what is no low one, Java makes one replacement.
		out.WriteRune(utf16.DecodeRune(first, rune(order.Uint16(b[2:]))))
		b = b[4:]
	}
	if len(b) == 1 {
		out.WriteRune(utf8.RuneError)
	}
	return out.String()
}

func (c charset) decodeCodePoints(b []byte) string {
	order := binary.ByteOrder(binary.BigEndian)
	if c == utf32LE {
		order = binary.LittleEndian
	}
	if len(b) >= 4 {
		switch mark := binary.BigEndian.Uint32(b); {
		case mark == 0xfffe0000 && c != utf32BE:
			order = binary.LittleEndian
			b = b[4:]
		case mark == 0xfeff && c != utf32LE:
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
