package trigger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	probeHealthy = 30 * time.Second // between looks at a topic that is there
	probeFailing = 2 * time.Second
	probeMissing = 250 * time.Millisecond // a person waits for the first records of a new topic
	probeTimeout = 5 * time.Second
)

// probe looks at the topic from time to time: it starts as many pollers as there are partitions for, and says what is wrong if the topic cannot be seen,
// which a consumer alone would just wait for.
func (r *reading) probe() {
	client, err := kgo.NewClient(append(append([]kgo.Opt{kgo.ClientID("sluice-trigger")}, r.Mapping.Client...), kgo.DisableClientMetrics(), kgo.WithHooks(connections{r}))...)
	if err != nil {
		r.setProblem("client", fmt.Sprintf("preparing the Kafka client: %v", err))
		<-r.soft.Done()
		return
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for started := 0; ; {
		wait := probeHealthy
		n, err := r.look(admin)
		if err == nil && started == 0 {
			err = r.pin(admin)
		}
		for err == nil && started < min(n, r.Mapping.Pollers) {
			if err = r.startPoller(); err == nil {
				started++
			}
		}
		// A topic that nobody wrote to yet is nothing that anybody must look after.
		missing := errors.Is(err, kerr.UnknownTopicOrPartition)
		text := ""
		if err != nil {
			text, wait = err.Error(), probeFailing
		}
		if missing {
			text, wait = "", probeMissing
		}
		if r.soft.Err() != nil {
			return
		}
		r.setMissing(missing)
		r.setProblem("topic", text)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.soft.Done():
			timer.Stop()
			return
		}
	}
}

// look counts the topic's partitions.
func (r *reading) look(admin *kadm.Client) (int, error) {
	ctx, cancel := context.WithTimeout(r.soft, probeTimeout)
	defer cancel()
	topics, err := admin.ListTopics(ctx, r.Mapping.Topic)
	if err != nil {
		return 0, fmt.Errorf("looking for topic %s: %w", r.Mapping.Topic, err)
	}
	t, ok := topics[r.Mapping.Topic]
	if !ok {
		return 0, fmt.Errorf("looking for topic %s: the cluster does not mention it", r.Mapping.Topic)
	}
	if t.Err != nil {
		return 0, fmt.Errorf("looking for topic %s: %w", r.Mapping.Topic, t.Err)
	}
	return len(t.Partitions), nil
}

// pin commits the end of every partition that has no offset, for a mapping that begins with the latest records: what is written from now on will be
// delivered even if the desk stops before anything was.
func (r *reading) pin(admin *kadm.Client) error {
	if r.Mapping.Start != Latest {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.soft, probeTimeout)
	defer cancel()
	committed, err := committed(ctx, admin, r.Mapping.Group)
	if err != nil {
		return fmt.Errorf("reading the offsets of group %s: %w", r.Mapping.Group, err)
	}
	ends, err := admin.ListEndOffsets(ctx, r.Mapping.Topic)
	if err != nil {
		return fmt.Errorf("reading the end of topic %s: %w", r.Mapping.Topic, err)
	}
	var missing kadm.Offsets
	if err := ends.Error(); err != nil {
		return fmt.Errorf("reading the end of topic %s: %w", r.Mapping.Topic, err)
	}
	for _, o := range ends[r.Mapping.Topic] {
		if c, ok := committed.Lookup(o.Topic, o.Partition); !ok || c.At < 0 {
			missing.Add(kadm.Offset{Topic: o.Topic, Partition: o.Partition, At: o.Offset, LeaderEpoch: o.LeaderEpoch})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := admin.CommitAllOffsets(ctx, r.Mapping.Group, missing); err != nil && !notOurs(err) { // another desk is reading, and has done it
		return fmt.Errorf("committing where group %s begins: %w", r.Mapping.Group, err)
	}
	return nil
}

// connections notes brokers that cannot be reached.
type connections struct{ *reading }

// OnBrokerConnect is called by the client after each attempt.
func (c connections) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) || c.soft.Err() != nil {
		return
	}
	addr := net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
	text := ""
	if err != nil {
		text = fmt.Sprintf("connecting to broker %s: %v", addr, err)
	}
	c.setProblem("broker "+addr, text)
}
