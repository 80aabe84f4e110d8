package sql_test

import (
	stdsql "database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// tables describes all tables of a database, one line each and one for every row, as the recordings do.
func (s *server) tables(t *testing.T, step int) []map[string]any {
	t.Helper()
	where, kind := "= '"+s.database()+"'", "column_type"
	if s.system == "postgresql" {
		where, kind = "not in ('pg_catalog', 'information_schema')", "udt_name"
	}
	var out []map[string]any
	for _, name := range s.query(t, "select table_schema as s, table_name as t from information_schema.tables where table_schema "+where+" order by 1, 2") {
		space, table := name["s"].(string), name["t"].(string)
		in := " where c.table_schema = '" + space + "' and c.table_name = '" + table + "'"
		columns := []any{}
		for _, c := range s.query(t, "select column_name as a, "+kind+" as b, is_nullable as c, column_default as d, character_maximum_length as e,"+
			" numeric_precision as f, numeric_scale as g, datetime_precision as h from information_schema.columns c"+in+" order by ordinal_position") {
			column := map[string]any{}
			for letter, member := range map[string]string{
				"a": "name", "b": "type", "c": "nullable", "d": "default", "e": "length", "f": "precision", "g": "scale", "h": "datetimePrecision",
			} {
				if v := c[letter]; v != nil {
					column[member] = v
				}
			}
			columns = append(columns, column)
		}
		keys := []any{}
		for _, k := range s.query(t, "select k.column_name as k from information_schema.key_column_usage k join information_schema.table_constraints c"+
			" using (constraint_name, table_schema, table_name)"+strings.ReplaceAll(in, "c.", "")+" and c.constraint_type = 'PRIMARY KEY' order by k.ordinal_position") {
			keys = append(keys, k["k"])
		}
		out = append(out, note(step, "table", map[string]any{"schema": space, "table": table, "columns": columns, "primaryKey": keys}))
		out = append(out, s.rows(t, step, space, table)...)
	}
	return out
}

// rows are a table's rows in the recordings' order, that of their values as JSON.
func (s *server) rows(t *testing.T, step int, space, table string) []map[string]any {
	t.Helper()
	q := "`"
	if s.system == "postgresql" {
		q = `"`
	}
	names, rows := s.read(t, "select * from "+q+space+q+"."+q+table+q)
	slices.SortStableFunc(rows, func(a, b []any) int { return strings.Compare(pythonJSON(t, a), pythonJSON(t, b)) })
	var out []map[string]any
	for _, row := range rows {
		members := map[string]any{}
		for i, name := range names {
			members[name] = row[i]
		}
		out = append(out, note(step, "row", map[string]any{"table": table, "row": members}))
	}
	return out
}

// pythonJSON is a list as Python's json writes it.
func pythonJSON(t *testing.T, list []any) string {
	t.Helper()
	parts := make([]string, len(list))
	for i, v := range list {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = strconv.QuoteToASCII(string(text))
		parts[i] = strings.ReplaceAll(parts[i][1:len(parts[i])-1], `\"`, `"`)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// query returns rows by the names of their columns.
func (s *server) query(t *testing.T, query string) []map[string]any {
	t.Helper()
	names, rows := s.read(t, query)
	out := make([]map[string]any, len(rows))
	for i, row := range rows {
		out[i] = map[string]any{}
		for j, name := range names {
			out[i][strings.ToLower(name)] = row[j]
		}
	}
	return out
}

// read returns rows with values as the recordings write them.
func (s *server) read(t *testing.T, query string) (names []string, out [][]any) {
	t.Helper()
	var mode []any
	if s.system == "postgresql" {
		mode = []any{pgx.QueryExecModeDescribeExec} // tables change between queries
	}
	rows, err := s.db.QueryContext(t.Context(), query, mode...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range types {
		names = append(names, c.Name())
	}
	for rows.Next() {
		row, at := make([]any, len(types)), make([]any, len(types))
		for i := range row {
			at[i] = &row[i]
		}
		if err := rows.Scan(at...); err != nil {
			t.Fatal(err)
		}
		for i, v := range row {
			row[i] = shown(types[i], v)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names, out
}

// shown is a value as Python's drivers have it and the recordings write it.
func shown(c *stdsql.ColumnType, v any) any {
	typ := c.DatabaseTypeName()
	switch v := v.(type) {
	case time.Time:
		if typ == "DATE" {
			return v.Format("2006-01-02")
		}
		return iso(v.Format("2006-01-02T15:04:05.000000"))
	case []byte:
		text := string(v)
		switch typ {
		case "BLOB", "BINARY", "VARBINARY", "BYTEA", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BIT", "GEOMETRY":
			return map[string]any{"hex": hex.EncodeToString(v)}
		case "DATETIME", "TIMESTAMP":
			return iso(strings.Replace(text, " ", "T", 1))
		case "TIME": // a timedelta
			return iso(strings.TrimPrefix(text, "0"))
		case "FLOAT", "DOUBLE", "TINYINT", "SMALLINT", "INT", "BIGINT", "MEDIUMINT", "YEAR":
			return json.Number(text)
		}
		return text
	case string:
		if typ == "TIME" {
			return iso(v)
		}
		return v
	case float32:
		return json.Number(strconv.FormatFloat(float64(v), 'g', -1, 32))
	case float64:
		if typ == "FLOAT4" {
			return json.Number(strconv.FormatFloat(v, 'g', -1, 32))
		}
		return v
	case nil, bool, int64, uint64:
		return v
	}
	return fmt.Sprint(v)
}

// iso writes a fraction of a second as Python does: six digits, or none.
func iso(text string) string {
	whole, fraction, ok := strings.Cut(text, ".")
	if !ok || strings.Trim(fraction, "0") == "" {
		return whole
	}
	return whole + "." + (fraction + "000000")[:6]
}
