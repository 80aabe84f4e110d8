//go:build unix

package fault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// text is the converter of all connectors: lines go as they are.
const text = "org.apache.kafka.connect.storage.StringConverter"

// rig is a table, a broker and functions, with gates before them.
type rig struct {
	t         *testing.T
	watch     *watch
	gate      *brokerGate
	brokers   string
	tableURL  string // as the functions know it
	store     *dynamo.Store
	functions *function.Service
	runtime   string
	client    *kgo.Client // writes and asks

	mu   sync.Mutex
	said map[string][]string // by connector, how invocations ended
	late map[string]int      // by connector, invocations that gave up because Kafka acknowledged nothing in time
}

// rigOptions are what rigs differ in.
type rigOptions struct {
	freeze bool
	// before returns another address for the functions' calls to the table.
	before func(url string) string
}

func newRig(t *testing.T, o rigOptions) *rig {
	t.Helper()
	programs(t)
	r := &rig{t: t, watch: &watch{lives: map[string]*life{}}, said: map[string][]string{}, late: map[string]int{}}
	r.gate = newBrokerGate(r.watch)
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: t.TempDir(), Listen: r.gate.listen})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.gate.goSilent(false); b.Close() })
	r.brokers = b.Addr()

	tab, err := table.Open("")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&tableGate{watch: r.watch, table: tab})
	t.Cleanup(func() { server.Close(); tab.Close() })
	r.tableURL = server.URL
	if o.before != nil {
		r.tableURL = o.before(server.URL)
	}
	r.store, err = dynamo.Open(t.Context(), dynamo.Options{Table: "sluice", Region: "us-east-1", Endpoint: server.URL, AccessKey: "x", SecretKey: "x", Attempt: patience / 4, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(&runtimeGate{watch: r.watch, client: http.Transport{MaxIdleConnsPerHost: 1}})
	t.Cleanup(api.Close)
	r.runtime = strings.TrimPrefix(api.URL, "http://")
	r.functions, err = function.NewService(function.Options{Freeze: o.freeze, Grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.functions.Close(context.Background()) })
	r.client, err = kgo.NewClient(kgo.SeedBrokers(r.brokers), kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	return r
}

// put writes a connector that has to be planned.
func (r *rig) put(name string, revoke offset.Revoke, settings map[string]string) error {
	ctx := r.t.Context()
	for {
		c, _, err := r.store.Look(ctx, name, 0)
		if errors.Is(err, offset.ErrNotFound) {
			c, err = offset.Connector{Name: name, Target: offset.Running}, nil
		}
		if err != nil {
			return err
		}
		c.Stale = c.Stale || revoke != offset.Keep || c.Version == 0
		c.Config = map[string]string{"name": name, "key.converter": text, "value.converter": text, "sluice.lease.ms": "6000"}
		maps.Copy(c.Config, settings)
		if _, err = r.store.Put(ctx, c, revoke); !errors.Is(err, offset.ErrStale) {
			return err
		}
	}
}

// deploy makes a connector's function known; kind is source or sink.
func (r *rig) deploy(name, kind string, timeout time.Duration) error {
	return r.deployProgram(name, "file-"+kind, timeout)
}

// deployProgram makes the function of any connector known.
func (r *rig) deployProgram(name, program string, timeout time.Duration) error {
	worker, err := json.Marshal(map[string]string{"bootstrap.servers": r.brokers, "producer.client.id": "@ME@"})
	if err != nil {
		return err
	}
	return r.functions.Deploy(function.Function{
		Name: name, Bootstrap: built.launch, Timeout: timeout, Log: &reports{rig: r, name: name},
		Env: map[string]string{
			"FAULT_BOOTSTRAP": filepath.Join(built.functions, program, "bootstrap"), "FAULT_RUNTIME": r.runtime,
			runtime.EnvTable: "sluice", runtime.EnvConnector: name, runtime.EnvWorker: string(worker), runtime.EnvLog: "text",
			"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_DYNAMODB": r.tableURL, "AWS_SECRET_ACCESS_KEY": "x", "GOMAXPROCS": "2",
		},
	})
}

// forget ends a connector's processes.
func (r *rig) forget(name string) {
	r.functions.Remove(name)
	r.watch.forget(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.said, name)
	delete(r.late, name)
}

// reports takes what a function prints and keeps what its invocations came to.
type reports struct {
	rig  *rig
	name string
}

func (w *reports) Write(p []byte) (int, error) {
	w.rig.mu.Lock()
	defer w.rig.mu.Unlock()
	for line := range bytes.Lines(p) {
		text := strings.TrimSpace(string(line))
		if _, metrics, ok := strings.Cut(text, `"Namespace":"Sluice"}],`); ok {
			text = metrics
		}
		unacknowledged := strings.Contains(text, kafka.ErrDeliveryTimeout.Error()) || strings.Contains(text, "waiting for Kafka to acknowledge")
		if unacknowledged && strings.Contains(text, "the task failed") {
			w.rig.late[w.name]++
		}
		said := w.rig.said[w.name]
		w.rig.said[w.name] = append(said[max(0, len(said)-20):], text)
	}
	return len(p), nil
}

// log is what a connector's functions printed last.
func (r *rig) log(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said[name], "\n\t")
}

// repetition is an error if lines came more than once although no invocation gave up waiting for Kafka. On a machine that has
// much else to do one may: it fails, and what it had sent but not committed comes again.
func (r *rig) repetition(name string, lines int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if lines == 0 || r.late[name] > 0 {
		return nil
	}
	return fmt.Errorf("%d lines came more than once", lines)
}

// tick invokes a source once. What the invocation came to stands in the log.
func (r *rig) tick(name string) error {
	_, err := r.functions.Invoke(r.t.Context(), name, fmt.Appendf(nil, `{"connector":%q}`, name))
	return err
}

// tickUntil invokes a source again and again.
func (r *rig) tickUntil(name string, every time.Duration, done func() (bool, error)) error {
	limit, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	var last error
	err := poll(limit, every, func() (bool, error) {
		if err := r.tick(name); err != nil {
			last = err
		}
		return done()
	})
	if err != nil {
		return fmt.Errorf("%w; the last invocation: %v; log:\n\t%s", err, last, r.log(name))
	}
	return nil
}

// patience is how long anything may take on a machine that has much else to do. What hangs, hangs longer.
const patience = 4 * time.Minute

// poll waits until something is true.
func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting took too long: %w", context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// within is how long waiting may take.
func (r *rig) within(d time.Duration, done func() (bool, error)) error {
	limit, cancel := context.WithTimeout(r.t.Context(), d)
	defer cancel()
	return poll(limit, 20*time.Millisecond, done)
}

// createTopic makes a topic.
func (r *rig) createTopic(topic string, partitions int) error {
	_, err := kadm.NewClient(r.client).CreateTopic(r.t.Context(), int32(partitions), 1, nil, topic)
	return err
}

// readTopic returns all records of a topic that are there now.
func (r *rig) readTopic(topic string) ([]*kgo.Record, error) {
	return readTopic(r.t.Context(), r.brokers, topic)
}

func readTopic(ctx context.Context, brokers, topic string) ([]*kgo.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.DisableClientMetrics(), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("asking how much there is in topic %s: %w", topic, err)
	}
	left := map[int32]int64{}
	for _, end := range ends[topic] {
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
		}
	}
	var all []*kgo.Record
	for len(left) > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("reading topic %s: %w", topic, err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			all = append(all, record)
			if record.Offset+1 >= left[record.Partition] {
				delete(left, record.Partition)
			}
		})
	}
	return all, nil
}
