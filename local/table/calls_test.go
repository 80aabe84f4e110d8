package table_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// What a tick costs in calls of the table is what an idle connector costs.
func TestTable_CallsOfATick(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	tab, err := table.Open(filepath.Join(t.TempDir(), "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(tab)
	t.Cleanup(func() { server.Close(); tab.Close() })
	store, err := dynamo.Open(t.Context(), dynamo.Options{Table: "sluice", Region: "us-east-1", Endpoint: server.URL, AccessKey: "x", SecretKey: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	env, err := worker.NewEnv(map[string]string{"bootstrap.servers": broker.ListenAddrs()[0]},
		connector.Plugins{Converters: convert.Converters(), HeaderConverters: convert.HeaderConverters()})
	if err != nil {
		t.Fatal(err)
	}
	env.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	source := &worker.Source{Connector: file.Source, Env: env, Store: store}
	c, err := store.Put(t.Context(), offset.Connector{
		Name: "c", Target: offset.Running, Stale: true,
		Config: map[string]string{"name": "c", "connector.class": "FileStreamSource", "topic": "t", "file": filepath.Join(t.TempDir(), "absent")},
	}, offset.Keep)
	if err != nil {
		t.Fatal(err)
	}
	tick := func(what, did string, most int64) {
		t.Helper()
		before := maps.Clone(tab.Counts())
		report, err := source.Run(t.Context(), worker.Tick{Connector: "c"})
		if err != nil || report.Did != did {
			t.Fatalf("%s: %+v, %v", what, report, err)
		}
		var calls int64
		for op, n := range tab.Counts() {
			calls += n - before[op]
		}
		if calls > most {
			t.Errorf("%s: %d calls and not %d at most: before %v, after %v", what, calls, most, before, tab.Counts())
		}
	}
	tick("the first, which plans", "ran", 20)
	tick("dry", "ran", 4)

	claim := offset.Claim{Connector: "c", Generation: generation(t, store), Nonce: "other", TTL: time.Minute}
	item, err := store.Acquire(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	tick("leased elsewhere", "held elsewhere", 2)

	lease := offset.Lease{Connector: "c", Generation: claim.Generation, Nonce: "other", Epoch: item.Epoch, TTL: time.Minute}
	if err := store.Release(t.Context(), lease, offset.Outcome{NotBefore: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	tick("not due", "not due", 1)

	if c, _, err = store.Look(t.Context(), "c", 0); err != nil {
		t.Fatal(err)
	}
	c.Target = offset.Paused
	if _, err := store.Put(t.Context(), c, offset.Stop); err != nil {
		t.Fatal(err)
	}
	tick("paused", "paused", 1)
}

func generation(t *testing.T, store offset.Store) int64 {
	t.Helper()
	c, _, err := store.Look(context.WithoutCancel(t.Context()), "c", 0)
	if err != nil {
		t.Fatal(err)
	}
	return c.Generation
}
