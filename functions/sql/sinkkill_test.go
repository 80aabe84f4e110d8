//go:build unix

package sql_test

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// The real function is killed at random moments of its invocations, and what it did not answer for comes again. In the end
// every record is in the table, and once: by its key, or by sluice.exactly.once although there is none.
func TestSink_Killed(t *testing.T) {
	t.Parallel()
	program := bootstrap(t, "sql-sink")
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		s.exec(t, "create table keyed (id int not null primary key, name varchar(20), n bigint)", "create table keyless (id int, name varchar(20), n bigint)")
		var want []string
		for id := range killPartitions * killRecords {
			want = append(want, fmt.Sprintf("%d|record %d|%d", id, id, 2*id))
		}
		sort.Strings(want)
		for name, settings := range map[string]map[string]string{
			"keyed":   {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"},
			"keyless": {"sluice.exactly.once": "true"},
		} {
			k := &killedSink{victim: newVictim(t, name, program, "127.0.0.1:1", s.settings, settings, map[string]string{
				"connector.class": "JdbcSink", "topics": name, "retry.backoff.ms": "10",
			})}
			kills := k.run()
			s.want(t, "select id, name, n from "+name, want...)
			t.Logf("%s: killed %d times", name, kills)
		}
	})
}

const (
	killPartitions = 2
	killRecords    = 2500 // in each partition
	killRounds     = 25
)

// killedSink is a victim and how far it got.
type killedSink struct {
	*victim
	done [killPartitions]int
}

// run hands over all records, and returns how often the function was killed.
func (k *killedSink) run() (kills int) {
	usual := 100 * time.Millisecond
	for k.left() > 0 {
		event, ends := k.batch()
		when := never
		if kills < killRounds {
			when = after(time.Duration(k.random.Float64() * 1.3 * float64(usual)))
		}
		killed, took, err := k.invoke(event, when)
		switch {
		case err == nil:
			k.done, usual = ends, (usual+took)/2
		case killed:
			kills++
		case !k.struck:
			k.t.Fatalf("the function failed before it was killed: %v", err)
		}
	}
	return kills
}

func (k *killedSink) left() (n int) {
	for _, done := range k.done {
		n += killRecords - done
	}
	return n
}

// batch is an event of what comes next, cut anywhere.
func (k *killedSink) batch() (event []byte, ends [killPartitions]int) {
	var e kafka.Encoder
	for p := range k.done {
		ends[p] = min(killRecords, k.done[p]+k.random.IntN(200))
		for i := k.done[p]; i < ends[p]; i++ {
			id := i*killPartitions + p
			value, err := json.Marshal(map[string]any{"schema": json.RawMessage(killSchema), "payload": map[string]any{
				"id": id, "name": "record " + strconv.Itoa(id), "n": 2 * id,
			}})
			if err != nil {
				k.t.Fatal(err)
			}
			e.Add(k.name, int32(p), &kafka.Message{Offset: int64(i), Timestamp: 1, TimestampType: kafka.CreateTime, Value: value})
		}
	}
	if e.Len() == 0 {
		return k.batch()
	}
	return e.Bytes(), ends
}

const killSchema = `{"type": "struct", "fields": [{"field": "id", "type": "int32"}, {"field": "name", "type": "string"}, {"field": "n", "type": "int64"}]}`
