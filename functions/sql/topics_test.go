package sql_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// desk runs the source in the worker with all it has: an embedded broker and a table in memory.
type desk struct {
	t      *testing.T
	config map[string]string
	store  offset.Store
	source *worker.Source
	client *kgo.Client
	seen   map[string]int64 // offsets read so far
}

func newDesk(t *testing.T, config map[string]string) *desk {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	const json = "org.apache.kafka.connect.json.JsonConverter"
	env, err := worker.NewEnv(map[string]string{
		"bootstrap.servers": broker.ListenAddrs()[0], "key.converter": json, "value.converter": json,
	}, runtime.Plugins())
	if err != nil {
		t.Fatal(err)
	}
	env.Worker, env.Log = "test:1", slog.New(slog.NewTextHandler(t.Output(), nil))
	d := &desk{t: t, config: config, store: offset.NewMemory(time.Now), seen: map[string]int64{}}
	d.source = &worker.Source{Connector: sql.Source, Env: env, Store: d.store, Hand: func(ctx context.Context, tick worker.Tick) error {
		_, err := d.source.Run(ctx, tick)
		return err
	}}
	d.client, err = kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.MetadataMinAge(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.client.Close)
	return d
}

// create creates the connector, unless its configuration is refused: then it says why.
func (d *desk) create() error {
	d.t.Helper()
	subject := connector.Subject{Kind: connector.KindSource, Own: sql.Source.New()}
	if err := connector.Check(connector.Validate(d.config, subject, d.source.Env.Plugins, d.source.Env.Settings)); err != nil {
		return err
	}
	_, err := d.store.Put(d.t.Context(), offset.Connector{
		Name: d.config["name"], Target: offset.Running, Config: maps.Clone(d.config), Stale: true,
	}, offset.Restart)
	if err != nil {
		d.t.Fatal(err)
	}
	return nil
}

// drain ticks until nothing has come for some ticks that did look, and returns the records that are new in the topics.
func (d *desk) drain(quiet int) []map[string]any {
	d.t.Helper()
	for left := quiet; left > 0; {
		report, err := d.source.Run(d.t.Context(), worker.Tick{Connector: d.config["name"]})
		if left--; report.Polled > 0 {
			left = quiet
		}
		if err != nil || report.Err != nil {
			d.t.Logf("the source failed: %v %v", err, report.Err)
			break
		}
		if report.Did == "not due" {
			break
		}
	}
	return d.news()
}

// news are the records that nobody has read yet, by topic.
func (d *desk) news() []map[string]any {
	d.t.Helper()
	ends, err := kadm.NewClient(d.client).ListEndOffsets(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	var out []map[string]any
	for _, topic := range slices.Sorted(maps.Keys(ends)) {
		end, _ := ends.Lookup(topic, 0)
		if end.Offset == d.seen[topic] {
			continue
		}
		d.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(d.seen[topic])}})
		for d.seen[topic] < end.Offset {
			fetches := d.client.PollFetches(d.t.Context())
			if err := fetches.Err(); err != nil {
				d.t.Fatal(err)
			}
			fetches.EachRecord(func(r *kgo.Record) {
				d.seen[topic] = r.Offset + 1
				out = append(out, map[string]any{"topic": topic, "partition": 0, "key": raw(r.Key), "value": raw(r.Value), "headers": []any{}})
			})
		}
		d.client.RemoveConsumePartitions(map[string][]int32{topic: {0}})
	}
	return out
}

func raw(text []byte) json.RawMessage {
	if text == nil {
		return json.RawMessage("null")
	}
	return text
}

// status are the offsets that users see, and the states.
func (d *desk) status() (out []map[string]any, trace string) {
	d.t.Helper()
	name := d.config["name"]
	entries, err := d.store.AllOffsets(d.t.Context(), name)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Offset.IsZero() {
			continue
		}
		text, err := e.Offset.JSON()
		if err != nil {
			d.t.Fatal(err)
		}
		out = append(out, map[string]any{"kind": "offset", "partition": json.RawMessage(e.Partition.JSON()), "offset": json.RawMessage(text)})
	}
	c, tasks, err := d.store.Look(d.t.Context(), name, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	state := c.Status.State
	if state == "" {
		state = offset.StateRunning
	}
	states := []offset.State{}
	trace = c.Status.Trace
	for _, task := range tasks {
		states = append(states, task.Status.State)
		trace += task.Status.Trace
	}
	return append(out, map[string]any{"kind": "status", "connector": state, "tasks": states}), trace
}
