package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dialect is what one database system has of its own. It is a small constant value: everything that is the same for all of
// them is a function beside it.
type dialect struct {
	// name is Connect's name of the dialect without DatabaseDialect, as dialect.name has it: MySql, PostgreSql, Sqlite.
	name string
	// systems are the subprotocols of its JDBC URLs.
	systems []string
	// quote stands around identifiers, and is doubled inside.
	quote byte
	// dollar says that placeholders are $1, $2 …, and not ?.
	dollar bool
	// catalogs says that what the parts of a name before the table's are is catalogs, as in MySQL, and not schemas.
	catalogs bool
	// folds says that identifiers that are not quoted are brought to lower case.
	folds bool

	// connector returns the driver for an address, and names every parameter that it does not know.
	connector func(a address, user, password string) (driver.Connector, error)
	// limit returns statements that have the server end every statement after some milliseconds. version is a query for what
	// it is to be told of the server.
	limit   func(server string, ms int64) []string
	version string
	// number asks for the connection's number, and kill ends what runs on the connection of a number, both "" if the driver has
	// the server end what nobody waits for.
	number, kill string
	// isolate is the statement that sets the isolation of all transactions of a connection, such as READ COMMITTED.
	isolate func(level string) (statement string, err error)
	// read runs a query on a driver's connection; see [database.query].
	read func(ctx context.Context, dc any, t *typing, about *table, statement string, args []string) (result, error)
	// zoned says that the database reads times with an offset from UTC; without it they are those of db.timezone.
	zoned bool
	// comparable makes of a timestamp column what can be compared with a timestamp; nil if the column can be, as it is.
	comparable func(column string) string
	// before and after stand around the placeholder of a timestamp.
	before, after string
	// clock is the database's time. If it is not zoned, it is what the session's clock shows, as a time in UTC.
	clock func(ctx context.Context, q querier) (time.Time, error)
	// oldest is when the oldest open transaction began, the zero Time if there is none, and whether that can be seen; nil if
	// transactions do not write their beginning.
	oldest func(ctx context.Context, q querier) (began time.Time, seen bool, err error)
	// writers names those who are writing to a table, or to any, and whether that can be seen. Names are not used again.
	writers func(ctx context.Context, d *database, name *tableName, byTime bool) (writers []string, seen bool, err error)
	// listTables and readColumns look into the catalog; see [database.tables] and [database.describe].
	listTables  func(ctx context.Context, q querier, f tableFilter) ([]tableName, error)
	readColumns func(ctx context.Context, q querier, name tableName) (*table, error)
}

// querier is *sql.DB, *sql.Conn or *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// dialects are all there are.
func dialects() []*dialect { return []*dialect{mysqlDialect(), postgresDialect(), sqliteDialect()} }

// dialectOf finds the dialect of a URL's system.
func dialectOf(system string) (*dialect, bool) {
	for _, d := range dialects() {
		if slices.Contains(d.systems, system) {
			return d, true
		}
	}
	return nil, false
}

// layout is how timestamps without zone are written: all alike where they are compared as text.
func (d *dialect) layout() string {
	if d.comparable != nil {
		return "2006-01-02 15:04:05.000"
	}
	return "2006-01-02 15:04:05.999999999"
}

// quoted returns an identifier in quotes.
func (d *dialect) quoted(name string) string {
	q := string(d.quote)
	return q + strings.ReplaceAll(name, q, q+q) + q
}

// quotedAll returns identifiers in quotes, separated by commas.
func (d *dialect) quotedAll(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = d.quoted(name)
	}
	return strings.Join(out, ",")
}

// placeholder stands for the n-th bound value of a statement, counted from 1.
func (d *dialect) placeholder(n int) string {
	if d.dollar {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

// tableName is the full name of a table. Parts that are not known are empty.
type tableName struct{ catalog, schema, table string }

// String is the name with dots between its parts and without quotes, as Connect writes it into source partitions.
func (n tableName) String() string { return strings.Join(n.parts(), ".") }

func (n tableName) parts() []string {
	var parts []string
	for _, p := range []string{n.catalog, n.schema, n.table} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

// quotedTable returns a table's full name in quotes, with dots between its parts.
func (d *dialect) quotedTable(n tableName) string {
	parts := n.parts()
	for i, p := range parts {
		parts[i] = d.quoted(p)
	}
	return strings.Join(parts, ".")
}

// parseTable reads a name of one to three parts separated by dots; a part in quotes may hold dots.
func (d *dialect) parseTable(text string) (tableName, error) {
	var parts []string
	for rest := text; ; {
		part, more, err := d.cutPart(rest)
		if err != nil {
			return tableName{}, fmt.Errorf("reading the table name %q: %w", text, err)
		}
		parts = append(parts, part)
		if more == "" {
			break
		}
		rest = more[1:]
	}
	switch {
	case len(parts) == 1:
		return tableName{table: parts[0]}, nil
	case len(parts) == 2 && d.catalogs:
		return tableName{catalog: parts[0], table: parts[1]}, nil
	case len(parts) == 2:
		return tableName{schema: parts[0], table: parts[1]}, nil
	case len(parts) == 3:
		return tableName{catalog: parts[0], schema: parts[1], table: parts[2]}, nil
	}
	return tableName{}, fmt.Errorf("reading the table name %q: it has %d parts", text, len(parts))
}

// cutPart returns the first part of a name, and the rest from its dot on.
func (d *dialect) cutPart(text string) (part, rest string, err error) {
	if text == "" || text[0] != d.quote {
		i := strings.IndexByte(text, '.')
		if i < 0 {
			i = len(text)
		}
		if i == 0 {
			return "", "", fmt.Errorf("a part is empty")
		}
		return text[:i], text[i:], nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != d.quote {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == d.quote {
			b.WriteByte(d.quote)
			i++
			continue
		}
		if i+1 < len(text) && text[i+1] != '.' {
			return "", "", fmt.Errorf("there is no dot after a quoted part")
		}
		return b.String(), text[i+1:], nil
	}
	return "", "", fmt.Errorf("a quote is not closed")
}
