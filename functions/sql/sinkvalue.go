package sql

import (
	"database/sql/driver"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// zones are the time zones in which instants become times without one, and the calendar.
type zones struct {
	times, dates *time.Location
	gregorian    bool // see date.calendar.system
}

// bound is a field with the column it is written to.
type bound struct {
	field
	// column is the column's name in the database, in quotes, typ its type as the catalog has it, cast PostgreSQL's name of
	// the type without sizes.
	column, typ, cast string
}

// The instants by which Java's driver for PostgreSQL stands for infinity and -infinity, in milliseconds.
const (
	infinity      = 9223372036825200000
	minusInfinity = -9223372036832400000
)

// civil is an instant in a time zone and the calendar that date.calendar.system says instants are in.
func (z zones) civil(t time.Time, in *time.Location) (year int, month time.Month, day int, ofDay time.Duration, offset int) {
	if in != time.UTC {
		_, offset = t.In(in).Zone()
	}
	local := t.UTC().Add(time.Duration(offset) * time.Second)
	if z.gregorian {
		year, month, day = local.Date()
	} else {
		year, month, day = schema.CivilDate(local)
	}
	h, m, s := local.Clock()
	return year, month, day, time.Duration(h*3600+m*60+s)*time.Second + time.Duration(local.Nanosecond()), offset
}

// appendDate appends 2024-02-29, and bc for a year before 1.
func appendDate(dst []byte, year int, month time.Month, day int) (out []byte, bc bool) {
	if bc = year < 1; bc {
		year = 1 - year
	}
	for limit := 1000; year < limit && limit > 1; limit /= 10 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendInt(dst, int64(year), 10)
	dst = append(dst, '-')
	dst = twoDigits(dst, int(month))
	dst = append(dst, '-')
	return twoDigits(dst, day), bc
}

// appendClock appends 23:59:58.123. Instants of Connect count milliseconds, but those of timestamp.fields.list may be finer.
func appendClock(dst []byte, ofDay time.Duration) []byte {
	seconds := int(ofDay / time.Second)
	dst = twoDigits(dst, seconds/3600)
	dst = append(dst, ':')
	dst = twoDigits(dst, seconds/60%60)
	dst = append(dst, ':')
	dst = twoDigits(dst, seconds%60)
	ms, micros := int(ofDay%time.Second/time.Millisecond), int(ofDay%time.Millisecond/time.Microsecond)
	dst = threeDigits(append(dst, '.'), ms)
	if micros > 0 {
		dst = threeDigits(dst, micros)
	}
	return dst
}

func threeDigits(dst []byte, n int) []byte { return twoDigits(append(dst, byte('0'+n/100)), n%100) }

func twoDigits(dst []byte, n int) []byte { return append(dst, byte('0'+n/10%10), byte('0'+n%10)) }

// appendOffset appends +02 or -03:30, or +01:23:45 as time zones had them once.
func appendOffset(dst []byte, offset int) []byte {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = twoDigits(append(dst, sign), offset/3600)
	if offset%3600 != 0 {
		dst = twoDigits(append(dst, ':'), offset/60%60)
	}
	if offset%60 != 0 {
		dst = twoDigits(append(dst, ':'), offset%60)
	}
	return dst
}

const bcSuffix = " BC"

// instant appends a date, time or timestamp, whichever the schema says v is. zoned appends the time zone's offset, too.
func (z zones) instant(dst []byte, s *schema.Schema, v time.Time, zoned bool) []byte {
	switch s.Name {
	case schema.DateName:
		year, month, day, _, _ := z.civil(v, z.dates)
		dst, bc := appendDate(dst, year, month, day)
		if bc {
			dst = append(dst, bcSuffix...)
		}
		return dst
	case schema.TimeName:
		_, _, _, ofDay, offset := z.civil(v, z.times)
		dst = appendClock(dst, ofDay)
		if zoned {
			dst = appendOffset(dst, offset)
		}
		return dst
	}
	year, month, day, ofDay, offset := z.civil(v, z.times)
	dst, bc := appendDate(dst, year, month, day)
	dst = appendClock(append(dst, ' '), ofDay)
	if zoned {
		dst = appendOffset(dst, offset)
	}
	if bc {
		dst = append(dst, bcSuffix...)
	}
	return dst
}

// text appends a value as PostgreSQL reads it from text. b may be nil for a value that is for no column.
func (z zones) text(dst []byte, s *schema.Schema, b *bound, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return append(dst, v...), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int16:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int8:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case bool:
		if b != nil && b.cast == `"bit"` { // bit(1) is read as a truth
			return append(dst, map[bool]byte{true: '1', false: '0'}[v]), nil
		}
		return strconv.AppendBool(dst, v), nil
	case float64:
		return appendFloat(dst, v, 64), nil
	case float32:
		return appendFloat(dst, float64(v), 32), nil
	case []byte:
		return hex.AppendEncode(append(dst, `\x`...), v), nil
	case schema.Decimal:
		return v.AppendPlain(dst), nil
	case time.Time:
		if s.Name == schema.TimestampName {
			switch v.UnixMilli() {
			case infinity:
				return append(dst, "infinity"...), nil
			case minusInfinity:
				return append(dst, "-infinity"...), nil
			}
		}
		// A timestamp's offset is read by timestamptz and passed over by timestamp; a time's must not be there for time.
		zoned := b != nil && (s.Name == schema.TimestampName || b.cast == "time with time zone")
		return z.instant(dst, s, v, zoned), nil
	case []any:
		return z.array(dst, s, b, v)
	}
	return nil, unsupported(s, v)
}

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e15 || a == 0 { // whole numbers and money take no exponent
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

// array appends a list as {1,"a b",NULL}.
func (z zones) array(dst []byte, s *schema.Schema, b *bound, list []any) ([]byte, error) {
	dst = append(dst, '{')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if v == nil {
			dst = append(dst, "NULL"...)
			continue
		}
		if _, nested := v.([]any); nested {
			var err error
			if dst, err = z.text(dst, s.Value, b, v); err != nil {
				return nil, err
			}
			continue
		}
		text, err := z.text(nil, s.Value, b, v)
		if err != nil {
			return nil, err
		}
		dst = append(dst, '"')
		for _, c := range text {
			if c == '"' || c == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
		dst = append(dst, '"')
	}
	return append(dst, '}'), nil
}

func unsupported(s *schema.Schema, v any) error {
	if s == nil {
		return connectError("Unsupported source data type: %s", schema.JavaClass(v))
	}
	return connectError("Unsupported source data type: %s", s.Type)
}

// bindMySQL returns a value as it is bound to a statement of MySQL or MariaDB.
func (z zones) bindMySQL(b *bound, v any) (driver.Value, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string, int64:
		return v, nil
	case []byte:
		return notNil(v), nil
	case int32:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int8:
		if v < 0 && strings.HasPrefix(b.typ, "bit") {
			return bits(b.typ, v), nil
		}
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case float64:
		return mysqlFloat(b, v, 64)
	case float32:
		return mysqlFloat(b, float64(v), 32)
	case schema.Decimal:
		if strings.HasPrefix(b.typ, "bit") && v.Scale == 0 && v.Int().Sign() >= 0 { // as text it would be taken for the bits
			return v.Int().Uint64(), nil
		}
		return v.AppendPlain(nil), nil
	case time.Time:
		if b.schema.Name == schema.DateName && strings.HasPrefix(b.typ, "year") {
			year, _, _, _, _ := z.civil(v, z.dates)
			return int64(year), nil
		}
		return z.instant(nil, b.schema, v, false), nil
	}
	return nil, unsupported(b.schema, v)
}

// notNil makes a difference between no bytes and NULL, which drivers see in a nil slice.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// bits is a negative byte as the bits it stands for: BIT(8) is read as a signed byte.
func bits(typ string, v int8) int64 {
	n, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(typ, "bit"), "()"))
	if err != nil || n >= 8 {
		return int64(uint8(v)) //nolint:gosec // the same bits are wanted
	}
	return int64(uint8(v)) & (1<<n - 1) //nolint:gosec // the same bits are wanted
}

// mysqlFloat binds a float. A FLOAT of the record that goes to anything but a FLOAT goes there as the decimal number that it
// is the nearest to, as JDBC's text protocol had it.
func mysqlFloat(b *bound, f float64, bits int) (driver.Value, error) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, sqlError("'%s' is not a valid numeric or approximate numeric value", appendFloat(nil, f, 64))
	case bits == 64 || strings.HasPrefix(b.typ, "float"):
		return f, nil
	}
	return strconv.AppendFloat(nil, f, 'g', -1, 32), nil
}

// bindSQLite returns a value as it is bound to a statement of SQLite, in the types in which its JDBC driver stores it.
func (z zones) bindSQLite(b *bound, v any) (driver.Value, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string, int64, float64:
		return v, nil
	case []byte:
		return notNil(v), nil
	case int32:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int8:
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case float32:
		return float64(v), nil
	case schema.Decimal:
		return v.PlainString(), nil
	case time.Time:
		if z.gregorian { // its driver has them in Java's older calendar
			day := v.UTC().Truncate(24 * time.Hour)
			y, m, d := day.Date()
			v = time.Unix(schema.CivilDays(y, m, d)*daySeconds, 0).Add(v.Sub(day))
		}
		return v.UnixMilli(), nil
	}
	return nil, unsupported(b.schema, v)
}
