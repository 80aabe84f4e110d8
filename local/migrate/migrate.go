package migrate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Source says where a cluster keeps its state.
type Source struct {
	// Client are the options by which its brokers are reached.
	Client []kgo.Opt
	// ConfigTopic and OffsetTopic are what the worker's config.storage.topic and offset.storage.topic say. Without an
	// OffsetTopic, offsets are read only for connectors that have a topic of their own for them.
	ConfigTopic, OffsetTopic string
}

// Connector is one of the cluster's connectors.
type Connector struct {
	Name   string
	Config map[string]string
	// Target is what its users want of it there.
	Target offset.Target
	// Offsets are those of a source, sorted by partition; nil if it has none.
	Offsets []Offset
}

// Offset is where a source is in one of its partitions.
type Offset struct {
	Partition json.RawMessage `json:"partition"`
	Offset    json.RawMessage `json:"offset"`
}

// Read returns the connectors of a cluster, sorted by name.
func Read(ctx context.Context, s Source) ([]Connector, error) {
	records, err := readAll(ctx, s.Client, s.ConfigTopic)
	if err != nil {
		return nil, err
	}
	connectors, err := configs(records)
	if err != nil {
		return nil, fmt.Errorf("reading topic %s: %w", s.ConfigTopic, err)
	}
	read := map[string]map[string]map[string]Offset{} // by topic, connector and partition
	load := func(topic string) error {
		if topic == "" || read[topic] != nil {
			return nil
		}
		records, err := readAll(ctx, s.Client, topic)
		if err == nil {
			read[topic], err = offsets(records)
		}
		return err
	}
	for i := range connectors {
		c := &connectors[i]
		own := c.Config["offsets.storage.topic"]
		found := map[string]Offset{}
		for _, topic := range []string{s.OffsetTopic, own} { // the connector's own topic has the last word
			if err := load(topic); err != nil {
				return nil, fmt.Errorf("reading the offsets of connector %s: %w", c.Name, err)
			}
			maps.Copy(found, read[topic][c.Name])
		}
		for _, partition := range slices.Sorted(maps.Keys(found)) {
			if o := found[partition]; o.Offset != nil {
				c.Offsets = append(c.Offsets, o)
			}
		}
	}
	return connectors, nil
}

// configs replays a config topic: the last word about each connector counts.
func configs(records []record) ([]Connector, error) {
	found := map[string]*Connector{}
	targets := map[string]offset.Target{}
	for _, r := range records {
		key := string(r.key)
		if name, ok := strings.CutPrefix(key, "connector-"); ok {
			var value struct{ Properties map[string]string }
			if err := json.Unmarshal(or(r.value, "null"), &value); err != nil {
				return nil, fmt.Errorf("the configuration of connector %s: %w", name, err)
			}
			if value.Properties == nil { // deleted, with all that belongs to it
				delete(found, name)
				delete(targets, name)
				continue
			}
			found[name] = &Connector{Name: name, Config: value.Properties}
		}
		if name, ok := strings.CutPrefix(key, "target-state-"); ok {
			target, err := targetOf(r.value)
			if err != nil {
				return nil, fmt.Errorf("the target state of connector %s: %w", name, err)
			}
			targets[name] = target
		}
	}
	connectors := make([]Connector, 0, len(found))
	for name, c := range found {
		c.Target = cmp.Or(targets[name], offset.Running)
		connectors = append(connectors, *c)
	}
	slices.SortFunc(connectors, func(a, b Connector) int { return strings.Compare(a.Name, b.Name) })
	return connectors, nil
}

// targetOf reads a target state. Its older form knows no STOPPED; without any a connector is to run.
func targetOf(text []byte) (offset.Target, error) {
	var value struct {
		State string `json:"state"`
		V2    string `json:"state.v2"`
	}
	if err := json.Unmarshal(or(text, "{}"), &value); err != nil {
		return "", err
	}
	switch state := cmp.Or(value.V2, value.State); state {
	case "", "STARTED":
		return offset.Running, nil
	case "PAUSED":
		return offset.Paused, nil
	case "STOPPED":
		return offset.Stopped, nil
	default:
		return "", fmt.Errorf("%q is none", state)
	}
}

// offsets replays an offset topic. What is removed stays as an entry without an Offset. Keys that are none of a
// connector's are left out.
func offsets(records []record) (map[string]map[string]Offset, error) {
	all := map[string]map[string]Offset{}
	for _, r := range records {
		var key []json.RawMessage
		var name string
		if json.Unmarshal(r.key, &key) != nil || len(key) != 2 || json.Unmarshal(key[0], &name) != nil {
			continue
		}
		partition, err := connect.ParsePartition(key[1])
		if err != nil {
			return nil, fmt.Errorf("the key %s: %w", r.key, err)
		}
		if all[name] == nil {
			all[name] = map[string]Offset{}
		}
		o := Offset{Partition: json.RawMessage(partition.JSON())}
		if value := bytes.TrimSpace(r.value); len(value) > 0 && string(value) != "null" {
			o.Offset = value
		}
		all[name][partition.JSON()] = o
	}
	return all, nil
}

// or is a text, or another one if there is none.
func or(text []byte, other string) []byte {
	if text == nil {
		return []byte(other)
	}
	return text
}
