package transform

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// dateReader reads a text by a pattern.
type dateReader struct {
	calendar
	text  string
	pos   int
	short bool // a year of two digits that may belong to either century
	start int  // the first year of the window of such years
}

// parse reads as much of a text as the pattern asks for, as leniently as SimpleDateFormat: numbers may have more digits or
// a sign, names any case, and there may be anything behind. ok is false when the text does not match.
func (f *dateFormat) parse(text string) (ms int64, ok bool) {
	r := dateReader{text: text, start: f.century.Year()}
	f.zone = nil
	for i := range f.items {
		item := &f.items[i]
		if item.letter == 0 {
			if !strings.HasPrefix(text[r.pos:], item.text) {
				return 0, false
			}
			r.pos += len(item.text)
			continue
		}
		// Digits that another number follows are as many as the pattern has letters.
		limited := i+1 < len(f.items) && f.items[i+1].numeric()
		if !r.field(item.letter, item.count, limited) {
			return 0, false
		}
	}
	f.zone = r.zone
	ms = r.millis()
	if r.short && ms < f.century.UnixMilli() {
		r.value[fieldYear] += 100
		r.value[fieldWeekYear] += 100
		ms = r.millis()
	}
	return ms, true
}

// field reads one field behind blanks.
func (r *dateReader) field(letter byte, count int, limited bool) bool {
	begin := r.pos
	for r.pos < len(r.text) && (r.text[r.pos] == ' ' || r.text[r.pos] == '\t') {
		r.pos++
	}
	if r.pos == len(r.text) {
		return false
	}
	switch letter {
	case 'G':
		return r.name(begin, fieldEra, "BC", "AD")
	case 'a':
		return r.name(begin, fieldHalf, "AM", "PM")
	case 'E':
		return r.weekdayName(begin)
	case 'z', 'Z':
		return r.zoneField(begin)
	case 'X':
		return r.isoZone(count)
	case 'M', 'L':
		if count > 2 {
			return r.monthName(begin)
		}
	}
	from, text := r.pos, r.text
	if limited {
		end, ok := after(text, begin, count)
		if !ok || end < from {
			return false
		}
		text = text[:end]
	}
	n, length, ok := readNumber(text[from:])
	if !ok {
		return false
	}
	r.pos += length
	r.number(letter, count, n, r.text[from:r.pos])
	return true
}

// after is the place n characters behind another.
func after(text string, from, n int) (int, bool) {
	for range n {
		if from == len(text) {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(text[from:])
		from += size
	}
	return from, true
}

// number sets the field that a number is for.
func (r *dateReader) number(letter byte, count int, n int32, text string) {
	switch letter {
	case 'y', 'Y':
		f := fieldYear
		if letter == 'Y' {
			f = fieldWeekYear
		}
		if count <= 2 && isTwoDigits(text) {
			// Years of two digits lie in the window of 100 years around now.
			first := int32(r.start) % 100 //nolint:gosec // a year
			r.short = n == first
			if n < first {
				n += 100
			}
			n += int32(r.start) / 100 * 100 //nolint:gosec // a year
		}
		r.set(f, n)
	case 'M', 'L':
		r.set(fieldMonth, n-1)
	case 'd':
		r.set(fieldDay, n)
	case 'D':
		r.set(fieldDayOfYear, n)
	case 'F':
		r.set(fieldWeekdayInMonth, n)
	case 'w':
		r.set(fieldWeek, n)
	case 'W':
		r.set(fieldWeekOfMonth, n)
	case 'u':
		r.set(fieldWeekday, int32(isoWeekday(int64(n)))) //nolint:gosec // as large as n
	case 'H':
		r.set(fieldHour, n)
	case 'k':
		r.set(fieldHour, noMore(n, 24))
	case 'K':
		r.set(fieldHour12, n)
	case 'h':
		r.set(fieldHour12, noMore(n, 12))
	case 'm':
		r.set(fieldMinute, n)
	case 's':
		r.set(fieldSecond, n)
	case 'S':
		r.set(fieldMilli, n)
	}
}

// noMore makes the last hour of a day or half the first.
func noMore(n, last int32) int32 {
	if n == last {
		return 0
	}
	return n
}

func isTwoDigits(text string) bool {
	n := 0
	for _, c := range text {
		if _, ok := schema.Digit(c); !ok {
			return false
		}
		n++
	}
	return n == 2
}

// name reads one of several names, in any case; the field is the place of the one that is there. Names do not stand behind
// blanks.
func (r *dateReader) name(begin int, f dateField, names ...string) bool {
	for i, name := range names {
		if hasFold(r.text[begin:], name) {
			r.set(f, int32(i)) //nolint:gosec // a few
			r.pos = begin + len(name)
			return true
		}
	}
	return false
}

// hasFold tells whether a text begins with a name in any case.
func hasFold(text, name string) bool {
	return len(text) >= len(name) && strings.EqualFold(text[:len(name)], name)
}

func (r *dateReader) monthName(begin int) bool {
	for m := time.January; m <= time.December; m++ {
		name := m.String()
		if r.name(begin, fieldMonth, name) || r.name(begin, fieldMonth, name[:3]) {
			r.value[fieldMonth] = int64(m) - 1
			return true
		}
	}
	return false
}

func (r *dateReader) weekdayName(begin int) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := d.String()
		if r.name(begin, fieldWeekday, name) || r.name(begin, fieldWeekday, name[:3]) {
			r.value[fieldWeekday] = int64(d) + 1
			return true
		}
	}
	return false
}

// readNumber reads a whole number as Java's number format does: a minus, digits of any script, an exponent. What is too
// large for 64 bits is the largest number there is, and the rest is cut off to 32 bits.
func readNumber(text string) (n int32, length int, ok bool) {
	switch {
	case strings.HasPrefix(text, "NaN"):
		return 0, 3, true
	case strings.HasPrefix(text, "∞"):
		return math.MaxInt32, len("∞"), true
	case strings.HasPrefix(text, "-∞"):
		return math.MinInt32, len("-∞"), true
	}
	negative := strings.HasPrefix(text, "-")
	if negative {
		length = 1
	}
	var v number64
	for length < len(text) {
		c, size := utf8.DecodeRuneInString(text[length:])
		d, isDigit := schema.Digit(c)
		if !isDigit || c > 0xffff {
			break
		}
		v.digit(int64(d))
		length += size
		ok = true
	}
	if !ok {
		return 0, 0, false
	}
	if length < len(text) && text[length] == 'E' {
		if e, size, ok := readExponent(text[length+1:]); ok {
			v.shift(e)
			length += 1 + size
		}
	}
	return v.int32(negative), length, true
}

// readExponent reads an exponent without an exponent of its own.
func readExponent(text string) (e int32, length int, ok bool) {
	body, _, _ := strings.Cut(text, "E")
	return readNumber(body)
}

// number64 is a whole number that may be too large.
type number64 struct {
	n    int64
	huge bool
}

func (v *number64) digit(d int64) {
	if v.huge || v.n > (math.MaxInt64-d)/10 {
		v.huge = true
		return
	}
	v.n = v.n*10 + d
}

// shift moves the decimal point; what gets behind it is lost.
func (v *number64) shift(e int32) {
	if v.n == 0 {
		return
	}
	for ; e > 0 && !v.huge; e-- {
		v.digit(0)
	}
	for ; e < 0 && v.n > 0; e++ {
		v.n /= 10
	}
}

func (v *number64) int32(negative bool) int32 {
	switch {
	case v.huge && negative:
		return math.MinInt32
	case v.huge:
		return math.MaxInt32
	case negative:
		return int32(-v.n) //nolint:gosec // Java cuts it off as well
	}
	return int32(v.n) //nolint:gosec // as above
}
