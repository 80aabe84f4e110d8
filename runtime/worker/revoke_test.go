package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// slow is a table a request to which takes this long.
type slow struct {
	offset.Store
	takes time.Duration
}

func (s slow) Check(ctx context.Context, l offset.Lease) error {
	time.Sleep(s.takes)
	return s.Store.Check(ctx, l)
}

func (s slow) Renew(ctx context.Context, l offset.Lease) error {
	time.Sleep(s.takes)
	return s.Store.Renew(ctx, l)
}

func (s slow) Commit(ctx context.Context, l offset.Lease, c offset.Commit) error {
	time.Sleep(s.takes)
	return s.Store.Commit(ctx, l, c)
}

func (s slow) Release(ctx context.Context, l offset.Lease, o offset.Outcome) error {
	time.Sleep(s.takes)
	return s.Store.Release(ctx, l, o)
}

// promised is how soon a change counts: what runs has seen it, finished its batch, committed and gone.
const promised = 2 * time.Second

// Whatever is done to a connector, and whenever between two looks, what runs has given way to it within the promised time:
// its Poll was cancelled, what it had read is in Kafka, and its offsets are committed, by a table that is ten times as slow
// as DynamoDB.
func TestSource_GivesWayToAChangeInTime(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(ctx context.Context, store offset.Store, c offset.Connector) error{
		"configured": func(ctx context.Context, store offset.Store, c offset.Connector) error {
			_, err := store.Put(ctx, c, offset.Restart)
			return err
		},
		"paused": func(ctx context.Context, store offset.Store, c offset.Connector) error {
			c.Target = offset.Paused
			_, err := store.Put(ctx, c, offset.Stop)
			return err
		},
		"stopped": func(ctx context.Context, store offset.Store, c offset.Connector) error {
			c.Target = offset.Stopped
			_, err := store.Put(ctx, c, offset.Stop)
			return err
		},
		"deleted": func(ctx context.Context, store offset.Store, c offset.Connector) error { return store.Delete(ctx, c) },
	} {
		for _, lease := range []time.Duration{6 * time.Second, 15 * time.Second, 10 * time.Minute} {
			for after := time.Duration(0); after <= 4*time.Second; after += 333 * time.Millisecond {
				t.Run(fmt.Sprintf("%s/lease %s/after %s", name, lease, after), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { givesWay(t, lease, after, change) })
				})
			}
		}
	}
}

func givesWay(t *testing.T, lease, after time.Duration, change func(context.Context, offset.Store, offset.Connector) error) {
	t.Helper()
	b, f := withVirtualBroker(t), &feed{}
	f.add("a", numbered(0, 5)...)
	var cancelled time.Time
	polls, waits := 0, make(chan struct{})
	f.poll = func(ctx context.Context) error {
		if polls++; polls > 1 {
			close(waits)
			<-ctx.Done()
			cancelled = time.Now()
			return context.Cause(ctx)
		}
		return nil
	}
	b.put(t, "c", map[string]string{
		"sluice.lease.ms": fmt.Sprint(lease.Milliseconds()), "sluice.offset.flush.interval.ms": "600000", "sluice.source.idle.ms": "600000",
	})
	ended := make(chan worker.Report, 1)
	go func() {
		s := b.source(f)
		s.Store = slow{b.store, 100 * time.Millisecond}
		r, err := s.Run(t.Context(), worker.Tick{Connector: "c"})
		if err != nil {
			t.Error(err)
		}
		ended <- r
	}()
	<-waits
	time.Sleep(after)
	c, _, err := b.store.Look(t.Context(), "c", 1)
	if err != nil {
		t.Fatal(err)
	}
	changed := time.Now()
	if err := change(t.Context(), b.store, c); err != nil {
		t.Fatal(err)
	}
	r := <-ended
	if took := cancelled.Sub(changed); took > promised {
		t.Errorf("Poll was cancelled after %s", took)
	}
	if took := time.Since(changed); took > promised || r.Did != "revoked" || r.Written != 5 {
		t.Errorf("it ended after %s: %+v", took, r)
	}
	all, err := b.store.AllOffsets(t.Context(), "c")
	if err != nil || len(all) != 1 {
		t.Fatalf("the offsets are %+v, %v", all, err)
	}
	if diff := cmp.Diff(map[string]any{"line": int64(5)}, all[0].Offset.Fields()); diff != "" {
		t.Error(diff)
	}
	_, tasks, err := b.store.Look(t.Context(), "c", 1)
	if err == nil && len(tasks) > 0 && tasks[0].HeldAt(time.Now()) {
		t.Errorf("the lease is still held: %+v", tasks[0])
	}
}

// withVirtualBroker is a bench whose broker is in the bubble of the test, where time passes only while everybody waits.
func withVirtualBroker(t *testing.T) *bench {
	t.Helper()
	var network kfake.VirtualNetwork
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1),
		kfake.ListenFn(network.Listen), kfake.Ports(9092))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	env := newEnv(t, broker)
	env.Log = slog.New(slog.DiscardHandler)
	env.NewProducer = func(c kafka.ProducerConfig) (*kafka.Producer, error) {
		c.Options = append(c.Options, kgo.Dialer(network.DialContext))
		p, err := kafka.NewProducer(c)
		if err == nil {
			t.Cleanup(p.Close)
		}
		return p, err
	}
	return &bench{store: offset.NewMemory(time.Now), broker: broker, env: env}
}
