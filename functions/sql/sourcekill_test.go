//go:build unix

package sql_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
)

const (
	killedRows  = 2000 // before the first invocation
	killedMore  = 900  // more for each
	killedTimes = 8
)

// The real function is killed at random moments, while the table grows. In the end every row is in the topic as it is in the
// table. What is there twice was not committed when the function was killed, and rows are in order but for that.
func TestSource_Killed(t *testing.T) {
	t.Parallel()
	program := bootstrap(t, "sql-source")
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		for _, settings := range []map[string]string{
			{"mode": "incrementing"}, {"mode": "timestamp", "timestamp.column.name": "at"},
		} {
			k := newKilledSource(t, s, settings["mode"], program, settings)
			kills := k.run()
			twice := k.compare()
			t.Logf("%s: killed %d times, %d of %d rows came twice", settings["mode"], kills, twice, k.rows)
		}
	})
}

// killedSource is a victim, the table it reads and the topic it writes to.
type killedSource struct {
	*victim
	server *server
	table  string
	client *kgo.Client
	rows   int
	marks  []mark
}

// mark is what was committed when the function had been killed, and how much there was in the topic then.
type mark struct{ committed, end int64 }

// producedRow is a row as it is in the topic.
type producedRow struct {
	ID   int64  `json:"id"`
	At   int64  `json:"at"`
	Name string `json:"name"`
}

// number is what rows are found by.
func (k *killedSource) number(r producedRow) int64 {
	if k.table == "timestamp" {
		return r.At
	}
	return r.ID
}

func newKilledSource(t *testing.T, s *server, name, program string, settings map[string]string) *killedSource {
	t.Helper()
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	k := &killedSource{server: s, table: name}
	k.client, err = kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.client.Close)
	if _, err := kadm.NewClient(k.client).CreateTopic(t.Context(), 1, 1, nil, "t-"+name); err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(s.reads(t, settings).settings)
	maps.Copy(all, map[string]string{
		"connector.class": "JdbcSource", "table.whitelist": name, "value.converter.schemas.enable": "false", "poll.interval.ms": "0", "batch.max.rows": "20",
		"sluice.offset.flush.interval.ms": "10", "sluice.lease.ms": "6000",
	})
	k.victim = newVictim(t, name, program, b.Addr(), all)
	s.exec(t, "create table "+s.quoted(name)+map[string]string{
		"sqlite":     " (id integer primary key, at timestamp not null, name varchar(40))",
		"mysql":      " (id int not null auto_increment primary key, at datetime(3) not null, name varchar(40))",
		"mariadb":    " (id int not null auto_increment primary key, at datetime(3) not null, name varchar(40))",
		"postgresql": " (id serial primary key, at timestamp(3) not null, name varchar(40))",
	}[s.system])
	k.grow(killedRows)
	return k
}

// at is the timestamp of the n-th row: some rows have the same.
func (k *killedSource) at(n int) time.Time {
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n/3) * time.Millisecond)
}

// grow adds rows, those of one timestamp together.
func (k *killedSource) grow(n int) {
	k.t.Helper()
	n += 3 - n%3
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("('%s', 'row %d')", k.at(k.rows+i).Format("2006-01-02 15:04:05.000"), k.rows+i)
	}
	k.server.exec(k.t, "insert into "+k.server.quoted(k.table)+" (at, name) values "+strings.Join(values, ", "))
	k.rows += n
}

// run invokes the function until all is read, and returns how often it was killed.
func (k *killedSource) run() (kills int) {
	event := fmt.Appendf(nil, `{"connector": %q}`, k.name)
	schedule := time.NewTicker(100 * time.Millisecond)
	defer schedule.Stop()
	usual, before := 200*time.Millisecond, k.committed()
	for {
		when := never
		switch {
		case kills < killedTimes/2:
			when = k.far(k.random.IntN(killedMore))
		case kills < killedTimes:
			when = after(time.Duration(k.random.Float64() * 1.3 * float64(usual)))
		}
		killed, took, err := k.invoke(event, when)
		switch {
		case killed:
			kills++
			k.mark()
			if k.random.IntN(3) > 0 {
				k.put(nil) // else the lease has to run out
			}
			k.grow(k.random.IntN(killedMore))
		case err != nil && !k.struck:
			k.t.Fatalf("the function failed before it was killed: %v", err)
		case err == nil && k.committed() > before:
			usual = (usual + took) / 2
		}
		now := k.committed()
		last := k.number(producedRow{ID: int64(k.rows), At: k.at(k.rows - 1).UnixMilli()})
		switch {
		case now == last && kills >= killedTimes:
			return kills
		case now == last:
			k.grow(k.random.IntN(killedMore))
		}
		before = now
		select {
		case <-schedule.C:
		case <-k.t.Context().Done():
			k.t.Fatal("it took too long")
		}
	}
}

// committed is where the source would go on.
func (k *killedSource) committed() int64 {
	k.t.Helper()
	entries, err := k.store.AllOffsets(k.t.Context(), k.name)
	if err != nil {
		k.t.Fatal(err)
	}
	if len(entries) == 0 {
		return 0
	}
	member := "incrementing"
	if k.table == "timestamp" {
		member = "timestamp"
	}
	n, _, err := entries[0].Start().Int64(member)
	if err != nil {
		k.t.Fatal(err)
	}
	return n
}

// mark notes what must not come again.
func (k *killedSource) mark() {
	k.t.Helper()
	committed := k.committed()
	k.marks = append(k.marks, mark{committed, k.end()})
}

// end is how much there is in the topic.
func (k *killedSource) end() int64 {
	ends, err := kadm.NewClient(k.client).ListEndOffsets(k.t.Context(), "t-"+k.table)
	if err != nil {
		k.t.Error(err)
	}
	end, _ := ends.Lookup("t-"+k.table, 0)
	return end.Offset
}

// far is a time to kill: when so many more rows are in the topic.
func (k *killedSource) far(rows int) func(done <-chan struct{}) bool {
	return func(done <-chan struct{}) bool {
		for until := k.end() + int64(rows); k.end() <= until; {
			select {
			case <-done:
				return false
			default:
			}
		}
		return true
	}
}

// compare reads the topic and returns how many rows are there more than once.
func (k *killedSource) compare() (twice int) {
	k.t.Helper()
	records := k.produced()
	seen := map[int64]producedRow{}
	var last producedRow
	for i, r := range records {
		for len(k.marks) > 0 && int64(i) >= k.marks[0].end {
			if k.number(r) <= k.marks[0].committed {
				k.t.Fatalf("%+v came after a kill, though %d was committed before it", r, k.marks[0].committed)
			}
			k.marks, last = k.marks[1:], producedRow{}
		}
		if k.number(r) < k.number(last) {
			k.t.Fatalf("%+v came after %+v", r, last)
		}
		last = r
		if before, again := seen[r.ID]; again {
			twice++
			if before != r {
				k.t.Errorf("%+v came as %+v, too", before, r)
			}
		}
		seen[r.ID] = r
	}
	want := map[int64]producedRow{}
	for n := range k.rows {
		want[int64(n+1)] = producedRow{int64(n + 1), k.at(n).UnixMilli(), "row " + strconv.Itoa(n)}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		k.t.Errorf("rows (-in the table +in the topic):\n%s", diff)
	}
	return twice
}

// produced are all records of the topic.
func (k *killedSource) produced() (rows []producedRow) {
	k.t.Helper()
	end := k.end()
	k.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{"t-" + k.table: {0: kgo.NewOffset().AtStart()}})
	for int64(len(rows)) < end {
		fetches := k.client.PollFetches(k.t.Context())
		if err := fetches.Err(); err != nil {
			k.t.Fatal(err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			var r producedRow
			if err := json.Unmarshal(record.Value, &r); err != nil {
				k.t.Fatal(err)
			}
			rows = append(rows, r)
		})
	}
	return rows
}

// quoted is a name in quotes.
func (s *server) quoted(name string) string { return string(quote(s)) + name + string(quote(s)) }
