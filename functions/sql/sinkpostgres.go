package sql

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// postgresRows writes batches to PostgreSQL: what is inserted by COPY, everything else by one statement over arrays, one for
// each column. Values travel as text, which every type reads, and the server casts them to the columns' types.
type postgresRows struct {
	w      *sinkWriter
	buffer []byte
	one    []byte   // a value before it is escaped
	arrays [][]byte // one for each column
}

// mostKept is the largest memory kept from one batch to the next.
const mostKept = 8 << 20

func (r *postgresRows) write(ctx context.Context, p *plan, do action, records []*connect.Record) (affected int64, err error) {
	if do == doUpdate && len(p.others) == 0 {
		return 0, nil
	}
	err = r.w.raw(func(dc any) error {
		conn, ok := dc.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("writing by %T, which is not PostgreSQL's driver", dc)
		}
		pg := conn.Conn().PgConn()
		if do == doInsert && p.copies {
			affected, err = r.copy(ctx, pg, p, records)
			return err
		}
		affected, err = r.unnest(ctx, pg, p, do, records)
		return err
	})
	if cap(r.buffer) > mostKept {
		r.buffer = nil
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "0A000" && p.copies {
		p.copies = false // row-level security, say: the repetition inserts
	}
	return affected, err
}

// copy inserts rows by COPY in its text format.
func (r *postgresRows) copy(ctx context.Context, pg *pgconn.PgConn, p *plan, records []*connect.Record) (int64, error) {
	columns, out := p.all(), r.buffer[:0]
	for _, record := range records {
		for i := range columns {
			c := &columns[i]
			if i > 0 {
				out = append(out, '\t')
			}
			v, err := c.value(record, r.w.settings.nullToDefault)
			if err != nil {
				return 0, fmt.Errorf("the column %s: %w", c.name, err)
			}
			if v == nil {
				out = append(out, `\N`...)
				continue
			}
			if r.one, err = r.w.zones.text(r.one[:0], c.schema, c, v); err != nil {
				return 0, fmt.Errorf("the column %s: %w", c.name, err)
			}
			out = appendCopied(out, r.one)
		}
		out = append(out, '\n')
	}
	r.buffer = out
	statement := "COPY " + p.table + " (" + strings.Join(columnNames(columns), ",") + ") FROM STDIN"
	tag, err := pg.CopyFrom(ctx, bytes.NewReader(out), statement)
	return tag.RowsAffected(), err
}

// appendCopied escapes what COPY's text format has a use for.
func appendCopied(dst, text []byte) []byte {
	for {
		i := bytes.IndexAny(text, "\\\n\r\t")
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(append(dst, text[:i]...), '\\')
		switch text[i] {
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t':
			dst = append(dst, 't')
		default:
			dst = append(dst, '\\')
		}
		text = text[i+1:]
	}
}

const (
	textOID      = 25
	textArrayOID = 1009
	binaryFormat = 1
)

// unnest writes rows by one statement that gets an array for each column.
func (r *postgresRows) unnest(ctx context.Context, pg *pgconn.PgConn, p *plan, do action, records []*connect.Record) (int64, error) {
	columns := p.all()
	if do == doDelete {
		columns = p.keys
	}
	for len(r.arrays) < len(columns) {
		r.arrays = append(r.arrays, nil)
	}
	values, oids, formats := make([][]byte, len(columns)), make([]uint32, len(columns)), make([]int16, len(columns))
	for i := range columns {
		array, err := r.array(r.arrays[i][:0], &columns[i], records)
		if err != nil {
			return 0, fmt.Errorf("the column %s: %w", columns[i].name, err)
		}
		values[i], oids[i], formats[i] = array, textArrayOID, binaryFormat
		if r.arrays[i] = array; cap(array) > mostKept {
			r.arrays[i] = nil
		}
	}
	result := pg.ExecParams(ctx, r.text(p, do, columns), values, oids, formats, nil).Read()
	return result.CommandTag.RowsAffected(), result.Err
}

// array appends a column's values as PostgreSQL's binary form of a text[].
func (r *postgresRows) array(dst []byte, c *bound, records []*connect.Record) ([]byte, error) {
	for _, n := range []uint32{1, 1, textOID, uint32(len(records)), 1} { //nolint:gosec // dimensions, has NULLs, type, length, first index
		dst = binary.BigEndian.AppendUint32(dst, n)
	}
	for _, record := range records {
		at := len(dst)
		dst = append(dst, 0xff, 0xff, 0xff, 0xff) // -1: NULL
		v, err := c.value(record, r.w.settings.nullToDefault)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		if dst, err = r.w.zones.text(dst, c.schema, c, v); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4)) //nolint:gosec // no value is that long
	}
	return dst, nil
}

// text is a statement over arrays. Where several rows have the same key the last one counts, as if they were written one
// after the other; PostgreSQL itself says which keys are the same.
func (r *postgresRows) text(p *plan, do action, columns []bound) string {
	aliases, casts, selected, params := make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		aliases[i] = fmt.Sprintf("c%d", i)
		casts[i] = fmt.Sprintf("CAST(c%d AS %s)", i, c.cast)
		selected[i] = casts[i] + " AS " + aliases[i]
		params[i] = fmt.Sprintf("$%d", i+1)
	}
	from := strings.Join(selected, ",") + " FROM unnest(" + strings.Join(params, ",") + ") WITH ORDINALITY AS u(" + strings.Join(aliases, ",") + ",n)"
	keys := strings.Join(casts[:len(p.keys)], ",")
	last := "SELECT DISTINCT ON (" + keys + ") " + from + " ORDER BY " + keys + ",n DESC"
	names := columnNames(columns)
	insert := "INSERT INTO " + p.table + " (" + strings.Join(names, ",") + ") "
	switch do {
	case doUpsert:
		return insert + last + r.onConflict(p)
	case doUpdate:
		sets := make([]string, len(p.others))
		for i, c := range p.others {
			sets[i] = fmt.Sprintf("%s=s.c%d", c.column, len(p.keys)+i)
		}
		return "UPDATE " + p.table + " AS t SET " + strings.Join(sets, ",") + " FROM (" + last + ") AS s WHERE " + r.sameKey(p)
	case doDelete:
		return "DELETE FROM " + p.table + " AS t USING (" + last + ") AS s WHERE " + r.sameKey(p)
	case doInsert:
	}
	return insert + "SELECT " + from + " ORDER BY n"
}

// sameKey compares the keys of the table t and of the rows s.
func (r *postgresRows) sameKey(p *plan) string {
	same := make([]string, len(p.keys))
	for i, c := range p.keys {
		same[i] = fmt.Sprintf("t.%s=s.c%d", c.column, i)
	}
	return strings.Join(same, " AND ")
}

func (r *postgresRows) onConflict(p *plan) string {
	conflict := " ON CONFLICT (" + strings.Join(columnNames(p.keys), ",") + ") DO "
	if len(p.others) == 0 {
		return conflict + "NOTHING"
	}
	return conflict + "UPDATE SET " + assignments(columnNames(p.others), "%[1]s=EXCLUDED.%[1]s")
}
