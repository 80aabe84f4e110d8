package schema

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Decimal is a decimal number of any size: Unscaled × 10^-Scale. Its scale is part of the value, as in BigDecimal: 1.0 is
// not 1.00. The zero Decimal is 0. Unscaled is not changed by anyone once the Decimal is in use.
type Decimal struct {
	Unscaled *big.Int
	Scale    int32
}

// maxExponent bounds how many zeros writing out a decimal may cost.
const maxExponent = 1 << 20

var errDecimal = errors.New("not a decimal number")

// NewDecimal is the decimal unscaled × 10^-scale.
func NewDecimal(unscaled int64, scale int32) Decimal {
	return Decimal{Unscaled: big.NewInt(unscaled), Scale: scale}
}

// Int is the unscaled value, never nil. It must not be changed.
func (d Decimal) Int() *big.Int {
	if d.Unscaled == nil {
		return new(big.Int)
	}
	return d.Unscaled
}

// ParseDecimal reads what Java's BigDecimal reads: digits with an optional sign, point and exponent, without blanks. The
// digits behind the point make the scale, and an exponent changes it: 1E+3 has scale -3.
func ParseDecimal(text string) (Decimal, error) {
	text = asciiDigits(text)
	body, scale, err := splitDecimal(text)
	if err != nil {
		return Decimal{}, fmt.Errorf("reading %.40q: %w", text, err)
	}
	if len(body) < 19 {
		n, err := strconv.ParseInt(string(body), 10, 64)
		if err != nil {
			return Decimal{}, fmt.Errorf("reading %.40q: %w", text, errDecimal)
		}
		return NewDecimal(n, scale), nil
	}
	n, ok := new(big.Int).SetString(string(body), 10)
	if !ok {
		return Decimal{}, fmt.Errorf("reading %.40q: %w", text, errDecimal)
	}
	return Decimal{Unscaled: n, Scale: scale}, nil
}

// asciiDigits writes the digits of other scripts, which Java reads as well, as those of ASCII.
func asciiDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if d, ok := Digit(r); ok && r >= utf8.RuneSelf {
			return '0' + rune(d)
		}
		return r
	}, text)
}

// Digit is the value of a decimal digit of any script, as Java's Character.digit has it.
func Digit(r rune) (value int, ok bool) {
	if r < utf8.RuneSelf {
		return int(r - '0'), r >= '0' && r <= '9'
	}
	for _, set := range unicode.Nd.R16 {
		if r >= rune(set.Lo) && r <= rune(set.Hi) {
			return int(r-rune(set.Lo)) % 10, true
		}
	}
	for _, set := range unicode.Nd.R32 {
		if r >= rune(set.Lo) && r <= rune(set.Hi) {
			return int(r-rune(set.Lo)) % 10, true
		}
	}
	return 0, false
}

// splitDecimal returns the digits without the point, and the scale.
func splitDecimal(text string) (body []byte, scale int32, err error) {
	body = make([]byte, 0, min(len(text), 64))
	i, digits, point, exponent := 0, 0, -1, int64(0)
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		if text[i] == '-' {
			body = append(body, '-')
		}
		i++
	}
scan:
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			body = append(body, c)
			digits++
		case c == '.' && point < 0:
			point = digits
		case c == 'e' || c == 'E':
			if exponent, err = parseExponent(text[i+1:]); err != nil {
				return nil, 0, err
			}
			break scan
		default:
			return nil, 0, errDecimal
		}
	}
	if digits == 0 {
		return nil, 0, errDecimal
	}
	s := -exponent
	if point >= 0 {
		s += int64(digits - point)
	}
	if s != int64(int32(s)) {
		return nil, 0, errors.New("scale out of range")
	}
	return body, int32(s), nil
}

// parseExponent reads at most ten digits behind an optional sign, as BigDecimal does.
func parseExponent(text string) (int64, error) {
	sign := int64(1)
	if text != "" && (text[0] == '+' || text[0] == '-') {
		if text[0] == '-' {
			sign = -1
		}
		text = text[1:]
	}
	for len(text) > 10 && text[0] == '0' {
		text = text[1:]
	}
	if text == "" {
		return 0, errDecimal
	}
	n := int64(0)
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, errDecimal
		}
		if i < 10 {
			n = n*10 + int64(text[i]-'0')
		}
	}
	if len(text) > 10 {
		return 0, errors.New("too many nonzero exponent digits")
	}
	return sign * n, nil
}

// DecimalFromBytes reads the unscaled value as two's complement, big-endian, which is how Connect carries decimals. No bytes
// at all are no number.
func DecimalFromBytes(b []byte, scale int32) (Decimal, error) {
	if len(b) == 0 {
		return Decimal{}, errors.New("zero length BigInteger")
	}
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return Decimal{Unscaled: n, Scale: scale}, nil
}

// Bytes is the unscaled value as two's complement, big-endian, in as few bytes as it takes.
func (d Decimal) Bytes() []byte { return BigBytes(d.Int()) }

// BigBytes is n as two's complement, big-endian, in as few bytes as it takes, as Java's BigInteger writes it.
func BigBytes(n *big.Int) []byte {
	if n.Sign() >= 0 {
		out := make([]byte, n.BitLen()/8+1)
		return n.FillBytes(out)
	}
	// -n-1 has the same bits, inverted.
	inverse := new(big.Int).Not(n)
	out := make([]byte, inverse.BitLen()/8+1)
	inverse.FillBytes(out)
	for i := range out {
		out[i] = ^out[i]
	}
	return out
}

// String is the text of Java's toString: with an exponent when the scale is negative or the number is very small.
func (d Decimal) String() string { return string(d.AppendText(nil)) }

// AppendText appends the text that String returns.
func (d Decimal) AppendText(dst []byte) []byte {
	start := len(dst)
	dst = appendBig(dst, d.Int())
	digits := start
	if dst[start] == '-' {
		digits++
	}
	n := len(dst) - digits
	adjusted := int64(n) - 1 - int64(d.Scale)
	if d.Scale >= 0 && adjusted >= -6 {
		return insertPoint(dst, digits, int(d.Scale))
	}
	if n > 1 {
		dst = insertPoint(dst, digits, n-1)
	}
	if adjusted != 0 {
		dst = append(dst, 'E')
		if adjusted > 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, adjusted, 10)
	}
	return dst
}

// AppendPlain appends the number without an exponent. Exponents so large that nobody can want the zeros are kept.
func (d Decimal) AppendPlain(dst []byte) []byte {
	if d.Scale > maxExponent || d.Scale < -maxExponent {
		return d.AppendText(dst)
	}
	start := len(dst)
	dst = appendBig(dst, d.Int())
	if d.Scale <= 0 {
		if d.Int().Sign() != 0 {
			for range -d.Scale {
				dst = append(dst, '0')
			}
		}
		return dst
	}
	if dst[start] == '-' {
		start++
	}
	return insertPoint(dst, start, int(d.Scale))
}

// PlainString is the number without an exponent, as Java's toPlainString.
func (d Decimal) PlainString() string { return string(d.AppendPlain(nil)) }

// insertPoint puts a point before the last scale digits of those from digits on, filling up with zeros.
func insertPoint(dst []byte, digits, scale int) []byte {
	if scale == 0 {
		return dst
	}
	missing := max(0, scale-(len(dst)-digits)+1)
	for range missing + 1 {
		dst = append(dst, '0')
	}
	copy(dst[digits+missing:], dst[digits:len(dst)-missing-1])
	for i := range missing {
		dst[digits+i] = '0'
	}
	point := len(dst) - 1 - scale
	copy(dst[point+1:], dst[point:len(dst)-1])
	dst[point] = '.'
	return dst
}

func appendBig(dst []byte, n *big.Int) []byte {
	if n.IsInt64() {
		return strconv.AppendInt(dst, n.Int64(), 10)
	}
	return n.Append(dst, 10)
}

// Cmp compares the numbers whatever their scales: -1 when d is less than o, 0 when they are the same number, 1 otherwise.
func (d Decimal) Cmp(o Decimal) int {
	a, b := d.Int(), o.Int()
	if d.Scale == o.Scale {
		return a.Cmp(b)
	}
	if a.Sign() != b.Sign() || a.Sign() == 0 {
		return cmp.Compare(a.Sign(), b.Sign())
	}
	// Far apart numbers are told by their size, so that nobody has to write out a huge exponent.
	if da, db := d.magnitude(), o.magnitude(); da != db {
		if (da < db) == (a.Sign() > 0) {
			return -1
		}
		return 1
	}
	if d.Scale < o.Scale {
		return new(big.Int).Mul(a, pow10(int64(o.Scale)-int64(d.Scale))).Cmp(b)
	}
	return a.Cmp(new(big.Int).Mul(b, pow10(int64(d.Scale)-int64(o.Scale))))
}

// magnitude is the exponent of the first digit.
func (d Decimal) magnitude() int64 {
	digits := len(appendBig(nil, new(big.Int).Abs(d.Int())))
	return int64(digits) - int64(d.Scale)
}

func pow10(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

// Float64 is the number as Java's doubleValue: the nearest, or an infinity.
func (d Decimal) Float64() float64 {
	f, err := strconv.ParseFloat(string(d.AppendText(nil)), 64)
	if err != nil {
		return math.Inf(d.Int().Sign())
	}
	return f
}
