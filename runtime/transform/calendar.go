package transform

import (
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// dateField is a field that a text may set.
type dateField int

const (
	fieldEra dateField = iota // 0 is BC
	fieldYear
	fieldWeekYear
	fieldMonth // from 0
	fieldWeek
	fieldWeekOfMonth
	fieldDay
	fieldDayOfYear
	fieldWeekday // Sunday is 1
	fieldWeekdayInMonth
	fieldHalf // 1 is PM
	fieldHour12
	fieldHour
	fieldMinute
	fieldSecond
	fieldMilli
	fieldZone // in minutes
	dateFields
)

// calendar makes an instant of fields as Java's GregorianCalendar does in its lenient mode: fields may be out of range, and
// of those that contradict each other the ones set last count.
type calendar struct {
	value [dateFields]int64
	stamp [dateFields]int // when it was set, 0 for never
	last  int
	zone  *zoneName
}

func (c *calendar) set(f dateField, v int32) {
	c.last++
	c.stamp[f], c.value[f] = c.last, int64(v)
}

func (c *calendar) has(f dateField) bool { return c.stamp[f] != 0 }

// get is a field, or what stands for it when it is not set.
func (c *calendar) get(f dateField, otherwise int64) int64 {
	if c.has(f) {
		return c.value[f]
	}
	return otherwise
}

// millis is the instant.
func (c *calendar) millis() int64 {
	ms := ((c.hour()*60+c.value[fieldMinute])*60+c.value[fieldSecond])*1000 + c.value[fieldMilli]
	whole := floorDiv(ms, dayMillis) // counts before the calendar is chosen
	return c.day(whole)*dayMillis + ms - whole*dayMillis - c.offset()*minuteMillis
}

// hour is the hour of the day. The hour of 24 counts if it was set after the one of 12 or its half.
func (c *calendar) hour() int64 {
	half := c.pair(fieldHour12, fieldHalf)
	if half == 0 && !c.has(fieldHour) {
		half = max(c.stamp[fieldHour12], c.stamp[fieldHalf])
	}
	if half > c.stamp[fieldHour] {
		return c.value[fieldHour12] + 12*c.value[fieldHalf]
	}
	return c.value[fieldHour]
}

func (c *calendar) offset() int64 {
	switch {
	case c.has(fieldZone):
		return c.value[fieldZone]
	case c.zone != nil:
		return int64(c.zone.offset)
	}
	return 0
}

// pair is when the later of two fields was set, if both were.
func (c *calendar) pair(a, b dateField) int {
	if !c.has(a) || !c.has(b) {
		return 0
	}
	return max(c.stamp[a], c.stamp[b])
}

// civil counts the days from 1970 to a day of a calendar.
type civil func(year int, month time.Month, day int) int64

// day is the day since 1970, so many days on. It is one of the Gregorian calendar if that is not too early for it.
func (c *calendar) day(more int64) int64 {
	if c.has(fieldWeekYear) && c.stamp[fieldWeekYear] > c.stamp[fieldYear] {
		return c.byWeekYear() + more
	}
	year := c.get(fieldYear, 1970)
	if c.has(fieldEra) && c.value[fieldEra] == 0 {
		year = 1 - year
	}
	gregorian, ofYear := c.dayIn(schema.GregorianDays, year)
	if year > reformYear || year == reformYear && !ofYear {
		if gregorian += more; gregorian >= schema.FirstGregorianDay {
			return gregorian
		}
	}
	julian, _ := c.dayIn(schema.JulianDays, year)
	return julian + more
}

// reformYear is when the Gregorian calendar began.
const reformYear = 1582

// dayIn is the day in a calendar, by the group of fields that was completed last, and whether that counts from the beginning
// of the year.
func (c *calendar) dayIn(days civil, year int64) (day int64, ofYear bool) {
	inMonth, nth := c.pair(fieldWeekOfMonth, fieldWeekday), c.pair(fieldWeekdayInMonth, fieldWeekday)
	ofMonth, ordinal, week := c.stamp[fieldDay], c.stamp[fieldDayOfYear], c.pair(fieldWeek, fieldWeekday)
	best := max(ofMonth, inMonth, nth, ordinal, week)
	if best == 0 { // no group is complete
		inMonth, nth = c.stamp[fieldWeekOfMonth], max(c.stamp[fieldWeekdayInMonth], c.stamp[fieldWeekday])
		week = c.stamp[fieldWeek]
		if best = max(inMonth, nth, week); best == 0 {
			ofMonth = c.stamp[fieldMonth]
			best = ofMonth
		}
	}
	first := days(int(year), time.Month(c.value[fieldMonth]+1), 1)
	switch {
	case best == ofMonth:
		return first + c.get(fieldDay, 1) - 1, false
	case best == inMonth && c.stamp[fieldWeekOfMonth] >= c.stamp[fieldWeek],
		best == nth && c.stamp[fieldWeekdayInMonth] >= c.stamp[fieldWeek]:
		weeks := best == inMonth
		if inMonth == nth {
			weeks = c.stamp[fieldWeekOfMonth] >= c.stamp[fieldWeekdayInMonth]
		}
		if weeks {
			return c.inWeek(first, int32Weeks(c.value[fieldWeekOfMonth]-1)), false
		}
		return c.nthWeekday(first, days(int(year), time.Month(c.value[fieldMonth]+2), 1)), false
	}
	january := days(int(year), time.January, 1)
	if best == ordinal {
		return january + c.value[fieldDayOfYear] - 1, true
	}
	return c.inWeek(january, 7*(c.value[fieldWeek]-1)), true
}

// inWeek is the weekday, or Sunday, so many days behind the first week of the month or year that begins on the day first.
func (c *calendar) inWeek(first, days int64) int64 {
	return onOrBefore(sunday(first)+6, c.get(fieldWeekday, 1)) + days
}

// int32Weeks is the number of days in weeks, counted in 32 bits where Java does.
func int32Weeks(n int64) int64 { return int64(int32(7 * n)) }

// nthWeekday is the n-th weekday of the month that begins on the day first; negative ones count from its end, next.
func (c *calendar) nthWeekday(first, next int64) int64 {
	weekday, n := c.get(fieldWeekday, 1), c.get(fieldWeekdayInMonth, 1)
	if n >= 0 {
		return onOrBefore(first+int32Weeks(n)-1, weekday)
	}
	return onOrBefore(next+int32Weeks(n+1)-1, weekday)
}

// onOrBefore is the last such weekday that is not after a day. Sunday is 1.
func onOrBefore(day, wanted int64) int64 {
	back := weekday(day) - (wanted - 1)
	return day - (back - floorDiv(back, 7)*7)
}

// byWeekYear is the weekday of a week of a year of weeks.
func (c *calendar) byWeekYear() int64 {
	week, weekday := c.get(fieldWeek, 1), c.get(fieldWeekday, 1)
	// A number that is no weekday goes on counting, from Monday on, which is 1.
	if weekday >= 8 {
		weekday--
		week += weekday / 7
		weekday = isoWeekday(weekday%7 + 1)
	} else if weekday <= 0 {
		back := floorDiv(weekday-1, 7)
		week += back
		weekday = isoWeekday(weekday - back*7)
	}
	first := sunday(schema.CivilDays(int(c.value[fieldWeekYear]), time.January, 1))
	return first + weekday - 1 + 7*(week-1)
}

// isoWeekday turns a weekday from Monday, 1, to Sunday, 7, into one from Sunday, 1. Other numbers stay.
func isoWeekday(n int64) int64 {
	if n < 1 || n > 7 {
		return n
	}
	return n%7 + 1
}
