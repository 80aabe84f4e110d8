package protobuf

import (
	"fmt"
	"strings"
)

// defaultName, with a number, is the name of what has none.
const defaultName = "ConnectDefault"

// The parts of the messages that stand for the entries of maps.
const (
	entrySuffix = "Entry"
	keyField    = "key"
	valueField  = "value"
)

// lastName is a dotted name without its package.
func lastName(full string) string { return full[strings.LastIndexByte(full, '.')+1:] }

// toEntry is the name of the message of a map's entries: of words with underscores the words with capitals.
func toEntry(name string) string {
	if !strings.Contains(name, "_") {
		return name + entrySuffix
	}
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + strings.ToLower(word[1:]))
		}
	}
	return b.String() + entrySuffix
}

// fromEntry is the name of the map whose entries have the message name: words with underscores.
func fromEntry(name string) string {
	name = strings.TrimSuffix(name, entrySuffix)
	dot := strings.LastIndexByte(name, '.') + 1
	var b strings.Builder
	b.WriteString(name[:dot])
	for i, r := range name[dot:] {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

// scrub makes a valid name of any: what is not valid becomes an underscore, or the hexadecimal digits of its bytes.
func scrub(name string) string {
	if name == "" {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_':
			if i == 0 && (c == '_' || c >= '0' && c <= '9') {
				b.WriteByte('x')
			}
			b.WriteByte(c)
		case c == '-' || c == ' ' || c == '.' || c == '*':
			b.WriteByte('_')
		default:
			fmt.Fprintf(&b, "_%02X", c)
		}
	}
	return b.String()
}
