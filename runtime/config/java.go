package config

import (
	"math"
	"strconv"
	"strings"
	"unicode"
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
			d, ok := digit(r)
			if !ok {
				return 0, false
			}
			digits = append(digits, '0'+d)
		}
	}
	n, err := strconv.ParseInt(string(digits), 10, bits)
	return n, err == nil
}

// digit is the value of a decimal digit in any script. In Unicode such digits stand in tens, 0 first.
func digit(r rune) (byte, bool) {
	for _, block := range unicode.Nd.R16 {
		if r >= rune(block.Lo) && r <= rune(block.Hi) {
			return byte((r - rune(block.Lo)) % 10), true
		}
	}
	return 0, false
}

// parseDouble reads a number as Double.parseDouble does. Too big a number is infinite.
func parseDouble(s string) (float64, bool) {
	s = trim(s)
	sign, body := 1.0, s
	if body != "" && (body[0] == '+' || body[0] == '-') {
		if body[0] == '-' {
			sign = -1
		}
		body = body[1:]
	}
	switch body {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return sign * math.Inf(1), true
	case "":
		return 0, false
	}
	if strings.ContainsRune("fFdD", rune(body[len(body)-1])) {
		if cut := body[:len(body)-1]; !isHex(cut) || strings.ContainsAny(cut, "pP") {
			body = cut
		}
	}
	allowed := "0123456789.eE+-"
	if isHex(body) {
		allowed = "0123456789abcdefABCDEFxXpP.+-"
	}
	// Go takes more than Java: underscores, inf and nan in any case.
	if strings.Trim(body, allowed) != "" || strings.HasPrefix(body, "+") || strings.HasPrefix(body, "-") {
		return 0, false
	}
	f, err := strconv.ParseFloat(body, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return sign * f, true
}

func isHex(s string) bool { return strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") }

// formatDouble writes a number as Double.toString does since Java 19: the shortest text that parses back.
func formatDouble(f float64) string {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case abs == 0 || abs >= 1e-3 && abs < 1e7:
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	if !strings.Contains(s, ".") {
		// Java wants two digits at least, and then takes the two that are nearest.
		s = strconv.FormatFloat(f, 'e', 1, 64)
	}
	mantissa, exponent, _ := strings.Cut(s, "e")
	negative := strings.HasPrefix(exponent, "-")
	exponent = strings.TrimLeft(exponent, "+-0")
	if negative {
		exponent = "-" + exponent
	}
	return mantissa + "E" + exponent
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
		return formatDouble(v)
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
