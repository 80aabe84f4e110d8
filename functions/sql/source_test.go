package sql_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// numbered makes a table t whose rows are numbered by the database, with n of them.
func (s *server) numbered(tb testing.TB, n int) {
	tb.Helper()
	s.exec(tb, map[string]string{
		"sqlite":     "create table t (id integer primary key, at timestamp not null, name varchar(80))",
		"mysql":      "create table t (id int not null auto_increment primary key, at datetime(3) not null, name varchar(80))",
		"mariadb":    "create table t (id int not null auto_increment primary key, at datetime(3) not null, name varchar(80))",
		"postgresql": "create table t (id serial primary key, at timestamp not null, name varchar(80))",
	}[s.system])
	for i := range n {
		s.exec(tb, fmt.Sprintf("insert into t (at, name) values ('2024-01-01 00:00:%02d', 'n%d')", i, i))
	}
}

func incrementing() map[string]string {
	return map[string]string{"mode": "incrementing", "table.whitelist": "t"}
}

func partition(t *testing.T, fields map[string]any) connect.Partition {
	t.Helper()
	p, err := connect.NewPartition(fields)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ids(rows [][]any) []any {
	out := []any{}
	for _, row := range rows {
		out = append(out, row[0])
	}
	return out
}

func TestSource_GoesOnFromOffsetsOfKafkaConnect(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		s.numbered(t, 4)
		full := map[string]string{"sqlite": "t", "postgresql": "public.t"}[s.system]
		if full == "" {
			full = s.database() + ".t"
		}
		old, now := partition(t, map[string]any{"table": "t"}), partition(t, map[string]any{"protocol": "1", "table": full})
		r := s.reads(t, incrementing())
		r.store(old, connect.At("incrementing", 1))
		if diff := cmp.Diff([]any{int32(2), int32(3), int32(4)}, ids(r.all())); diff != "" {
			t.Errorf("from the old form (-want +got):\n%s", diff)
		}
		r = s.reads(t, incrementing())
		r.store(old, connect.At("incrementing", 1))
		r.store(now, connect.At("incrementing", 3))
		if diff := cmp.Diff([]any{int32(4)}, ids(r.all())); diff != "" {
			t.Errorf("from both forms (-want +got):\n%s", diff)
		}
		r = s.reads(t, map[string]string{"mode": "timestamp", "timestamp.column.name": "at", "table.whitelist": "t"})
		r.store(now, connect.At("timestamp", time.Date(2024, 1, 1, 0, 0, 1, 0, time.UTC).UnixMilli()))
		if diff := cmp.Diff([]any{int32(3), int32(4)}, ids(r.all())); diff != "" {
			t.Errorf("from milliseconds (-want +got):\n%s", diff)
		}
	})
}

func TestSource_StoresAStartAtNowBeforeTheFirstRow(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		s.numbered(t, 2)
		r := s.reads(t, map[string]string{
			"mode": "timestamp", "timestamp.column.name": "at", "table.whitelist": "t", "timestamp.initial": "-1", "sluice.horizon": "none",
		})
		if rows := r.all(); len(rows) > 0 {
			t.Errorf("rows of the past were read: %v", rows)
		}
		if len(r.shown) > 0 || len(r.stored) != 1 {
			t.Fatalf("shown %v, stored %q", r.shown, r.stored)
		}
		for _, text := range r.stored {
			at, err := connect.ParsePosition(text)
			if err != nil {
				t.Fatal(err)
			}
			ms, _, err := at.Int64("timestamp")
			if off := time.Since(time.UnixMilli(ms)).Abs(); err != nil || off > time.Hour {
				t.Errorf("it starts at %s, %s from now: %v", text, off, err)
			}
		}
	})
}

func TestSource_SaysWhenATableIsDueAgain(t *testing.T) {
	t.Parallel()
	s := fresh(t, "sqlite")
	s.numbered(t, 3)
	r := s.reads(t, map[string]string{"mode": "bulk", "table.whitelist": "t", "poll.interval.ms": "3600000"})
	rows := 0
	next := r.tick(func(records []connect.Record) { rows += len(records) })
	if left := time.Until(next); rows != 3 || left < 50*time.Minute || left > time.Hour {
		t.Errorf("after %d rows it is due in %s", rows, left)
	}
}

func TestSource_HasNoOffsetWithinATimestamp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		s.numbered(t, 0)
		s.exec(t, "insert into t (at, name) values ('2024-01-01 00:00:00', 'a'), ('2024-01-01 00:00:01', 'b'), ('2024-01-01 00:00:01', 'c')")
		r := s.reads(t, map[string]string{
			"mode": "timestamp", "timestamp.column.name": "at", "table.whitelist": "t", "batch.max.rows": "1", "sluice.horizon": "none",
		})
		var has []bool
		r.tick(func(records []connect.Record) { has = append(has, !records[0].Source.Position.IsZero()) })
		if diff := cmp.Diff([]bool{true, false, true}, has); diff != "" {
			t.Errorf("which records have an offset (-want +got):\n%s", diff)
		}
	})
}

// A LIMIT may end a result among rows of one timestamp. They are not passed, nor waited for in vain.
func TestSource_PassesNoTimestampThatALimitCutOff(t *testing.T) {
	t.Parallel()
	s := fresh(t, "sqlite")
	s.numbered(t, 0)
	s.exec(t, "insert into t (at, name) values ('2024-01-01 00:00:00', 'a'), ('2024-01-01 00:00:01', 'b'), ('2024-01-01 00:00:01', 'c'), ('2024-01-01 00:00:02', 'd')")
	settings := map[string]string{
		"mode": "timestamp", "timestamp.column.name": "at", "table.whitelist": "t", "query.suffix": "LIMIT 2", "poll.interval.ms": "60000",
	}
	r := s.reads(t, settings)
	if diff := cmp.Diff([]any{int32(1), int32(2)}, ids(r.all())); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	r.settings["query.suffix"] = "LIMIT 3"
	if diff := cmp.Diff([]any{int32(2), int32(3), int32(4)}, ids(r.all())); diff != "" {
		t.Errorf("then (-want +got):\n%s", diff)
	}
	s.exec(t, "insert into t (at, name) values ('2024-01-01 00:00:03', 'e'), ('2024-01-01 00:00:03', 'f')")
	r.settings["query.suffix"] = "LIMIT 2"
	if diff := cmp.Diff([]any{int32(4), int32(5)}, ids(r.all())); diff != "" {
		t.Errorf("and then (-want +got):\n%s", diff)
	}
	if err := r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var err error
	for range 3 {
		if _, err = r.poll(t.Context()); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "query.suffix limits the result to 2 rows") {
		t.Errorf("a LIMIT that leaves no more than one timestamp's rows: %v", err)
	}
}

func TestSource_SpreadsTablesAndFindsNewOnes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		create := func(names ...string) {
			for _, name := range names {
				s.exec(t, "create table "+name+" (id int not null primary key)")
			}
		}
		create("a", "b", "c", "d", "e", "other")
		r := s.reads(t, map[string]string{"mode": "bulk", "table.blacklist": "other"})
		spread := func(limit int) (sizes []int) {
			t.Helper()
			plan, err := r.plan(limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range plan {
				sizes = append(sizes, strings.Count(task["tables"], ",")+1)
			}
			return sizes
		}
		if diff := cmp.Diff([][]int{{5}, {3, 2}, {2, 2, 1}, {1, 1, 1, 1, 1}}, [][]int{spread(1), spread(2), spread(3), spread(9)}); diff != "" {
			t.Errorf("tables of tasks (-want +got):\n%s", diff)
		}
		create("f")
		if diff := cmp.Diff([]int{3, 3}, spread(2)); diff != "" {
			t.Errorf("with one more (-want +got):\n%s", diff)
		}
	})
}

func TestSource_ReplacesADeadConnectionWithinAPoll(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		if s.system == "sqlite" {
			t.Skip("a file does not die")
		}
		s.numbered(t, 2)
		r := s.reads(t, incrementing())
		if err := r.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer r.close()
		read := func() (n int) {
			t.Helper()
			for range 50 {
				records, err := r.poll(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if n += len(records); n > 0 {
					return n
				}
			}
			return n
		}
		if n := read(); n != 2 {
			t.Fatalf("%d rows of 2", n)
		}
		s.killOthers(t)
		s.exec(t, "insert into t (at, name) values ('2024-01-01 00:00:00', 'after')")
		if n := read(); n != 1 {
			t.Errorf("%d rows of 1 after the connection died", n)
		}
	})
}

// killOthers ends all connections to the test's database but its own.
func (s *server) killOthers(t *testing.T) {
	t.Helper()
	if s.system == "postgresql" {
		s.exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
		return
	}
	for _, row := range s.query(t, "select id from information_schema.processlist where db = database() and id <> connection_id()") {
		s.exec(t, fmt.Sprint("kill ", row["id"]))
	}
}

func TestSource_ExtendedCarriesWhatJDBCDoesNot(t *testing.T) {
	t.Parallel()
	for system, c := range map[string]struct {
		create, insert string
		want           []any
	}{
		"mysql": {
			"create table t (id int not null primary key, big bigint unsigned, bits bit(16), t time)",
			"insert into t values (1, 18446744073709551615, b'1000000000000001', '-838:59:59')",
			[]any{int32(1), "18446744073709551615", "32769", "-838:59:59"},
		},
		"postgresql": {
			`create table t (id int not null primary key, n numeric, i int[], s text[], v interval, r int4range, a inet, b bit(8), d numeric(4,1)[])`,
			`insert into t values (1, 1.50, '{1,null,3}', '{a,"b c"}', '1 day 02:00:00', '[1,5)', '10.0.0.1/24', b'10101010', '{1.5}')`,
			[]any{int32(1), "1.50", []any{int32(1), nil, int32(3)}, []any{"a", "b c"}, "1 day 02:00:00", "[1,5)", "10.0.0.1/24", "10101010", []any{"1.5"}},
		},
		"sqlite": {
			"create table t (id integer primary key, n integer)", "insert into t values (1, 9223372036854775807)",
			[]any{int64(1), int64(9223372036854775807)},
		},
	} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			s := fresh(t, system)
			s.exec(t, c.create, c.insert)
			r := s.reads(t, map[string]string{"mode": "bulk", "table.whitelist": "t", "sluice.types": "extended", "poll.interval.ms": "60000"})
			rows := r.all()
			if len(rows) != 1 {
				t.Fatalf("%d rows", len(rows))
			}
			for i, v := range rows[0] {
				if d, ok := v.(schema.Decimal); ok {
					rows[0][i] = d.PlainString()
				}
			}
			if diff := cmp.Diff(c.want, rows[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// fill adds n rows at once.
func (s *server) fill(tb testing.TB, n int64) {
	tb.Helper()
	series := map[string]string{
		"sqlite":     "with recursive c(i) as (select 1 union all select i + 1 from c where i < %d) insert into t (at, name) select '2024-01-01', 'some name that is as long as names are, ' || i from c",
		"postgresql": "insert into t (at, name) select '2024-01-01', 'some name that is as long as names are, ' || i from generate_series(1, %d) i",
	}[s.system]
	if series != "" {
		s.exec(tb, fmt.Sprintf(series, n))
		return
	}
	s.exec(tb, "insert into t (at, name) values ('2024-01-01', 'some name that is as long as names are, 1')")
	for have := int64(1); have < n; have *= 2 {
		s.exec(tb, fmt.Sprintf("insert into t (at, name) select at, name from t limit %d", n-have))
	}
}

// A table is not held in memory, however long it is.
func TestSource_StreamsRows(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		s.numbered(t, 0)
		n := max(rowsWritten(t, s.system), 20_000)
		s.fill(t, n)
		r := s.reads(t, map[string]string{"mode": "bulk", "table.whitelist": "t", "batch.max.rows": "500", "poll.interval.ms": "600000"})
		read, most := int64(0), 0
		r.tick(func(records []connect.Record) {
			read += int64(len(records))
			most = max(most, len(records))
		})
		if read != n || most > 500 {
			t.Errorf("%d rows of %d, at most %d at once", read, n, most)
		}
	})
}

// However many rows are read in one invocation, the memory in use stays what it was.
func TestSource_HoldsNoTable(t *testing.T) {
	// Not parallel: it looks at the memory of the whole process.
	s := fresh(t, "sqlite")
	s.numbered(t, 0)
	n := max(rowsWritten(t, s.system), 100_000)
	s.fill(t, n)
	r := s.reads(t, map[string]string{"mode": "incrementing", "table.whitelist": "t", "batch.max.rows": "1000"})
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	read, most := int64(0), uint64(0)
	r.tick(func(records []connect.Record) {
		if read += int64(len(records)); read%50_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	})
	if read != n || most > before.HeapAlloc+16<<20 {
		t.Errorf("%d rows of %d, %d MB in use, %d MB before", read, n, most>>20, before.HeapAlloc>>20)
	}
}
