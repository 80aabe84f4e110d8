package sql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Source reads rows of tables, or of a query.
var Source = connect.SourceConnector{
	Class:     "io.confluent.connect.jdbc.JdbcSourceConnector",
	Aliases:   []string{"io.aiven.connect.jdbc.JdbcSourceConnector"},
	TaskClass: "io.confluent.connect.jdbc.source.JdbcSourceTask",
	Doc:       "Reads rows of SQL databases: MySQL, MariaDB, PostgreSQL and SQLite.",
	New:       func() connect.SourceTask { return &sourceTask{} },
}

var (
	_ connect.SourceTask    = (*sourceTask)(nil)
	_ connect.Planner       = (*sourceTask)(nil)
	_ connect.Replanner     = (*sourceTask)(nil)
	_ connect.Positioner    = (*sourceTask)(nil)
	_ connect.Sleeper       = (*sourceTask)(nil)
	_ connect.Validator     = (*sourceTask)(nil)
	_ connect.Checker       = (*sourceTask)(nil)
	_ connect.OffsetAlterer = (*sourceTask)(nil)
)

// tablesKey is the setting that says which tables a task reads.
const tablesKey = "tables"

type sourceTask struct {
	sourceSettings

	db      *database
	readers []*reader
	turn    int // the reader that is read next
	records []connect.Record
}

// Check tells whether the database is in reach.
func (s *sourceTask) Check(ctx context.Context) error {
	db, err := s.openDatabase(ctx)
	if err != nil {
		return err
	}
	return db.close()
}

// openDatabase connects, with the isolation that was asked for.
func (s *sourceTask) openDatabase(ctx context.Context) (*database, error) {
	if strings.EqualFold(s.isolation, isolationDefault) {
		return s.connection.open(ctx)
	}
	a, err := s.parse()
	if err != nil {
		return nil, fmt.Errorf("reading connection.url: %w", err)
	}
	d, ok := dialectOf(a.system)
	if !ok {
		return nil, fmt.Errorf("there is no dialect for %s", a.system)
	}
	statement, err := d.isolate(strings.ReplaceAll(strings.ToUpper(s.isolation), "_", " "))
	if err != nil {
		return nil, fmt.Errorf("setting transaction.isolation.mode: %w", err)
	}
	return s.connection.open(ctx, statement)
}

// Open connects and finds out where to go on in each table.
func (s *sourceTask) Open(ctx context.Context, a connect.Assignment) (err error) {
	if s.db, err = s.openDatabase(ctx); err != nil {
		return err
	}
	names := []tableName{{}}
	if s.theQuery() == "" {
		if names, err = s.db.parseTables(s.tables); err != nil {
			return err
		}
		if len(names) == 0 {
			return config.Errorf(tablesKey, "Task is being killed because it was not assigned a table nor a query to execute.")
		}
	}
	typing := s.typing(s.db.address)
	s.most = s.limited()
	for _, name := range names {
		r := &reader{settings: &s.sourceSettings, typing: &typing, db: s.db, log: a.Log, name: name, topic: s.topicPrefix + name.table}
		r.times, r.id = s.columnsFor(name)
		usable, err := r.look(ctx)
		if err != nil {
			return err
		}
		if !usable {
			continue
		}
		if err := r.resume(ctx, a.Offsets); err != nil {
			return err
		}
		s.readers = append(s.readers, r)
	}
	return nil
}

// look looks at the table's columns. usable is false if there is nothing to read there, now.
func (r *reader) look(ctx context.Context) (usable bool, err error) {
	if r.settings.theQuery() != "" {
		return true, nil
	}
	if r.about, err = r.db.describe(ctx, r.db.pool, r.name); err != nil {
		return false, err
	}
	if r.about == nil {
		r.log.Warn("a table is gone", "table", r.name.String())
		return false, nil
	}
	if r.settings.byID() {
		if usable, err := r.lookID(); !usable || err != nil {
			return usable, err
		}
	}
	if r.settings.byTime() && r.settings.nonNull {
		return true, r.lookTimes()
	}
	return true, nil
}

// lookID finds the incrementing column and checks it.
func (r *reader) lookID() (usable bool, err error) {
	table := r.db.quotedTable(r.name)
	if r.id == "" {
		i := slices.IndexFunc(r.about.columns, func(c column) bool { return c.counting })
		if i < 0 {
			return false, refuse("No incrementing column was found in %s: the database numbers no column of it. Name one by incrementing.column.name.", table)
		}
		r.id = r.about.columns[i].name
	}
	c := r.about.column(r.id)
	if c == nil {
		i := slices.IndexFunc(r.about.columns, func(c column) bool { return strings.EqualFold(c.name, r.id) })
		if i < 0 && r.settings.aiven() {
			r.log.Warn("a table is not read: it has no column of the incrementing column's name", "table", table, "column", r.id)
			return false, nil
		}
		if i < 0 {
			return false, config.Errorf("incrementing.column.name", "Incrementing column: %s does not exist in table '%s'", r.id, table)
		}
		c = &r.about.columns[i]
		r.id = c.name
	}
	if r.settings.nonNull && c.nullable {
		return false, refuse("Cannot make incremental queries using incrementing column %s on %s because this column is nullable.", r.id, table)
	}
	return true, nil
}

func (r *reader) lookTimes() error {
	for _, c := range r.about.columns {
		if !c.nullable && slices.ContainsFunc(r.times, func(name string) bool { return strings.EqualFold(name, c.name) }) {
			return nil
		}
	}
	list, are := strings.Join(r.times, ","), "are nullable"
	if r.settings.aiven() {
		list, are = "["+strings.Join(r.times, ", ")+"]", "nullable"
	}
	return refuse("Cannot make incremental queries using timestamp columns %s on %s because all of these columns %s.", list, r.db.quotedTable(r.name), are)
}

// resume goes to where the last invocation stopped, or begins.
func (r *reader) resume(ctx context.Context, offsets connect.OffsetReader) error {
	now, before, err := partitionOf(r.name, r.about == nil)
	if err != nil {
		return err
	}
	r.partition = now
	if r.settings.mode == modeBulk {
		return nil
	}
	stored, err := offsets.Offsets(ctx, now, before)
	if err != nil {
		return fmt.Errorf("asking where to go on in %s: %w", r.what(), err)
	}
	at, ok := stored[now]
	if !ok {
		at = stored[before]
	}
	if r.place, err = parsePlace(at); err != nil {
		return fmt.Errorf("reading where to go on in %s: %w", r.what(), err)
	}
	r.horizon = parseHorizon(r.place.pending)
	if r.settings.byID() && !r.place.hasID {
		r.place.id = r.settings.initialID
	}
	if r.settings.byTime() && !r.place.hasTime {
		return r.start(ctx)
	}
	return nil
}

// start is where timestamps begin without an offset. A start at "now" is stored before the first row is read.
func (r *reader) start(ctx context.Context) error {
	ms := r.settings.initial()
	if ms != -1 {
		r.place.at = time.UnixMilli(ms).UTC()
		return nil
	}
	at, err := r.db.clock(ctx, r.db.pool)
	if err != nil {
		return fmt.Errorf("asking for the time: %w", err)
	}
	if !r.db.zoned {
		y, m, d := at.Date()
		at = r.typing.instant(y, m, d, at.Sub(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)))
	}
	r.place.at, r.place.hasTime, r.moved = at.UTC(), true, true
	if r.settings.byID() {
		r.place.hasID = true
	}
	return nil
}

// Poll returns the next rows. The tables have their turns, and each is read to its end in one.
func (s *sourceTask) Poll(ctx context.Context) ([]connect.Record, error) {
	s.records = s.records[:0]
	for range s.readers {
		r := s.readers[s.turn]
		done, err := s.poll(ctx, r)
		if err != nil {
			return s.records, err
		}
		if done {
			s.turn = (s.turn + 1) % len(s.readers)
		}
		if len(s.records) > 0 {
			return s.records, nil
		}
	}
	return nil, nil
}

// poll reads from one table. A query that has given nothing yet is sent again at once, one time, when its connection turns
// out dead; after what else may go away it is sent again when the table would be due, as often as query.retry.attempts says.
func (s *sourceTask) poll(ctx context.Context, r *reader) (done bool, err error) {
	for try := 1; ; try++ {
		ready, err := r.ready(ctx)
		if err == nil {
			if !ready {
				return true, nil
			}
			s.records, done, err = r.read(ctx, s.records, s.batch)
		}
		switch {
		case err == nil:
			if done {
				r.failures = 0
			}
			return done, nil
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case dead(err) && len(s.records) == 0 && try == 1:
			continue
		case !transient(err):
			return false, err
		}
		if r.failures++; s.retries > 0 && r.failures >= s.retries {
			return false, schema.NewError(schema.ConnectException, "Failed to query table after retries", err)
		}
		return false, connect.Retry(err, min(s.pollEvery, mostPause))
	}
}

// mostPause is the longest pause before a query is sent again that failed.
const mostPause = 5 * time.Second

// Position is what changed without a record: a start at "now", a horizon that was not reached yet.
func (s *sourceTask) Position() connect.Offsets {
	var offsets connect.Offsets
	for _, r := range s.readers {
		if !r.moved {
			continue
		}
		r.moved = false
		if offsets == nil {
			offsets = connect.Offsets{}
		}
		offsets[r.partition] = r.place.position()
	}
	return offsets
}

// NotBefore is when the first table is due again.
func (s *sourceTask) NotBefore() time.Time {
	var first time.Time
	for _, r := range s.readers {
		if first.IsZero() || r.due.Before(first) {
			first = r.due
		}
	}
	if len(s.readers) == 0 {
		return time.Now().Add(s.pollEvery)
	}
	return first
}

// Close ends what runs and lets go of the connection.
func (s *sourceTask) Close(context.Context) error {
	for _, r := range s.readers {
		r.drop()
	}
	s.readers, s.records = nil, nil
	if s.db == nil {
		return nil
	}
	return s.db.close()
}

// AlterOffsets checks offsets that are set from outside.
func (s *sourceTask) AlterOffsets(_ context.Context, offsets connect.Offsets) (done bool, err error) {
	for partition, position := range offsets {
		if position.IsZero() {
			continue
		}
		fields := partition.Fields()
		if fields["table"] == nil && fields["query"] == nil {
			return false, refuse(`The partition %s names neither a "table" nor a "query".`, partition.JSON())
		}
		if _, err := parsePlace(position); err != nil {
			return false, refuse("%s", err)
		}
	}
	return true, nil
}

func refuse(format string, args ...any) error {
	return schema.NewError(schema.ConnectException, fmt.Sprintf(format, args...), nil)
}
