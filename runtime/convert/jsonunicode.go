package convert

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 tells a document's encoding from its first bytes, as Connect's reader does, and returns it in UTF-8 without a
// byte order mark. A document in UTF-8 is returned as it is.
func toUTF8(b []byte) ([]byte, error) {
	if len(b) >= 4 {
		quad := binary.BigEndian.Uint32(b)
		switch {
		case quad == 0x0000feff:
			return from32(b[4:], binary.BigEndian)
		case quad == 0xfffe0000:
			return from32(b[4:], binary.LittleEndian)
		case quad>>16 == 0xfeff:
			return from16(b[2:], binary.BigEndian)
		case quad>>16 == 0xfffe:
			return from16(b[2:], binary.LittleEndian)
		case quad>>8 == 0xefbbbf:
			return b[3:], nil
		case quad>>8 == 0:
			return from32(b, binary.BigEndian)
		case quad&0x00ffffff == 0:
			return from32(b, binary.LittleEndian)
		case quad&0xff00ffff == 0, quad&0xffff00ff == 0, quad == 0x0000fffe, quad == 0xfeff0000:
			return nil, errors.New("unsupported order of bytes in UTF-32")
		}
	}
	if len(b) >= 2 && b[0] == 0 {
		return from16(b, binary.BigEndian)
	}
	if len(b) >= 2 && b[1] == 0 {
		return from16(b, binary.LittleEndian)
	}
	return b, nil
}

func from16(b []byte, order binary.ByteOrder) ([]byte, error) {
	if len(b)%2 != 0 {
		return nil, errors.New("half a character of UTF-16 at the end")
	}
	j := units{out: make([]byte, 0, len(b))}
	for ; len(b) >= 2; b = b[2:] {
		j.add(order.Uint16(b))
	}
	return j.bytes(), nil
}

func from32(b []byte, order binary.ByteOrder) ([]byte, error) {
	if len(b)%4 != 0 {
		return nil, errors.New("part of a character of UTF-32 at the end")
	}
	j := units{out: make([]byte, 0, len(b)/2)}
	for ; len(b) >= 4; b = b[4:] {
		c := order.Uint32(b)
		if c > utf8.MaxRune {
			return nil, errors.New("a character beyond Unicode")
		}
		j.addCode(int32(c))
	}
	return j.bytes(), nil
}

// units joins Java's UTF-16 units to UTF-8. Unpaired surrogates become question marks.
type units struct {
	out  []byte
	high uint16 // a high surrogate that waits for its low one
}

func (j *units) add(u uint16) {
	isLow := u >= 0xdc00 && u < 0xe000
	if j.high != 0 {
		high := j.high
		j.high = 0
		if isLow {
			j.out = utf8.AppendRune(j.out, utf16.DecodeRune(rune(high), rune(u)))
			return
		}
		j.out = append(j.out, '?')
	}
	switch {
	case isLow:
		j.out = append(j.out, '?')
	case u >= 0xd800 && u < 0xdc00:
		j.high = u
	default:
		j.out = utf8.AppendRune(j.out, rune(u))
	}
}

// addCode adds a character of any number, as Java splits it into units.
func (j *units) addCode(c int32) {
	if c < 0x10000 {
		j.add(uint16(c))
		return
	}
	c -= 0x10000
	j.add(uint16(0xd800 | c>>10)) // Java's char cast
	j.add(uint16(0xdc00 | c&0x3ff))
}

func (j *units) bytes() []byte {
	if j.high != 0 {
		j.out = append(j.out, '?')
		j.high = 0
	}
	return j.out
}

// unescape returns the value of a string from its text, which the scanner has checked.
func unescape(text []byte) string {
	j := units{out: make([]byte, 0, len(text))}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\\':
			n, u := unescapeOne(text[i:])
			j.add(u)
			i += n
		case c < utf8.RuneSelf:
			j.add(uint16(c))
			i++
		case c&0xe0 == 0xc0:
			j.addCode(int32(c&0x1f)<<6 | int32(text[i+1]&0x3f))
			i += 2
		case c&0xf0 == 0xe0:
			j.addCode(int32(c&0x0f)<<12 | int32(text[i+1]&0x3f)<<6 | int32(text[i+2]&0x3f))
			i += 3
		default:
			j.addCode(int32(c&0x07)<<18 | int32(text[i+1]&0x3f)<<12 | int32(text[i+2]&0x3f)<<6 | int32(text[i+3]&0x3f))
			i += 4
		}
	}
	return stringOf(j.bytes())
}

func unescapeOne(text []byte) (n int, u uint16) {
	switch c := text[1]; c {
	case 'b':
		return 2, '\b'
	case 'f':
		return 2, '\f'
	case 'n':
		return 2, '\n'
	case 'r':
		return 2, '\r'
	case 't':
		return 2, '\t'
	case 'u':
		for _, h := range text[2:6] {
			d, _ := hexDigit(h)
			u = u<<4 | d
		}
		return 6, u
	default:
		return 2, uint16(c)
	}
}
