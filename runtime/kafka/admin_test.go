package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

func newAdmin(t *testing.T, config kafka.AdminConfig) *kafka.Admin {
	t.Helper()
	config.Options = append(config.Options, impatient())
	admin, err := kafka.NewAdmin(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	return admin
}

type offsets = map[kafka.TopicPartition]int64

func TestAdmin_ListsTopics(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(3, "orders"), kfake.SeedTopics(1, "customers"))
	topics, err := newAdmin(t, kafka.AdminConfig{Properties: c.props()}).Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]kafka.Topic{{"customers", 1}, {"orders", 3}}, topics); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestAdmin_SaysWhatTopicsHold(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(2, "orders"), kfake.SeedTopics(1, "customers"))
	admin := newAdmin(t, kafka.AdminConfig{Properties: c.props()})
	got, err := admin.Extents(t.Context(), "orders", "none")
	if err != nil {
		t.Fatal(err)
	}
	want := map[kafka.TopicPartition]kafka.Extent{{Topic: "orders"}: {}, {Topic: "orders", Partition: 1}: {}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if got, err = admin.Extents(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("of no topic: %v, %v", got, err)
	}
}

func TestAdmin_ChangesGroupOffsets(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(3, "orders", "customers"))
	admin := newAdmin(t, kafka.AdminConfig{Properties: c.props()})
	ctx := t.Context()
	expect := func(want offsets) {
		t.Helper()
		got, err := admin.GroupOffsets(ctx, "connect-orders")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want (-), got (+):\n%s", diff)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect(offsets{})
	must(admin.DeleteGroup(ctx, "connect-orders"))
	must(admin.DeleteGroupOffsets(ctx, "connect-orders", kafka.TopicPartition{Topic: "orders", Partition: 0}))

	must(admin.SetGroupOffsets(ctx, "connect-orders", nil))
	must(admin.SetGroupOffsets(ctx, "connect-orders", offsets{{"orders", 0}: 41, {"orders", 2}: 0, {"customers", 1}: 7}))
	expect(offsets{{"orders", 0}: 41, {"orders", 2}: 0, {"customers", 1}: 7})
	must(admin.SetGroupOffsets(ctx, "connect-orders", offsets{{"orders", 0}: 12}))
	must(admin.DeleteGroupOffsets(ctx, "connect-orders", kafka.TopicPartition{Topic: "orders", Partition: 2}, kafka.TopicPartition{Topic: "gone", Partition: 0}))
	expect(offsets{{"orders", 0}: 12, {"customers", 1}: 7})
	must(admin.DeleteGroup(ctx, "connect-orders"))
	expect(offsets{})

	err := admin.SetGroupOffsets(ctx, "connect-orders", offsets{{"orders", 0}: 1, {"gone", 3}: 1})
	if !kafka.IsUnknownTopic(err) || !strings.Contains(err.Error(), "setting the offset of group connect-orders in gone-3") {
		t.Errorf("the error is %v", err)
	}
	expect(offsets{{"orders", 0}: 1})
}

func TestAdmin_SeesMembers(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string][]kgo.Opt{"classic": nil, "consumer": {kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer())}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, kfake.SeedTopics(3, "orders"))
			admin := newAdmin(t, kafka.AdminConfig{Properties: c.props()})
			members, err := admin.GroupMembers(t.Context(), "connect-orders")
			if err != nil || len(members) > 0 {
				t.Fatalf("before: %v, %v", members, err)
			}
			p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
			if err := p.Produce(t.Context(), slab("orders", 1, 0, 3)).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			consumer, err := kgo.NewClient(append(protocol, kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumerGroup("connect-orders"),
				kgo.ConsumeTopics("orders"), kgo.ClientID("mapping"), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
			if err != nil {
				t.Fatal(err)
			}
			defer consumer.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if fetches := consumer.PollFetches(ctx); fetches.NumRecords() == 0 {
				t.Fatalf("the consumer reads nothing: %v", fetches.Err())
			}
			if err := consumer.CommitUncommittedOffsets(ctx); err != nil {
				t.Fatal(err)
			}
			if members, err = admin.GroupMembers(ctx, "connect-orders"); err != nil || len(members) != 1 {
				t.Fatalf("%v, %v", members, err)
			}
			topic := "orders"
			if name == "consumer" {
				topic = "" // the embedded broker does not fill it in here; Kafka does
			}
			want := []kafka.TopicPartition{{topic, 0}, {topic, 1}, {topic, 2}}
			if diff := cmp.Diff(want, members[0].Partitions); diff != "" || members[0].ClientID != "mapping" || members[0].ID == "" {
				t.Errorf("%+v; want (-), got (+):\n%s", members[0], diff)
			}
			for doing, err := range map[string]error{
				"set":            admin.SetGroupOffsets(ctx, "connect-orders", offsets{{"orders", 0}: 1}),
				"delete offsets": admin.DeleteGroupOffsets(ctx, "connect-orders", kafka.TopicPartition{Topic: "orders", Partition: 1}),
				"delete":         admin.DeleteGroup(ctx, "connect-orders"),
			} {
				if err == nil || !strings.Contains(err.Error(), "is the connector stopped?") {
					t.Errorf("%s: the error is %v", doing, err)
				}
			}
		})
	}
}

func TestAdmin_SaysWhyItCannotConnect(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ada", "secret"))
	admin := newAdmin(t, kafka.AdminConfig{Properties: c.props("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config", scram("ada", "guess"))})
	_, err := admin.Topics(t.Context())
	if !kafka.IsAuthorization(err) || !strings.Contains(err.Error(), "listing topics: connecting to broker "+c.ListenAddrs()[0]+": closed the connection during authentication (wrong user or password?)") {
		t.Errorf("the error is %v", err)
	}

	nobody := newAdmin(t, kafka.AdminConfig{Properties: props("127.0.0.1:1")})
	_, err = nobody.GroupOffsets(t.Context(), "connect-orders")
	if !kafka.IsRetriable(err) || !strings.Contains(fmt.Sprint(err), "reading the offsets of group connect-orders: connecting to broker 127.0.0.1:1: nobody listens at this port") {
		t.Errorf("the error is %v", err)
	}
}

func TestProducer_CreatesTopics(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(7, "orders-old"))
	prefix := func(p string) func(string) bool {
		return func(topic string) bool { return strings.HasPrefix(topic, p) }
	}
	any := func(string) bool { return true }
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), Topics: []kafka.TopicGroup{
		{Name: "compacted", Include: []func(string) bool{prefix("customers"), prefix("orders")}, Exclude: []func(string) bool{prefix("orders-")}, ReplicationFactor: 3, Partitions: 2, Configs: map[string]string{"cleanup.policy": "compact"}},
		{Name: "default", Include: []func(string) bool{any}, ReplicationFactor: -1, Partitions: 5},
	}})
	asked := c.Fault(kfake.Fault{Observe: true, Keys: []kmsg.Key{kmsg.CreateTopics}, Count: -1})
	for range 2 {
		var records []kafka.Record
		for _, topic := range []string{"customers", "orders", "orders-new", "orders-old", "customers"} {
			records = append(records, slab(topic, 0, 0, 2)...)
		}
		if err := p.Produce(t.Context(), records).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	for _, topic := range []string{"customers", "orders", "orders-new", "orders-old"} {
		info := c.TopicInfo(topic)
		policy := info.Configs["cleanup.policy"]
		got[topic] = fmt.Sprintf("%d partitions, %d replicas", len(c.PartitionInfos(topic)), info.NumReplicas)
		if policy != nil {
			got[topic] += ", " + *policy
		}
	}
	want := map[string]string{
		"customers": "2 partitions, 3 replicas, compact", "orders": "2 partitions, 3 replicas, compact",
		"orders-new": "5 partitions, 3 replicas", "orders-old": "7 partitions, 3 replicas",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if asked.Hits() != 3 {
		t.Errorf("%d requests to create 3 topics", asked.Hits())
	}
}

func TestProducer_SaysWhyATopicIsNotCreated(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	none := func(string) bool { return false }
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), Topics: []kafka.TopicGroup{{Name: "default", Exclude: []func(string) bool{none}, ReplicationFactor: 1, Partitions: 1}}})
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "secret", Err: kerr.TopicAuthorizationFailed})
	err := p.Produce(t.Context(), slab("secret", 0, 0, 1)).Wait(t.Context())
	var topic *kafka.TopicError
	if !errors.As(err, &topic) || topic.Topic != "secret" || topic.Group != "default" || !kafka.IsAuthorization(err) ||
		!strings.HasPrefix(topic.Error(), "Task failed to create new topic secret") {
		t.Errorf("the error is %v", err)
	}
	// Another topic is none the worse, and the first may be tried again.
	for _, name := range []string{"orders", "secret"} {
		if err := p.Produce(t.Context(), slab(name, 0, 0, 1)).Wait(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	groupless := newProducer(t, kafka.ProducerConfig{Properties: c.props(), Topics: []kafka.TopicGroup{{Name: "some", Include: []func(string) bool{none}}}})
	err = groupless.Produce(t.Context(), slab("other", 0, 0, 1)).Wait(t.Context())
	if !errors.As(err, &topic) || !strings.Contains(err.Error(), "belongs to no topic creation group") {
		t.Errorf("the error is %v", err)
	}
}

func TestProducer_CreatesTheDeadLetterTopic(t *testing.T) {
	t.Parallel()
	// A broker that would create it, with partitions of its own choice, if it were asked for in passing.
	c := newCluster(t, kfake.NumBrokers(3), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(5))
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props()})
	for range 2 {
		if err := p.EnsureDeadLetterTopic(t.Context(), "dead", 2); err != nil {
			t.Fatal(err)
		}
	}
	if info := c.TopicInfo("dead"); len(c.PartitionInfos("dead")) != 1 || info.NumReplicas != 2 {
		t.Errorf("%+v", info)
	}
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.InvalidReplicationFactor})
	err := p.EnsureDeadLetterTopic(t.Context(), "dead-2", 9)
	if err == nil || !strings.HasPrefix(err.Error(), "Could not initialize dead letter queue with topic=dead-2") {
		t.Errorf("the error is %v", err)
	}
	if err := newAdmin(t, kafka.AdminConfig{Properties: c.props()}).EnsureTopic(t.Context(), "more", kafka.TopicGroup{ReplicationFactor: 1, Partitions: 4}); err != nil || len(c.PartitionInfos("more")) != 4 {
		t.Errorf("%v, %+v", err, c.TopicInfo("more"))
	}
}
