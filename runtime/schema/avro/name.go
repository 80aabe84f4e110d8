package avro

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Names of what Connect has and Avro does not.
const (
	defaultName = "ConnectDefault"
	mapEntry    = "MapEntry"
	unionName   = ".Union" // in the namespace of the options
	anything    = "Anything"
)

// splitName takes a Connect name apart as Java's split does, which drops empty parts at the end.
func splitName(full string) (space, name string) {
	full = strings.TrimRight(full, ".")
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		return full[:i], full[i+1:]
	}
	return "", full
}

// checkName is what Avro asks of names: letters of any script, digits, and underscores, no digit in front.
func checkName(name string) error {
	if name == "" {
		return schema.NewError(parseException, "Empty name", nil)
	}
	for i, r := range name {
		switch {
		case unicode.IsLetter(r) || r == '_':
		case i == 0:
			return schema.NewError(parseException, "Illegal initial character: "+name, nil)
		case !unicode.IsDigit(r):
			return schema.NewError(parseException, "Illegal character in: "+name, nil)
		}
	}
	return nil
}

const parseException = "org.apache.avro.SchemaParseException"

// scrub makes a valid name of any: what is not valid becomes an underscore, or the hexadecimal digits of its bytes.
func scrub(name string) string {
	if name == "" {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_':
			b.WriteByte(c)
		case c == '-' || c == ' ' || c == '.' || c == '*':
			b.WriteByte('_')
		default:
			fmt.Fprintf(&b, "_%02X", c)
		}
	}
	out := b.String()
	if out[0] >= '0' && out[0] <= '9' {
		return "x" + out
	}
	return out
}

// scrubAll scrubs each part of a dotted name.
func scrubAll(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = scrub(p)
	}
	return strings.Join(parts, ".")
}
