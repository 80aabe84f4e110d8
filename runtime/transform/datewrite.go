package transform

import (
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

const (
	minuteMillis = 60 * 1000
	hourMillis   = 60 * minuteMillis
	dayMillis    = 24 * hourMillis
)

// moment is an instant taken apart as Java's calendar does, with weeks from Sunday on and the first week the one with 1
// January.
type moment struct {
	days   int64 // since 1970
	millis int64 // of the day
	year   int   // 0 stands before 1
	month  time.Month
	day    int
	offset int64 // of the time zone, in minutes
}

func newMoment(ms int64, zone *zoneName) moment {
	var m moment
	if zone != nil {
		m.offset = int64(zone.offset)
		ms += m.offset * minuteMillis
	}
	m.days = floorDiv(ms, dayMillis)
	m.millis = ms - m.days*dayMillis
	m.year, m.month, m.day = schema.CivilDate(schema.Instant(ms))
	return m
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// weekday counts from Sunday, which is 0.
func weekday(days int64) int64 { return days + 4 - floorDiv(days+4, 7)*7 }

// sunday is the last Sunday that is not after a day.
func sunday(days int64) int64 { return days - weekday(days) }

// dayOfYear counts from 1.
func (m *moment) dayOfYear() int64 { return m.days - schema.CivilDays(m.year, time.January, 1) + 1 }

// dayOfMonth counts from 0 without gaps, which the printed day does not in October 1582.
func (m *moment) dayOfMonth() int64 { return m.days - schema.CivilDays(m.year, m.month, 1) }

// week is the week of the year, and the year to which it belongs.
func (m *moment) week() (week int64, year int) {
	next := schema.CivilDays(m.year+1, time.January, 1)
	if m.days >= sunday(next) {
		return 1, m.year + 1
	}
	return m.weekFrom(schema.CivilDays(m.year, time.January, 1)), m.year
}

func (m *moment) weekFrom(first int64) int64 { return floorDiv(m.days-sunday(first), 7) + 1 }

// appendTime writes an instant.
func (f *dateFormat) appendTime(dst []byte, ms int64) []byte {
	m := newMoment(ms, f.zone)
	for i := range f.items {
		item := &f.items[i]
		switch item.letter {
		case 0:
			dst = append(dst, item.text...)
		case 'z':
			dst = appendZoneName(dst, f.zone, item.count >= 4)
		default:
			dst = m.append(dst, item.letter, item.count)
		}
	}
	return dst
}

// append writes one field.
func (m *moment) append(dst []byte, letter byte, count int) []byte {
	switch letter {
	case 'G':
		if m.year <= 0 {
			return append(dst, "BC"...)
		}
		return append(dst, "AD"...)
	case 'y':
		year := m.year
		if year <= 0 {
			year = 1 - year
		}
		return appendYear(dst, year, count)
	case 'Y':
		_, year := m.week()
		return appendYear(dst, year, count)
	case 'M', 'L':
		return appendName(dst, m.month.String(), int64(m.month), count)
	case 'E':
		name := time.Weekday(weekday(m.days)).String()
		if count < 4 {
			name = name[:3]
		}
		return append(dst, name...)
	case 'a':
		if m.millis < dayMillis/2 {
			return append(dst, "AM"...)
		}
		return append(dst, "PM"...)
	case 'Z', 'X':
		return m.appendOffset(dst, letter, count)
	}
	return appendPadded(dst, m.number(letter), count)
}

// number is a field that is written in digits.
func (m *moment) number(letter byte) int64 {
	hour := m.millis / hourMillis
	switch letter {
	case 'd':
		return int64(m.day)
	case 'D':
		return m.dayOfYear()
	case 'F':
		return m.dayOfMonth()/7 + 1
	case 'w':
		week, _ := m.week()
		return week
	case 'W':
		return m.weekFrom(schema.CivilDays(m.year, m.month, 1))
	case 'u':
		return (weekday(m.days)+6)%7 + 1
	case 'H':
		return hour
	case 'k':
		return (hour+23)%24 + 1
	case 'K':
		return hour % 12
	case 'h':
		return (hour+11)%12 + 1
	case 'm':
		return m.millis / minuteMillis % 60
	case 's':
		return m.millis / 1000 % 60
	}
	return m.millis % 1000
}

// appendYear writes a year; two letters mean its last two digits.
func appendYear(dst []byte, year, count int) []byte {
	if count != 2 {
		return appendPadded(dst, int64(year), count)
	}
	if year < 0 {
		dst, year = append(dst, '-'), -year
	}
	return appendPadded(dst, int64(year%100), 2)
}

func appendName(dst []byte, name string, number int64, count int) []byte {
	switch {
	case count >= 4:
		return append(dst, name...)
	case count == 3:
		return append(dst, name[:3]...)
	}
	return appendPadded(dst, number, count)
}

// appendPadded writes a number with so many digits at least.
func appendPadded(dst []byte, n int64, digits int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	var room [20]byte
	text := strconv.AppendInt(room[:0], n, 10)
	for range digits - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// appendOffset writes +0100 for Z; and for X Z in UTC, else +01, +0100 or +01:00 by the number of letters.
func (m *moment) appendOffset(dst []byte, letter byte, count int) []byte {
	offset, sign := m.offset, byte('+')
	if offset == 0 && letter == 'X' {
		return append(dst, 'Z')
	}
	if offset < 0 {
		offset, sign = -offset, '-'
	}
	dst = appendPadded(append(dst, sign), offset/60, 2)
	if letter == 'X' {
		switch count {
		case 1:
			return dst
		case 3:
			dst = append(dst, ':')
		}
	}
	return appendPadded(dst, offset%60, 2)
}
