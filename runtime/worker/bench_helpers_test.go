package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

const stringConverter = "org.apache.kafka.connect.storage.StringConverter"

// bench is what a test of an invocation needs: a broker, a table, and an environment over both.
type bench struct {
	store  offset.Store
	broker *kfake.Cluster
	env    worker.Env
}

func setup(t *testing.T) *bench {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	env := newEnv(t, broker)
	env.Worker = "test:1"
	env.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	return &bench{store: offset.NewMemory(time.Now), broker: broker, env: env}
}

// newEnv is an environment over a broker in which connectors convert strings.
func newEnv(t *testing.T, broker *kfake.Cluster) worker.Env {
	t.Helper()
	env, err := worker.NewEnv(map[string]string{
		"bootstrap.servers": broker.ListenAddrs()[0], "key.converter": stringConverter, "value.converter": stringConverter,
	}, testPlugins())
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// put creates or changes a connector.
func (b *bench) put(t *testing.T, name string, settings map[string]string) {
	t.Helper()
	all := map[string]string{"name": name, "connector.class": "Test", "sluice.restart.backoff.ms": "0"}
	maps.Copy(all, settings)
	c, _, err := b.store.Look(t.Context(), name, 0)
	if err != nil {
		c = offset.Connector{Name: name, Target: offset.Running}
	}
	c.Config, c.Stale = all, true
	if _, err := b.store.Put(t.Context(), c, offset.Restart); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) task(t *testing.T, name string, id int) offset.Task {
	t.Helper()
	_, tasks, err := b.store.Look(t.Context(), name, id+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if task.ID == id {
			return task
		}
	}
	t.Fatalf("there is no task %d", id)
	return offset.Task{}
}

// read returns the values in a topic, once there are n of them.
func (b *bench) read(t *testing.T, topic string, n int) []string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.broker.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var values []string
	for len(values) < n {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("topic %s has %d records and not %d: %q", topic, len(values), n, values)
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

// feed is an outside system: numbered lines in named parts.
type feed struct {
	mu    sync.Mutex
	lines map[string][]string
	// poll, if set, is called at every poll and may fail it or block.
	poll func(ctx context.Context) error
	// opened counts openings; committed holds what the task was told is durable.
	opened    int
	committed []connect.Offsets
}

func (f *feed) add(part string, lines ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lines == nil {
		f.lines = map[string][]string{}
	}
	f.lines[part] = append(f.lines[part], lines...)
}

func (f *feed) source() connect.SourceConnector {
	return connect.SourceConnector{
		Class: "test.FeedConnector", TaskClass: "test.FeedTask", New: func() connect.SourceTask { return &feedTask{feed: f} },
	}
}

// feedTask reads a feed. Its setting "parts" names the parts it reads.
type feedTask struct {
	feed  *feed
	topic string
	parts []string
	batch int
	tasks int // how many, whatever tasks.max says
	at    map[string]int
	names map[string]connect.Partition
}

func (t *feedTask) Define(d *config.Def) {
	d.String(&t.topic, "topic", "feed", "Topic.")
	d.List(&t.parts, "parts", []string{"a"}, "Parts to read.")
	d.Int(&t.batch, "batch", 10, "Lines of a poll.")
	d.Int(&t.tasks, "num.tasks", 0, "Tasks to make, whatever tasks.max says.")
}

func (t *feedTask) Plan(_ context.Context, settings map[string]string, limit int) ([]map[string]string, error) {
	n := min(limit, len(t.parts))
	if t.tasks > 0 {
		n = t.tasks
	}
	tasks := make([]map[string]string, n)
	for i := range tasks {
		tasks[i] = map[string]string{"topic": t.topic, "batch": strconv.Itoa(t.batch)}
	}
	for i, part := range t.parts {
		task := tasks[i%len(tasks)]
		if task["parts"] != "" {
			task["parts"] += ","
		}
		task["parts"] += part
	}
	return tasks, nil
}

func (t *feedTask) Open(ctx context.Context, a connect.Assignment) error {
	t.feed.mu.Lock()
	t.feed.opened++
	t.feed.mu.Unlock()
	t.at, t.names = map[string]int{}, map[string]connect.Partition{}
	for _, part := range t.parts {
		p, err := connect.NewPartition(map[string]any{"part": part})
		if err != nil {
			return err
		}
		offsets, err := a.Offsets.Offsets(ctx, p)
		if err != nil {
			return err
		}
		n, _, err := offsets[p].Int64("line")
		if err != nil {
			return err
		}
		t.at[part], t.names[part] = int(n), p
	}
	return nil
}

func (t *feedTask) Poll(ctx context.Context) ([]connect.Record, error) {
	if t.feed.poll != nil {
		if err := t.feed.poll(ctx); err != nil {
			return nil, err
		}
	}
	t.feed.mu.Lock()
	defer t.feed.mu.Unlock()
	var records []connect.Record
	for _, part := range t.parts {
		for len(records) < t.batch && t.at[part] < len(t.feed.lines[part]) {
			line := t.feed.lines[part][t.at[part]]
			t.at[part]++
			records = append(records, connect.Record{
				Topic: t.topic, Partition: connect.AnyPartition, Value: connect.Datum{Value: line},
				Source: connect.Source{Partition: t.names[part], Position: connect.At("line", int64(t.at[part]))},
			})
		}
	}
	return records, nil
}

func (t *feedTask) Commit(_ context.Context, o connect.Offsets) error {
	t.feed.mu.Lock()
	defer t.feed.mu.Unlock()
	t.feed.committed = append(t.feed.committed, o)
	return nil
}

func (t *feedTask) Close(context.Context) error { return nil }

func numbered(from, to int) []string {
	var lines []string
	for i := from; i < to; i++ {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	return lines
}

// pit is an outside system that takes records.
type pit struct {
	mu     sync.Mutex
	values []string
	// open and put, if set, are called for every Open and every Put.
	open    func() error
	put     func(records []connect.Record) error
	opened  int
	isolate bool // what the task was told
}

func (p *pit) sink() connect.SinkConnector {
	return connect.SinkConnector{Class: "test.PitConnector", TaskClass: "test.PitTask", New: func() connect.SinkTask { return &pitTask{pit: p} }}
}

type pitTask struct{ pit *pit }

func (t *pitTask) Define(*config.Def) {}

func (t *pitTask) Open(_ context.Context, a connect.SinkAssignment) error {
	t.pit.mu.Lock()
	defer t.pit.mu.Unlock()
	t.pit.isolate = a.Isolate
	t.pit.opened++
	if t.pit.open != nil {
		return t.pit.open()
	}
	return nil
}

func (t *pitTask) Put(_ context.Context, records []connect.Record) error {
	if t.pit.put != nil {
		if err := t.pit.put(records); err != nil {
			return err
		}
	}
	t.pit.mu.Lock()
	defer t.pit.mu.Unlock()
	for _, r := range records {
		t.pit.values = append(t.pit.values, fmt.Sprint(r.Value.Value))
	}
	return nil
}

func (t *pitTask) Close(context.Context) error { return nil }

// event is a trigger's event of values in one partition.
func event(t *testing.T, topic string, partition int32, first int64, values ...string) []byte {
	t.Helper()
	var e kafka.Encoder
	for i, v := range values {
		e.Add(topic, partition, &kafka.Message{
			Offset: first + int64(i), Timestamp: 1700000000000, TimestampType: kafka.CreateTime, Value: []byte(v),
		})
	}
	return e.Bytes()
}
