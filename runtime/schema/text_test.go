package schema_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestText_WritesWhatJavaWrites(t *testing.T) {
	t.Parallel()
	inner := schema.StructOf([]schema.Field{
		schema.F("a", schema.Of(schema.Int32)),
		schema.F("none", schema.Of(schema.String, schema.Optional())),
		schema.F("b", schema.Of(schema.String)),
	})
	m := schema.NewMap(0)
	m.Set("a", int64(1))
	m.Set("b", nil)
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "null"},
		{"x", "x"},
		{int8(-1), "-1"},
		{true, "true"},
		{float32(1e10), "1.0E10"},
		{float32(8.589935e9), "8.589935E9"},
		{float32(1.4e-45), "1.4E-45"},
		{float32(math.MaxFloat32), "3.4028235E38"},
		{0.001, "0.001"},
		{0.0009999, "9.999E-4"},
		{9999999.0, "9999999.0"},
		{1e7, "1.0E7"},
		{12345678.9, "1.23456789E7"},
		{100.0, "100.0"},
		{1e23, "1.0E23"},
		{2e-3, "0.002"},
		{5e-324, "4.9E-324"},
		{-5e-324, "-4.9E-324"},
		{math.MaxFloat64, "1.7976931348623157E308"},
		{math.NaN(), "NaN"},
		{math.Inf(-1), "-Infinity"},
		{math.Copysign(0, -1), "-0.0"},
		{schema.NewDecimal(-1230, 2), "-12.30"},
		{new(big.Int).Lsh(big.NewInt(1), 70), "1180591620717411303424"},
		{schema.Instant(1700000000123), "Tue Nov 14 22:13:20 UTC 2023"},
		{schema.Instant(-62135596800001), "Sun Jan 02 23:59:59 UTC 1"},
		{[]any{int64(1), 2.5, nil, []any{}}, "[1, 2.5, null, []]"},
		{m, "{a=1, b=null}"},
		{schema.StructFrom(inner, []any{int32(1), nil, "x"}), "Struct{a=1,b=x}"},
	} {
		if got := schema.Text(c.value); got != c.want {
			t.Errorf("Text(%T %v) = %s, want %s", c.value, c.value, got, c.want)
		}
	}
	if got := schema.Text([]byte("x")); !strings.HasPrefix(got, "[B@") {
		t.Errorf("Text of bytes = %s, want an object's identity", got)
	}
}

func TestAppendText_AllocationBudget(t *testing.T) {
	room := make([]byte, 0, 256)
	for _, v := range []any{"x", int64(math.MinInt64), 1.7976931348623157e308, float32(0.1), true, schema.Instant(1700000000123)} {
		if n := testing.AllocsPerRun(100, func() { schema.AppendText(room, v) }); n > 0 {
			t.Errorf("AppendText(%T) allocates %v times, want none", v, n)
		}
	}
}

func TestCivilDate_IsJulianBeforeTheReform(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		year, month, day int
		days             int64
	}{
		{1970, 1, 1, 0},
		{1582, 10, 15, -141427},
		{1582, 10, 4, -141428},
		{1500, 2, 29, -171596}, // a leap day that the Gregorian calendar does not have
		{1, 1, 3, -719162},     // 1 January 0001 in the Gregorian calendar
		{0, 12, 31, -719165},
		{2000, 2, 29, 11016},
	} {
		year, month, day := schema.CivilDate(schema.Instant(c.days*86400000 + 1))
		if c.year >= 0 && (year != c.year || int(month) != c.month || day != c.day) {
			t.Errorf("CivilDate(day %d) = %d-%d-%d, want %d-%d-%d", c.days, year, month, day, c.year, c.month, c.day)
		}
		if got := schema.CivilDays(year, month, day); got != c.days {
			t.Errorf("CivilDays(%d-%d-%d) = %d, want %d", year, month, day, got, c.days)
		}
	}
}

// The calendar of java.util must agree with that of Go from the reform on, and count on without a gap before it.
func TestCivilDate_CountsEveryDay(t *testing.T) {
	t.Parallel()
	py, pm, pd := schema.CivilDate(schema.Instant(-800001 * 86400000))
	for days := int64(-800000); days < 100000; days++ {
		at := schema.Instant(days * 86400000)
		y, m, d := schema.CivilDate(at)
		if days >= -141427 && (y != at.Year() || m != at.Month() || d != at.Day()) {
			t.Fatalf("CivilDate(day %d) = %d-%d-%d, want %s", days, y, m, d, at.Format(time.DateOnly))
		}
		next := y == py && m == pm && d == pd+1 || d == 1 && (y == py && m == pm+1 || y == py+1 && m == 1)
		if !next && days != -141427 {
			t.Fatalf("%d-%d-%d follows on %d-%d-%d", y, m, d, py, pm, pd)
		}
		if got := schema.CivilDays(y, m, d); got != days {
			t.Fatalf("CivilDays(%d-%d-%d) = %d, want %d", y, m, d, got, days)
		}
		py, pm, pd = y, m, d
	}
}

func TestCivilDays_TakesDaysOutOfRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		year, month, day int
		want             string
	}{
		{2023, 2, 29, "2023-03-01"},
		{2024, 13, 1, "2025-01-01"},
		{2024, 0, 0, "2023-11-30"},
		{1582, 10, 10, "1582-10-20"},
	} {
		got := schema.Instant(schema.CivilDays(c.year, time.Month(c.month), c.day) * 86400000).Format(time.DateOnly)
		if got != c.want {
			t.Errorf("CivilDays(%d, %d, %d) is %s, want %s", c.year, c.month, c.day, got, c.want)
		}
	}
}
