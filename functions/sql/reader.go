package sql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// reader reads one table, or the query, again and again from where it stopped.
type reader struct {
	settings *sourceSettings
	typing   *typing
	db       *database
	log      connect.Logger

	name      tableName
	about     *table // nil for a query
	topic     string
	partition connect.Partition
	times     []string // timestamp columns
	id        string   // incrementing column

	place   place
	due     time.Time
	horizon *horizon
	moved   bool // place changed in a way that no record tells

	failures int     // of queries, one after the other
	open     *opened // the query that runs, or nil
}

// opened is a query that runs.
type opened struct {
	result
	cancel  context.CancelFunc
	schema  *schema.Schema
	columns []int   // of the result, for each field of the schema
	adapt   []adapt // of each field
	times   []int   // columns of the result
	id      int
	values  []any
	ahead   *row // the row that was read ahead
	ended   bool
	read    int       // rows
	from    time.Time // the timestamp after which it began
}

// row is a row on its way.
type row struct {
	value *schema.Struct
	at    time.Time
	id    int64
}

// ready makes the reader ready to read rows, if it is due and the horizon lets it. Once it is ready it stays so until its
// rows have been read to their end.
func (r *reader) ready(ctx context.Context) (bool, error) {
	if r.open != nil {
		return true, nil
	}
	if time.Now().Before(r.due) {
		return false, nil
	}
	bound, ok, err := r.bound(ctx)
	if err != nil {
		return false, fmt.Errorf("asking how far to read in %s: %w", r.what(), err)
	}
	if !ok {
		r.due = time.Now().Add(r.settings.pollEvery)
		return false, nil
	}
	if err := r.begin(ctx, bound); err != nil {
		return false, fmt.Errorf("querying %s: %w", r.what(), err)
	}
	return true, nil
}

// what names the table or the query for messages.
func (r *reader) what() string {
	if r.about == nil {
		return "the query"
	}
	return r.name.String()
}

// begin sends the query.
func (r *reader) begin(ctx context.Context, b limit) error {
	// The query goes on from one poll to the next, and ends when a poll is told to.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if deadline, ok := ctx.Deadline(); ok {
		running, cancel = context.WithDeadline(running, deadline)
	}
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	statement, args := r.statement(b)
	res, err := r.db.query(running, r.typing, r.about, statement, args)
	if err != nil {
		cancel()
		return err
	}
	o := &opened{result: res, cancel: cancel, id: -1, from: r.place.at}
	if err := r.shape(o); err != nil {
		cancel()
		return errors.Join(err, res.close())
	}
	r.open = o
	return nil
}

// shape makes the schema of the result's rows.
func (r *reader) shape(o *opened) error {
	var fields []schema.Field
	columns := o.fields()
	o.values = make([]any, len(columns))
	o.times = make([]int, len(r.times))
	for i := range o.times {
		o.times[i] = -1
	}
	for i := range columns {
		f := &columns[i]
		if strings.EqualFold(f.name, r.id) && r.settings.byID() {
			o.id = i
		}
		for j, name := range r.times {
			if strings.EqualFold(f.name, name) {
				o.times[j] = i
			}
		}
		s, change := r.typing.schema(f)
		if s == nil {
			r.log.Warn("a column is left out: its type is none of Connect's; sluice.types=extended may carry it", "table", r.what(), "column", f.name)
			continue
		}
		fields = append(fields, schema.F(f.name, s))
		o.columns, o.adapt = append(o.columns, i), append(o.adapt, change)
	}
	if r.settings.byID() && o.id < 0 {
		return fmt.Errorf("the result has no column %s, which should be the incrementing one", r.id)
	}
	if r.settings.byTime() {
		for j, i := range o.times {
			if i < 0 {
				return fmt.Errorf("the result has no column %s, which should be a timestamp", r.times[j])
			}
		}
	}
	var opts []schema.Option
	if r.about != nil {
		opts = append(opts, schema.Named(r.name.table))
	}
	var err error
	o.schema, err = schema.NewStructOf(fields, opts...)
	return err
}

// statement is the query for what comes after the place, and not after the bound.
func (r *reader) statement(b limit) (string, []string) {
	base := r.settings.theQuery()
	if r.about != nil {
		base = "SELECT * FROM " + r.db.quotedTable(r.name)
	}
	w := where{dialect: r.db.dialect}
	switch r.settings.mode {
	case modeIncrementing:
		w.add(r.idColumn(), " > ", strconv.FormatInt(r.place.id, 10))
		if b.hasID {
			w.and()
			w.add(r.idColumn(), " <= ", strconv.FormatInt(b.id, 10))
		}
		w.order(r.idColumn())
	case modeTimestamp:
		w.time(r.timeColumn(), " > ", r.moment(r.place.at))
		w.and()
		w.time(r.timeColumn(), " < ", b.at)
		w.order(r.timeColumn())
	case modeTimestampPlus:
		at := r.moment(r.place.at)
		w.time(r.timeColumn(), " < ", b.at)
		w.text.WriteString(" AND ((")
		w.time(r.timeColumn(), " = ", at)
		w.and()
		w.add(r.idColumn(), " > ", strconv.FormatInt(r.place.id, 10))
		w.text.WriteString(") OR ")
		w.time(r.timeColumn(), " > ", at)
		w.text.WriteString(")")
		w.order(r.timeColumn(), r.idColumn())
	}
	if w.text.Len() > 0 {
		base += " WHERE " + w.text.String()
	}
	if r.settings.querySuffix != "" {
		base += " " + r.settings.querySuffix
	}
	return base, w.args
}

// where is a condition with its values.
type where struct {
	dialect *dialect
	text    strings.Builder
	args    []string
}

func (w *where) add(column, operator, value string) {
	w.args = append(w.args, value)
	w.text.WriteString(column + operator + w.dialect.placeholder(len(w.args)))
}

// time is add for a timestamp.
func (w *where) time(column, operator, value string) {
	w.add(column, operator+w.dialect.before, value)
	w.text.WriteString(w.dialect.after)
}

func (w *where) and() { w.text.WriteString(" AND ") }

func (w *where) order(columns ...string) {
	w.text.WriteString(" ORDER BY " + strings.Join(columns, " ASC, ") + " ASC")
}

func (r *reader) idColumn() string { return r.db.quoted(r.id) }

func (r *reader) timeColumn() string {
	columns := make([]string, len(r.times))
	for i, name := range r.times {
		columns[i] = r.db.quoted(name)
		if r.db.comparable != nil {
			columns[i] = r.db.comparable(columns[i])
		}
	}
	if len(columns) == 1 {
		return columns[0]
	}
	return "COALESCE(" + strings.Join(columns, ",") + ")"
}

// moment is a timestamp as the database reads it.
func (r *reader) moment(at time.Time) string {
	if r.db.zoned {
		return at.In(r.typing.location).Format("2006-01-02 15:04:05.999999999-07:00")
	}
	return at.In(r.typing.location).Format(r.db.layout())
}

// read appends the next rows to records, at most so many in all. done tells that there are no more for now.
func (r *reader) read(ctx context.Context, records []connect.Record, most int) (_ []connect.Record, done bool, err error) {
	stop := context.AfterFunc(ctx, r.open.cancel)
	defer stop()
	for len(records) < most {
		current, err := r.take()
		if err != nil {
			return records, false, r.failed(ctx, err)
		}
		if current == nil {
			r.end()
			return records, true, nil
		}
		record := connect.Record{
			Topic: r.topic, Partition: connect.AnyPartition, Value: connect.Datum{Schema: r.open.schema, Value: current.value},
		}
		if r.settings.mode != modeBulk {
			if record.Source, err = r.source(current); err != nil {
				return records, false, r.failed(ctx, err)
			}
		}
		records = append(records, record)
	}
	return records, false, nil
}

// source is where to go on after a row. In timestamp mode that is known only once a row with a later timestamp was seen:
// an offset never passes a timestamp whose rows were not all read.
func (r *reader) source(current *row) (connect.Source, error) {
	source := connect.Source{Partition: r.partition}
	next := place{}
	switch r.settings.mode {
	case modeIncrementing:
		next = place{id: current.id, hasID: true}
	case modeTimestampPlus:
		next = place{id: current.id, hasID: true, at: current.at, hasTime: true}
	case modeTimestamp:
		next = place{at: current.at, hasTime: true}
		ahead, err := r.peek()
		if err != nil {
			return source, err
		}
		if ahead != nil && !ahead.at.After(current.at) {
			return source, nil
		}
		if most := r.settings.most; ahead == nil && most > 0 && r.open.read >= most {
			// A LIMIT cut the result off, perhaps among rows of this timestamp: they are read again by the next query.
			if r.place.at.Equal(r.open.from) {
				return source, fmt.Errorf("query.suffix limits the result to %d rows, and there are as many of one timestamp, %s",
					most, current.at.Format(time.RFC3339Nano))
			}
			return source, nil
		}
	}
	r.place = next
	source.Position = next.position()
	return source, nil
}

// peek reads one row ahead. nil means that there is none.
func (r *reader) peek() (*row, error) {
	if r.open.ahead == nil && !r.open.ended {
		var err error
		if r.open.ahead, err = r.scan(); err != nil {
			return nil, err
		}
	}
	return r.open.ahead, nil
}

// take returns the next row, nil if there is none.
func (r *reader) take() (*row, error) {
	next, err := r.peek()
	r.open.ahead = nil
	return next, err
}

// scan reads a row.
func (r *reader) scan() (*row, error) {
	o := r.open
	err := o.next(o.values)
	if errors.Is(err, io.EOF) {
		o.ended = true
		return nil, nil //nolint:nilnil // there is no row
	}
	if err != nil && !r.forgiven(err) {
		return nil, err
	}
	o.read++
	out := &row{}
	if o.id >= 0 {
		if out.id, err = wholeNumber(o.values[o.id]); err != nil {
			return nil, fmt.Errorf("reading the incrementing column %s: %w", r.id, err)
		}
	}
	for _, i := range o.times {
		if at, ok := o.values[i].(time.Time); ok {
			out.at = at
			break
		}
	}
	fields := make([]any, len(o.columns))
	for i, c := range o.columns {
		v := o.values[c]
		if v != nil && o.adapt[i] != nil {
			if v, err = o.adapt[i](v); err != nil {
				err := &valueError{o.schema.Fields[i].Name, c, err}
				if !r.forgiven(err) {
					return nil, err
				}
				v = nil
			}
		}
		fields[i] = v
	}
	out.value = schema.StructFrom(o.schema, fields)
	return out, nil
}

// forgiven tells whether a value that cannot be carried becomes NULL, as Aiven's connector has it.
func (r *reader) forgiven(err error) bool {
	var bad *valueError
	if !r.settings.aiven() || !errors.As(err, &bad) {
		return false
	}
	r.log.Warn("a value that cannot be read becomes NULL, as in Aiven's connector", "table", r.what(), "error", err)
	return true
}

// wholeNumber is the value of an incrementing column.
func wholeNumber(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case int32:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int8:
		return int64(v), nil
	case schema.Decimal:
		if whole, err := rescale(v, 0); err == nil && whole.(schema.Decimal).Int().IsInt64() {
			return whole.(schema.Decimal).Int().Int64(), nil
		}
		return 0, fmt.Errorf("%s is not a whole number of 64 bits", v)
	case nil:
		return 0, errors.New("it is NULL")
	}
	return 0, fmt.Errorf("it is not a whole number but a %s", schema.JavaClass(v))
}

// failed ends the query that failed.
func (r *reader) failed(ctx context.Context, err error) error {
	r.drop()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("reading %s: %w", r.what(), err)
}

// end closes a query whose rows were read to their end.
func (r *reader) end() {
	r.due = time.Now().Add(r.settings.pollEvery)
	r.drop()
}

// drop closes the query, whatever state it is in.
func (r *reader) drop() {
	if r.open == nil {
		return
	}
	err := r.open.close()
	r.open.cancel()
	r.open = nil
	if err != nil {
		r.log.Warn("closing a query failed", "table", r.what(), "error", err)
	}
}
