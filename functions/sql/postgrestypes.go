package sql

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// decode makes a value of a field's kind of what PostgreSQL sent. raw is the driver's own.
type decode func(raw []byte) (any, error)

// postgresResult is a result read from the protocol itself, in the binary form where that is the simpler one.
type postgresResult struct {
	reader  *pgconn.ResultReader
	columns []resultColumn
	decode  []decode
}

// The formats of the protocol.
const (
	formatText   int16 = 0
	formatBinary int16 = 1
)

func postgresRead(ctx context.Context, dc any, t *typing, _ *table, statement string, args []string) (result, error) {
	c, ok := dc.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("the driver's connection is a %T", dc)
	}
	conn := c.Conn().PgConn()
	described, err := conn.Prepare(ctx, "", statement, nil)
	if err != nil {
		return nil, err
	}
	fields := append([]pgconn.FieldDescription{}, described.Fields...)
	required, err := notNull(ctx, conn, fields)
	if err != nil {
		return nil, err
	}
	enums, err := enumTypes(ctx, conn, fields)
	if err != nil {
		return nil, err
	}
	r := &postgresResult{}
	formats := make([]int16, len(fields))
	for i, d := range fields {
		f := resultColumn{
			name: d.Name, nullable: !required[columnID{d.TableOID, d.TableAttributeNumber}], enum: enums[d.DataTypeOID],
		}
		var read decode
		read, formats[i] = postgresDecode(t, &f, d.DataTypeOID, d.TypeModifier)
		r.columns, r.decode = append(r.columns, f), append(r.decode, read)
	}
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	r.reader = conn.ExecParams(ctx, statement, values, nil, nil, formats)
	return r, nil
}

// columnID names a column of a table as the protocol does.
type columnID struct {
	table  uint32
	number uint16
}

// notNull tells which of the columns of a result are columns of a table that cannot be NULL.
func notNull(ctx context.Context, conn *pgconn.PgConn, fields []pgconn.FieldDescription) (map[columnID]bool, error) {
	tables := map[uint32]bool{}
	for _, f := range fields {
		if f.TableOID != 0 {
			tables[f.TableOID] = true
		}
	}
	const query = "select attrelid, attnum from pg_catalog.pg_attribute where attrelid = any($1::oid[]) and attnum > 0 and attnotnull"
	rows, err := askCatalog(ctx, conn, query, tables)
	if err != nil {
		return nil, fmt.Errorf("asking which columns can be NULL: %w", err)
	}
	found := map[columnID]bool{}
	for _, row := range rows {
		found[columnID{binary.BigEndian.Uint32(row[0]), binary.BigEndian.Uint16(row[1])}] = true
	}
	return found, nil
}

// firstOwnOID is the first number of a type that is not built in.
const firstOwnOID = 16384

// enumTypes tells which types of a result are enumerations.
func enumTypes(ctx context.Context, conn *pgconn.PgConn, fields []pgconn.FieldDescription) (map[uint32]bool, error) {
	types := map[uint32]bool{}
	for _, f := range fields {
		if f.DataTypeOID >= firstOwnOID {
			types[f.DataTypeOID] = true
		}
	}
	const query = "select oid from pg_catalog.pg_type where oid = any($1::oid[]) and typtype = 'e'"
	rows, err := askCatalog(ctx, conn, query, types)
	if err != nil {
		return nil, fmt.Errorf("asking which types are enumerations: %w", err)
	}
	found := map[uint32]bool{}
	for _, row := range rows {
		found[binary.BigEndian.Uint32(row[0])] = true
	}
	return found, nil
}

// askCatalog asks about the objects that have these numbers, which are the query's only argument; about none it need not ask.
func askCatalog(ctx context.Context, conn *pgconn.PgConn, query string, about map[uint32]bool) ([][][]byte, error) {
	if len(about) == 0 {
		return nil, nil
	}
	list := []byte{'{'}
	for oid := range about {
		list = append(strconv.AppendUint(list, uint64(oid), 10), ',')
	}
	list[len(list)-1] = '}'
	read := conn.ExecParams(ctx, query, [][]byte{list}, nil, nil, []int16{formatBinary}).Read()
	return read.Rows, read.Err
}

func (r *postgresResult) fields() []resultColumn { return r.columns }

func (r *postgresResult) next(values []any) error {
	if !r.reader.NextRow() {
		if _, err := r.reader.Close(); err != nil {
			return err
		}
		return io.EOF
	}
	var bad error
	for i, raw := range r.reader.Values() {
		values[i] = nil
		if raw == nil || r.decode[i] == nil {
			continue
		}
		v, err := r.decode[i](raw)
		if err != nil {
			bad = errors.Join(bad, &valueError{r.columns[i].name, i, err})
			continue
		}
		values[i] = v
	}
	return bad
}

func (r *postgresResult) close() error {
	_, err := r.reader.Close()
	return err
}

// postgresDecode finds out the field's kind from its type, and how to read its values in which format. Types that the JDBC
// connectors leave out have no kind, unless they are to be carried.
func postgresDecode(t *typing, f *resultColumn, oid uint32, modifier int32) (decode, int16) {
	switch oid {
	case pgtype.BoolOID:
		f.kind = kindBool
		return func(b []byte) (any, error) { return b[0] != 0, nil }, formatBinary
	case pgtype.Int2OID:
		f.kind = kindInt16
		return func(b []byte) (any, error) { return int16(binary.BigEndian.Uint16(b)), nil }, formatBinary
	case pgtype.Int4OID:
		f.kind = kindInt32
		return func(b []byte) (any, error) { return int32(binary.BigEndian.Uint32(b)), nil }, formatBinary
	case pgtype.Int8OID:
		f.kind = kindInt64
		return func(b []byte) (any, error) { return int64(binary.BigEndian.Uint64(b)), nil }, formatBinary
	case pgtype.OIDOID:
		f.kind = kindInt64
		return func(b []byte) (any, error) { return int64(binary.BigEndian.Uint32(b)), nil }, formatBinary
	case pgtype.Float4OID:
		f.kind = kindFloat32
		return func(b []byte) (any, error) { return math.Float32frombits(binary.BigEndian.Uint32(b)), nil }, formatBinary
	case pgtype.Float8OID:
		f.kind = kindFloat64
		return func(b []byte) (any, error) { return math.Float64frombits(binary.BigEndian.Uint64(b)), nil }, formatBinary
	case moneyOID:
		f.kind = kindFloat64
		return func(b []byte) (any, error) { return float64(int64(binary.BigEndian.Uint64(b))) / 100, nil }, formatBinary
	case pgtype.NumericOID:
		return postgresNumeric(t, f, modifier)
	case pgtype.ByteaOID:
		f.kind = kindBytes
		return func(b []byte) (any, error) { return append([]byte{}, b...), nil }, formatBinary
	case pgtype.DateOID, pgtype.TimeOID, pgtype.TimetzOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return postgresTemporal(t, f, oid)
	case pgtype.BitOID:
		return postgresBit(t, f, modifier)
	}
	return postgresText(t, f, oid)
}

// moneyOID is the type money; amounts are in hundredths, as in most locales.
const moneyOID = 790

func text(b []byte) (any, error) { return string(b), nil }

// postgresText reads what is carried as text, and arrays. As in JDBC's driver that is not everything that can be written as
// text: ranges, intervals, composite types and those of extensions are left out.
func postgresText(t *typing, f *resultColumn, oid uint32) (decode, int16) {
	textual := f.enum || slices.Contains([]uint32{
		pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.QCharOID, pgtype.NameOID, pgtype.UnknownOID,
		pgtype.JSONOID, pgtype.JSONBOID, pgtype.UUIDOID, pgtype.XMLOID,
	}, oid)
	element, array := postgresElements()[oid]
	switch {
	case !textual && !t.extended:
		f.kind = kindNone
		return nil, formatText
	case array:
		f.kind, f.element = kindArray, &resultColumn{name: f.name, nullable: true, scale: unsetScale}
		read, format := postgresDecode(t, f.element, element, -1)
		return postgresArray(read, format, f.element), formatBinary
	}
	f.kind = kindString
	return text, formatText
}

// postgresElements are the types of arrays' elements, for those arrays that are carried as such.
func postgresElements() map[uint32]uint32 {
	return map[uint32]uint32{
		pgtype.BoolArrayOID: pgtype.BoolOID, pgtype.Int2ArrayOID: pgtype.Int2OID, pgtype.Int4ArrayOID: pgtype.Int4OID,
		pgtype.Int8ArrayOID: pgtype.Int8OID, pgtype.Float4ArrayOID: pgtype.Float4OID, pgtype.Float8ArrayOID: pgtype.Float8OID,
		pgtype.TextArrayOID: pgtype.TextOID, pgtype.VarcharArrayOID: pgtype.VarcharOID, pgtype.BPCharArrayOID: pgtype.BPCharOID,
		pgtype.NameArrayOID: pgtype.NameOID, pgtype.ByteaArrayOID: pgtype.ByteaOID, pgtype.DateArrayOID: pgtype.DateOID,
		pgtype.TimeArrayOID: pgtype.TimeOID, pgtype.TimestampArrayOID: pgtype.TimestampOID,
		pgtype.TimestamptzArrayOID: pgtype.TimestamptzOID, pgtype.NumericArrayOID: pgtype.NumericOID,
		pgtype.UUIDArrayOID: pgtype.UUIDOID, pgtype.JSONArrayOID: pgtype.JSONOID, pgtype.JSONBArrayOID: pgtype.JSONBOID,
	}
}

// postgresArray reads the binary form of an array of one dimension.
func postgresArray(read decode, format int16, element *resultColumn) decode {
	return func(b []byte) (any, error) {
		if len(b) < 12 {
			return nil, errors.New("the array is cut off")
		}
		if dimensions := binary.BigEndian.Uint32(b); dimensions == 0 {
			return []any{}, nil
		} else if dimensions > 1 {
			return nil, fmt.Errorf("the array has %d dimensions; one is carried", dimensions)
		}
		n := int(binary.BigEndian.Uint32(b[12:]))
		out := make([]any, n)
		b = b[20:]
		for i := range out {
			size := int32(binary.BigEndian.Uint32(b))
			b = b[4:]
			if size < 0 {
				continue
			}
			v, err := element.fromBinary(b[:size], read, format)
			if err != nil {
				return nil, err
			}
			out[i], b = v, b[size:]
		}
		return out, nil
	}
}

// fromBinary reads an element of an array, which is in its binary form also where decode wants text.
func (f *resultColumn) fromBinary(b []byte, read decode, format int16) (any, error) {
	if format == formatBinary {
		return read(b)
	}
	switch f.typ {
	case "numeric":
		var n pgtype.Numeric
		if err := (pgtype.NumericCodec{}).PlanScan(nil, pgtype.NumericOID, formatBinary, &n).Scan(b, &n); err != nil {
			return nil, err
		}
		v, err := n.Value()
		if err != nil {
			return nil, err
		}
		return read([]byte(fmt.Sprint(v)))
	case "uuid":
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
	case "jsonb":
		return string(b[1:]), nil // behind a version
	}
	return read(b) // text is the same in both
}

// postgresNumeric reads NUMERIC. Without scale it is one of 127, as in Confluent's connector, or text when extended.
func postgresNumeric(t *typing, f *resultColumn, modifier int32) (decode, int16) {
	f.typ, f.scale = "numeric", unsetScale
	if modifier >= 4 {
		f.precision = int((modifier-4)>>16) & 0xffff
		f.scale = int((modifier - 4) & 0x7ff)
		if f.scale > 1023 {
			f.scale -= 2048 // negative ones are possible since PostgreSQL 15
		}
	}
	if t.extended && f.scale == unsetScale {
		f.kind = kindString
		return text, formatText
	}
	f.kind = kindNumeric
	return func(b []byte) (any, error) { return parseDecimal(string(b)) }, formatText
}

// postgresBit reads bit(1) as a truth. Longer ones JDBC cannot read as the number that the connectors want.
func postgresBit(t *typing, f *resultColumn, modifier int32) (decode, int16) {
	switch {
	case modifier == 1:
		f.kind = kindBool
		return func(b []byte) (any, error) { return string(b) == "1", nil }, formatText
	case t.extended:
		f.kind = kindString
		return text, formatText
	}
	f.kind = kindInt8
	return func(b []byte) (any, error) {
		return nil, fmt.Errorf("Bad value for type byte : %s; sluice.types=extended carries it", b) //nolint:staticcheck // pgjdbc's words
	}, formatText
}

// Dates and times count from here.
const (
	epochDays = 10957
)

// What pgjdbc makes of infinite timestamps, in milliseconds.
const (
	infinityMillis      = 9223372036825200000
	minusInfinityMillis = -9223372036832400000
)

// postgresTemporal reads days and times, all in the binary form.
func postgresTemporal(t *typing, f *resultColumn, oid uint32) (decode, int16) {
	switch oid {
	case pgtype.DateOID:
		f.kind = kindDate
		return func(b []byte) (any, error) {
			n := int32(binary.BigEndian.Uint32(b))
			if n == math.MaxInt32 || n == math.MinInt32 {
				return nil, errors.New("it is infinity, which no Date is")
			}
			return t.sameDay(time.Unix((int64(n)+epochDays)*daySeconds, 0).UTC()), nil
		}, formatBinary
	case pgtype.TimeOID:
		f.kind = kindTime
		return func(b []byte) (any, error) {
			return time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC(), nil
		}, formatBinary
	case pgtype.TimetzOID:
		f.kind = kindTime
		return func(b []byte) (any, error) {
			west := int64(int32(binary.BigEndian.Uint32(b[8:])))
			at := time.UnixMicro(int64(binary.BigEndian.Uint64(b)) + west*1000000)
			return t.onClock(at), nil
		}, formatBinary
	case pgtype.TimestampOID:
		f.kind = kindTimestamp
		return func(b []byte) (any, error) {
			at, finite := postgresMoment(b)
			if !finite {
				return at, nil
			}
			y, m, d := at.Date()
			return t.instant(y, m, d, time.Duration(at.Hour())*time.Hour+time.Duration(at.Minute())*time.Minute+
				time.Duration(at.Second())*time.Second+time.Duration(at.Nanosecond())), nil
		}, formatBinary
	}
	f.kind = kindTimestamp
	return func(b []byte) (any, error) {
		at, finite := postgresMoment(b)
		if !finite || at.Year() >= 1583 {
			return at, nil
		}
		day := at.Truncate(24 * time.Hour)
		return t.sameDay(day).Add(at.Sub(day)), nil
	}, formatBinary
}

// onClock is an instant as the clock of db.timezone shows it, which is what times of day are carried as.
func (t *typing) onClock(at time.Time) time.Time {
	if t.location == time.UTC {
		return at.UTC()
	}
	_, offset := at.In(t.location).Zone()
	return at.Add(time.Duration(offset) * time.Second).UTC()
}

// postgresMoment reads microseconds since 2000. finite is false for infinity.
func postgresMoment(b []byte) (at time.Time, finite bool) {
	switch n := int64(binary.BigEndian.Uint64(b)); n {
	case math.MaxInt64:
		return time.UnixMilli(infinityMillis).UTC(), false
	case math.MinInt64:
		return time.UnixMilli(minusInfinityMillis).UTC(), false
	default:
		return time.UnixMicro(n).Add(epochDays * 24 * time.Hour).UTC(), true // the sum would not fit
	}
}

// sameDay is a day of the Gregorian calendar as the same date in the calendar that is asked for.
func (t *typing) sameDay(day time.Time) time.Time {
	if day.Year() >= 1583 {
		return day
	}
	return t.day(day.Date())
}
