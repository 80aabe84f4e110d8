package sql_test

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const benchRows = 3000 // of one transaction: batch.size

// BenchmarkSink writes rows of less than 100 bytes, a transaction of 3000 by the sink and one by a loop over the driver in
// turn, so that both meet the same machine. It reports rows per second of both, and the sink's share.
func BenchmarkSink(b *testing.B) {
	for _, system := range systems() {
		for _, mode := range []string{"insert", "upsert"} {
			b.Run(system+"/"+mode, func(b *testing.B) {
				s := fresh(b, system)
				create := "create table %s (id int not null primary key, name varchar(40), n bigint, d double precision)"
				s.exec(b, fmt.Sprintf(create, "t"), fmt.Sprintf(create, "raw"))
				raw, task := newRaw(b, s, mode), s.openSink(b, false, "insert.mode", mode, "pk.mode", "record_key", "pk.fields", "id")
				records := benchRecords()
				var ours, theirs time.Duration
				for round := 0; b.Loop(); round++ {
					start := time.Now()
					raw.write(b, round)
					theirs += time.Since(start)
					renumber(records, round)
					start = time.Now()
					if err := task.Put(b.Context(), records); err != nil {
						b.Fatal(err)
					}
					ours += time.Since(start)
				}
				n := float64(b.N * benchRows)
				b.ReportMetric(n/ours.Seconds(), "rows/s")
				b.ReportMetric(n/theirs.Seconds(), "raw-rows/s")
				b.ReportMetric(100*theirs.Seconds()/ours.Seconds(), "%-of-raw")
			})
		}
	}
}

func benchName(id int32) string { return fmt.Sprintf("the name of the row %d", id) }

// benchRecords makes records whose structs renumber changes.
func benchRecords() []connect.Record {
	key := schema.StructOf([]schema.Field{schema.F("id", schema.Of(schema.Int32))})
	value := schema.StructOf([]schema.Field{
		schema.F("name", schema.Of(schema.String)), schema.F("n", schema.Of(schema.Int64)), schema.F("d", schema.Of(schema.Float64)),
	})
	records := make([]connect.Record, benchRows)
	for i := range records {
		records[i] = connect.Record{
			Topic: "t", Kafka: connect.Kafka{Topic: "t"},
			Key:   connect.Datum{Schema: key, Value: schema.StructFrom(key, []any{int32(i)})},
			Value: connect.Datum{Schema: value, Value: schema.StructFrom(value, []any{benchName(int32(i)), int64(i), float64(i) / 3})},
		}
	}
	return records
}

func renumber(records []connect.Record, round int) {
	for i := range records {
		records[i].Kafka.Offset = int64(round*benchRows + i)
		records[i].Key.Value.(*schema.Struct).SetAt(0, int32(round*benchRows+i))
	}
}

// rawLoop writes the same rows by the driver alone, as its manual says it is fast.
type rawLoop struct {
	s      *server
	conn   *stdsql.Conn
	mode   string
	insert *stdsql.Stmt
}

func newRaw(b *testing.B, s *server, mode string) *rawLoop {
	b.Helper()
	conn, err := s.db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	r := &rawLoop{s: s, conn: conn, mode: mode}
	if s.system == "postgresql" {
		return r
	}
	query := "insert into raw (id, name, n, d) values " + strings.TrimSuffix(strings.Repeat("(?,?,?,?),", 100), ",")
	switch {
	case mode == "upsert" && s.system == "sqlite":
		query += " on conflict (id) do update set name = excluded.name, n = excluded.n, d = excluded.d"
	case mode == "upsert":
		query += " on duplicate key update name = values(name), n = values(n), d = values(d)"
	}
	if r.insert, err = conn.PrepareContext(b.Context(), query); err != nil {
		b.Fatal(err)
	}
	return r
}

func (r *rawLoop) write(b *testing.B, round int) {
	b.Helper()
	tx, err := r.conn.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	if r.s.system == "postgresql" {
		err = r.conn.Raw(func(dc any) error { return r.postgres(b.Context(), dc.(*stdlib.Conn).Conn(), round) })
	} else {
		err = r.statements(b.Context(), round)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (r *rawLoop) statements(ctx context.Context, round int) error {
	args := make([]any, 0, 400)
	for i := range int32(benchRows) {
		id := int32(round)*benchRows + i
		if args = append(args, id, benchName(i), int64(i), float64(i)/3); len(args) < cap(args) {
			continue
		}
		if _, err := r.insert.ExecContext(ctx, args...); err != nil {
			return err
		}
		args = args[:0]
	}
	return nil
}

func (r *rawLoop) postgres(ctx context.Context, conn *pgx.Conn, round int) error {
	if r.mode == "insert" {
		i := int32(-1)
		_, err := conn.CopyFrom(ctx, pgx.Identifier{"raw"}, []string{"id", "name", "n", "d"}, pgx.CopyFromFunc(func() ([]any, error) {
			if i++; i == benchRows {
				return nil, nil
			}
			return []any{int32(round)*benchRows + i, benchName(i), int64(i), float64(i) / 3}, nil
		}))
		return err
	}
	var ids []int32
	var names []string
	var ns []int64
	var ds []float64
	for i := range int32(benchRows) {
		ids, names, ns, ds = append(ids, int32(round)*benchRows+i), append(names, benchName(i)), append(ns, int64(i)), append(ds, float64(i)/3)
	}
	_, err := conn.Exec(ctx, "insert into raw (id, name, n, d) select * from unnest($1::int[], $2::text[], $3::bigint[], $4::float8[])"+
		" on conflict (id) do update set name = excluded.name, n = excluded.n, d = excluded.d", ids, names, ns, ds)
	return err
}
