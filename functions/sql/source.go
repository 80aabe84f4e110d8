package sql

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// Plan spreads the tables over tasks: as many to each, in the order of their names. A query is read by one.
func (s *sourceTask) Plan(ctx context.Context, settings map[string]string, limit int) (plan []map[string]string, err error) {
	if s.theQuery() != "" {
		task := maps.Clone(settings)
		task[tablesKey] = ""
		return []map[string]string{task}, nil
	}
	db, err := s.connection.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	names, err := s.list(ctx, db)
	if err != nil {
		return nil, err
	}
	if same := ambiguous(names); len(same) > 0 {
		if s.aiven() {
			return []map[string]string{}, nil
		}
		return nil, refuse("The connector uses the unqualified table name as the topic name and has detected duplicate"+
			" unqualified table names. This could lead to mixed data types in the topic and downstream processing errors. To"+
			" prevent such processing errors, the JDBC Source connector fails to start when it detects duplicate table name"+
			" configurations. Update the connector's '%s' config to include exactly one table in each of the tables listed"+
			" below.\n\t%s", s.filter(), strings.Join(same, ", "))
	}
	groups := min(len(names), limit)
	plan = make([]map[string]string, groups)
	for i := range plan {
		// The first tasks get one more if it does not come out even.
		n := len(names) / (groups - i)
		if len(names)%(groups-i) > 0 {
			n++
		}
		quoted := make([]string, n)
		for j, name := range names[:n] {
			quoted[j] = db.quotedTable(name)
		}
		names = names[n:]
		plan[i] = maps.Clone(settings)
		plan[i][tablesKey] = strings.Join(quoted, ",")
	}
	return plan, nil
}

// list lists the tables that the filters let through.
func (s *sourceTask) list(ctx context.Context, db *database) ([]tableName, error) {
	f := tableFilter{types: make([]string, len(s.tableTypes))}
	for i, t := range s.tableTypes {
		f.types[i] = strings.ToUpper(t)
	}
	if s.hasCatalog && s.catalogPattern != "" {
		f.catalog = &s.catalogPattern
	}
	if s.hasSchema && s.schemaPattern != "" {
		f.schema = &s.schemaPattern
	}
	names, err := db.tables(ctx, f)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(n tableName) bool { return !s.wants(db.dialect, n) }), nil
}

// filter is the name of the setting that says which tables are read.
func (s *sourceTask) filter() string {
	switch {
	case len(s.blacklist) > 0:
		return "table.blacklist"
	case len(s.include) > 0:
		return "table.include.list"
	case len(s.exclude) > 0:
		return "table.exclude.list"
	}
	return "table.whitelist"
}

// ambiguous lists the tables that share their name with another one.
func ambiguous(names []tableName) []string {
	var same []string
	for _, n := range names {
		if slices.ContainsFunc(names, func(o tableName) bool { return o != n && o.table == n.table }) {
			same = append(same, n.String())
		}
	}
	return same
}

// ReplanEvery is how often to look for new tables.
func (s *sourceTask) ReplanEvery() time.Duration {
	if s.theQuery() != "" {
		return 0
	}
	return s.replanEvery
}

// Check tells whether the database is in reach.
func (s *sourceTask) Check(ctx context.Context) error {
	db, err := s.connection.open(ctx)
	if err != nil {
		return err
	}
	return db.close()
}

// Open connects and finds out where to go on in each table.
func (s *sourceTask) Open(ctx context.Context, a connect.Assignment) (err error) {
	if s.db, err = s.connection.open(ctx); err != nil {
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

// parseTables reads names separated by commas.
func (d *dialect) parseTables(text string) ([]tableName, error) {
	var names []tableName
	for len(text) > 0 {
		end := 0
		for quoted := false; end < len(text) && (quoted || text[end] != ','); end++ {
			if text[end] == d.quote {
				quoted = !quoted
			}
		}
		name, err := d.parseTable(strings.TrimSpace(text[:end]))
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		text = text[min(end+1, len(text)):]
	}
	return names, nil
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

// poll reads from one table. A query that has given nothing yet is sent again, once, when its connection turns out dead.
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
			return done, nil
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case !dead(err):
			return false, err
		case len(s.records) > 0 || try > 1:
			return false, connect.Retry(err, 0)
		}
	}
}

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
