package table

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// The bounds of the service's numbers.
const (
	maxDigits   = 38
	maxExponent = 126  // 0.999… × 10^126
	minExponent = -129 // 0.1 × 10^-129 = 10^-130
)

// A decimal is a number of up to 38 significant digits: 0.d1d2d3… × 10^exp. Zero has no digits; otherwise neither the first nor the last
// digit is 0, so equal numbers have equal decimals.
type decimal struct {
	neg    bool
	digits string
	exp    int
}

// parseDecimal reads the text of an N. Its errors are bare: the caller knows where the number stood.
func parseDecimal(text string) (decimal, error) {
	notANumber := invalid("The parameter cannot be converted to a numeric value: %s", clip(text))
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		n, err := strconv.Atoi(text[i+1:])
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return decimal{}, notANumber
		}
		// Far out of range is all that matters of an exponent this big, and the sum below must not wrap.
		mantissa, exponent = text[:i], max(-1<<30, min(1<<30, n))
	}
	neg := strings.HasPrefix(mantissa, "-")
	if neg || strings.HasPrefix(mantissa, "+") {
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return decimal{}, notANumber
	}
	return newDecimal(neg, digits, exponent+len(whole))
}

// newDecimal brings 0.digits × 10^exp into its one form and checks its bounds.
func newDecimal(neg bool, digits string, exp int) (decimal, error) {
	trimmed := strings.TrimLeft(digits, "0")
	exp -= len(digits) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, "0")
	switch {
	case trimmed == "":
		return decimal{}, nil
	case exp > maxExponent:
		return decimal{}, invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case exp < minExponent:
		return decimal{}, invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(trimmed) > maxDigits:
		return decimal{}, invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return decimal{neg, trimmed, exp}, nil
}

// String writes the number without an exponent, as the service does.
func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	var b strings.Builder
	if d.neg {
		b.WriteByte('-')
	}
	switch {
	case d.exp <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -d.exp))
		b.WriteString(d.digits)
	case d.exp >= len(d.digits):
		b.WriteString(d.digits)
		b.WriteString(strings.Repeat("0", d.exp-len(d.digits)))
	default:
		b.WriteString(d.digits[:d.exp])
		b.WriteByte('.')
		b.WriteString(d.digits[d.exp:])
	}
	return b.String()
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

func (d decimal) compare(e decimal) int {
	if s, t := d.sign(), e.sign(); s != t || s == 0 {
		return s - t
	}
	c := d.exp - e.exp
	if c == 0 {
		c = strings.Compare(d.digits, e.digits)
	}
	if d.neg {
		return -c
	}
	return c
}

func (d decimal) negated() decimal {
	d.neg = !d.neg && d.digits != ""
	return d
}

// plus fails where the exact sum needs more than 38 digits or leaves the range.
func (d decimal) plus(e decimal) (decimal, error) {
	// Both become whole numbers of units of 10^unit.
	unit := min(d.exp-len(d.digits), e.exp-len(e.digits))
	sum := new(big.Int).Add(d.units(unit), e.units(unit))
	neg := sum.Sign() < 0
	digits := sum.Abs(sum).String()
	return newDecimal(neg, digits, unit+len(digits))
}

func (d decimal) units(unit int) *big.Int {
	n := new(big.Int)
	if d.digits == "" {
		return n
	}
	n.SetString(d.digits+strings.Repeat("0", d.exp-len(d.digits)-unit), 10)
	if d.neg {
		n.Neg(n)
	}
	return n
}

// appendOrdered appends bytes that compare as the numbers do and that tell where they end.
func (d decimal) appendOrdered(b []byte) []byte {
	const negative, zero, positive = 1, 2, 3
	if d.digits == "" {
		return append(b, zero)
	}
	flip := byte(0)
	if d.neg {
		// The larger the magnitude, the smaller the number.
		flip = 0xff
		b = append(b, negative)
	} else {
		b = append(b, positive)
	}
	b = append(b, byte(d.exp-minExponent)^flip)
	for i := range len(d.digits) {
		b = append(b, (d.digits[i]-'0'+1)^flip)
	}
	return append(b, flip)
}

// clip keeps error messages readable.
func clip(text string) string {
	const longest = 200
	if len(text) > longest {
		return strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}
