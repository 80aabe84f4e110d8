package sql_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// crowd are writers to one table that commit in any order. Some take their time, some change their mind.
type crowd struct {
	s       *server
	wg      sync.WaitGroup
	written atomic.Int64 // rows committed
	left    atomic.Int64 // rows to write
	over    atomic.Bool
}

// table makes the table they write to: numbers and timestamps are the database's own.
func (c *crowd) table(t *testing.T) {
	t.Helper()
	c.s.exec(t, map[string]string{
		"sqlite":     "create table t (id integer primary key autoincrement, at timestamp not null default (strftime('%Y-%m-%d %H:%M:%f', 'now')), writer int)",
		"mysql":      "create table t (id bigint not null auto_increment primary key, at timestamp(6) not null default current_timestamp(6), writer int)",
		"mariadb":    "create table t (id bigint not null auto_increment primary key, at timestamp(6) not null default current_timestamp(6), writer int)",
		"postgresql": "create table t (id bigserial primary key, at timestamptz not null default now(), writer int)",
	}[c.s.system], "create index t_at on t (at)")
}

// write starts n writers, who write so many rows in all.
func (c *crowd) write(t *testing.T, n int, rows int64) {
	t.Helper()
	c.left.Store(rows)
	for i := range n {
		c.wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 7)) //nolint:gosec // a test's
			for c.left.Load() > 0 {
				if err := c.transaction(t.Context(), random, i); err != nil && t.Context().Err() == nil {
					t.Errorf("writing: %v", err)
					return
				}
			}
		})
	}
	go func() {
		c.wg.Wait()
		c.over.Store(true)
	}()
}

// transaction writes some rows, one statement after the other, with others in between.
func (c *crowd) transaction(ctx context.Context, random *rand.Rand, writer int) error {
	tx, err := c.s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	n := 1 + random.IntN(30)
	if random.IntN(100) == 0 {
		n *= 20
	}
	for range n {
		if _, err := tx.ExecContext(ctx, "insert into t (writer) values ("+strconv.Itoa(writer)+")"); err != nil {
			return err
		}
	}
	if random.IntN(10) == 0 {
		return tx.Rollback()
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	c.written.Add(int64(n))
	c.left.Add(-int64(n))
	return nil
}

// rowsWritten is how many rows are written: many where all the servers are, and few elsewhere.
func rowsWritten(tb testing.TB, system string) int64 {
	tb.Helper()
	if text := os.Getenv("SLUICE_ROWS"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		return n
	}
	if system == "sqlite" || os.Getenv("SLUICE_CI") == "" {
		return 3000
	}
	return 100_000
}

// Whatever the order in which transactions end, every row is read once, in every mode.
func TestSource_MissesNoRow(t *testing.T) {
	t.Parallel()
	modes := map[string]map[string]string{
		"incrementing":           {"mode": "incrementing", "table.whitelist": "t"},
		"timestamp":              {"mode": "timestamp", "timestamp.column.name": "at", "table.whitelist": "t"},
		"timestamp+incrementing": {"mode": "timestamp+incrementing", "timestamp.column.name": "at", "table.whitelist": "t"},
		"query":                  {"mode": "incrementing", "incrementing.column.name": "id", "query": "select * from t"},
	}
	onEach(t, func(t *testing.T, s *server) {
		c := &crowd{s: s}
		c.table(t)
		writers := 8
		if s.system == "sqlite" {
			writers = 2 // they wait for each other
		}
		c.write(t, writers, rowsWritten(t, s.system))
		var readers sync.WaitGroup
		for mode, settings := range modes {
			readers.Go(func() {
				if missed, twice := c.read(t, settings); missed != "" || twice > 0 {
					t.Errorf("%s: missed %s, %d read twice of %d", mode, missed, twice, c.written.Load())
				}
			})
		}
		readers.Wait()
	})
}

// read reads the table while it is written, by invocations of a few polls, and says what came of it. It is patient: where
// transactions cannot be told apart by their tables, those of other tests are waited for, too.
func (c *crowd) read(t *testing.T, settings map[string]string) (missed string, twice int) {
	t.Helper()
	r := c.s.reads(t, settings)
	seen := map[int64]int{}
	for last := time.Now(); ; {
		over := c.over.Load()
		n := 0
		r.tick(func(records []connect.Record) {
			n += len(records)
			for _, record := range records {
				id, _ := record.Value.Value.(*schema.Struct).Get("id")
				switch id := id.(type) {
				case int64:
					seen[id]++
				case int32:
					seen[int64(id)]++
				}
			}
		})
		if n > 0 || !over {
			last = time.Now()
		}
		if over && (int64(len(seen)) >= c.written.Load() && n == 0 || time.Since(last) > time.Minute) {
			break
		}
	}
	for _, times := range seen {
		if times > 1 {
			twice++
		}
	}
	if int64(len(seen)) != c.written.Load() {
		missed = fmt.Sprint(c.written.Load() - int64(len(seen)))
	}
	return missed, twice
}
