package sql_test

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// narrow makes a table t of so many rows of less than 100 bytes.
func (s *server) narrow(tb testing.TB, rows int) {
	tb.Helper()
	s.exec(tb, "create table t (id int not null primary key, name varchar(40), n bigint, d double precision)")
	const name = "the name of the row "
	switch s.system {
	case "postgresql":
		s.exec(tb, fmt.Sprintf("insert into t select i, '%s' || i, i, i / 3.0 from generate_series(1, %d) i", name, rows))
	case "sqlite":
		s.exec(tb, fmt.Sprintf("with recursive r(i) as (select 1 union all select i + 1 from r where i < %d)"+
			" insert into t select i, '%s' || i, i, i / 3.0 from r", rows, name))
	default:
		s.exec(tb, "insert into t values (1, '"+name+"1', 1, 1 / 3)")
		for n := 1; n < rows; n *= 2 {
			s.exec(tb, fmt.Sprintf("insert into t select id + %d, concat('%s', id + %d), id + %d, (id + %d) / 3 from t where id <= %d",
				n, name, n, n, n, min(n, rows-n)))
		}
	}
}

const benchTable = 100_000 // rows

// BenchmarkSource reads a table of 100,000 rows by the source, and by a loop over the driver in turn, so that both meet the
// same machine. It reports rows per second of both, and the source's share. Nothing is converted or sent.
func BenchmarkSource(b *testing.B) {
	for _, system := range systems() {
		for _, mode := range []string{"bulk", "incrementing"} {
			b.Run(system+"/"+mode, func(b *testing.B) {
				s := fresh(b, system)
				s.narrow(b, benchTable)
				var ours, theirs time.Duration
				for b.Loop() {
					start := time.Now()
					s.loop(b)
					theirs += time.Since(start)
					r := s.reads(b, map[string]string{
						"mode": mode, "incrementing.column.name": "id", "table.whitelist": "t", "batch.max.rows": "1000", "sluice.horizon": "none",
					})
					ours += r.time()
				}
				n := float64(b.N * benchTable)
				b.ReportMetric(n/ours.Seconds(), "rows/s")
				b.ReportMetric(n/theirs.Seconds(), "raw-rows/s")
				b.ReportMetric(100*theirs.Seconds()/ours.Seconds(), "%-of-raw")
			})
		}
	}
}

// loop reads the table by the driver alone.
func (s *server) loop(b *testing.B) {
	b.Helper()
	rows, err := s.db.QueryContext(b.Context(), "select * from t order by id")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var id int32
		var name string
		var number int64
		var d float64
		if err := rows.Scan(&id, &name, &number, &d); err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil || n != benchTable {
		b.Fatal(n, err)
	}
}

// time is how long the source takes to read the table.
func (r *reading) time() time.Duration {
	r.tb.Helper()
	if err := r.open(context.WithoutCancel(r.tb.Context())); err != nil {
		r.tb.Fatal(err)
	}
	defer r.close()
	start, n := time.Now(), 0
	for {
		records, err := r.task.Poll(r.tb.Context())
		if err != nil {
			r.tb.Fatal(err)
		}
		if n += len(records); len(records) == 0 || n == benchTable {
			break
		}
	}
	took := time.Since(start)
	if n != benchTable {
		r.tb.Fatalf("%d rows", n)
	}
	return took
}
