package sql_test

import (
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// In each way to write, on each system, the sink is one as the runtime expects it.
func TestSink_Suite(t *testing.T) {
	t.Parallel()
	modes := map[string]map[string]string{
		"insert": {"insert.mode": "insert"},
		"upsert": {"insert.mode": "upsert", "pk.mode": "record_key", "pk.fields": "id"},
		"once":   {"insert.mode": "insert", "sluice.exactly.once": "true"},
	}
	for _, system := range systems() {
		for mode, settings := range modes {
			if mode == "insert" && system != "sqlite" {
				continue // every other mode inserts, too
			}
			t.Run(system+"/"+mode, func(t *testing.T) {
				t.Parallel()
				connecttest.Sink(t, connecttest.SinkSuite{
					Connector: sql.Sink, Required: []string{"connection.url"},
					Fresh: func(t *testing.T) connecttest.SinkTarget {
						t.Helper()
						return fresh(t, system).target(t, mode, settings)
					},
				})
			})
		}
	}
}

func (s *server) target(t *testing.T, mode string, settings map[string]string) connecttest.SinkTarget {
	t.Helper()
	key := ""
	if mode == "upsert" {
		key = ", primary key (id)"
	}
	s.exec(t, "create table t (id int default 0 not null, name varchar(5) check (length(name) < 6), n bigint not null"+key+")")
	all := map[string]string{"max.retries": "0", "connection.attempts": "1", "name": "suite"}
	maps.Copy(all, s.settings)
	maps.Copy(all, settings)
	return connecttest.SinkTarget{
		Settings: all, Idempotent: mode != "insert", Atomic: true,
		Record: func(n int) connect.Record { return row(int64(n), int32(n), "fine", int64(n)) },
		Bad: func(n int) connect.Record {
			if n%2 == 0 {
				return row(int64(n), int32(n), "fine", nil)
			}
			return row(int64(n), int32(n), "too long", int64(n))
		},
		Read: func(t *testing.T) []int {
			t.Helper()
			var numbers []int
			rows, err := s.db.QueryContext(t.Context(), "select n from t order by n")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var text string
				if err := rows.Scan(&text); err != nil {
					t.Fatal(err)
				}
				n, err := strconv.Atoi(text)
				if err != nil {
					t.Fatal(err)
				}
				numbers = append(numbers, n)
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			return numbers
		},
		Break: func(t *testing.T) (repair func()) {
			t.Helper()
			s.exec(t, "alter table t rename to away")
			return func() { s.exec(t, "alter table away rename to t") }
		},
	}
}

// In each mode that goes on where it stopped, on each system, the source is one as the runtime expects it.
func TestSource_Suite(t *testing.T) {
	t.Parallel()
	modes := map[string]map[string]string{
		"incrementing": {"mode": "incrementing"},
		"timestamp":    {"mode": "timestamp", "timestamp.column.name": "at"},
		"both":         {"mode": "timestamp+incrementing", "timestamp.column.name": "at"},
	}
	for _, system := range systems() {
		for mode, settings := range modes {
			if system != "sqlite" && mode != map[string]string{"mysql": "timestamp", "mariadb": "both", "postgresql": "both"}[system] {
				continue // the modes are alike wherever they are
			}
			t.Run(system+"/"+mode, func(t *testing.T) {
				t.Parallel()
				connecttest.Source(t, connecttest.SourceSuite{
					Connector: sql.Source, Required: []string{"connection.url", "mode"},
					Fresh: func(t *testing.T) connecttest.SourceOrigin {
						t.Helper()
						return fresh(t, system).origin(t, settings)
					},
				})
			})
		}
	}
}

func (s *server) origin(t *testing.T, settings map[string]string) connecttest.SourceOrigin {
	t.Helper()
	s.exec(t, map[string]string{
		"sqlite":     "create table t (id integer primary key, at timestamp not null, n int not null)",
		"mysql":      "create table t (id int not null auto_increment primary key, at datetime(3) not null, n int not null)",
		"mariadb":    "create table t (id int not null auto_increment primary key, at datetime(3) not null, n int not null)",
		"postgresql": "create table t (id serial primary key, at timestamp not null, n int not null)",
	}[s.system])
	// Without a horizon: transactions of other tests, which some servers do not tell from those of this one, would hold it.
	r := s.reads(t, map[string]string{"table.whitelist": "t", "batch.max.rows": "4", "sluice.horizon": "none"})
	maps.Copy(r.settings, settings)
	return connecttest.SourceOrigin{
		Settings: r.settings,
		Add: func(t *testing.T, from, to int) {
			t.Helper()
			for n := from; n < to; n++ {
				s.exec(t, fmt.Sprintf("insert into t (at, n) values ('2024-01-01 00:00:%02d.001', %d)", n, n))
			}
		},
		Number: func(r connect.Record) int {
			n, _ := r.Value.Value.(*schema.Struct).Get("n")
			return int(n.(int32))
		},
		Break: func(t *testing.T) (repair func()) {
			t.Helper()
			s.exec(t, "alter table t rename to away")
			return func() { s.exec(t, "alter table away rename to t") }
		},
	}
}
