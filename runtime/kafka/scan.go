package kafka

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over one JSON document. Its methods start at pos, skip blanks before what they read, and leave pos
// behind it. It accepts what encoding/json accepts, no more and no less.
type scanner struct {
	data  []byte
	pos   int
	text  []byte // where strings with escapes are put together
	stack []byte // open brackets while skipping
}

// maxDepth is how deep values that are skipped may be nested.
const maxDepth = 10000

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return
		}
	}
}

// next returns the byte at pos after blanks, or 0 at the end.
func (s *scanner) next() byte {
	if s.pos < len(s.data) {
		if c := s.data[s.pos]; c > ' ' {
			return c
		}
		s.space()
		if s.pos < len(s.data) {
			return s.data[s.pos]
		}
	}
	return 0
}

// unexpected is the error for finding something else than wanted.
func (s *scanner) unexpected(wanted string) error {
	if s.pos >= len(s.data) {
		return fmt.Errorf("byte %d: the text ends, expected %s", len(s.data), wanted)
	}
	return fmt.Errorf("byte %d: found %q, expected %s", s.pos, s.data[s.pos], wanted)
}

// null steps over a null and says whether there was one.
func (s *scanner) null() bool {
	if s.next() == 'n' && s.pos+4 <= len(s.data) && string(s.data[s.pos:s.pos+4]) == "null" {
		s.pos += 4
		return true
	}
	return false
}

// object calls field for each key with pos at its value, which field must read. The key is valid only until field
// reads on.
func (s *scanner) object(field func(key []byte) error) error {
	if s.next() != '{' {
		return s.unexpected("an object")
	}
	s.pos++
	if s.next() == '}' {
		s.pos++
		return nil
	}
	for {
		key, err := s.str()
		if err != nil {
			return err
		}
		if s.next() != ':' {
			return s.unexpected("a colon")
		}
		s.pos++
		if err := field(key); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.unexpected("a comma or the end of the object")
		}
	}
}

// array calls element for each element with pos at its value, which element must read.
func (s *scanner) array(element func() error) error {
	if s.next() != '[' {
		return s.unexpected("an array")
	}
	s.pos++
	if s.next() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.unexpected("a comma or the end of the array")
		}
	}
}

// str reads a string and returns its bytes, which are valid until the next str. They may not be valid UTF-8: see
// valid.
func (s *scanner) str() ([]byte, error) {
	if s.next() != '"' {
		return nil, s.unexpected("a string")
	}
	start := s.pos + 1
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			return s.data[start:i], nil
		case c == '\\' || c < ' ':
			return s.escaped()
		}
	}
	s.pos = len(s.data)
	return nil, s.unexpected("the end of a string")
}

// escaped reads a string that may have escapes, starting at its quote.
func (s *scanner) escaped() ([]byte, error) {
	s.pos++
	out := s.text[:0]
	defer func() { s.text = out }()
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			return out, nil
		case c < ' ':
			return nil, s.unexpected("no control character in a string")
		case c != '\\':
			out = append(out, c)
			s.pos++
			continue
		}
		s.pos++
		if s.pos == len(s.data) {
			break
		}
		c = s.data[s.pos]
		switch c {
		case '"', '\\', '/':
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, err := s.codePoint()
			if err != nil {
				return nil, err
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			return nil, s.unexpected("an escape that JSON knows")
		}
		out = append(out, c)
		s.pos++
	}
	return nil, s.unexpected("the end of a string")
}

// codePoint reads uXXXX, or two of them that make up a surrogate pair. A lone surrogate is U+FFFD.
func (s *scanner) codePoint() (rune, error) {
	r, ok := hex4(s.data[s.pos:])
	if !ok {
		return 0, s.unexpected("four hexadecimal digits")
	}
	s.pos += 5
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if rest := s.data[s.pos:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if low, ok := hex4(rest[1:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				s.pos += 6
				return pair, nil
			}
		}
	}
	return utf8.RuneError, nil
}

// hex4 reads the four digits after the u at the start of b.
func hex4(b []byte) (rune, bool) {
	if len(b) < 5 {
		return 0, false
	}
	var r rune
	for _, c := range b[1:5] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// valid returns b with every byte that is not UTF-8 replaced by U+FFFD.
func (s *scanner) valid(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	out := make([]byte, 0, len(b)+8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return out
}

// integer reads a whole number, also one written as a string, or null. It says whether there was a number.
func (s *scanner) integer(name string, least, most int64) (int64, bool, error) {
	var number int64
	c := s.next()
	start := s.pos
	switch {
	case c == '-' || '0' <= c && c <= '9':
		n, err := s.digits()
		if err != nil {
			return 0, false, fmt.Errorf("%w in the %s", err, name)
		}
		number = n
	case c == '"':
		text, err := s.str()
		if err != nil {
			return 0, false, err
		}
		if number, err = strconv.ParseInt(string(text), 10, 64); err != nil {
			return 0, false, fmt.Errorf("byte %d: the %s is not a whole number", start, name)
		}
	case s.null():
		return 0, false, nil
	default:
		return 0, false, s.unexpected("a number for the " + name)
	}
	if number < least || number > most {
		return 0, false, fmt.Errorf("byte %d: the %s %d is out of range", start, name, number)
	}
	return number, true, nil
}

// digits reads a JSON number that has no fraction and no exponent.
func (s *scanner) digits() (int64, error) {
	start, i := s.pos, s.pos
	if s.data[i] == '-' {
		i++
	}
	first := i
	var n uint64
	for i < len(s.data) && '0' <= s.data[i] && s.data[i] <= '9' {
		n = n*10 + uint64(s.data[i]-'0')
		i++
	}
	s.pos = i
	switch length := i - first; {
	case length == 0 || length > 1 && s.data[first] == '0':
		s.pos = first
		return 0, s.unexpected("a whole number")
	case length > 19 || n > 1<<63-1 && (first == start || n > 1<<63):
		return 0, fmt.Errorf("byte %d: the number is too large", start)
	}
	if first > start {
		return -int64(n), nil
	}
	return int64(n), nil
}
