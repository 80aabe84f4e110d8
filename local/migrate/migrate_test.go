package migrate_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/migrate"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// write writes records, keys and values in turn, to a topic with one partition. The value "" removes its key.
func write(t *testing.T, addr, topic string, pairs ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		r := &kgo.Record{Topic: topic, Key: []byte(pairs[i])}
		if pairs[i+1] != "" {
			r.Value = []byte(pairs[i+1])
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func embedded(t *testing.T) string {
	t.Helper()
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b.Addr()
}

func TestRead_TakesTheLastWordOfEveryConnector(t *testing.T) {
	t.Parallel()
	addr := embedded(t)
	write(t, addr, "configs",
		"session-key", `{"key":"x"}`,
		"connector-a", `{"properties":{"name":"a","file":"1"}}`,
		"connector-gone", `{"properties":{"name":"gone"}}`,
		"target-state-gone", `{"state":"PAUSED","state.v2":"STOPPED"}`,
		"task-a-0", `{"properties":{"task.class":"X"}}`,
		"commit-a", `{"tasks":1}`,
		"connector-a", `{"properties":{"name":"a","file":"2"}}`,
		"target-state-b-1", `{"state":"PAUSED","state.v2":"STOPPED"}`,
		"connector-b-1", `{"properties":{"name":"b-1","offsets.storage.topic":"own"}}`,
		"connector-old", `{"properties":{"name":"old"}}`,
		"target-state-old", `{"state":"PAUSED"}`,
		"connector-gone", "",
		"target-state-gone", "",
		"connector-again", `{"properties":{"name":"again"}}`,
		"target-state-again", `{"state":"PAUSED","state.v2":"PAUSED"}`,
		"connector-again", "",
		"target-state-again", "",
		"connector-again", `{"properties":{"name":"again","v":"2"}}`,
		"restart-connector-a", `{"include-tasks":true,"only-failed":false}`,
	)
	write(t, addr, "offsets",
		`["a",{"filename":"f"}]`, `{"position":1}`,
		`["a",{"filename":"g"}]`, `{"position":5}`,
		`["a",{"filename":"f"}]`, `{"position":12345678901234567}`,
		`["a",{"filename":"g"}]`, "",
		`["b-1",{"filename":"f"}]`, `{"position":2}`,
		`["b-1",{"filename":"h"}]`, `{"position":3}`,
		`"not ours"`, `{}`,
	)
	write(t, addr, "own", `["b-1",{"filename":"f"}]`, `{"position":9}`)
	got, err := migrate.Read(t.Context(), migrate.Source{Client: []kgo.Opt{kgo.SeedBrokers(addr)}, ConfigTopic: "configs", OffsetTopic: "offsets"})
	if err != nil {
		t.Fatal(err)
	}
	pair := func(partition, position string) migrate.Offset {
		return migrate.Offset{Partition: json.RawMessage(partition), Offset: json.RawMessage(position)}
	}
	want := []migrate.Connector{
		{Name: "a", Config: map[string]string{"name": "a", "file": "2"}, Target: offset.Running, Offsets: []migrate.Offset{
			pair(`{"filename":"f"}`, `{"position":12345678901234567}`),
		}},
		{Name: "again", Config: map[string]string{"name": "again", "v": "2"}, Target: offset.Running},
		{Name: "b-1", Config: map[string]string{"name": "b-1", "offsets.storage.topic": "own"}, Target: offset.Stopped, Offsets: []migrate.Offset{
			pair(`{"filename":"f"}`, `{"position":9}`), pair(`{"filename":"h"}`, `{"position":3}`),
		}},
		{Name: "old", Config: map[string]string{"name": "old"}, Target: offset.Paused},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the connectors (-want +got):\n%s", diff)
	}
}

func TestRead_SaysWhatIsNotThere(t *testing.T) {
	t.Parallel()
	addr := embedded(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := migrate.Read(ctx, migrate.Source{Client: []kgo.Opt{kgo.SeedBrokers(addr)}, ConfigTopic: "nowhere"}); err == nil {
		t.Error("a topic that is not there was read")
	}
	write(t, addr, "broken", "connector-a", `{"properties":[]}`)
	if _, err := migrate.Read(ctx, migrate.Source{Client: []kgo.Opt{kgo.SeedBrokers(addr)}, ConfigTopic: "broken"}); err == nil {
		t.Error("a configuration that is none was read")
	}
}
