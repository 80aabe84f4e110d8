package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// cluster is an embedded Kafka.
type cluster struct {
	*kfake.Cluster
	// down makes every request end in a closed connection.
	down atomic.Bool
}

func newCluster(t *testing.T, opts ...kfake.Opt) *cluster {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	c := &cluster{Cluster: fake}
	c.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		if !c.down.Load() {
			return nil, nil, false
		}
		c.KeepControl()
		return nil, errors.New("down"), true
	})
	return c
}

// props are the settings to reach the cluster, and what else is wanted.
func (c *cluster) props(more ...string) map[string]string {
	return props(strings.Join(c.ListenAddrs(), ","), more...)
}

func props(bootstrap string, more ...string) map[string]string {
	p := map[string]string{"bootstrap.servers": bootstrap}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// impatient looks for new leaders more often than is good for real clusters.
func impatient() kgo.Opt { return kgo.MetadataMinAge(20 * time.Millisecond) }

func newProducer(t *testing.T, config kafka.ProducerConfig) *kafka.Producer {
	t.Helper()
	config.Options = append(config.Options, impatient())
	p, err := kafka.NewProducer(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// slab makes n records of one topic, with values "from", "from+1", and so on.
func slab(topic string, partition int32, from, n int) []kafka.Record {
	records := make([]kafka.Record, n)
	for i := range records {
		records[i] = kafka.Record{Topic: topic, Partition: partition, Value: fmt.Append(nil, from+i)}
	}
	return records
}

func values(records []kafka.Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Value))
	}
	return all
}

// consume reads the first n records of a topic, in the order of each partition, and what else is there already.
func (c *cluster) consume(t *testing.T, topic string, n int, opts ...kgo.Opt) []kafka.Record {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), impatient(),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all []kafka.Record
	for len(all) < n {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d records after 10 s", len(all), n)
		}
		fetches.EachRecord(func(r *kgo.Record) { all = append(all, *r) })
	}
	return all
}
