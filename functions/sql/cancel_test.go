package sql_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// running counts the statements with a word in them that a server runs, those that ask for it left out.
func (s *server) running(t *testing.T, word string) int {
	t.Helper()
	query := "select count(*) from information_schema.processlist where info like ? and id <> connection_id() and db = database()"
	if s.system == "postgresql" {
		query = "select count(*) from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid() and datname = current_database()"
	}
	var n int
	if err := s.db.QueryRowContext(t.Context(), query, "%"+word+"%").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// until waits until a server runs so many statements with a word in them.
func (s *server) until(t *testing.T, word string, n int) {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for s.running(t, word) != n {
		select {
		case <-limit.Done():
			t.Fatalf("the server runs %d statements with %q, not %d", s.running(t, word), word, n)
		case <-look.C:
		}
	}
}

// A source that is told to stop, or whose time is up, has its query ended in the server, too.
func TestSource_EndsItsQueryInTheServer(t *testing.T) {
	t.Parallel()
	sleeps := map[string]string{"mysql": "sleep(60)", "mariadb": "sleep(60)", "postgresql": "pg_sleep(60)::text"}
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		if s.system == "sqlite" {
			t.Skip("there is no server")
		}
		for name, end := range map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
			"told": context.WithCancel,
			"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 2*time.Second)
			},
		} {
			word := "word_" + name
			r := s.reads(t, map[string]string{"mode": "bulk", "query": fmt.Sprintf("select %s as %s", sleeps[s.system], word)})
			if err := r.open(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := end(t.Context())
			polled := make(chan error)
			go func() {
				_, err := r.task.Poll(ctx)
				polled <- err
			}()
			s.until(t, word, 1)
			if name == "told" {
				cancel()
			}
			if err := <-polled; err == nil || ctx.Err() == nil {
				t.Errorf("%s: Poll: %v", name, err)
			}
			s.until(t, word, 0)
			cancel()
			r.close()
		}
	})
}

// A sink that is told to stop does not leave its statement waiting for a lock in the server.
func TestSink_EndsItsStatementInTheServer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		if s.system == "sqlite" {
			t.Skip("there is no server")
		}
		s.keyed(t)
		s.exec(t, "insert into t (id, sub, name, n) values (1, 'x', 'a', 1)")
		other, err := s.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Rollback()
		if _, err := other.ExecContext(t.Context(), "update t set n = 2 where id = 1 and sub = 'x'"); err != nil {
			t.Fatal(err)
		}
		task := s.openSink(t, false, "insert.mode", "update", "pk.mode", "record_key")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- task.Put(ctx, []connect.Record{row(0, 1, "b", int64(3))}) }()
		word := map[string]string{"postgresql": "UPDATE%unnest"}[s.system]
		if word == "" {
			word = "UPDATE%`t`%SET"
		}
		s.until(t, word, 1)
		cancel()
		if err := <-done; err == nil {
			t.Error("it was written although another transaction has the row")
		}
		s.until(t, word, 0)
	})
}
