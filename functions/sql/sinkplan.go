package sql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// sinkWriter turns records into rows of one database. It is for one goroutine.
type sinkWriter struct {
	settings *sinkSettings
	sinkDialect
	zones
	db   *database
	log  connect.Logger
	rows rowWriter
	// offsets are those written beside the records; nil without sluice.exactly.once.
	offsets *offsets

	conn *sql.Conn // while a Put goes on
	base tableName // where names without catalog and schema are
	at   bool      // base is known
	// plans are those made so far, by topic. They are forgotten when a table turns out to be another than they say.
	plans map[string][]*plan
}

// rowWriter writes batches of rows.
type rowWriter interface {
	// write writes records of one plan, in order, by one statement or several, and returns how many rows were affected.
	write(ctx context.Context, p *plan, do action, records []*connect.Record) (affected int64, err error)
}

// action is what is done with records.
type action uint8

const (
	doInsert action = iota
	doUpsert
	doUpdate
	doDelete
)

// plan is how records of one pair of schemas are written to one table.
type plan struct {
	key, value *schema.Schema
	target     *target
	table      string // its name in quotes
	// keys are the columns of the primary key, others the rest.
	keys, others []bound
	// statements are the writer's own.
	statements map[statementKey]*statement
	copies     bool // PostgreSQL's COPY may be tried
}

// all are all columns in the order in which statements name them.
func (p *plan) all() []bound { return slices.Concat(p.keys, p.others) }

// mostPlans is how many plans are kept for a topic; a producer may send many schemas in turn.
const mostPlans = 16

// planOf returns the plan for a record, having made its table fit. It is nil for a record that deletes from a table that is
// still to be created.
func (w *sinkWriter) planOf(ctx context.Context, r *connect.Record) (*plan, error) {
	if err := w.settings.check(r); err != nil {
		return nil, err
	}
	key, value := r.Key.Schema, r.Value.Schema
	if r.Value.Value == nil {
		value = nil
	}
	if w.settings.pkMode() != pkRecordKey {
		key = nil // nothing of it is written
	}
	known := w.plans[r.Topic]
	for _, p := range known {
		if p.key == key && p.value == value {
			return p, nil
		}
	}
	for _, p := range known {
		if p.key.Equal(key) && p.value.Equal(value) {
			p.key, p.value = key, value // found sooner from now on
			return p, nil
		}
	}
	p, err := w.newPlan(ctx, r.Topic, key, value)
	if err != nil || p == nil {
		return nil, err
	}
	if len(known) == mostPlans {
		w.release(known[0])
		known = known[1:]
	}
	w.plans[r.Topic] = append(known, p)
	return p, nil
}

func (w *sinkWriter) newPlan(ctx context.Context, topic string, key, value *schema.Schema) (*plan, error) {
	name, err := w.tableName(topic)
	if err != nil {
		return nil, err
	}
	f, err := w.settings.fieldsOf(name.table, key, value)
	if err != nil {
		return nil, err
	}
	mode := w.settings.insertMode()
	if len(f.keys) == 0 && mode != modeInsert {
		return nil, settingError("Write to table '%s' in %s mode requires key field names to be known, check the primary key configuration",
			w.shown(w.whole(name)), strings.ToUpper(string(mode)))
	}
	t, err := w.fitting(ctx, name, f, value == nil)
	if err != nil || t == nil {
		return nil, err
	}
	p := &plan{
		key: key, value: value, target: t, table: w.db.quotedTable(t.name),
		statements: map[statementKey]*statement{}, copies: t.kind == "TABLE",
	}
	if p.keys, err = w.bind(t, f.keys); err != nil {
		return nil, err
	}
	p.others, err = w.bind(t, f.others)
	return p, err
}

// fitting returns the table, made to fit.
func (w *sinkWriter) fitting(ctx context.Context, name tableName, f fields, deletes bool) (*target, error) {
	if deletes {
		t, err := w.describe(ctx, name)
		if err == nil && t == nil && !w.settings.create {
			err = alterError("Table %s is missing and auto-creation is disabled", w.shown(w.whole(name)))
		}
		return t, err
	}
	t, err := w.target(ctx, name, f)
	if err != nil {
		return nil, err
	}
	// A table in partitions is one like any other for who writes it.
	for _, kind := range w.settings.tableTypes {
		if strings.EqualFold(kind, t.kind) || t.kind == "PARTITIONED TABLE" && strings.EqualFold(kind, "TABLE") {
			return t, nil
		}
	}
	return nil, settingError("%s is a %s, and 'table.types' says that only these may be written: %s",
		w.shown(t.name), t.kind, strings.Join(w.settings.tableTypes, ", "))
}

// bind finds the columns of fields.
func (w *sinkWriter) bind(t *target, list []field) ([]bound, error) {
	var out []bound
	for _, f := range list {
		c := w.columnOf(t, f.name)
		if c == nil {
			return nil, alterError("Table %s has no column for the key field %s", w.shown(t.name), f)
		}
		b := bound{field: f, column: w.db.quoted(c.name), typ: c.typ, cast: t.casts[c.name]}
		if f.schema.Type == schema.Bytes && f.schema.Name != schema.DecimalName && b.cast != "" && b.cast != "bytea" {
			// PostgreSQL's own words. As text it would be taken.
			return nil, sqlError(`ERROR: column "%s" is of type %s but expression is of type bytea`, c.name, b.cast)
		}
		out = append(out, b)
	}
	return out, nil
}

// tableName is the name of a topic's table, as far as the settings know it.
func (w *sinkWriter) tableName(topic string) (tableName, error) {
	name, err := w.db.parseTable(w.settings.tableOf(topic))
	if err != nil {
		return name, settingError("The table of topic '%s' cannot be told: %s", topic, err)
	}
	return tableName{w.db.fold(name.catalog), w.db.fold(name.schema), w.db.fold(name.table)}, nil
}

// whole fills up a name with the catalog and schema in which it is.
func (w *sinkWriter) whole(name tableName) tableName {
	if name.catalog == "" {
		name.catalog = w.base.catalog
	}
	if name.schema == "" {
		name.schema = w.base.schema
	}
	return name
}

// shown is a table's name as the original's messages have it.
func (w *sinkWriter) shown(name tableName) string {
	parts := name.parts()
	for i, p := range parts {
		parts[i] = `"` + p + `"`
	}
	return strings.Join(parts, ".")
}

// use has the writer work on a connection.
func (w *sinkWriter) use(ctx context.Context, conn *sql.Conn) error {
	w.conn = conn
	if w.at {
		return nil
	}
	if err := conn.QueryRowContext(ctx, w.home).Scan(&w.base.catalog, &w.base.schema); err != nil {
		return fmt.Errorf("asking which database and schema this is: %w", err)
	}
	w.at = true
	return nil
}

func (w *sinkWriter) exec(ctx context.Context, statement string, args ...any) error {
	_, err := w.conn.ExecContext(ctx, statement, args...)
	return err
}

// forget has tables looked up again.
func (w *sinkWriter) forget() {
	for _, list := range w.plans {
		for _, p := range list {
			w.release(p)
		}
	}
	w.plans = map[string][]*plan{}
}

// release closes a plan's statements, if the connection that has them is still there.
func (w *sinkWriter) release(p *plan) {
	if w.conn == nil {
		return
	}
	_ = w.raw(func(dc any) error {
		for _, s := range p.statements {
			if s.owner == dc {
				_ = s.Close()
			}
		}
		return nil
	})
}
