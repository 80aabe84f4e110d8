package convert

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Limits of the reader that Connect uses.
const (
	maxDepth  = 1000
	maxNumber = 1000
	maxName   = 50000
)

type kind uint8

const (
	missing kind = iota // no text at all
	nullNode
	falseNode
	trueNode
	intNode
	realNode
	stringNode
	arrayNode
	objectNode
	schemaNode // a schema met before, whose text was skipped
)

// String is the name of the node's type in messages.
func (k kind) String() string {
	switch k {
	case nullNode:
		return "NULL"
	case falseNode, trueNode:
		return "BOOLEAN"
	case intNode, realNode:
		return "NUMBER"
	case stringNode:
		return "STRING"
	case arrayNode:
		return "ARRAY"
	case objectNode, schemaNode:
		return "OBJECT"
	case missing:
	}
	return "MISSING"
}

// node is one value of a document. The nodes of a document lie in one slice in the order of the text: an array's elements
// and an object's names and values, in turn, follow it up to its next.
type node struct {
	kind  kind
	plain bool // a string whose text is its value
	// start and end are the place in the text: of a string without its quotes, of others whole. For a schemaNode, start
	// is the schema's number in the cache.
	start, end uint32
	next       uint32 // the node behind this one and its parts
	count      uint32 // of elements or members
}

// scanner reads one JSON document into nodes. It takes exactly what Connect's reader takes: strict JSON in UTF-8, one
// document, and whatever behind it.
type scanner struct {
	text  []byte
	nodes []node
	depth int
	// nonNumbers takes NaN and the infinities, too.
	nonNumbers bool
	// known, when there is one, remembers schemas by their text.
	known *envelopes
}

// errEnd is a document that stops too early.
var errEnd = errors.New("unexpected end of the text")

// scan reads text, which the nodes refer to. A text of blanks has no nodes.
func (s *scanner) scan(text []byte) error {
	text, err := toUTF8(text)
	if err != nil {
		return err
	}
	if len(text) > math.MaxUint32-1 {
		return errors.New("the text is longer than 4 GiB")
	}
	s.text, s.nodes, s.depth = text, s.nodes[:0], 0
	pos := s.blanks(0)
	if pos == len(text) {
		return nil
	}
	end, err := s.value(pos)
	if err != nil {
		return err
	}
	if k := s.nodes[0].kind; (k == intNode || k == realNode) && end < len(text) && !isBlank(text[end]) {
		return s.unexpected(end, "a blank behind the number")
	}
	return nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func (s *scanner) blanks(pos int) int {
	for pos < len(s.text) && isBlank(s.text[pos]) {
		pos++
	}
	return pos
}

func (s *scanner) unexpected(pos int, want string) error {
	if pos >= len(s.text) {
		return errEnd
	}
	return fmt.Errorf("unexpected byte %q at %d, expected %s", s.text[pos], pos, want)
}

// value reads the value at pos and returns where it ends.
func (s *scanner) value(pos int) (int, error) {
	if pos >= len(s.text) {
		return pos, errEnd
	}
	switch c := s.text[pos]; c {
	case '"':
		return s.quoted(pos)
	case '{':
		return s.object(pos)
	case '[':
		return s.array(pos)
	case 't':
		return s.literal(pos, "true", trueNode)
	case 'f':
		return s.literal(pos, "false", falseNode)
	case 'n':
		return s.literal(pos, "null", nullNode)
	default:
		if end := s.nonNumber(pos); end > pos {
			s.add(realNode, pos, end)
			return end, nil
		}
		if c == '-' || c >= '0' && c <= '9' {
			return s.number(pos)
		}
	}
	return pos, s.unexpected(pos, "a value")
}

// nonNumber returns where a word for NaN or an infinity ends, or pos where there is none or it is not taken.
func (s *scanner) nonNumber(pos int) int {
	if !s.nonNumbers {
		return pos
	}
	for _, word := range [...]string{"NaN", "Infinity", "INF", "-Infinity", "-INF", "+Infinity", "+INF"} {
		if bytes.HasPrefix(s.text[pos:], []byte(word)) {
			return pos + len(word)
		}
	}
	return pos
}

func (s *scanner) add(k kind, start, end int) {
	s.nodes = append(s.nodes, node{kind: k, start: uint32(start), end: uint32(end), next: uint32(len(s.nodes) + 1)})
}

func (s *scanner) object(pos int) (int, error) {
	self := len(s.nodes)
	s.add(objectNode, pos, pos)
	if s.depth++; s.depth > maxDepth {
		return pos, fmt.Errorf("values are nested deeper than %d", maxDepth)
	}
	pos = s.blanks(pos + 1)
	count := uint32(0)
	for first := true; ; first = false {
		if pos < len(s.text) && s.text[pos] == '}' && first {
			break
		}
		var err error
		if pos, err = s.member(pos, self); err != nil {
			return pos, err
		}
		count++
		pos = s.blanks(pos)
		if pos < len(s.text) && s.text[pos] == ',' {
			pos = s.blanks(pos + 1)
			continue
		}
		if pos < len(s.text) && s.text[pos] == '}' {
			break
		}
		return pos, s.unexpected(pos, "a comma or the object's end")
	}
	return s.close(self, pos+1, count)
}

// member reads a name, the colon and the value.
func (s *scanner) member(pos, object int) (int, error) {
	if pos >= len(s.text) || s.text[pos] != '"' {
		return pos, s.unexpected(pos, "a name in quotes")
	}
	name := len(s.nodes)
	pos, err := s.quoted(pos)
	if err != nil {
		return pos, err
	}
	n := s.nodes[name]
	if n.end-n.start > maxName {
		return pos, fmt.Errorf("a name is longer than %d", maxName)
	}
	pos = s.blanks(pos)
	if pos >= len(s.text) || s.text[pos] != ':' {
		return pos, s.unexpected(pos, "a colon")
	}
	pos = s.blanks(pos + 1)
	if s.known != nil && object == 0 && string(s.text[n.start:n.end]) == "schema" {
		if id, end, ok := s.known.match(s.text, pos); ok {
			s.add(schemaNode, id, 0)
			return end, nil
		}
	}
	return s.value(pos)
}

func (s *scanner) array(pos int) (int, error) {
	self := len(s.nodes)
	s.add(arrayNode, pos, pos)
	if s.depth++; s.depth > maxDepth {
		return pos, fmt.Errorf("values are nested deeper than %d", maxDepth)
	}
	pos = s.blanks(pos + 1)
	count := uint32(0)
	for pos >= len(s.text) || s.text[pos] != ']' || count > 0 {
		var err error
		if pos, err = s.value(pos); err != nil {
			return pos, err
		}
		count++
		pos = s.blanks(pos)
		if pos < len(s.text) && s.text[pos] == ',' {
			pos = s.blanks(pos + 1)
			continue
		}
		if pos < len(s.text) && s.text[pos] == ']' {
			break
		}
		return pos, s.unexpected(pos, "a comma or the array's end")
	}
	return s.close(self, pos+1, count)
}

func (s *scanner) close(self, end int, count uint32) (int, error) {
	n := &s.nodes[self]
	n.end, n.next, n.count = uint32(end), uint32(len(s.nodes)), count
	s.depth--
	return end, nil
}

// special are the bytes of a string that need a closer look.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf
	}
	return t
}()

// quoted reads a string.
func (s *scanner) quoted(pos int) (int, error) {
	start := pos + 1
	plain, high := true, false
	for i := start; i < len(s.text); i++ {
		c := s.text[i]
		if !special[c] {
			continue
		}
		switch {
		case c == '"':
			if high && !utf8.Valid(s.text[start:i]) {
				if err := checkLoose(s.text[start:i]); err != nil {
					return i, err
				}
				plain = false
			}
			s.add(stringNode, start, i)
			s.nodes[len(s.nodes)-1].plain = plain
			return i + 1, nil
		case c == '\\':
			n, err := s.escape(i)
			if err != nil {
				return i, err
			}
			plain = false
			i += n - 1
		case c < 0x20:
			return i, s.unexpected(i, "no control character in a string")
		default:
			high = true
		}
	}
	return len(s.text), errEnd
}

// escape checks the escape sequence at pos and returns its length.
func (s *scanner) escape(pos int) (int, error) {
	if pos+1 >= len(s.text) {
		return 0, errEnd
	}
	switch s.text[pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
		for i := pos + 2; i < pos+6; i++ {
			if i >= len(s.text) {
				return 0, errEnd
			}
			if _, ok := hexDigit(s.text[i]); !ok {
				return 0, s.unexpected(i, "a hexadecimal digit")
			}
		}
		return 6, nil
	}
	return 0, s.unexpected(pos+1, "an escape sequence")
}

func hexDigit(c byte) (uint16, bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint16(c - '0'), true
	case c >= 'a' && c <= 'f':
		return uint16(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return uint16(c-'A') + 10, true
	}
	return 0, false
}

// checkLoose checks the structure of UTF-8 and no more: Connect's reader takes characters written too long.
func checkLoose(b []byte) error {
	for i := 0; i < len(b); i++ {
		more := 0
		switch c := b[i]; {
		case c < utf8.RuneSelf:
		case c&0xe0 == 0xc0:
			more = 1
		case c&0xf0 == 0xe0:
			more = 2
		case c&0xf8 == 0xf0:
			more = 3
		default:
			return fmt.Errorf("invalid UTF-8 start byte 0x%x", c)
		}
		if b[i] == 0xed && i+1 < len(b) && b[i+1] >= 0xa0 {
			return errors.New("a surrogate in UTF-8")
		}
		for ; more > 0; more-- {
			if i++; i >= len(b) || b[i]&0xc0 != 0x80 {
				return errors.New("invalid UTF-8 middle byte")
			}
		}
	}
	return nil
}

func (s *scanner) literal(pos int, word string, k kind) (int, error) {
	end := pos + len(word)
	if end > len(s.text) || string(s.text[pos:end]) != word {
		if end > len(s.text) && word[:len(s.text)-pos] == string(s.text[pos:]) {
			return pos, errEnd
		}
		return pos, s.unexpected(pos, "true, false or null")
	}
	if end < len(s.text) && s.text[end] >= '0' && s.text[end] != ']' && s.text[end] != '}' {
		if r, n := utf8.DecodeRune(s.text[end:]); isIdentifierPart(r) || r == utf8.RuneError && n == 1 {
			return end, s.unexpected(end, "the end of "+word)
		}
	}
	s.add(k, pos, end)
	return end, nil
}

// isIdentifierPart is Java's isJavaIdentifierPart.
func isIdentifierPart(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.In(r, unicode.Nl, unicode.Pc, unicode.Sc, unicode.Mn, unicode.Mc, unicode.Cf) ||
		r >= 0x7f && r <= 0x9f
}

// number reads an integer or a real number.
func (s *scanner) number(start int) (int, error) {
	pos := start
	if s.text[pos] == '-' {
		pos++
	}
	digits := s.digits(pos)
	if digits == pos {
		return pos, s.unexpected(pos, "a digit")
	}
	count := digits - pos
	pos = digits
	k := intNode
	if pos < len(s.text) && s.text[pos] == '.' {
		k = realNode
		if digits = s.digits(pos + 1); digits == pos+1 {
			return pos, s.unexpected(digits, "a digit")
		}
		count += digits - pos - 1
		pos = digits
	}
	exponent := pos
	if pos < len(s.text) && s.text[pos]|0x20 == 'e' {
		k = realNode
		pos++
		if pos < len(s.text) && (s.text[pos] == '+' || s.text[pos] == '-') {
			pos++
		}
		if digits = s.digits(pos); digits == pos {
			return pos, s.unexpected(digits, "a digit")
		}
		count += digits - pos
		pos = digits
	}
	if count > maxNumber {
		return pos, fmt.Errorf("a number has more than %d digits", maxNumber)
	}
	if pos-exponent > 9 { // so large an exponent may be out of Java's range
		if _, err := schema.ParseDecimal(string(s.text[start:pos])); err != nil {
			return pos, err
		}
	}
	s.add(k, start, pos)
	return pos, nil
}

func (s *scanner) digits(pos int) int {
	for pos < len(s.text) && s.text[pos] >= '0' && s.text[pos] <= '9' {
		pos++
	}
	return pos
}
