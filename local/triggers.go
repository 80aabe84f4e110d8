package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// triggers are the Kafka triggers of one sink, one for each topic, as on AWS.
type triggers struct {
	desk   *desk
	name   string
	topics []string
	put    map[string]putMapping // by topic
}

// putMapping is what can change of a mapping.
type putMapping struct {
	group    string
	disabled bool
	kafka    string // the settings by which its consumer reads another cluster
}

func newTriggers(d *desk, name string) *triggers {
	return &triggers{desk: d, name: name, put: map[string]putMapping{}}
}

// follow makes the triggers what the connector's item says.
func (t *triggers) follow(_ context.Context, c offset.Connector) error {
	topics := control.Topics(c)
	disabled := c.Target != offset.Running || c.Trigger[runtime.Halted] != ""
	client, kafka, err := t.client(c)
	if err != nil {
		return err
	}
	for _, topic := range topics {
		m := putMapping{control.Group(c, topic), disabled, kafka}
		if t.put[topic] == m {
			continue
		}
		mapping := t.mapping(c, topic, m)
		mapping.Client = client
		if err := t.desk.driver.trigger.Put(mapping); err != nil {
			return err
		}
		t.put[topic] = m
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

// client makes the options by which a sink's records are read: the desk's own, unless the connector names others.
func (t *triggers) client(c offset.Connector) (client []kgo.Opt, settings string, err error) {
	own := config.Prefixed(c.Config, "consumer.override.")
	properties := map[string]string{}
	for _, s := range kafka.Settings() {
		if value, ok := own[s.Key]; ok && s.Refused == "" {
			properties[s.Key] = value
			settings += fmt.Sprintf("%q=%q\n", s.Key, value)
		}
	}
	if len(properties) == 0 {
		return t.desk.client, "", nil
	}
	all := t.desk.clientProperties()
	maps.Copy(all, properties)
	client, err = kafka.ClientOptions(all, nil)
	if err != nil {
		return nil, "", fmt.Errorf("reading the settings of the consumer: %w", err)
	}
	return client, settings, nil
}

func (t *triggers) mapping(c offset.Connector, topic string, m putMapping) trigger.Mapping {
	return trigger.Mapping{
		Name: t.mappingName(topic), Topic: topic, Group: m.group, Bootstrap: t.desk.brokers,
		BatchSize: t.desk.flags.batchSize, Window: t.desk.flags.batchWindow, Pollers: t.desk.flags.pollers,
		ReportBatchItemFailures: c.Trigger[worker.PartialAnswers] == "true", Disabled: m.disabled,
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
	properties := d.clientProperties()
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

// clientProperties are those of the worker's properties that say how to reach Kafka.
func (d *desk) clientProperties() map[string]string {
	properties := map[string]string{}
	for _, s := range kafka.Settings() {
		if value, ok := d.worker[s.Key]; ok && s.Refused == "" {
			properties[s.Key] = value
		}
	}
	return properties
}
