//go:build unix

package sql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	built "github.com/sluice-connect/sluice/local/e2e/desk"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// launcher says who it is and becomes the function.
const launcher = `#!/bin/sh
echo $$ > "$KILL_PID"
exec "$KILL_BOOTSTRAP"
`

// The real function is killed at random moments of its invocations, and what it did not answer for comes again. In the end
// every record is in the table, and once: by its key, or by sluice.exactly.once although there is none.
func TestSink_Killed(t *testing.T) {
	t.Parallel()
	b, err := built.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
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
			k := newKill(t, s, name, settings, filepath.Join(b.Functions, "sql-sink", "bootstrap"))
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

// victim is a connector whose function is killed.
type victim struct {
	t         *testing.T
	name      string
	functions *function.Service
	pid       string // the file that names the process
	random    *rand.Rand
	done      [killPartitions]int
}

func newKill(t *testing.T, s *server, name string, settings map[string]string, bootstrap string) *victim {
	t.Helper()
	tab, err := table.Open("")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(tab)
	t.Cleanup(func() { server.Close(); tab.Close() })
	store, err := dynamo.Open(t.Context(), dynamo.Options{Table: "sluice", Region: "us-east-1", Endpoint: server.URL, AccessKey: "x", SecretKey: "x"})
	if err == nil {
		err = store.CreateTable(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	const converter = "org.apache.kafka.connect.json.JsonConverter"
	all := map[string]string{
		"name": name, "connector.class": "JdbcSink", "topics": name, "key.converter": converter, "value.converter": converter,
		"retry.backoff.ms": "10",
	}
	maps.Copy(all, s.settings)
	maps.Copy(all, settings)
	if _, err := store.Put(t.Context(), offset.Connector{Name: name, Target: offset.Running, Config: all, Stale: true}, offset.Restart); err != nil {
		t.Fatal(err)
	}
	k := &victim{t: t, name: name, pid: filepath.Join(t.TempDir(), "pid"), random: rand.New(rand.NewPCG(5, uint64(len(name))))} //nolint:gosec // the same numbers each time
	if k.functions, err = function.NewService(function.Options{Grace: time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.functions.Close(context.Background()) })
	script := filepath.Join(t.TempDir(), "launch")
	if err := os.WriteFile(script, []byte(launcher), 0o755); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	err = k.functions.Deploy(function.Function{
		Name: name, Bootstrap: script, Timeout: time.Minute, Log: t.Output(), Concurrency: 1,
		Env: map[string]string{
			"KILL_PID": k.pid, "KILL_BOOTSTRAP": bootstrap, runtime.EnvTable: "sluice", runtime.EnvConnector: name,
			runtime.EnvWorker: `{"bootstrap.servers": "127.0.0.1:1"}`, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_DYNAMODB": server.URL,
			"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// run hands over all records, and returns how often the function was killed.
func (k *victim) run() (kills int) {
	usual := 100 * time.Millisecond
	for k.left() > 0 {
		event, ends := k.batch()
		killed := make(chan bool, 1)
		killed <- false
		var timer *time.Timer
		if kills < killRounds {
			timer = time.AfterFunc(time.Duration(k.random.Float64()*1.3*float64(usual)), func() {
				<-killed
				killed <- k.strike()
			})
		}
		start := time.Now()
		_, err := k.functions.Invoke(k.t.Context(), k.name, event)
		if timer != nil && !timer.Stop() {
			if hit := <-killed; hit {
				kills++
			}
		} else if err == nil {
			usual = (usual + time.Since(start)) / 2
		}
		switch {
		case err == nil:
			k.done = ends
		case kills == 0:
			k.t.Fatalf("the function failed before it was killed: %v", err)
		}
	}
	return kills
}

func (k *victim) left() (n int) {
	for _, done := range k.done {
		n += killRecords - done
	}
	return n
}

// batch is an event of what comes next, cut anywhere.
func (k *victim) batch() (event []byte, ends [killPartitions]int) {
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

// strike kills the process, and tells whether there was one.
func (k *victim) strike() bool {
	text, err := os.ReadFile(k.pid)
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil
}
