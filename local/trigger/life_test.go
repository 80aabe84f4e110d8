package trigger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

func TestTrigger_DisableLetsTheInvocationFinish(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		b.produce(0, 5)
		f := newSink()
		f.takes = 20 * time.Second
		tr := b.start(trigger.Options{EnableDelay: 3 * time.Second, DisableDelay: 10 * time.Second}, f, nil)
		pass(2 * time.Second)
		if s := status(t, tr); s.State != trigger.Enabling || len(f.calls()) != 0 {
			t.Errorf("at first %+v", s)
		}
		pass(8 * time.Second)
		if err := tr.Disable("m"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if s := status(t, tr); s.State != trigger.Disabling || s.InFlight != 1 {
			t.Errorf("while the invocation goes on %+v", s)
		}
		wait(t, tr, trigger.Disabled)
		if diff := cmp.Diff(map[int32]int64{0: 5}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
		b.produce(0, 5)
		pass(time.Hour)
		if n := len(f.calls()); n != 1 {
			t.Errorf("%d invocations while disabled", n-1)
		}
		if err := tr.Enable("m"); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if diff := cmp.Diff([][]string{list(0, 0, 5), list(0, 5, 10)}, f.ids()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_DisableEndsRetries(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		b.produce(0, 5)
		f := newSink()
		f.answer = func(int, kafka.Event) ([]byte, error) { return nil, errors.New("never") }
		tr := b.start(trigger.Options{}, f, nil)
		pass(10 * time.Second)
		start := time.Now()
		if err := tr.Disable("m"); err != nil {
			t.Fatal(err)
		}
		wait(t, tr, trigger.Disabled)
		if d := time.Since(start); d > time.Second || len(b.committed("connect-m")) != 0 {
			t.Errorf("disabling took %s, committed %v", d, b.committed("connect-m"))
		}
		if s := status(t, tr); len(s.Problems) != 0 {
			t.Errorf("a disabled mapping has problems: %v", s.Problems)
		}
		f.answer = nil
		if err := tr.Enable("m"); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		if diff := cmp.Diff(map[string][]int64{"0": upTo(5)}, f.seen(t)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_PutAgainAndDelete(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		b.produce(0, 4)
		f := newSink()
		tr := b.start(trigger.Options{}, f, nil)
		pass(5 * time.Second)
		b.put(tr, f, func(m *trigger.Mapping) { m.BatchSize = 2 })
		pass(5 * time.Second)
		b.produce(0, 4)
		pass(5 * time.Second)
		if diff := cmp.Diff([][]string{list(0, 0, 4), list(0, 4, 6), list(0, 6, 8)}, f.ids()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		tr.Delete("m")
		tr.Delete("x")
		wait(t, tr, trigger.Deleted)
		if _, err := tr.Status("m"); !errors.Is(err, trigger.ErrNotFound) || len(tr.List()) != 0 {
			t.Errorf("after deletion: %v", err)
		}
		if diff := cmp.Diff(map[int32]int64{0: 8}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
		for _, m := range []trigger.Mapping{{}, {Name: "m"}, {Name: "m", Topic: "t"}, {Name: "m", Topic: "t", Invoke: f.invoke, BatchSize: 10_001}} {
			if err := tr.Put(m); err == nil {
				t.Errorf("%+v was taken", m)
			}
		}
	})
}

func TestTrigger_WhatWasNotCommittedComesAgain(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		b.produce(0, 3)
		first := newSink()
		first.takes = time.Hour
		tr := b.start(trigger.Options{}, first, nil)
		pass(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		tr.Close(ctx)
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("closing took %s", d)
		}
		second := newSink()
		b.start(trigger.Options{}, second, nil)
		pass(5 * time.Second)
		if diff := cmp.Diff([][]string{list(0, 0, 3)}, second.ids()); diff != "" {
			t.Errorf("the second desk got (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_PollersNeverShareAPartition(t *testing.T) {
	virtual(t, 3, func(t *testing.T, b *bed) {
		f := newSink()
		f.takes = 100 * time.Millisecond
		tr := b.start(trigger.Options{}, f, func(m *trigger.Mapping) { m.Pollers, m.Window = 10, -1 })
		pass(time.Minute)
		for range 20 {
			for p := range 3 {
				b.produce(int32(p), 5)
			}
			pass(50 * time.Millisecond)
		}
		pass(time.Minute)
		if diff := cmp.Diff(map[string][]int64{"0": upTo(100), "1": upTo(100), "2": upTo(100)}, f.seen(t)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if n := len(status(t, tr).Partitions); n != 3 {
			t.Errorf("%d partitions are read", n)
		}
		info, err := b.admin.DescribeGroups(t.Context(), "connect-m")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(info["connect-m"].Members); n != 3 {
			t.Errorf("%d pollers for 3 partitions", n)
		}
	})
}

// Two desks share the partitions; one that leaves hands its partitions over, and a rebalance waits for invocations.
func TestTrigger_TwoDesksShareAGroup(t *testing.T) {
	virtual(t, 4, func(t *testing.T, b *bed) {
		f := newSink() // one function for both: it sees if a partition is sent twice at a time
		f.takes = 700 * time.Millisecond
		one := b.start(trigger.Options{}, f, func(m *trigger.Mapping) { m.Window = -1 })
		feed := func(rounds int) {
			for range rounds {
				for p := range 4 {
					b.produce(int32(p), 1)
				}
				pass(200 * time.Millisecond)
			}
		}
		feed(50)
		two := b.start(trigger.Options{}, f, func(m *trigger.Mapping) { m.Window = -1 })
		feed(50)
		if n, m := len(status(t, one).Partitions), len(status(t, two).Partitions); n != 2 || m != 2 {
			t.Errorf("the desks read %d and %d partitions", n, m)
		}
		one.Close(context.Background())
		feed(50)
		pass(time.Minute)
		if n := len(status(t, two).Partitions); n != 4 {
			t.Errorf("the second desk reads %d partitions", n)
		}
		want := upTo(150)
		if diff := cmp.Diff(map[string][]int64{"0": want, "1": want, "2": want, "3": want}, f.seen(t)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// A trigger that is closed while it joins a group takes its member out of it. Otherwise the group would have a member that
// nobody hears of, and the next one to join would wait for that.
func TestTrigger_LeavesAGroupThatItIsJoining(t *testing.T) {
	virtual(t, 2, func(t *testing.T, b *bed) {
		b.produce(0, 1)
		slow, err := kgo.NewClient(append(slices.Clone(b.client), kgo.ConsumerGroup("connect-m"), kgo.ConsumeTopics("t"), kgo.BlockRebalanceOnPoll(),
			kgo.RebalanceTimeout(15*time.Minute), kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableClientMetrics())...)
		if err != nil {
			t.Fatal(err)
		}
		defer slow.CloseAllowingRebalance()
		slow.PollFetches(t.Context()) // it holds back rebalances from now on
		for range 3 {
			tr := b.start(trigger.Options{}, newSink(), nil)
			pass(5 * time.Second)
			joining := b.members("connect-m")
			begun := time.Now()
			tr.Close(context.Background())
			if took := time.Since(begun); took > time.Second {
				t.Errorf("closing took %s", took)
			}
			pass(time.Second)
			if left := b.members("connect-m"); joining != 2 || left != 1 {
				t.Errorf("the group had %d members and has %d, want 2 and 1", joining, left)
			}
		}
	})
}

func TestTrigger_LatestBeginsWhenFirstEnabled(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		b.produce(0, 5)
		first := newSink()
		latest := func(m *trigger.Mapping) { m.Start = trigger.Latest }
		tr := b.start(trigger.Options{}, first, latest)
		pass(5 * time.Second)
		tr.Close(context.Background())
		b.produce(0, 3) // written while nobody reads, and before anything was delivered
		second := newSink()
		tr = b.start(trigger.Options{}, second, latest)
		pass(5 * time.Second)
		if len(first.calls()) != 0 {
			t.Errorf("old records came: %v", first.ids())
		}
		if diff := cmp.Diff([][]string{list(0, 5, 8)}, second.ids()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		lags, err := tr.Lag(t.Context(), "m")
		if diff := cmp.Diff([]trigger.Lag{{Partition: 0, Committed: 8, End: 8}}, lags); err != nil || diff != "" {
			t.Errorf("lag: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestTrigger_LagIsKnownWhileDisabled(t *testing.T) {
	virtual(t, 2, func(t *testing.T, b *bed) {
		b.produce(0, 5)
		tr := b.start(trigger.Options{}, newSink(), func(m *trigger.Mapping) { m.Disabled = true })
		wait(t, tr, trigger.Disabled)
		lags, err := tr.Lag(t.Context(), "m")
		want := []trigger.Lag{{Partition: 0, Committed: -1, End: 5, Lag: 5}, {Partition: 1, Committed: -1}}
		if diff := cmp.Diff(want, lags); err != nil || diff != "" {
			t.Errorf("lag: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestTrigger_WaitsForATopicThatIsMissing(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		f := newSink()
		tr := b.start(trigger.Options{}, f, func(m *trigger.Mapping) { m.Topic = "later" })
		pass(10 * time.Second)
		if s := status(t, tr); len(s.Problems) != 0 || !s.Missing {
			t.Errorf("status %+v", s)
		}
		if err := b.cluster.CreateTopic("later", 1, nil); err != nil {
			t.Fatal(err)
		}
		b.write(&kgo.Record{Topic: "later"})
		pass(10 * time.Second)
		if s := status(t, tr); len(s.Problems) != 0 || s.Missing || s.Delivered != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

// This one needs a broker that ends and comes back, so time is real.
func TestTrigger_BrokerThatIsDownIsAProblem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	addr := b.Addr()
	write(t, addr, 3)
	delivered := make(chan trigger.Delivery, 100)
	f := newSink()
	tr := trigger.New(trigger.Options{OnDelivery: func(d trigger.Delivery) { delivered <- d }})
	if err := tr.Put(trigger.Mapping{Name: "m", Topic: "t", Client: []kgo.Opt{kgo.SeedBrokers(addr)}, Invoke: f.invoke, Window: -1}); err != nil {
		t.Fatal(err)
	}
	<-delivered
	b.Close()
	for len(status(t, tr).Problems) == 0 {
		<-time.After(10 * time.Millisecond)
	}
	if p := status(t, tr).Problems[0]; !strings.Contains(p, addr) || !strings.Contains(p, "refused") {
		t.Errorf("the problem says %q", p)
	}
	if b, err = broker.Open(broker.Options{Addr: addr, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	write(t, addr, 2)
	<-delivered
	for len(status(t, tr).Problems) > 0 {
		<-time.After(10 * time.Millisecond)
	}
	if diff := cmp.Diff(map[string][]int64{"0": upTo(5)}, f.seen(t)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	b.Close()
	start := time.Now()
	tr.Close(context.Background())
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("closing without a broker took %s", d)
	}
}

func write(t testing.TB, addr string, n int) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.DisableClientMetrics(), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Value: fmt.Append(nil, i)})
	}
	if err := c.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if _, err := kadm.NewClient(c).ListTopics(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
}
