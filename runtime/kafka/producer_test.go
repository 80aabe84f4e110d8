package kafka_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

func TestProducer_DeliversInOrder(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	var flying []*kafka.Delivery
	for from := 0; from < 1000; from += 100 {
		flying = append(flying, p.Produce(t.Context(), slab("orders", kafka.AnyPartition, from, 100)))
	}
	for i, d := range flying {
		if err := d.Wait(t.Context()); err != nil {
			t.Fatalf("slab %d: %v", i, err)
		}
	}
	if diff := cmp.Diff(values(slab("orders", 0, 0, 1000)), values(c.consume(t, "orders", 1000))); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestProducer_KeepsEverythingOfARecord(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(3, "orders"))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props("compression.type", "zstd")})
	sent := []kafka.Record{
		{Topic: "orders", Partition: 2, Key: []byte("k"), Value: []byte("v"), Timestamp: time.UnixMilli(1760000000123), Headers: []kafka.RecordHeader{
			{Key: "a", Value: []byte{0, 255}}, {Key: "null"}, {Key: "empty", Value: []byte{}}, {Key: "a", Value: []byte("again")},
		}},
		{Topic: "orders", Partition: 2, Key: []byte{}, Value: nil, Timestamp: time.UnixMilli(1)},
		{Topic: "orders", Partition: 2, Key: nil, Value: []byte{}, Timestamp: time.UnixMilli(2)},
	}
	if err := p.Produce(t.Context(), sent).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, got := range c.consume(t, "orders", 3) {
		want := sent[i]
		if diff := cmp.Diff([]any{want.Key, want.Value, want.Headers, want.Timestamp, int32(2)}, []any{got.Key, got.Value, got.Headers, got.Timestamp, got.Partition}); diff != "" {
			t.Errorf("record %d: want (-), got (+):\n%s", i, diff)
		}
	}
}

func TestProducer_TakesRecordsThatAreOld(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), DeliveryTimeout: 2 * time.Second})
	records := slab("orders", 0, 0, 3)
	for i := range records {
		records[i].Timestamp = time.UnixMilli(int64(i))
	}
	if err := p.Produce(t.Context(), records).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestProducer_SurvivesMovingLeaders(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: 3})
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	first := p.Produce(t.Context(), slab("orders", 0, 0, 50))
	second := p.Produce(t.Context(), slab("orders", 0, 50, 50))
	if err := errors.Join(first.Wait(t.Context()), second.Wait(t.Context())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(slab("", 0, 0, 100)), values(c.consume(t, "orders", 100))); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestProducer_OutlastsABrokerThatIsDown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), DeliveryTimeout: 20 * time.Second, Options: []kgo.Opt{dial}})
		if err := p.Produce(t.Context(), slab("orders", 0, 0, 10)).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.down.Store(true)
		second := p.Produce(t.Context(), slab("orders", 0, 10, 10))
		third := p.Produce(t.Context(), slab("orders", 0, 20, 10))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		select {
		case <-second.Done():
			t.Fatalf("done without a broker: %v", second.Err())
		default:
		}
		c.down.Store(false)
		if err := errors.Join(second.Wait(t.Context()), third.Wait(t.Context())); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values(slab("", 0, 0, 30)), values(c.consume(t, "orders", 30, dial))); diff != "" {
			t.Errorf("want (-), got (+):\n%s", diff)
		}
	}, kfake.SeedTopics(1, "orders"))
}

func TestProducer_RepeatsNothingThatWasAppliedAlready(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 2})
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	if err := p.Produce(t.Context(), slab("orders", 0, 0, 20)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.Hits() != 2 {
		t.Fatalf("%d requests were answered with a time-out", h.Hits())
	}
	if err := p.Produce(t.Context(), slab("orders", 0, 20, 1)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(slab("", 0, 0, 21)), values(c.consume(t, "orders", 21))); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// inBubble runs f with a cluster on a virtual network, where time passes only while everybody waits.
func TestProducer_KeepsToThePartitionWhileAnotherHasNoLeader(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(4, "orders"))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "orders", Partitions: []int32{0}, Err: kerr.LeaderNotAvailable, Count: 3})
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	records := append(slab("orders", 1, 0, 1), slab("orders", 2, 0, 1)...)
	if err := p.Produce(t.Context(), records).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if records[0].Partition != 1 || records[1].Partition != 2 {
		t.Errorf("the records went to %d and %d", records[0].Partition, records[1].Partition)
	}
}

// stall is a network in front of a cluster that can stop taking what clients write.
// dial connects to the cluster by way of the stall.
// What a process wrote stays with the operating system until the other side takes it, frozen or not, unless it is
// thrown away.
func TestProducer_LeavesTopicsToTheBroker(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(2))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	if err := p.Produce(t.Context(), slab("orders", 1, 0, 3)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A partition that does not exist is no reason to give up on others.
	err := p.Produce(t.Context(), slab("orders", 7, 0, 3)).Wait(t.Context())
	if !kafka.IsUnknownTopic(err) || kafka.IsRetriable(err) {
		t.Errorf("the error is %v", err)
	}
	if err := p.Produce(t.Context(), slab("orders", 0, 3, 3)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestProducer_NothingIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	p := newProducer(t, kafka.ProducerConfig{Properties: props("nowhere.example:9092")})
	if err := p.Produce(t.Context(), nil).Wait(t.Context()); err != nil {
		t.Error(err)
	}
	p.Abort()
	p.Abort()
}

func TestProducer_AllocatesPerSlabNotPerRecord(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(1, "orders"), kfake.BlackholeProduce())
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	records := slab("orders", 0, 0, 5000)
	allocs := testing.AllocsPerRun(20, func() {
		if err := p.Produce(t.Context(), records).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	// What is left is requests, and the embedded broker's side of them.
	if allocs > 1000 {
		t.Errorf("%v allocations for 5000 records", allocs)
	}
	t.Logf("%v allocations for 5000 records", allocs)
}

// The partitions are those of Kafka's own partitioner; the hashes are from its tests (UtilsTest.testMurmur2).
func TestProducer_PartitionsAsKafkaDoes(t *testing.T) {
	t.Parallel()
	const n = 10
	c := newCluster(t, kfake.SeedTopics(n, "orders"))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	hashes := map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	}
	var records []kafka.Record
	for key := range hashes {
		records = append(records, kafka.Record{Topic: "orders", Partition: kafka.AnyPartition, Key: []byte(key)})
	}
	if err := p.Produce(t.Context(), records).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.consume(t, "orders", len(records)) {
		if want := (hashes[string(r.Key)] & 0x7fffffff) % n; r.Partition != want {
			t.Errorf("%s is in partition %d, want %d", r.Key, r.Partition, want)
		}
	}
}
