package schema

import "time"

// FirstGregorianDay is the first day, counted from 1970, that Java's calendar takes from the Gregorian calendar: 15 October
// 1582. The day before it was 4 October of the Julian one.
const FirstGregorianDay = -141427

const millisPerDay = 86400000

// CivilDate returns the day of an instant in UTC as Java's calendar has it: Julian before 15 October 1582, Gregorian from
// then on, with a year 0 before year 1.
func CivilDate(t time.Time) (year int, month time.Month, day int) {
	days := floorDiv(t.UnixMilli(), millisPerDay)
	if days >= FirstGregorianDay {
		return t.UTC().Date()
	}
	// Count from 1 March of year 0, whose four-year cycles end with the leap day.
	n := days + 719470
	cycle := floorDiv(n, 1461)
	n -= cycle * 1461
	y := min(n/365, 3)
	n -= y * 365
	m := (5*n + 2) / 153
	day = int(n-(153*m+2)/5) + 1
	year = int(cycle*4 + y)
	if m >= 10 {
		return year + 1, time.Month(m - 9), day
	}
	return year, time.Month(m + 3), day
}

// CivilDays is the number of days from 1970 to a day of Java's calendar, which is CivilDate's inverse. Months and days out
// of range carry over, as in Java's lenient calendar; of the days that the reform of 1582 left out it takes the Julian ones.
func CivilDays(year int, month time.Month, day int) int64 {
	if days := GregorianDays(year, month, day); days >= FirstGregorianDay {
		return days
	}
	return JulianDays(year, month, day)
}

// GregorianDays is the number of days from 1970 to a day of the Gregorian calendar, however early. Months and days out of
// range carry over.
func GregorianDays(year int, month time.Month, day int) int64 {
	y, m := carried(year, month)
	return gregorianDays(y, m) + int64(day) - 1
}

// JulianDays is the number of days from 1970 to a day of the Julian calendar, however late. Months and days out of range
// carry over.
func JulianDays(year int, month time.Month, day int) int64 {
	y, m := carried(year, month)
	return julianDays(y, m) + int64(day) - 1
}

// carried is a year and a month from 0 to 11.
func carried(year int, month time.Month) (y, m int64) {
	months := int64(year)*12 + int64(month) - 1
	return floorDiv(months, 12), floorMod(months, 12)
}

// julianDays counts to the first of a month, 0 being January.
func julianDays(y, m int64) int64 {
	if m < 2 {
		y--
		m += 12
	}
	return y*365 + floorDiv(y, 4) + (153*(m-2)+2)/5 - 719470
}

func gregorianDays(y, m int64) int64 {
	if m < 2 {
		y--
		m += 12
	}
	return y*365 + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400) + (153*(m-2)+2)/5 - 719468
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }
