package invoke

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A sink that REST creates shares its function with others. It is invoked by an alias of its own, and the alias says which
// connector it is: its name, with what an alias cannot hold written as an underscore and two hexadecimal digits.

// AliasPrefix begins every alias of a connector. It keeps aliases of connectors apart from others, and from numbers, which Lambda takes for versions.
const AliasPrefix = "connector-"

// mostAlias is how long an alias may be.
const mostAlias = 128

// Alias is the alias by which a sink's shared function is invoked.
func Alias(connector string) (string, error) {
	var b strings.Builder
	b.WriteString(AliasPrefix)
	for i := range len(connector) {
		c := connector[i]
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-':
			b.WriteByte(c)
		case c == '_' || c == '.':
			fmt.Fprintf(&b, "_%02x", c)
		default:
			return "", fmt.Errorf("on AWS the name of a sink holds letters, digits, dots, dashes and underscores only, unlike %q", connector)
		}
	}
	if b.Len() > mostAlias {
		return "", fmt.Errorf("on AWS the name of a sink is shorter than %q", connector)
	}
	return b.String(), nil
}

// OfAlias is the connector that an alias, or the ARN of a function with an alias, stands for; empty if it is none of ours.
func OfAlias(arn string) (string, error) {
	alias := arn[strings.LastIndexByte(arn, ':')+1:]
	text, ours := strings.CutPrefix(alias, AliasPrefix)
	if !ours {
		return "", nil
	}
	parts := strings.Split(text, "_")
	var name strings.Builder
	name.WriteString(parts[0])
	for _, part := range parts[1:] {
		if len(part) < 2 {
			return "", errors.New("reading alias " + alias + ": an underscore without two digits")
		}
		c, err := hex.DecodeString(part[:2])
		if err != nil {
			return "", fmt.Errorf("reading alias %s: %w", alias, err)
		}
		name.Write(c)
		name.WriteString(part[2:])
	}
	return name.String(), nil
}
