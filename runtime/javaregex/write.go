package javaregex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writer writes an expression for one of the engines: for Go's, which then is given only texts without line terminators,
// or for the rich one.
type writer struct {
	strings.Builder
	rich bool
	// groups is how many groups there are in all.
	groups int
	// beyond tells that Go's engine cannot do what the expression needs.
	beyond bool
}

func (w *writer) node(n *node) {
	switch n.kind {
	case sequence:
		for _, s := range n.subs {
			// Alternatives bind weaker than a sequence.
			if s.kind == alternatives {
				w.wrap("(?:", s)
			} else {
				w.node(s)
			}
		}
	case alternatives:
		for i, s := range n.subs {
			if i > 0 {
				w.WriteByte('|')
			}
			w.node(s)
		}
	case character:
		w.set(n.set)
	case dot:
		if w.rich {
			w.set(n.set)
		} else {
			w.WriteString("(?s:.)")
		}
	case group:
		if w.rich {
			w.wrap("(?<"+strconv.Itoa(n.group)+">", n.subs[0])
		} else {
			w.wrap("(", n.subs[0])
		}
	case repeat:
		w.repeat(n)
	case begin:
		w.WriteString(`\A`)
	case end:
		w.WriteString(`\z`)
	case caret:
		w.caret(n)
	case dollar:
		w.dollar(n)
	case boundary, notBoundary:
		w.boundary(n)
	case lineBreak:
		w.WriteString(`(?:\r\n|`)
		w.set(set{'\n', '\r', 0x85, 0x85, 0x2028, 0x2029})
		w.WriteByte(')')
	default:
		w.onlyRich(n)
	}
}

// wrap writes a node in a group.
func (w *writer) wrap(open string, n *node) {
	w.WriteString(open)
	w.node(n)
	w.WriteByte(')')
}

// onlyRich writes what Go's engine has not.
func (w *writer) onlyRich(n *node) {
	w.beyond = true
	switch n.kind {
	case ahead:
		w.wrap("(?=", n.subs[0])
	case notAhead:
		w.wrap("(?!", n.subs[0])
	case behind:
		w.wrap("(?<=", n.subs[0])
	case notBehind:
		w.wrap("(?<!", n.subs[0])
	case atomic:
		w.wrap("(?>", n.subs[0])
	case backReference:
		if n.group > w.groups {
			w.WriteString("(?!)") // a group that does not exist never matches
			return
		}
		reference := `\k<` + strconv.Itoa(n.group) + ">"
		if n.fold {
			reference = "(?i:" + reference + ")"
		}
		w.WriteString(reference)
	}
}

func (w *writer) repeat(n *node) {
	if n.mode == possessive {
		w.beyond = true
		w.WriteString("(?>")
	}
	inner := n.subs[0]
	switch inner.kind {
	case lineBreak:
		w.wrap("(?>", inner) // a repeated \R does not part \r\n
	case character, dot, group:
		w.node(inner)
	default:
		w.wrap("(?:", inner)
	}
	switch {
	case n.least == 0 && n.most < 0:
		w.WriteByte('*')
	case n.least == 1 && n.most < 0:
		w.WriteByte('+')
	case n.least == 0 && n.most == 1:
		w.WriteByte('?')
	case n.most < 0:
		_, _ = fmt.Fprintf(w, "{%d,}", n.least)
	default:
		_, _ = fmt.Fprintf(w, "{%d,%d}", n.least, n.most)
	}
	switch n.mode {
	case lazy:
		w.WriteByte('?')
	case possessive:
		w.WriteByte(')')
	}
}

// caret is the begin of any line but one that is empty at the end.
func (w *writer) caret(n *node) {
	switch {
	case !w.rich:
		// Without line terminators there is one line; Go has no way to ask whether it is empty.
		w.beyond = true
	case n.unix:
		w.WriteString(`(?:\A|(?<=\n))(?!\z)`)
	default:
		w.WriteString(`(?:\A|(?<=[\n\u0085\u2028\u2029])|(?<=\r)(?!\n))(?!\z)`)
	}
}

// dollar is the end, or the place before a line terminator at the end, or of any line.
func (w *writer) dollar(n *node) {
	switch {
	case !w.rich:
		w.WriteString(`\z`)
	case n.unix && n.multi:
		w.WriteString(`(?=\n|\z)`)
	case n.unix:
		w.WriteString(`(?=\n?\z)`)
	case n.multi:
		w.WriteString(`(?:(?=[\r\u0085\u2028\u2029])|(?<!\r)(?=\n)|\z)`)
	default:
		w.WriteString(`(?:(?=\r\n\z)|(?=[\r\u0085\u2028\u2029]\z)|(?<!\r)(?=\n\z)|\z)`)
	}
}

// boundary is a place between a character of a word and another one, or none.
func (w *writer) boundary(n *node) {
	if !w.rich {
		if n.set.has(0xe4) { // Go knows words of ASCII only
			w.beyond = true
		}
		w.WriteString(map[kind]string{boundary: `\b`, notBoundary: `\B`}[n.kind])
		return
	}
	var word writer
	word.rich = true
	word.set(n.set)
	if n.kind == boundary {
		_, _ = fmt.Fprintf(w, `(?:(?<=%[1]s)(?!%[1]s)|(?<!%[1]s)(?=%[1]s))`, word.String())
		return
	}
	_, _ = fmt.Fprintf(w, `(?:(?<=%[1]s)(?=%[1]s)|(?<!%[1]s)(?!%[1]s))`, word.String())
}

// set writes a set of characters.
func (w *writer) set(s set) {
	switch {
	case len(s) == 0 && w.rich:
		w.WriteString("(?!)")
	case len(s) == 0:
		w.WriteString(`[^\x{0}-\x{10ffff}]`)
	case len(s) == 2 && s[0] == 0 && s[1] == unicode.MaxRune && !w.rich:
		w.WriteString("(?s:.)")
	case len(s) == 2 && s[0] == s[1]:
		w.char(s[0])
	default:
		w.WriteByte('[')
		for i := 0; i < len(s); i += 2 {
			w.char(s[i])
			if s[i+1] > s[i] {
				w.WriteByte('-')
				w.char(s[i+1])
			}
		}
		w.WriteByte(']')
	}
}

// char writes a character that stands for itself.
func (w *writer) char(c rune) {
	switch {
	case isAlnum(c):
		w.WriteRune(c)
	case c < utf8.RuneSelf:
		_, _ = fmt.Fprintf(w, `\x%02x`, c)
	case !w.rich:
		_, _ = fmt.Fprintf(w, `\x{%x}`, c)
	case c <= 0xffff:
		_, _ = fmt.Fprintf(w, `\u%04x`, c)
	default:
		w.WriteRune(c)
	}
}
