package kafka

import "fmt"

// skip reads any value and forgets it. It uses a stack of its own, so that deep nesting cannot exhaust the
// goroutine's.
func (s *scanner) skip() error {
	s.stack = s.stack[:0]
	for {
		open, err := s.skipOne()
		if err != nil {
			return err
		}
		if open {
			continue
		}
		// A value ended: close what ends with it, and stand before the next value.
		for {
			if len(s.stack) == 0 {
				return nil
			}
			top := s.stack[len(s.stack)-1]
			c := s.next()
			if c == ',' {
				s.pos++
				if top == '}' {
					if err := s.skipKey(); err != nil {
						return err
					}
				}
				break
			}
			if c != top {
				return s.unexpected(fmt.Sprintf("a comma or %q", top))
			}
			s.pos++
			s.stack = s.stack[:len(s.stack)-1]
		}
	}
}

// skipOne reads a scalar, an empty object or array, or the opening of one with something inside, and says whether it
// was an opening.
func (s *scanner) skipOne() (open bool, err error) {
	switch c := s.next(); c {
	case '{', '[':
		end := c + 2 // '{' and '}', as '[' and ']', are two apart
		s.pos++
		if s.next() == end {
			s.pos++
			return false, nil
		}
		if len(s.stack) == maxDepth {
			return false, fmt.Errorf("byte %d: the value is nested too deep", s.pos)
		}
		s.stack = append(s.stack, end)
		if end == '}' {
			return true, s.skipKey()
		}
		return true, nil
	case '"':
		_, err := s.str()
		return false, err
	case 't':
		return false, s.literal("true")
	case 'f':
		return false, s.literal("false")
	case 'n':
		return false, s.literal("null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return false, s.skipNumber()
		}
		return false, s.unexpected("a value")
	}
}

func (s *scanner) skipKey() error {
	if _, err := s.str(); err != nil {
		return err
	}
	if s.next() != ':' {
		return s.unexpected("a colon")
	}
	s.pos++
	return nil
}

func (s *scanner) literal(word string) error {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return s.unexpected(word)
	}
	s.pos += len(word)
	return nil
}

func (s *scanner) skipNumber() error {
	if s.data[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.data) && s.data[s.pos] == '0' {
		s.pos++
	} else if !s.skipDigits() {
		return s.unexpected("a digit")
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if !s.skipDigits() {
			return s.unexpected("a digit")
		}
	}
	if s.pos < len(s.data) && s.data[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		if !s.skipDigits() {
			return s.unexpected("a digit")
		}
	}
	return nil
}

// skipDigits steps over digits and says whether there were any.
func (s *scanner) skipDigits() bool {
	start := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// IsEvent tells a trigger's event from the other messages a function may get, such as a tick or a control request: it
// is an object with both "eventSource" and "records" at its top. For events as triggers send them it looks at the
// first few hundred bytes only. It says nothing about whether the event is well-formed.
func IsEvent(payload []byte) bool {
	s := scanner{data: payload}
	if s.next() != '{' {
		return false
	}
	s.pos++
	source, records := false, false
	for {
		key, err := s.str()
		if err != nil || s.next() != ':' {
			return false
		}
		s.pos++
		switch string(key) {
		case "eventSource":
			source = true
		case "records":
			records = true
		}
		if source && records {
			return true
		}
		if s.skip() != nil || s.next() != ',' {
			return false
		}
		s.pos++
	}
}
