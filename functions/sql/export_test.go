package sql

import (
	"context"
	"database/sql"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// What tests see of the inside.
type (
	Database  = database
	Table     = table
	TableName = tableName
	Filter    = tableFilter
)

// Open opens a database by its settings.
func Open(ctx context.Context, settings map[string]string) (*Database, error) {
	var c connection
	if err := config.Parse(settings, &c); err != nil {
		return nil, err
	}
	return c.open(ctx)
}

func (d *database) Conn(ctx context.Context) (*sql.Conn, error) { return d.conn(ctx) }
func (d *database) Close() error                                { return d.close() }
func (d *database) Idle(t time.Duration)                        { d.used = d.used.Add(-t) }

// Sight is how the user sees who is writing to tables of MySQL.
func (d *database) Sight(ctx context.Context) (string, error) { return mysqlSight(ctx, d.pool) }

func (d *database) Tables(ctx context.Context, f Filter) ([]TableName, error) {
	return d.tables(ctx, f)
}

func (d *database) Describe(ctx context.Context, name string) (*Table, error) {
	n, err := d.parseTable(name)
	if err != nil {
		return nil, err
	}
	return d.describe(ctx, d.pool, n)
}

// Column is a column as tests compare it.
type Column struct {
	Name, Type                              string
	Nullable, Defaulted, Counting, Computed bool
	Key, Digits                             int
}

func (t *table) Columns() []Column {
	out := make([]Column, len(t.columns))
	for i, c := range t.columns {
		out[i] = Column{c.name, c.typ, c.nullable, c.defaulted, c.counting, c.computed, c.key, c.digits}
	}
	return out
}

func (t *table) PrimaryKey() []string { return t.primaryKey() }

// FilterOf makes a filter.
func FilterOf(types []string, catalog, schema *string) Filter { return Filter{types, catalog, schema} }

// ParseURL takes a URL apart: the system, hosts, database and parameters.
func ParseURL(text string) (system string, hosts []string, database string, params [][2]string, err error) {
	a, err := parseURL(text)
	for _, p := range a.params {
		params = append(params, [2]string{p.name, p.value})
	}
	return a.system, a.hosts, a.database, params, err
}

// CheckURL is what connection.url is checked by.
func CheckURL(text string) error { return checkURL(text) }

// ParseTable reads a table's name in the dialect of a system, and quotes it again.
func ParseTable(system, text string) (parts [3]string, quoted string, err error) {
	d, _ := dialectOf(system)
	n, err := d.parseTable(text)
	return [3]string{n.catalog, n.schema, n.table}, d.quotedTable(n), err
}

// Zone reads a time zone.
func Zone(text string) (*time.Location, error) { return zone(text) }

// Placeholders are the first two of a system, and QuotedAll quotes a list.
func Placeholders(system string) (first, second string) {
	d, _ := dialectOf(system)
	return d.placeholder(1), d.placeholder(2)
}

func QuotedAll(system string, names ...string) string {
	d, _ := dialectOf(system)
	return d.quotedAll(names)
}

func (t *table) Has(name string) bool { return t.column(name) != nil }

// Param is the value of a URL's parameter.
func Param(text, name string) string {
	a, _ := parseURL(text)
	return a.param(name)
}
