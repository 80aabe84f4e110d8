package sql

import (
	"context"
	"fmt"
	"slices"
)

// table is what the catalog says of a table.
type table struct {
	name    tableName
	columns []column
}

// column is what the catalog says of a column of a table.
type column struct {
	name string
	// typ is the database's own name of the type, in lower case and with its sizes, such as "int unsigned",
	// "numeric(10,2)" or "character varying(20)".
	typ      string
	nullable bool
	// defaulted says that the column gets a value when an insert leaves it out, counting and computing ones included.
	defaulted bool
	// counting says that the database numbers rows by this column: AUTO_INCREMENT, serial, IDENTITY, INTEGER PRIMARY KEY.
	counting bool
	// computed says that the column cannot be written: GENERATED ALWAYS AS (…).
	computed bool
	// key is the column's place in the primary key, from 1, or 0.
	key int
	// digits is the precision of a timestamp's seconds; -1 if the column is none or the database does not say.
	digits int
}

// column returns the column of that name, or nil.
func (t *table) column(name string) *column {
	if i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name }); i >= 0 {
		return &t.columns[i]
	}
	return nil
}

// primaryKey returns the names of the primary key's columns in its order.
func (t *table) primaryKey() []string {
	var keys []column
	for _, c := range t.columns {
		if c.key > 0 {
			keys = append(keys, c)
		}
	}
	slices.SortFunc(keys, func(a, b column) int { return a.key - b.key })
	names := make([]string, len(keys))
	for i, c := range keys {
		names[i] = c.name
	}
	return names
}

// tableFilter says which tables to list. Patterns are those of SQL's LIKE; nil means any, as in JDBC.
type tableFilter struct {
	types           []string // as table.types has them, such as TABLE and VIEW, in upper case
	catalog, schema *string
}

// has tells whether a type is wanted.
func (f tableFilter) has(typ string) bool { return slices.Contains(f.types, typ) }

// collect runs a query and hands every row to scan.
func collect(ctx context.Context, q querier, query string, args []any, scan func(scan func(dest ...any) error) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// tables lists the tables that f wants, sorted by name.
func (d *database) tables(ctx context.Context, f tableFilter) ([]tableName, error) {
	names, err := d.listTables(ctx, d.pool, f)
	if err != nil {
		return nil, fmt.Errorf("listing tables: %w", err)
	}
	return names, nil
}

// describe reads a table's columns. A name without catalog or schema is looked up as the server would. It returns nil if
// there is no such table.
func (d *database) describe(ctx context.Context, q querier, name tableName) (*table, error) {
	t, err := d.readColumns(ctx, q, name)
	if err != nil {
		return nil, fmt.Errorf("reading the columns of %s: %w", name, err)
	}
	return t, nil
}
