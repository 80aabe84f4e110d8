package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// triggers are the Kafka triggers of one sink, one for each topic, as on AWS.
type triggers struct {
	desk   *desk
	name   string
	topics []string
	put    map[string]bool // by topic: whether it is disabled
}

func newTriggers(d *desk, name string) *triggers {
	return &triggers{desk: d, name: name, put: map[string]bool{}}
}

// follow makes the triggers what the connector's item says.
func (t *triggers) follow(_ context.Context, c offset.Connector) error {
	topics := topicsOf(c.Config)
	if len(topics) == 0 {
		return fmt.Errorf("the sink lists no topics; topics.regex is not followed on this desk")
	}
	disabled := c.Target != offset.Running || c.Trigger[runtime.Halted] != ""
	for _, topic := range topics {
		if was, ok := t.put[topic]; ok && was == disabled {
			continue
		}
		if err := t.desk.driver.trigger.Put(t.mapping(c, topics, topic, disabled)); err != nil {
			return err
		}
		t.put[topic] = disabled
	}
	for topic := range t.put {
		if !slices.Contains(topics, topic) {
			t.desk.driver.trigger.Delete(t.mappingName(topic))
			delete(t.put, topic)
		}
	}
	t.topics = topics
	return nil
}

func (t *triggers) mappingName(topic string) string { return t.name + "/" + topic }

func (t *triggers) mapping(c offset.Connector, topics []string, topic string, disabled bool) trigger.Mapping {
	group := "connect-" + t.name
	if own := c.Config["consumer.override.group.id"]; own != "" {
		group = own
	}
	if len(topics) > 1 {
		group += "." + topic // ids are unique per mapping on AWS
	}
	return trigger.Mapping{
		Name: t.mappingName(topic), Topic: topic, Group: group, Client: t.desk.client, Bootstrap: t.desk.brokers,
		BatchSize: t.desk.flags.batchSize, Window: t.desk.flags.batchWindow, Pollers: t.desk.flags.pollers,
		ReportBatchItemFailures: c.Trigger[worker.PartialAnswers] == "true", Disabled: disabled,
		Invoke: func(ctx context.Context, payload []byte) ([]byte, error) {
			result, err := t.desk.functions.Invoke(ctx, t.name, payload)
			return result.Payload, err
		},
	}
}

// progress is how many records the triggers are behind, as last seen, -1 if not known; and what they wait for, if they do.
func (t *triggers) progress() (lag int64, note string) {
	lag = -1
	well := true
	var missing []string
	for _, topic := range t.topics {
		s, err := t.desk.driver.trigger.Status(t.mappingName(topic))
		if err != nil {
			continue
		}
		for _, p := range s.Partitions {
			if p.End >= 0 && p.Next >= 0 {
				lag = max(lag, 0) + max(0, p.End-p.Next)
			}
		}
		if s.Missing {
			missing = append(missing, topic)
		}
		for _, problem := range s.Problems {
			if problem != s.LastResult { // which is reported as it comes
				t.desk.failed(t.name, problem)
			}
			well = false
		}
		well = well && !s.Missing && (s.LastResult == "" || s.LastResult == "OK")
	}
	if well {
		t.desk.did(t.name)
	}
	switch len(missing) {
	case 0:
		return lag, ""
	case 1:
		return lag, "waiting for topic " + missing[0]
	}
	return lag, "waiting for topics " + strings.Join(missing, ", ")
}

func (t *triggers) close() {
	for topic := range t.put {
		t.desk.driver.trigger.Delete(t.mappingName(topic))
	}
}

// reachTime is how long brokers may take to answer at the start.
const reachTime = 10 * time.Second

// openClient makes the options of the desk's own Kafka clients and sees that the brokers answer.
func (d *desk) openClient(ctx context.Context) error {
	properties := map[string]string{}
	for _, s := range kafka.Settings() {
		if value, ok := d.worker[s.Key]; ok && s.Refused == "" {
			properties[s.Key] = value
		}
	}
	var err error
	if d.client, err = kafka.ClientOptions(properties, nil); err != nil {
		return fmt.Errorf("reaching Kafka at %s: %w", d.brokers, err)
	}
	admin, err := kafka.NewAdmin(kafka.AdminConfig{Properties: properties})
	if err != nil {
		return fmt.Errorf("reaching Kafka at %s: %w", d.brokers, err)
	}
	defer admin.Close()
	reaching, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	if _, err = admin.ClusterID(reaching); err != nil {
		return fmt.Errorf("reaching Kafka at %s: %w", d.brokers, err)
	}
	return nil
}
