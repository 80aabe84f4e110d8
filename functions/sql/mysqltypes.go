package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// mysqlRead runs a query. Values come in the binary protocol; days and times as text.
func mysqlRead(ctx context.Context, dc any, t *typing, about *table, statement string, args []string) (result, error) {
	r, err := prepared(ctx, dc, statement, args)
	if err != nil {
		return nil, err
	}
	types, ok := r.rows.(interface {
		driver.RowsColumnTypeDatabaseTypeName
		driver.RowsColumnTypeNullable
		driver.RowsColumnTypePrecisionScale
	})
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver does not describe its rows: %T", r.rows), r.close())
	}
	for i, name := range r.rows.Columns() {
		f := resultColumn{name: name, typ: types.ColumnTypeDatabaseTypeName(i)}
		f.nullable, _ = types.ColumnTypeNullable(i)
		if precision, scale, ok := types.ColumnTypePrecisionScale(i); ok {
			f.precision, f.scale = int(precision), int(scale)
		}
		if about != nil {
			if c := about.column(name); c != nil {
				mysqlSizes(&f, c.typ)
			}
		}
		r.columns = append(r.columns, f)
		r.convert = append(r.convert, mysqlConvert(t, &r.columns[i]))
	}
	return r, nil
}

// mysqlSizes takes the sizes from the catalog's name of the type: the protocol does not tell those of unsigned decimals and
// of bits.
func mysqlSizes(f *resultColumn, typ string) {
	_, sizes, ok := strings.Cut(typ, "(")
	if f.typ != "DECIMAL" && f.typ != "BIT" || !ok {
		return
	}
	sizes, _, _ = strings.Cut(sizes, ")")
	precision, scale, _ := strings.Cut(sizes, ",")
	f.precision, _ = strconv.Atoi(precision)
	f.scale, _ = strconv.Atoi(scale)
}

// mysqlConvert finds out the field's kind from its type, and how to read its values.
func mysqlConvert(t *typing, f *resultColumn) convert {
	switch f.typ {
	case "TINYINT":
		f.kind = kindInt8
		return asInt8
	case "UNSIGNED TINYINT", "SMALLINT":
		f.kind = kindInt16
		return asInt16
	case "UNSIGNED SMALLINT", "MEDIUMINT", "INT":
		f.kind = kindInt32
		return asInt32
	case "UNSIGNED MEDIUMINT", "UNSIGNED INT", "BIGINT":
		f.kind = kindInt64
		return asInt64
	case "UNSIGNED BIGINT":
		if t.extended {
			f.kind, f.precision, f.scale = kindDecimal, 20, 0
			return asDecimal
		}
		f.kind = kindInt64
		return asInt64
	case "FLOAT":
		f.kind = kindFloat32
		return asFloat32
	case "DOUBLE":
		f.kind = kindFloat64
		return asFloat64
	case "DECIMAL":
		f.kind = kindDecimal
		return asDecimal
	case "BIT":
		return mysqlBit(t, f)
	case "DATE", "DATETIME", "TIMESTAMP", "TIME", "YEAR":
		return mysqlTemporal(t, f)
	case "BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB", "GEOMETRY", "VECTOR":
		f.kind = kindBytes
		return asBytes
	}
	f.kind = kindString
	return asString
}

// mysqlBit reads bits: JDBC's getByte, which has a sign, and extended what does not fit it.
func mysqlBit(t *typing, f *resultColumn) convert {
	if t.extended && f.precision > 8 {
		f.kind, f.scale = kindDecimal, 0
		return func(v driver.Value) (any, error) {
			b, ok := v.([]byte)
			if !ok {
				return nil, fmt.Errorf("it is a %T", v)
			}
			return schema.Decimal{Unscaled: new(big.Int).SetBytes(b)}, nil
		}
	}
	f.kind = kindInt8
	return func(v driver.Value) (any, error) {
		b, ok := v.([]byte)
		if !ok {
			return nil, fmt.Errorf("it is a %T", v)
		}
		n := new(big.Int).SetBytes(b)
		if len(b) > 1 && (!n.IsInt64() || n.Int64() > math.MaxInt8) {
			return nil, fmt.Errorf("%s is out of range for an INT8; sluice.types=extended carries it", n)
		}
		return int8(n.Int64()), nil //nolint:gosec // eight bits have a sign here
	}
}

// mysqlTemporal reads days and times.
func mysqlTemporal(t *typing, f *resultColumn) convert {
	switch f.typ {
	case "DATE":
		f.kind = kindDate
		return func(v driver.Value) (any, error) { return mysqlMoment(t, v, true) }
	case "TIME":
		return mysqlTime(t, f)
	case "YEAR":
		if t.yearShort {
			f.kind = kindInt16
			return asInt16
		}
		f.kind = kindDate
		return func(v driver.Value) (any, error) {
			year, err := intOf(v)
			if err != nil {
				return nil, err
			}
			return t.day(int(year), time.January, 1), nil
		}
	}
	f.kind = kindTimestamp
	return func(v driver.Value) (any, error) { return mysqlMoment(t, v, false) }
}

// mysqlMoment reads a day, or a day with a time.
func mysqlMoment(t *typing, v driver.Value, day bool) (any, error) {
	text, err := textOf(v)
	if err != nil {
		return nil, err
	}
	date, clock, _ := strings.Cut(text, " ")
	y, m, d, err := parseDay(date)
	if err != nil {
		return nil, err
	}
	if m == 0 || d == 0 {
		switch {
		case t.zeroNull:
			return nil, nil //nolint:nilnil // NULL
		case t.zeroRound:
			y, m, d = max(y, 1), max(m, 1), max(d, 1)
		default:
			return nil, fmt.Errorf("%s is not a day; zeroDateTimeBehavior=CONVERT_TO_NULL in the URL takes it for NULL", date)
		}
	}
	if day {
		return t.day(y, m, d), nil
	}
	var of time.Duration
	if clock != "" {
		if of, err = parseClock(clock); err != nil {
			return nil, err
		}
	}
	return t.instant(y, m, d, of), nil
}

// mysqlTime reads TIME, which in MySQL may be more than a day, or less than nothing.
func mysqlTime(t *typing, f *resultColumn) convert {
	if t.extended {
		f.kind = kindString
		return asString
	}
	f.kind = kindTime
	return func(v driver.Value) (any, error) {
		text, err := textOf(v)
		if err != nil {
			return nil, err
		}
		d, err := parseClock(text)
		if err != nil {
			return nil, err
		}
		if d < 0 || d >= 24*time.Hour {
			return nil, fmt.Errorf("%s is no time of day; sluice.types=extended carries it", text)
		}
		return time.Unix(0, int64(d)).UTC(), nil
	}
}

// intOf is a driver's whole number.
func intOf(v driver.Value) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case uint64:
		if v > math.MaxInt64 {
			return 0, fmt.Errorf("%d is out of range for an INT64; sluice.types=extended carries it", v)
		}
		return int64(v), nil
	case []byte:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is out of range for an INT64; sluice.types=extended carries it", v)
		}
		return n, nil
	}
	return 0, fmt.Errorf("it is a %T", v)
}

func within(v driver.Value, least, most int64, typ schema.Type) (int64, error) {
	n, err := intOf(v)
	if err == nil && (n < least || n > most) {
		err = fmt.Errorf("%d is out of range for an %s; sluice.types=extended carries it", n, typ)
	}
	return n, err
}

// asInt8, asInt16, asInt32 and asInt64 read a driver's whole numbers.
func asInt8(v driver.Value) (any, error) {
	n, err := within(v, math.MinInt8, math.MaxInt8, schema.Int8)
	return int8(n), err
}

func asInt16(v driver.Value) (any, error) {
	n, err := within(v, math.MinInt16, math.MaxInt16, schema.Int16)
	return int16(n), err
}

func asInt32(v driver.Value) (any, error) {
	n, err := within(v, math.MinInt32, math.MaxInt32, schema.Int32)
	return int32(n), err
}

func asInt64(v driver.Value) (any, error) { return intOf(v) }
