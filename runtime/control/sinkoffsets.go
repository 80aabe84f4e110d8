package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// GroupReader reads what consumer groups have committed. *kafka.Admin is one.
type GroupReader interface {
	GroupOffsets(ctx context.Context, group string) (map[kafka.TopicPartition]int64, error)
	Topics(ctx context.Context) ([]kafka.Topic, error)
}

// GroupWriter changes it, in groups without members. *kafka.Admin is one.
type GroupWriter interface {
	SetGroupOffsets(ctx context.Context, group string, offsets map[kafka.TopicPartition]int64) error
	DeleteGroupOffsets(ctx context.Context, group string, partitions ...kafka.TopicPartition) error
	DeleteGroup(ctx context.Context, group string) error
}

// Groups are the consumer groups of sinks.
type Groups interface {
	GroupReader
	GroupWriter
}

// Group is the consumer group by which a sink reads a topic: Connect's, or with several topics one for each, because a
// Kafka trigger has one topic and a group of its own.
func Group(name string, settings map[string]string, topic string) string {
	group := settings["consumer.override.group.id"]
	if group == "" {
		group = "connect-" + name
	}
	if len(listed(settings)) > 1 {
		group += "." + topic
	}
	return group
}

// listed are the topics that a sink's configuration lists, each once.
func listed(settings map[string]string) []string {
	var topics []string
	for topic := range strings.SplitSeq(settings["topics"], ",") {
		if topic = strings.TrimSpace(topic); topic != "" && !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// groups are a sink's consumer groups.
func groups(c offset.Connector) []string {
	topics := listed(c.Config)
	if len(topics) < 2 {
		return []string{Group(c.Name, c.Config, "")}
	}
	all := make([]string, len(topics))
	for i, topic := range topics {
		all[i] = Group(c.Name, c.Config, topic)
	}
	return all
}

// sinkOffsets are those of all its groups.
func (s *Server) sinkOffsets(ctx context.Context, c offset.Connector) ([]pair, error) {
	all := map[kafka.TopicPartition]int64{}
	for _, group := range groups(c) {
		offsets, err := s.Groups.GroupOffsets(ctx, group)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, offsets)
	}
	list := make([]pair, 0, len(all))
	for _, at := range slices.SortedFunc(maps.Keys(all), byPlace) {
		partition, err := json.Marshal(map[string]any{"kafka_topic": at.Topic, "kafka_partition": at.Partition})
		if err != nil {
			return nil, fmt.Errorf("writing the offsets of connector %s: %w", c.Name, err)
		}
		list = append(list, pair{partition, fmt.Appendf(nil, `{"kafka_offset":%d}`, all[at])})
	}
	return list, nil
}

func byPlace(a, b kafka.TopicPartition) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// moveSink asks the connector and changes its groups.
func (s *Server) moveSink(ctx context.Context, c offset.Connector, p Plugin, pairs []pair, reset bool) (done bool, err error) {
	if reset {
		if pairs, err = s.sinkOffsets(ctx, c); err != nil {
			return false, err
		}
		for i := range pairs {
			pairs[i].Offset = nil
		}
	}
	set, remove, err := readSinkOffsets(pairs)
	if err != nil {
		return false, err
	}
	if err := s.mustExist(ctx, set, remove); err != nil && !reset {
		return false, err
	}
	on, err := s.Triggers.Delivering(ctx, c)
	if err != nil {
		return false, fmt.Errorf("asking for the trigger of connector %s: %w", c.Name, err)
	}
	if on {
		return false, notStopped(c.Name)
	}
	if done, err = s.agree(ctx, c, p, canonicalPairs(set, remove)); err != nil {
		return false, err
	}
	if reset {
		for _, group := range groups(c) {
			if err := s.Groups.DeleteGroup(ctx, group); err != nil {
				return false, inUse(c.Name, "reset", err)
			}
		}
		return done, s.remember(ctx, c)
	}
	for _, group := range groups(c) {
		mine := func(at kafka.TopicPartition) bool { return Group(c.Name, c.Config, at.Topic) == group }
		own := maps.Clone(set)
		maps.DeleteFunc(own, func(at kafka.TopicPartition, _ int64) bool { return !mine(at) })
		if err := s.Groups.SetGroupOffsets(ctx, group, own); err != nil {
			return false, inUse(c.Name, "alter", err)
		}
		gone := slices.DeleteFunc(slices.Clone(remove), func(at kafka.TopicPartition) bool { return !mine(at) })
		if err := s.Groups.DeleteGroupOffsets(ctx, group, gone...); err != nil {
			return false, inUse(c.Name, "alter", err)
		}
	}
	return done, s.remember(ctx, c) // or else resuming would put back what was there before
}

// inUse is what Connect says when a group cannot be changed, with why.
func inUse(name, word string, err error) error {
	return fmt.Errorf("Failed to %s consumer group offsets for connector %s either because its tasks haven't stopped completely "+ //nolint:staticcheck // Connect's own words
		"yet or the connector was resumed before the request to %s its offsets could be successfully completed. If the connector "+
		"is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may "+
		"need to be restarted to get rid of the zombie sink tasks: %w", word, name, word, err)
}

// mustExist refuses partitions that are not there: a group could never read on from them.
func (s *Server) mustExist(ctx context.Context, set map[kafka.TopicPartition]int64, remove []kafka.TopicPartition) error {
	topics, err := s.Groups.Topics(ctx)
	if err != nil {
		return err
	}
	for _, at := range slices.Concat(slices.SortedFunc(maps.Keys(set), byPlace), remove) {
		i := slices.IndexFunc(topics, func(t kafka.Topic) bool { return t.Name == at.Topic })
		if i < 0 || int(at.Partition) >= topics[i].Partitions || at.Partition < 0 {
			return fmt.Errorf("altering offsets: there is no partition %s-%d", at.Topic, at.Partition)
		}
		if set[at] < 0 {
			return fmt.Errorf("altering offsets: the offset %d of %s-%d is negative", set[at], at.Topic, at.Partition)
		}
	}
	return nil
}

// canonicalPairs are pairs with numbers where clients may write texts.
func canonicalPairs(set map[kafka.TopicPartition]int64, remove []kafka.TopicPartition) []pair {
	var pairs []pair
	add := func(at kafka.TopicPartition, position string) {
		topic, err := json.Marshal(at.Topic)
		if err != nil {
			return // a text can always be written
		}
		partition := fmt.Appendf(nil, `{"kafka_topic":%s,"kafka_partition":%d}`, topic, at.Partition)
		pairs = append(pairs, pair{partition, json.RawMessage(position)})
	}
	for _, at := range slices.SortedFunc(maps.Keys(set), byPlace) {
		add(at, fmt.Sprintf(`{"kafka_offset":%d}`, set[at]))
	}
	for _, at := range remove {
		add(at, "null")
	}
	return pairs
}

// readSinkOffsets reads pairs in the form of sinks.
func readSinkOffsets(pairs []pair) (set map[kafka.TopicPartition]int64, remove []kafka.TopicPartition, err error) {
	set = map[kafka.TopicPartition]int64{}
	bad := func(format string, args ...any) error { return fail(http.StatusBadRequest, format, args...) }
	for _, p := range pairs {
		if isNull(p.Partition) {
			return nil, nil, bad("The partition for a sink connector offset cannot be null or missing")
		}
		var partition, position map[string]json.RawMessage
		if err := json.Unmarshal(p.Partition, &partition); err != nil {
			return nil, nil, fmt.Errorf("reading the offsets: %w", err)
		}
		topic, hasTopic := partition["kafka_topic"]
		number, hasNumber := partition["kafka_partition"]
		if !hasTopic || !hasNumber {
			return nil, nil, bad("The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'")
		}
		if isNull(topic) {
			return nil, nil, bad("Kafka topic names must be valid strings and may not be null")
		}
		if isNull(number) {
			return nil, nil, bad("Kafka partitions must be valid numbers and may not be null")
		}
		n, err := strconv.ParseInt(plain(number), 10, 32)
		if err != nil {
			return nil, nil, bad("Failed to parse the following Kafka partition value in the provided offsets: '%s'. Partition "+
				"values for sink connectors need to be integers.", plain(number))
		}
		at := kafka.TopicPartition{Topic: plain(topic), Partition: int32(n)}
		if p.removes() {
			remove = append(remove, at)
			continue
		}
		if err := json.Unmarshal(p.Offset, &position); err != nil {
			return nil, nil, fmt.Errorf("reading the offsets: %w", err)
		}
		value, there := position["kafka_offset"]
		if !there {
			return nil, nil, bad("The offset for a sink connector should either be null or contain the key 'kafka_offset'")
		}
		if set[at], err = strconv.ParseInt(plain(value), 10, 64); err != nil {
			return nil, nil, bad("Failed to parse the following Kafka offset value in the provided offsets: '%s'. Offset values "+
				"for sink connectors need to be integers.", plain(value))
		}
	}
	return set, remove, nil
}

// plain is a JSON value as text: a text without its quotes.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(bytes.TrimSpace(raw))
}
