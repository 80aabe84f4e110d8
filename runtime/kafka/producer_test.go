package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
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
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), DeliveryTimeout: 20 * time.Second})
	if err := p.Produce(t.Context(), slab("orders", 0, 0, 10)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	tried := c.Fault(kfake.Fault{Observe: true, Keys: []kmsg.Key{kmsg.Produce}, Count: -1})
	c.down.Store(true)
	second := p.Produce(t.Context(), slab("orders", 0, 10, 10))
	third := p.Produce(t.Context(), slab("orders", 0, 20, 10))
	select {
	case <-second.Done():
		t.Fatalf("done without a broker: %v", second.Err())
	case <-time.After(300 * time.Millisecond):
	}
	if tried.Hits() > 0 {
		t.Fatal("the broker was not down")
	}
	c.down.Store(false)
	if err := errors.Join(second.Wait(t.Context()), third.Wait(t.Context())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(slab("", 0, 0, 30)), values(c.consume(t, "orders", 30))); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
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
func inBubble(t *testing.T, f func(t *testing.T, c *cluster, dial kgo.Opt), opts ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		c := newCluster(t, append(opts, kfake.ListenFn(network.Listen), kfake.Ports(9092))...)
		f(t, c, kgo.Dialer(network.DialContext))
	})
}

func TestProducer_AbortLeavesNothingToSendLater(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), Options: []kgo.Opt{dial}})
		if err := p.Produce(t.Context(), slab("orders", 0, 0, 1)).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}

		// The broker reads no answer out of this, so everything after the first record stays unacknowledged.
		c.down.Store(true)
		records := slab("orders", 0, 1, 500)
		lost := p.Produce(t.Context(), records)
		time.Sleep(3 * time.Second)
		p.Abort()
		select {
		case <-lost.Done():
		default:
			t.Fatal("not done after Abort")
		}
		if err := lost.Err(); !errors.Is(err, kafka.ErrAborted) || !kafka.IsRetriable(err) {
			t.Errorf("the error is %v", err)
		}

		sent := c.Fault(kfake.Fault{Observe: true, Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Count: -1})
		c.down.Store(false)
		time.Sleep(24 * time.Hour)
		if n := sent.Hits(); n > 0 {
			t.Fatalf("%d produce requests after Abort", n)
		}

		// The records are free, and the producer connects anew.
		for i := range records {
			records[i].Value = fmt.Append(nil, 1000+i)
			records[i].Partition = kafka.AnyPartition
		}
		if err := p.Produce(t.Context(), records).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := values(c.consume(t, "orders", 501, dial))
		if diff := cmp.Diff(append([]string{"0"}, values(slab("", 0, 1000, 500))...), got); diff != "" {
			t.Errorf("want (-), got (+):\n%s", diff)
		}
	}, kfake.SeedTopics(1, "orders"))
}

func TestProducer_GivesUpAfterTheDeliveryTimeout(t *testing.T) {
	t.Parallel()
	refuse := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, test := range map[string]struct {
		dial func(context.Context, string, string) (net.Conn, error)
		want string
	}{
		"refused":    {refuse, "connecting to broker kafka.example:9092: nobody listens at this port: unable to dial: dial tcp: connection refused"},
		"unanswered": {hang, "not acknowledged within the delivery time-out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProducer(t, kafka.ProducerConfig{
					Properties: props("kafka.example:9092", "max.block.ms", "9223372036854775807"), DeliveryTimeout: 10 * time.Second,
					Options: []kgo.Opt{kgo.Dialer(test.dial)},
				})
				start := time.Now()
				first := p.Produce(t.Context(), slab("orders", 0, 0, 10))
				err := first.Wait(t.Context())
				if took := time.Since(start); took != 10*time.Second {
					t.Errorf("it took %s", took)
				}
				if !errors.Is(err, kafka.ErrDeliveryTimeout) || !kafka.IsRetriable(err) || !strings.Contains(fmt.Sprint(err), test.want) {
					t.Errorf("the error is %v", err)
				}
				// Later records must not overtake those.
				if again := p.Produce(t.Context(), slab("orders", 0, 10, 1)).Wait(t.Context()); !errors.Is(again, kafka.ErrDeliveryTimeout) {
					t.Errorf("the next error is %v", again)
				}
				start = time.Now()
				p.Abort()
				if took := time.Since(start); took > time.Second {
					t.Errorf("Abort took %s", took)
				}
			})
		})
	}
}

func TestProducer_GivesUpOnRequestsInFlight(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		// The broker takes produce requests and never answers them.
		c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			return nil, nil, true
		})
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), DeliveryTimeout: 8 * time.Second, Options: []kgo.Opt{dial}})
		start := time.Now()
		d := p.Produce(t.Context(), slab("orders", 0, 0, 10))
		if err := d.Wait(t.Context()); !errors.Is(err, kafka.ErrDeliveryTimeout) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("it took %s", took)
		}
	}, kfake.SeedTopics(1, "orders"))
}

func TestProducer_BlocksNoLongerThanTheDeliveryTimeout(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		c.down.Store(true)
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props("buffer.memory", "1000"), DeliveryTimeout: 5 * time.Second, Options: []kgo.Opt{dial}})
		start := time.Now()
		err := p.Produce(t.Context(), slab("orders", 0, 0, 5000)).Wait(t.Context())
		if took := time.Since(start); !errors.Is(err, kafka.ErrDeliveryTimeout) || took > 5*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		p.Abort()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		err = p.Produce(ctx, slab("orders", 0, 0, 5000)).Wait(t.Context())
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > time.Second {
			t.Errorf("with a deadline, after %s: %v", took, err)
		}
	}, kfake.SeedTopics(1, "orders"))
}

func TestProducer_AbortLetsGoOfABlockedProduce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		c.down.Store(true)
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props("buffer.memory", "1000"), Options: []kgo.Opt{dial}})
		done := make(chan error)
		go func() { done <- p.Produce(t.Context(), slab("orders", 0, 0, 5000)).Wait(t.Context()) }()
		synctest.Wait()
		start := time.Now()
		p.Abort()
		if err := <-done; !errors.Is(err, kafka.ErrAborted) || time.Since(start) > time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	}, kfake.SeedTopics(1, "orders"))
}

func TestProducer_NamesRecordsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props("max.request.size", "1000")})
	records := slab("orders", 0, 0, 5)
	records[1].Value = make([]byte, 2000)
	records[3].Value = make([]byte, 3000)
	d := p.Produce(t.Context(), records)
	err := d.Wait(t.Context())
	var first *kafka.ProduceError
	var size *kafka.RecordTooLargeError
	if !errors.As(err, &first) || !errors.As(err, &size) || kafka.IsRetriable(err) {
		t.Fatalf("the error is %v", err)
	}
	if first.Index != 1 || *size != (kafka.RecordTooLargeError{Topic: "orders", Size: 2000, Limit: 1000, Setting: "max.request.size"}) {
		t.Errorf("the error is %+v, %+v", first, size)
	}
	if all := d.Errs(); len(all) != 2 || all[0].Index != 1 || all[1].Index != 3 {
		t.Errorf("all errors: %v", all)
	}
	want := "producing to topic orders: a record of 2000 bytes is larger than 1000, which is the value of the max.request.size configuration"
	if err.Error() != want {
		t.Errorf("the error is %q", err)
	}
	// The others are there, and more may follow.
	if err := p.Produce(t.Context(), slab("orders", 0, 9, 1)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0", "2", "4", "9"}, values(c.consume(t, "orders", 4))); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestProducer_LearnsWhatATopicTakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		requests  string // max.request.size
		takes     string // max.message.bytes of the topic
		failures  int    // how often the slab has to be sent before it is taken
		forbidden bool   // to look at the topic's settings
	}{
		{name: "roomy", requests: "10485760", takes: "10485760"},
		{name: "tighter than max.request.size", requests: "10485760", takes: "20000"},
		{name: "tighter than usual", requests: "1048576", takes: "20000", failures: 1},
		{name: "tight and secret", requests: "1048576", takes: "300000", failures: 2, forbidden: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			if err := newAdmin(t, kafka.AdminConfig{Properties: c.props()}).EnsureTopic(t.Context(), "orders", kafka.TopicGroup{
				Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"max.message.bytes": test.takes},
			}); err != nil {
				t.Fatal(err)
			}
			if test.forbidden {
				c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
			}
			// Without lingering the first batch might be a small one.
			p := newProducer(t, kafka.ProducerConfig{Properties: c.props("max.request.size", test.requests, "linger.ms", "100")})
			records := slab("orders", 0, 0, 600)
			for i := range records {
				records[i].Headers = []kafka.RecordHeader{{Key: "padding", Value: make([]byte, 1500)}}
			}
			failures := 0
			for ; failures <= test.failures; failures++ {
				d := p.Produce(t.Context(), records)
				err := d.Wait(t.Context())
				if err == nil {
					break
				}
				if !kafka.IsRetriable(err) || !strings.Contains(err.Error(), "the next try sends smaller ones") {
					t.Fatalf("the error is %v", err)
				}
				p.Abort()
			}
			if failures != test.failures {
				t.Errorf("%d failures, want %d", failures, test.failures)
			}
			if n := len(c.consume(t, "orders", 600)); n < 600 {
				t.Errorf("%d records", n)
			}
			if test.takes != "20000" {
				return
			}
			records = slab("orders", 0, 0, 1)
			records[0].Value = make([]byte, 30_000)
			err := p.Produce(t.Context(), records).Wait(t.Context())
			var size *kafka.RecordTooLargeError
			if !errors.As(err, &size) || size.Limit != 20_000 || !strings.Contains(err.Error(), "larger than the topic takes, its max.message.bytes is 20000") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestProducer_NamesARecordThatTheBrokerFindsTooLarge(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge})
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	records := slab("orders", 0, 0, 1)
	records[0].Value = make([]byte, 600_000)
	err := p.Produce(t.Context(), records).Wait(t.Context())
	var size *kafka.RecordTooLargeError
	if !errors.As(err, &size) || *size != (kafka.RecordTooLargeError{Topic: "orders", Size: 600_000}) || kafka.IsRetriable(err) {
		t.Errorf("the error is %v", err)
	}
}

func TestProducer_ExplainsWhatBrokersRefuse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault kfake.Fault
		is    func(error) bool
		want  string
	}{
		{"not authorized", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed}, kafka.IsAuthorization, "the user may not write to the topic"},
		{"idempotence", kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.ClusterAuthorizationFailed, Count: -1}, kafka.IsAuthorization, "enable.idempotence=false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, kfake.SeedTopics(1, "orders"))
			c.Fault(test.fault)
			p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), DeliveryTimeout: 10 * time.Second})
			err := p.Produce(t.Context(), slab("orders", 0, 0, 1)).Wait(t.Context())
			if err == nil || !test.is(err) || kafka.IsRetriable(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

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

func TestProducer_NamesATopicThatIsNotThere(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), DeliveryTimeout: 10 * time.Second})
	missing := p.Produce(t.Context(), slab("missing", kafka.AnyPartition, 0, 3))
	if err := p.Produce(t.Context(), slab("orders", 0, 3, 3)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := missing.Wait(t.Context())
	if !kafka.IsUnknownTopic(err) || !strings.Contains(fmt.Sprint(err), "auto.create.topics.enable") {
		t.Errorf("the error is %v", err)
	}
	if n := len(missing.Errs()); n != 3 {
		t.Errorf("%d errors for 3 records", n)
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
