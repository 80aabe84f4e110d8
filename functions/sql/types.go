package sql

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// kind is what the values of a column are, whatever the database calls it.
type kind uint8

// The kinds. Each has one Go type, in which a database's values arrive.
const (
	kindNone      kind = iota // carried by no schema: left out
	kindBool                  // bool
	kindInt8                  // int8
	kindInt16                 // int16
	kindInt32                 // int32
	kindInt64                 // int64
	kindFloat32               // float32
	kindFloat64               // float64
	kindDecimal               // schema.Decimal, with the scale of the field
	kindNumeric               // as kindDecimal; numeric.mapping may make numbers of it
	kindString                // string
	kindBytes                 // []byte
	kindDate                  // time.Time, midnight in UTC
	kindTime                  // time.Time on 1 January 1970
	kindTimestamp             // time.Time, to the nanosecond
	kindArray                 // []any of the element's kind
)

// resultColumn is one column of a result.
type resultColumn struct {
	name string
	kind kind
	// typ is the database's name of the type, for messages.
	typ              string
	precision, scale int
	nullable         bool
	enum             bool          // the type is an enumeration
	element          *resultColumn // of arrays
}

// unsetScale stands for the scale of a NUMERIC that has none, as in Confluent's connector.
const unsetScale = 127

// typing makes Connect's schemas and values of a database's.
type typing struct {
	mapping     string // numeric.mapping
	granularity string // timestamp.granularity, in lower case
	location    *time.Location
	aiven       bool
	extended    bool
	gregorian   bool // see date.calendar.system
	// zeroNull says that MySQL's 0000-00-00 is NULL, zeroRound that it is the first day of the year 1, and yearShort that a
	// YEAR is a number.
	zeroNull, zeroRound, yearShort bool
}

func (s *sourceSettings) typing(a address) typing {
	location, err := zone(s.timezone)
	if err != nil {
		location = time.UTC // checked when the settings were parsed
	}
	zero := strings.ToUpper(strings.ReplaceAll(a.param("zeroDateTimeBehavior"), "_", ""))
	return typing{
		mapping: s.numericMapping(), granularity: strings.ToLower(s.granularity), location: location,
		aiven: s.aiven(), extended: s.extended(), gregorian: s.gregorian(),
		zeroNull: zero == "CONVERTTONULL", zeroRound: zero == "ROUND", yearShort: strings.EqualFold(a.param("yearIsDateType"), "false"),
	}
}

// adapt changes a value of a field's kind into that of its schema. nil leaves all values as they are.
type adapt func(v any) (any, error)

// schema returns the schema of a field and what its values need. A nil schema leaves the field out.
func (t *typing) schema(f *resultColumn) (*schema.Schema, adapt) {
	var opts []schema.Option
	if f.nullable {
		opts = append(opts, schema.Optional())
	}
	switch f.kind {
	case kindBool:
		return schema.Of(schema.Boolean, opts...), nil
	case kindInt8:
		return schema.Of(schema.Int8, opts...), nil
	case kindInt16:
		return schema.Of(schema.Int16, opts...), nil
	case kindInt32:
		return schema.Of(schema.Int32, opts...), nil
	case kindInt64:
		return schema.Of(schema.Int64, opts...), nil
	case kindFloat32:
		return schema.Of(schema.Float32, opts...), nil
	case kindFloat64:
		return schema.Of(schema.Float64, opts...), nil
	case kindString:
		return schema.Of(schema.String, opts...), nil
	case kindBytes:
		return schema.Of(schema.Bytes, opts...), nil
	case kindDate:
		if t.aiven {
			return schema.DateOf(opts...), t.midnightThere
		}
		return schema.DateOf(opts...), nil
	case kindTime:
		return schema.TimeOf(opts...), t.timeThere
	case kindTimestamp:
		return t.timestamp(opts)
	case kindNumeric:
		if s, change := t.numeric(f, opts); s != nil {
			return s, change
		}
		return t.decimal(f, opts)
	case kindDecimal:
		return t.decimal(f, opts)
	case kindArray:
		element, change := t.schema(f.element)
		if element == nil {
			return nil, nil
		}
		return schema.ArrayOf(element, opts...), eachOf(change)
	case kindNone:
	}
	return nil, nil
}

func eachOf(change adapt) adapt {
	if change == nil {
		return nil
	}
	return func(v any) (any, error) {
		for i, e := range v.([]any) {
			if e == nil {
				continue
			}
			var err error
			if v.([]any)[i], err = change(e); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
}

// decimal is Connect's Decimal. Confluent's connector adds the precision.
func (t *typing) decimal(f *resultColumn, opts []schema.Option) (*schema.Schema, adapt) {
	scale := f.scale
	if scale == unsetScale && t.aiven {
		scale = 0
	}
	s := schema.DecimalOf(int32(scale), opts...)
	if !t.aiven {
		s = s.With(schema.WithParam("connect.decimal.precision", strconv.Itoa(f.precision)))
	}
	return s, func(v any) (any, error) { return rescale(v.(schema.Decimal), int32(scale)) }
}

// rescale gives a decimal a scale, if that loses nothing.
func rescale(d schema.Decimal, scale int32) (any, error) {
	if d.Scale == scale {
		return d, nil
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(d.Scale-scale, scale-d.Scale))), nil)
	if scale > d.Scale {
		return schema.Decimal{Unscaled: power.Mul(power, d.Int()), Scale: scale}, nil
	}
	unscaled, rest := new(big.Int).QuoRem(d.Int(), power, new(big.Int))
	if rest.Sign() != 0 {
		return nil, fmt.Errorf("%s has more than %d digits behind the point", d, scale)
	}
	return schema.Decimal{Unscaled: unscaled, Scale: scale}, nil
}

const mostDigits = 18 // of an integer that fits 64 bits in any case

// numeric is what numeric.mapping makes of NUMERIC, or nil for a Decimal.
func (t *typing) numeric(f *resultColumn, opts []schema.Option) (*schema.Schema, adapt) {
	scale := f.scale
	if scale == unsetScale {
		scale = 0
	}
	small := f.precision <= mostDigits
	switch t.mapping {
	case "precision_only":
		if scale == 0 && small {
			return integer(f.precision, opts)
		}
	case "best_fit", "best_fit_eager_double":
		switch {
		case t.extended && f.scale == unsetScale:
			return nil, nil
		case scale < 1 && scale >= -84 && small:
			return integer(f.precision, opts)
		case scale > 0 && (small || t.mapping == "best_fit_eager_double"):
			return schema.Of(schema.Float64, opts...), func(v any) (any, error) { return v.(schema.Decimal).Float64(), nil }
		}
	}
	return nil, nil
}

// integer is the smallest type for numbers of so many digits. As in JDBC, what is behind the point is cut off, and what does
// not fit is an error.
func integer(precision int, opts []schema.Option) (*schema.Schema, adapt) {
	typ, least, most := schema.Int8, int64(math.MinInt8), int64(math.MaxInt8)
	switch {
	case precision > 9:
		typ, least, most = schema.Int64, math.MinInt64, math.MaxInt64
	case precision > 4:
		typ, least, most = schema.Int32, math.MinInt32, math.MaxInt32
	case precision > 2:
		typ, least, most = schema.Int16, math.MinInt16, math.MaxInt16
	}
	return schema.Of(typ, opts...), func(v any) (any, error) {
		d := v.(schema.Decimal)
		whole := d.Int()
		if d.Scale > 0 {
			whole = new(big.Int).Quo(whole, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil))
		}
		if !whole.IsInt64() || whole.Int64() < least || whole.Int64() > most {
			return nil, fmt.Errorf("%s does not fit an %s", d, typ)
		}
		switch n := whole.Int64(); typ {
		case schema.Int8:
			return int8(n), nil
		case schema.Int16:
			return int16(n), nil
		case schema.Int32:
			return int32(n), nil
		default:
			return n, nil
		}
	}
}

// timestamp is what timestamp.granularity makes of timestamps.
func (t *typing) timestamp(opts []schema.Option) (*schema.Schema, adapt) {
	per, iso := time.Microsecond, "2006-01-02T15:04:05.000000"
	unit, form, _ := strings.Cut(t.granularity, "_")
	if unit == "nanos" {
		per, iso = time.Nanosecond, "2006-01-02T15:04:05.000000000"
	}
	count := func(v any) int64 {
		at := v.(time.Time)
		return at.Unix()*int64(time.Second/per) + int64(at.Nanosecond())/int64(per)
	}
	switch form {
	case "long":
		return schema.Of(schema.Int64, opts...), func(v any) (any, error) { return count(v), nil }
	case "string":
		return schema.Of(schema.String, opts...), func(v any) (any, error) { return strconv.FormatInt(count(v), 10), nil }
	case "iso_datetime_string":
		return schema.Of(schema.String, opts...), func(v any) (any, error) { return v.(time.Time).In(t.location).Format(iso), nil }
	}
	return schema.TimestampOf(opts...), func(v any) (any, error) {
		if at := v.(time.Time); at.Nanosecond()%int(time.Millisecond) != 0 {
			return time.UnixMilli(at.UnixMilli()).UTC(), nil
		}
		return v, nil
	}
}

// midnightThere is what Aiven's connector makes of a day: its beginning in db.timezone.
func (t *typing) midnightThere(v any) (any, error) {
	day := v.(time.Time)
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, t.location).UTC(), nil
}

// timeThere is a time of day in db.timezone on the first day of 1970, in UTC. It may be on another day there, which
// converters refuse, as they do in Connect.
func (t *typing) timeThere(v any) (any, error) {
	at := v.(time.Time)
	if t.location != time.UTC {
		at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), t.location).UTC()
	}
	return time.UnixMilli(at.UnixMilli()).UTC(), nil
}

const daySeconds = 24 * 60 * 60

// day is a day as a Date, in the calendar that date.calendar.system asks for.
func (t *typing) day(year int, month time.Month, day int) time.Time {
	if t.gregorian {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	return time.Unix(schema.CivilDays(year, month, day)*daySeconds, 0).UTC()
}

// instant is a day and a time of day, in db.timezone.
func (t *typing) instant(year int, month time.Month, day int, clock time.Duration) time.Time {
	seconds := t.day(year, month, day).Unix() + int64(clock/time.Second)
	at := time.Unix(seconds, int64(clock%time.Second)).UTC()
	if t.location == time.UTC {
		return at
	}
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), t.location).UTC()
}

// parseDecimal reads a decimal as databases write them.
func parseDecimal(text string) (schema.Decimal, error) {
	d, err := schema.ParseDecimal(text)
	if err != nil {
		return d, fmt.Errorf("%q is not a number", text)
	}
	return d, nil
}

// number reads digits from text, and tells whether there was nothing else.
func number(text string) (int, bool) {
	n := 0
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(text) > 0 && len(text) < 10
}

// parseDay reads 2024-02-29.
func parseDay(text string) (year int, month time.Month, day int, err error) {
	if len(text) == 10 && text[4] == '-' && text[7] == '-' {
		y, okY := number(text[:4])
		m, okM := number(text[5:7])
		d, okD := number(text[8:])
		if okY && okM && okD {
			return y, time.Month(m), d, nil
		}
	}
	return 0, 0, 0, fmt.Errorf("%q is not a day", text)
}

// parseClock reads 23:59:58 with up to nine digits behind a point. Hours may be any number, and there may be a sign.
func parseClock(text string) (time.Duration, error) {
	rest, negative := strings.CutPrefix(text, "-")
	rest, fraction, _ := strings.Cut(rest, ".")
	nanos := 0
	if fraction != "" && len(fraction) <= 9 {
		nanos, _ = number(fraction)
		for range 9 - len(fraction) {
			nanos *= 10
		}
	}
	parts := strings.SplitN(rest, ":", 3)
	if len(parts) == 3 {
		h, okH := number(parts[0])
		m, okM := number(parts[1])
		s, okS := number(parts[2])
		if okH && okM && okS {
			d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second + time.Duration(nanos)
			if negative {
				d = -d
			}
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is not a time of day", text)
}
