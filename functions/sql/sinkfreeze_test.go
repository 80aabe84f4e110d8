//go:build unix

package sql_test

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

const (
	frozenRounds  = 6
	frozenRecords = 400 // in each round
	usualPut      = 30 * time.Millisecond
)

// The real function is frozen, and when it goes on its connection is dead: between invocations, as Lambda freezes it, and in
// the midst of one. Each invocation writes what it was given, once, without an error.
func TestSink_OutlivesItsConnectionWhenFrozen(t *testing.T) {
	t.Parallel()
	program := bootstrap(t, "sql-sink")
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		if s.system == "sqlite" {
			t.Skip("there is no connection")
		}
		s.exec(t, "create table keyed (id int not null primary key, name varchar(40))", "create table keyless (id int, name varchar(40))")
		for name, settings := range map[string]map[string]string{
			"keyed":   {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"},
			"keyless": {"sluice.exactly.once": "true"},
		} {
			through, w := s.wired(t)
			f := &frozenSink{wire: w, victim: newVictim(t, name, program, "127.0.0.1:1", through.settings, settings, map[string]string{
				// An attempt of the worker's own, or of Connect's, would be an error that surfaced.
				"connector.class": "JdbcSink", "topics": name, "max.retries": "0", "connection.backoff.ms": "10",
			})}
			f.write(never)
			between, within := 0, 0
			for round := range frozenRounds {
				between += f.freeze()
				if round%2 == 0 {
					f.write(never)
					continue
				}
				f.write(func(done <-chan struct{}) bool {
					if after(time.Duration(f.random.Float64() * float64(usualPut)))(done) {
						within += f.freeze()
					}
					<-done
					return false
				})
			}
			if between+within < frozenRounds { // one cut within may come just after
				t.Errorf("%d connections were cut, of %d", between+within, frozenRounds)
			}
			s.want(t, "select id, name from "+name, f.rows()...)
			t.Logf("%s: %d connections were cut between invocations, %d within one", name, between, within)
		}
	})
}

// frozenSink is a victim, its line to the database and how many records it was given.
type frozenSink struct {
	*victim
	wire *wire
	sent int
}

// freeze stops the process, cuts its connections and has it go on, and returns how many there were.
func (f *frozenSink) freeze() (cut int) {
	if !f.signal(syscall.SIGSTOP) {
		f.t.Error("there is no process to stop")
	}
	cut = f.wire.cut()
	f.signal(syscall.SIGCONT)
	return cut
}

// write invokes the function with more records, while meanwhile goes on.
func (f *frozenSink) write(meanwhile func(done <-chan struct{}) bool) {
	f.t.Helper()
	var e kafka.Encoder
	for range frozenRecords {
		value, err := json.Marshal(map[string]any{"schema": json.RawMessage(frozenSchema), "payload": map[string]any{
			"id": f.sent, "name": "record " + strconv.Itoa(f.sent),
		}})
		if err != nil {
			f.t.Fatal(err)
		}
		e.Add(f.name, 0, &kafka.Message{Offset: int64(f.sent), Timestamp: 1, TimestampType: kafka.CreateTime, Value: value})
		f.sent++
	}
	if _, _, err := f.invoke(e.Bytes(), meanwhile); err != nil {
		f.t.Errorf("an error surfaced: %v", err)
	}
}

// rows are those of what was sent.
func (f *frozenSink) rows() []string {
	rows := make([]string, f.sent)
	for id := range rows {
		rows[id] = fmt.Sprintf("%d|record %d", id, id)
	}
	sort.Strings(rows)
	return rows
}

const frozenSchema = `{"type": "struct", "fields": [{"field": "id", "type": "int32"}, {"field": "name", "type": "string"}]}`
