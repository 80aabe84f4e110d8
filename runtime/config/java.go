package config

import (
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// trim cuts off what Java's String.trim does: everything up to the blank, and nothing else.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// parseInt reads a number as Integer.parseInt and its kin do: a sign, then digits of any script, of the 16-bit characters.
func parseInt(s string, bits int) (int64, bool) {
	digits := make([]byte, 0, 20)
	for i, r := range s {
		switch {
		case i == 0 && (r == '+' || r == '-'):
			digits = append(digits, byte(r))
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		default:
			d, ok := schema.Digit(r)
			if !ok || r > 0xffff {
				return 0, false
			}
			digits = append(digits, byte('0'+d)) //nolint:gosec // a digit
		}
	}
	n, err := strconv.ParseInt(string(digits), 10, bits)
	return n, err == nil
}

// splitList splits at commas with blanks around them.
func splitList(s string) []string {
	if s == "" {
		return []string{}
	}
	parts := strings.Split(s, ",")
	for i, part := range parts {
		// The ends of the whole were trimmed already, as Java trims; within, only what a pattern calls white space goes.
		if i > 0 {
			part = strings.TrimLeft(part, " \t\n\v\f\r")
		}
		if i < len(parts)-1 {
			part = strings.TrimRight(part, " \t\n\v\f\r")
		}
		parts[i] = part
	}
	return parts
}

// Print writes a value as Java prints it: null, [a, b], 1.0E10, class java.lang.String; secrets are hidden.
func Print(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int16:
		return strconv.FormatInt(int64(v), 10)
	case int32:
		return strconv.FormatInt(int64(v), 10)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return string(schema.AppendFloat64(nil, v))
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case ClassName:
		return "class " + string(v)
	}
	return Hidden // a Secret, or nothing that a setting can be
}

// text writes a value the way it would be given in a configuration, nil for null.
func text(v any) *string {
	var s string
	switch v := v.(type) {
	case nil, noDefault:
		return nil
	case []string:
		s = strings.Join(v, ",")
	case ClassName:
		s = string(v)
	default:
		s = Print(v)
	}
	return &s
}
