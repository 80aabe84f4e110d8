package sql_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// JDBC's driver has no type for composite types, for arrays and for most that are not built in, so the originals leave them
// out. Enumerations and domains they carry.
func TestPostgres_LeavesOutWhatJDBCDoes(t *testing.T) {
	t.Parallel()
	s := fresh(t, "postgresql")
	s.exec(t, "create type mood as enum ('sad', 'ok')", "create type pair as (a int, b text)", "create domain low as int check (value < 9)",
		"create type span as range (subtype = float8)",
		"create table t (id int, m mood, l low, p pair, ms mood[], s span, r refcursor, v oidvector, c regclass, x xml, k \"char\")",
		"insert into t values (1, 'ok', 8, row(1, 'x'), '{ok,sad}', '[1,2)', 'r', '1 2', 'pg_class', '<a/>', 'k')")
	for types, want := range map[string]map[string]any{
		"connect": {"id": int32(1), "m": "ok", "l": int32(8), "x": "<a/>", "k": "k"},
		"extended": {
			"id": int32(1), "m": "ok", "l": int32(8), "x": "<a/>", "k": "k",
			"p": "(1,x)", "ms": "{ok,sad}", "s": "[1,2)", "r": "r", "v": "1 2", "c": "pg_class",
		},
	} {
		read := s.reads(t, map[string]string{"mode": "bulk", "table.whitelist": "t", "poll.interval.ms": "3600000", "sluice.types": types})
		got := map[string]any{}
		read.tick(func(records []connect.Record) {
			v := records[0].Value.Value.(*schema.Struct)
			for i, f := range v.Schema().Fields {
				got[f.Name] = v.At(i)
			}
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", types, diff)
		}
	}
}
