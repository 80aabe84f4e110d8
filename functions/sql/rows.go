package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// result is what a query gives, row by row: the rows are not held in memory. It is for one goroutine.
type result interface {
	// fields describes the columns. It is the result's own.
	fields() []resultColumn
	// next reads the next row into values, one for each field, nil for NULL. A value that cannot be read is a
	// *valueError, after which one can go on. io.EOF means that there are no more.
	next(values []any) error
	// close lets go of the result, without reading the rest of it if it was not read to its end.
	close() error
}

// valueError is a value that cannot be carried.
type valueError struct {
	column string
	index  int
	err    error
}

func (e *valueError) Error() string { return fmt.Sprintf("reading the column %s: %v", e.column, e.err) }

func (e *valueError) Unwrap() error { return e.err }

// query runs a statement on the task's connection. The connection belongs to the result until that is closed.
func (d *database) query(ctx context.Context, t *typing, about *table, statement string, args []string) (result, error) {
	conn, err := d.conn(ctx)
	if err != nil {
		return nil, err
	}
	var r result
	err = conn.Raw(func(dc any) (err error) {
		r, err = d.read(ctx, dc, t, about, statement, args)
		return err
	})
	if err != nil {
		if ctx.Err() != nil || dead(err) {
			d.discard(ctx, conn)
			return nil, err
		}
		return nil, errors.Join(err, conn.Close())
	}
	return &held{ctx: ctx, result: r, database: d, conn: conn}, nil
}

// dead tells whether an error says that the connection is of no more use.
func dead(err error) bool {
	return failureOf(err) == lostConnection
}

// held is a result with the connection it is read from.
type held struct {
	result
	ctx      context.Context //nolint:containedctx // the query's, which tells whether it was given up
	database *database
	conn     *sql.Conn
	finished bool
}

func (h *held) next(values []any) error {
	err := h.result.next(values)
	if errors.Is(err, io.EOF) {
		h.finished = true
	}
	return err
}

// close gives the connection back. One with rows still to come is closed: to read them all would take long.
func (h *held) close() error {
	if !h.finished {
		h.database.discard(h.ctx, h.conn)
		return nil
	}
	return errors.Join(h.result.close(), h.conn.Close())
}

// convert makes a value of a field's kind of what a driver gives.
type convert func(v driver.Value) (any, error)

// driverRows is a result of a driver that speaks Go's interface, which MySQL's and SQLite's do.
type driverRows struct {
	stmt    driver.Stmt
	rows    driver.Rows
	columns []resultColumn
	convert []convert
	dest    []driver.Value
	first   bool // dest holds the first row
	empty   bool // there was no first row
}

// prepared runs a statement with values bound to it.
func prepared(ctx context.Context, dc any, statement string, args []string) (*driverRows, error) {
	preparer, ok := dc.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("the driver %T cannot prepare statements", dc)
	}
	stmt, err := preparer.PrepareContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	querier, ok := stmt.(driver.StmtQueryContext)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver %T cannot query", dc), stmt.Close())
	}
	rows, err := querier.QueryContext(ctx, named)
	if err != nil {
		return nil, errors.Join(err, stmt.Close())
	}
	return &driverRows{stmt: stmt, rows: rows, dest: make([]driver.Value, len(rows.Columns()))}, nil
}

func (r *driverRows) fields() []resultColumn { return r.columns }

func (r *driverRows) next(values []any) error {
	switch {
	case r.empty:
		return io.EOF
	case r.first:
		r.first = false
	default:
		if err := r.rows.Next(r.dest); err != nil {
			return err
		}
	}
	var bad error
	for i, v := range r.dest {
		values[i] = nil
		if v == nil || r.convert[i] == nil {
			continue
		}
		out, err := r.convert[i](v)
		if err != nil {
			bad = errors.Join(bad, &valueError{r.columns[i].name, i, err})
			continue
		}
		values[i] = out
	}
	return bad
}

func (r *driverRows) close() error { return errors.Join(r.rows.Close(), r.stmt.Close()) }

// textOf is a driver's text.
func textOf(v driver.Value) (string, error) {
	switch v := v.(type) {
	case []byte:
		return string(v), nil
	case string:
		return v, nil
	case int64, float64, float32, uint64, bool:
		return fmt.Sprint(v), nil
	case time.Time:
		return v.Format("2006-01-02 15:04:05.999999999"), nil
	}
	return "", fmt.Errorf("it is a %T", v)
}

// asString, asBytes, asFloat32, asFloat64 and asDecimal read a driver's values of these kinds.
func asString(v driver.Value) (any, error) { return textOf(v) }

func asBytes(v driver.Value) (any, error) {
	switch v := v.(type) {
	case []byte:
		return append([]byte{}, v...), nil // the driver uses its own again
	case string:
		return []byte(v), nil
	}
	return nil, fmt.Errorf("it is a %T", v)
}

func asFloat64(v driver.Value) (any, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case float32:
		return float64(v), nil
	case int64:
		return float64(v), nil
	}
	d, err := asDecimal(v)
	if err != nil {
		return nil, err
	}
	return d.(schema.Decimal).Float64(), nil
}

func asFloat32(v driver.Value) (any, error) {
	if f, ok := v.(float32); ok {
		return f, nil
	}
	f, err := asFloat64(v)
	if err != nil {
		return nil, err
	}
	return float32(f.(float64)), nil
}

func asDecimal(v driver.Value) (any, error) {
	text, err := textOf(v)
	if err != nil {
		return nil, err
	}
	return parseDecimal(text)
}
