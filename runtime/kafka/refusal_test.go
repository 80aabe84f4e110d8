package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

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

func TestDelivery_ListsErrorsInTheOrderOfTheSlab(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed})
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props("max.request.size", "1000")})
	records := slab("orders", 0, 0, 2)
	records[1].Value = make([]byte, 2000) // fails before the broker can answer for the first
	d := p.Produce(t.Context(), records)
	if err := d.Wait(t.Context()); !kafka.IsAuthorization(err) {
		t.Errorf("the error is %v", err)
	}
	if all := d.Errs(); len(all) != 2 || all[0].Index != 0 || all[1].Index != 1 {
		t.Errorf("all errors: %v", all)
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
