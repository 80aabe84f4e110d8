package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// sqliteDialect is SQLite's.
func sqliteDialect() *dialect {
	return &dialect{
		name: "Sqlite", systems: []string{"sqlite"}, quote: '"',
		connector: sqliteConnector,
		limit:     func(string, int64) []string { return nil }, // the context interrupts it
		version:   "select sqlite_version()", read: sqliteRead, clock: sqliteClock,
		isolate: sqliteIsolate, comparable: sqliteComparable, writers: sqliteWriters,
		listTables: sqliteTables, readColumns: sqliteColumns,
	}
}

// sqliteConnector makes the driver. Parameters are pragmas, as the JDBC driver takes them.
func sqliteConnector(a address, _, _ string) (driver.Connector, error) {
	pragmas := url.Values{}
	busy := false
	for _, p := range a.params {
		switch p.name {
		case "busy_timeout", "foreign_keys", "journal_mode", "synchronous", "cache_size", "temp_store", "locking_mode",
			"recursive_triggers", "read_uncommitted", "mmap_size":
			if strings.ContainsAny(p.value, "();'\"") {
				return nil, fmt.Errorf("the parameter %s: %q is not a value of this pragma", p.name, p.value)
			}
			pragmas.Add("_pragma", p.name+"("+p.value+")")
			busy = busy || p.name == "busy_timeout"
		case "mode", "cache", "immutable":
			pragmas.Add(p.name, p.value)
		case "user", "password", "date_class", "date_precision", "date_string_format", "jdbc.explicit_readonly":
		default:
			return nil, fmt.Errorf("the parameter %s: %w", p.name, errors.New("it is not known here"))
		}
	}
	if !busy {
		pragmas.Add("_pragma", "busy_timeout(3000)") // the JDBC driver's default
	}
	path := strings.TrimPrefix(a.database, "file:")
	if path == "" {
		path = ":memory:"
	}
	return sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode())
}

// sqliteIsolate is as in the JDBC driver: transactions are serializable, but for those that may look at what others have not
// committed, where they share a cache.
func sqliteIsolate(level string) (string, error) {
	switch level {
	case "SERIALIZABLE":
		return "pragma read_uncommitted = false", nil
	case "READ UNCOMMITTED":
		return "pragma read_uncommitted = true", nil
	}
	return "", fmt.Errorf("SQLite has no isolation %s; it has SERIALIZABLE and READ_UNCOMMITTED", level)
}

func sqliteClock(ctx context.Context, q querier) (time.Time, error) {
	var text string
	err := collect(ctx, q, "select strftime('%Y-%m-%d %H:%M:%f', 'now')", nil, func(scan func(dest ...any) error) error { return scan(&text) })
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse("2006-01-02 15:04:05.999", text)
}

// sqliteComparable brings timestamps to one form: text with and without milliseconds, and numbers of milliseconds since 1970.
func sqliteComparable(column string) string {
	return "strftime('%Y-%m-%d %H:%M:%f', CASE typeof(" + column + ") WHEN 'integer' THEN " + column + " / 1000.0 ELSE " + column +
		" END, CASE typeof(" + column + ") WHEN 'integer' THEN 'unixepoch' ELSE '+0 days' END)"
}

// sqliteWriters waits for who is writing: one writes at a time, so that whoever may begin to is alone. Numbers are given
// to the only one who writes, and are never out of order.
func sqliteWriters(ctx context.Context, d *database, _ *tableName, byTime bool) ([]string, bool, error) {
	if !byTime {
		return nil, true, nil
	}
	_, err := d.pool.ExecContext(ctx, "BEGIN IMMEDIATE")
	if err == nil {
		_, err = d.pool.ExecContext(ctx, "ROLLBACK")
		return nil, err == nil, err
	}
	failed, ok := errors.AsType[*sqlite.Error](err)
	switch {
	case ok && failed.Code()&0xff == sqliteBusy:
		return []string{"another connection"}, true, nil
	case ok:
		return nil, false, nil // a database that cannot be written here
	}
	return nil, false, err
}

func sqliteTables(ctx context.Context, q querier, f tableFilter) ([]tableName, error) {
	var names []tableName
	err := collect(ctx, q, `select name, upper(type) from sqlite_schema
		where type in ('table', 'view') and name not like 'sqlite\_%' escape '\' order by name`, nil,
		func(scan func(dest ...any) error) error {
			var n tableName
			var kind string
			if err := scan(&n.table, &kind); err != nil {
				return err
			}
			if f.has(kind) {
				names = append(names, n)
			}
			return nil
		})
	return names, err
}

func sqliteColumns(ctx context.Context, q querier, name tableName) (*table, error) {
	t := &table{name: tableName{table: name.table}}
	keys := 0
	err := collect(ctx, q, `select name, type, "notnull" = 0 and (pk = 0 or lower(type) <> 'integer'), dflt_value is not null, hidden > 1, pk
		from pragma_table_xinfo(?) where hidden <> 1`, []any{name.table},
		func(scan func(dest ...any) error) error {
			c := column{digits: -1}
			if err := scan(&c.name, &c.typ, &c.nullable, &c.defaulted, &c.computed, &c.key); err != nil {
				return err
			}
			if c.key > 0 {
				keys++
			}
			c.typ = strings.ToLower(c.typ)
			t.columns = append(t.columns, c)
			return nil
		})
	if len(t.columns) == 0 {
		return nil, err
	}
	// A sole INTEGER PRIMARY KEY is the number of the row.
	for i := range t.columns {
		if c := &t.columns[i]; keys == 1 && c.key == 1 && c.typ == "integer" {
			c.counting, c.defaulted = true, true
		}
	}
	return t, err
}
