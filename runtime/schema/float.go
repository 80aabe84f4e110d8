package schema

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// AppendFloat64 appends the text of Java's Double.toString, which from Java 19 on is the shortest that reads back as the
// same number, but always with a digit behind the point: 1.0, 1.0E10, 4.9E-324, NaN, -Infinity.
func AppendFloat64(dst []byte, f float64) []byte { return appendFloat(dst, f, 64) }

// AppendFloat32 appends the text of Java's Float.toString.
func AppendFloat32(dst []byte, f float32) []byte { return appendFloat(dst, float64(f), 32) }

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, "0.0"...)
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		return appendPlainFloat(dst, f, bits)
	}
	return appendScientific(dst, f, bits)
}

func appendPlainFloat(dst []byte, f float64, bits int) []byte {
	start := len(dst)
	if i := int64(f); float64(i) == f {
		dst = strconv.AppendInt(dst, i, 10)
		return append(dst, ".0"...)
	}
	dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
	if !slices.Contains(dst[start:], '.') {
		dst = append(dst, ".0"...)
	}
	return dst
}

func appendScientific(dst []byte, f float64, bits int) []byte {
	var room [32]byte
	text := strconv.AppendFloat(room[:0], f, 'e', -1, bits)
	digits := 1
	if text[0] == '-' {
		digits++
	}
	if text[digits] == 'e' {
		text = twoDigits(text, f, bits)
	}
	e := digits
	for text[e] != 'e' {
		e++
	}
	dst = append(dst, text[:digits]...)
	if e == digits {
		dst = append(dst, ".0"...)
	}
	dst = append(dst, text[digits:e]...)
	dst = append(dst, 'E')
	if text[e+1] == '-' {
		dst = append(dst, '-')
	}
	exponent := text[e+2:]
	if exponent[0] == '0' {
		exponent = exponent[1:]
	}
	return append(dst, exponent...)
}

// twoDigits returns the number with two digits if it reads back from them too: where one digit is enough, Java prints the
// two that are nearest, because it prints two anyway.
func twoDigits(text []byte, f float64, bits int) []byte {
	var room [32]byte
	longer := strconv.AppendFloat(room[:0], f, 'e', 1, bits)
	if back, err := strconv.ParseFloat(string(longer), bits); err != nil || back != f {
		return text
	}
	point := 1
	if longer[0] == '-' {
		point++
	}
	if longer[point+1] == '0' {
		return text
	}
	return append(text[:0], longer...)
}

// ParseFloat reads a number of 64 or 32 bits as Java's parseDouble and parseFloat: blanks around it, NaN, Infinity, hexadecimal digits with an
// exponent, and a letter for the type behind it. What is too large is infinite.
func ParseFloat(text string, bits int) (float64, bool) {
	body := strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	sign := 1.0
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
		return math.Inf(int(sign)), true
	case "":
		return 0, false
	}
	hex := strings.HasPrefix(body, "0x") || strings.HasPrefix(body, "0X")
	if strings.IndexByte("fFdD", body[len(body)-1]) >= 0 && (!hex || strings.ContainsAny(body, "pP")) {
		body = body[:len(body)-1]
	}
	// Go takes more than Java: underscores, inf and nan in any case, a second sign.
	allowed := "0123456789.eE+-"
	if hex {
		allowed = "0123456789abcdefABCDEFxXpP.+-"
	}
	if body == "" || strings.Trim(body, allowed) != "" || body[0] == '+' || body[0] == '-' {
		return 0, false
	}
	f, err := strconv.ParseFloat(body, bits)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return sign * f, true
}
