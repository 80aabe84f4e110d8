package sql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// statementKey names a prepared statement of a plan.
type statementKey struct {
	do   action
	rows int
}

// statement is a prepared statement and the connection that prepared it.
type statement struct {
	driver.Stmt
	owner any
}

// boundRows writes batches by statements with a bound value for every column of every row. It is MySQL's and SQLite's.
type boundRows struct {
	w    *sinkWriter
	bind func(b *bound, v any) (driver.Value, error)
	args []driver.NamedValue
}

// rowCounts are how many rows statements have. Few sizes mean few statements to prepare.
func rowCounts() []int { return []int{256, 32, 4, 1} }

func (b *boundRows) write(ctx context.Context, p *plan, do action, records []*connect.Record) (affected int64, err error) {
	columns := p.all()
	switch do {
	case doDelete:
		columns = p.keys
	case doUpdate: // SET comes before WHERE
		if len(p.others) == 0 {
			return 0, nil
		}
		columns = slices.Concat(p.others, p.keys)
	case doInsert, doUpsert:
	}
	err = b.w.raw(func(dc any) error {
		for len(records) > 0 {
			n := 0
			for _, n = range rowCounts() {
				if n <= len(records) && n*len(columns) <= b.w.most && (n == 1 || do != doUpdate) {
					break
				}
			}
			count, err := b.some(ctx, dc, p, do, columns, records[:n])
			if err != nil {
				return err
			}
			affected, records = affected+count, records[n:]
		}
		return nil
	})
	return affected, err
}

// some writes as many records as one statement takes.
func (b *boundRows) some(ctx context.Context, dc any, p *plan, do action, columns []bound, records []*connect.Record) (int64, error) {
	b.args = b.args[:0]
	for _, r := range records {
		for i := range columns {
			c := &columns[i]
			v, err := c.value(r, b.w.settings.nullToDefault)
			if err == nil {
				v, err = b.bind(c, v)
			}
			if err != nil {
				return 0, fmt.Errorf("the column %s: %w", c.name, err)
			}
			b.args = append(b.args, driver.NamedValue{Ordinal: len(b.args) + 1, Value: v})
		}
	}
	defer clear(b.args) // they may be large
	key := statementKey{do, len(records)}
	s := p.statements[key]
	if s == nil || s.owner != dc {
		prepared, err := dc.(driver.ConnPrepareContext).PrepareContext(ctx, b.text(p, do, columns, len(records)))
		if err != nil {
			return 0, err
		}
		s = &statement{prepared, dc}
		p.statements[key] = s
	}
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, b.args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// text is the statement for some rows.
func (b *boundRows) text(p *plan, do action, columns []bound, rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + ")"
	names := columnNames(columns)
	switch do {
	case doDelete:
		if len(names) == 1 {
			return "DELETE FROM " + p.table + " WHERE " + names[0] + " IN (" + strings.TrimSuffix(strings.Repeat("?,", rows), ",") + ")"
		}
		list := repeated(row, rows)
		if b.w.alterOne { // SQLite
			list = "VALUES " + list
		}
		return "DELETE FROM " + p.table + " WHERE (" + strings.Join(names, ",") + ") IN (" + list + ")"
	case doUpdate:
		where := strings.Join(columnNames(p.keys), "=? AND ") + "=?"
		return "UPDATE " + p.table + " SET " + assignments(columnNames(p.others), "%s=?") + " WHERE " + where
	case doInsert, doUpsert:
	}
	text := "INSERT INTO " + p.table + " (" + strings.Join(names, ",") + ") VALUES " + repeated(row, rows)
	if do == doUpsert {
		text += b.w.upsert(columnNames(p.keys), columnNames(p.others))
	}
	return text
}

func columnNames(columns []bound) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.column
	}
	return names
}

func repeated(row string, n int) string { return strings.TrimSuffix(strings.Repeat(row+",", n), ",") }
