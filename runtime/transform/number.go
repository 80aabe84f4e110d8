package transform

import (
	"math"
	"math/big"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// numberFormat is Java's error about a text that is no number.
func numberFormat(text string) error {
	return javaError("NumberFormatException", `For input string: "`+text+`"`)
}

// parseWhole reads a number as Java's parseInt and its kin: a sign, then digits of any script.
func parseWhole(text string, bits int) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, bits); err == nil {
		return n, true
	}
	digits, ok := asciiDigits(text)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, bits)
	return n, err == nil
}

// asciiDigits writes digits of any script as those of ASCII. It refuses what is no digit nor a sign at the begin.
func asciiDigits(text string) (string, bool) {
	digits := make([]byte, 0, len(text))
	for i, r := range text {
		d, ok := schema.Digit(r)
		switch {
		case i == 0 && (r == '+' || r == '-'):
			digits = append(digits, byte(r))
		case ok && r <= 0xffff: // Java looks at one 16-bit character at a time
			digits = append(digits, byte('0'+d)) //nolint:gosec // a digit
		default:
			return "", false
		}
	}
	return string(digits), true
}

// parseBig reads what Java's BigInteger reads.
func parseBig(text string) (*big.Int, bool) {
	digits, ok := asciiDigits(text)
	if !ok {
		return nil, false
	}
	return new(big.Int).SetString(digits, 10)
}

// wrapDecimal is Java's longValue: the lowest 64 bits of the number without what is behind the point.
func wrapDecimal(d schema.Decimal) int64 {
	n := d.Int()
	switch {
	case n.Sign() == 0, d.Scale <= -64: // a multiple of 2^64
		return 0
	case int64(d.Scale) > int64(n.BitLen()): // less than one
		return 0
	case d.Scale > 0:
		n = new(big.Int).Quo(n, tenTo(d.Scale))
	case d.Scale < 0:
		n = new(big.Int).Mul(n, tenTo(-d.Scale))
	}
	return wrapBig(n)
}

// wrapBig is Java's longValue: the lowest 64 bits.
func wrapBig(n *big.Int) int64 {
	if n.IsInt64() {
		return n.Int64()
	}
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64()) //nolint:gosec // that is the point
}

func tenTo(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// clampInt and clampLong are Java's conversions of floating-point numbers: NaN is 0, and what does not fit is the nearest
// that does.

func clampInt(f float64) int32 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt32:
		return math.MaxInt32
	case f <= math.MinInt32:
		return math.MinInt32
	}
	return int32(f)
}

func clampLong(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}
