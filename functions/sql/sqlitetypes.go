package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// sqliteRead runs a query. A column's type is the one it was declared with, and that of its first value where it has none.
func sqliteRead(ctx context.Context, dc any, t *typing, about *table, statement string, args []string) (result, error) {
	r, err := prepared(ctx, dc, statement, args)
	if err != nil {
		return nil, err
	}
	types, ok := r.rows.(driver.RowsColumnTypeDatabaseTypeName)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver does not describe its rows: %T", r.rows), r.close())
	}
	switch err := r.rows.Next(r.dest); {
	case err == nil:
		r.first = true
	case errors.Is(err, io.EOF):
		r.empty = true
	default:
		return nil, errors.Join(err, r.close())
	}
	for i, name := range r.rows.Columns() {
		f := resultColumn{name: name, typ: strings.ToUpper(types.ColumnTypeDatabaseTypeName(i)), nullable: true}
		if about != nil {
			if c := about.column(name); c != nil {
				f.nullable = c.nullable
			}
		}
		r.columns = append(r.columns, f)
		r.convert = append(r.convert, sqliteConvert(t, &r.columns[i], r.dest[i]))
	}
	return r, nil
}

// sqliteConvert finds out the field's kind from its type, as the JDBC driver does, and how to read its values.
func sqliteConvert(t *typing, f *resultColumn, first driver.Value) convert {
	base, sizes, _ := strings.Cut(f.typ, "(")
	switch strings.TrimSpace(base) {
	case "BOOLEAN", "BOOL", "BIT":
		f.kind = kindBool
		return func(v driver.Value) (any, error) {
			if b, ok := v.(bool); ok {
				return b, nil
			}
			n, err := intOf(v)
			return n != 0, err
		}
	case "TINYINT":
		f.kind = kindInt8
		return asInt8
	case "SMALLINT", "INT2":
		f.kind = kindInt16
		return asInt16
	case "BIGINT", "INT8", "UNSIGNED BIG INT":
		f.kind = kindInt64
		return asInt64
	case "INT", "INTEGER", "MEDIUMINT":
		if t.extended {
			f.kind = kindInt64
			return asInt64
		}
		f.kind = kindInt32
		return asInt32
	case "REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT":
		f.kind = kindFloat64
		return asFloat64
	case "DECIMAL", "NUMERIC":
		return sqliteDecimal(f, strings.TrimSuffix(sizes, ")"))
	case "DATE", "DATETIME", "TIMESTAMP":
		f.kind = kindTimestamp
		if strings.TrimSpace(base) == "DATE" {
			f.kind = kindDate
		}
		day := f.kind == kindDate
		return func(v driver.Value) (any, error) { return sqliteMoment(t, v, day) }
	case "BLOB", "BINARY", "VARBINARY":
		f.kind = kindBytes
		return asBytes
	case "":
		return sqliteUntyped(f, first)
	}
	f.kind = kindString
	return asString
}

func sqliteUntyped(f *resultColumn, first driver.Value) convert {
	switch first.(type) {
	case int64:
		f.kind = kindInt64
		return asInt64
	case float64:
		f.kind = kindFloat64
		return asFloat64
	case []byte:
		f.kind = kindBytes
		return asBytes
	}
	f.kind = kindString
	return asString
}

func sqliteDecimal(f *resultColumn, sizes string) convert {
	precision, scale, _ := strings.Cut(sizes, ",")
	f.kind, f.scale = kindNumeric, unsetScale
	if n, err := strconv.Atoi(strings.TrimSpace(precision)); err == nil {
		f.precision, f.scale = n, 0
		f.scale, _ = strconv.Atoi(strings.TrimSpace(scale))
	}
	return asDecimal
}

// sqliteMoment reads a day, or a day with a time: text, or a number of milliseconds since 1970.
func sqliteMoment(t *typing, v driver.Value, day bool) (any, error) {
	switch v := v.(type) {
	case time.Time:
		y, m, d := v.Date()
		clock := time.Duration(v.Hour())*time.Hour + time.Duration(v.Minute())*time.Minute + time.Duration(v.Second())*time.Second +
			time.Duration(v.Nanosecond())
		if day {
			return t.day(y, m, d), nil
		}
		return t.instant(y, m, d, clock), nil
	case int64:
		at := time.UnixMilli(v).UTC() // in Java's older calendar, as JDBC's driver has it
		midnight := at.Truncate(24 * time.Hour)
		clock := at.Sub(midnight)
		if t.gregorian {
			midnight = t.day(schema.CivilDate(midnight))
		}
		if day {
			return midnight, nil
		}
		return midnight.Add(clock), nil
	}
	text, err := textOf(v)
	if err != nil {
		return nil, err
	}
	return mysqlMoment(t, strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "Z"), day)
}
