package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// sinkOffsets are those of all its groups.
func (s *Server) sinkOffsets(ctx context.Context, c offset.Connector) ([]pair, error) {
	kafkas, err := s.Clusters.Groups(ctx, c)
	if err != nil {
		return nil, err
	}
	all := map[kafka.TopicPartition]int64{}
	for _, group := range groups(c) {
		offsets, err := kafkas.GroupOffsets(ctx, group)
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
	kafkas, err := s.Clusters.Groups(ctx, c)
	if err != nil {
		return false, err
	}
	if err := mustExist(ctx, kafkas, c.Name, set, remove); err != nil && !reset {
		return false, err
	}
	trigger, err := s.triggerOf(ctx, c)
	if err != nil {
		return false, err
	}
	if trigger.Delivering {
		return false, notStopped(c.Name)
	}
	if done, err = s.agree(ctx, c, p, canonicalPairs(set, remove)); err != nil {
		return false, err
	}
	if err := moveGroups(ctx, c, kafkas, set, remove, reset); err != nil {
		return false, err
	}
	if err := s.forget(ctx, c.Name, set, remove); err != nil {
		return false, err
	}
	return done, s.remember(ctx, c) // or else resuming would put back what was there before
}

// forget empties what the sink keeps for partitions whose offsets were changed: it speaks of records up to the old ones. It is
// done after the groups were changed, so that a failure before leaves everything as it was.
func (s *Server) forget(ctx context.Context, name string, set map[kafka.TopicPartition]int64, remove []kafka.TopicPartition) error {
	for _, at := range slices.Concat(slices.SortedFunc(maps.Keys(set), byPlace), remove) {
		for {
			value, version, err := s.Store.State(ctx, name, at.Topic, at.Partition)
			if err == nil && len(value) > 0 {
				_, err = s.Store.PutState(ctx, name, at.Topic, at.Partition, nil, version)
			}
			if errors.Is(err, connect.ErrConflict) {
				continue
			}
			if err != nil {
				return fmt.Errorf("emptying the state of %s-%d: %w", at.Topic, at.Partition, err)
			}
			break
		}
	}
	return nil
}

// moveGroups changes the offsets of a sink's groups.
func moveGroups(
	ctx context.Context, c offset.Connector, kafkas GroupWriter, set map[kafka.TopicPartition]int64, remove []kafka.TopicPartition, reset bool,
) error {
	if reset {
		for _, group := range groups(c) {
			if err := kafkas.DeleteGroup(ctx, group); err != nil {
				return inUse(c.Name, "reset", err)
			}
		}
		return nil
	}
	moved := map[string]map[kafka.TopicPartition]int64{}
	for at, position := range set {
		group := Group(c, at.Topic)
		if moved[group] == nil {
			moved[group] = map[kafka.TopicPartition]int64{}
		}
		moved[group][at] = position
	}
	for group, offsets := range moved {
		if err := kafkas.SetGroupOffsets(ctx, group, offsets); err != nil {
			return inUse(c.Name, "alter", err)
		}
	}
	for _, at := range remove {
		if err := kafkas.DeleteGroupOffsets(ctx, Group(c, at.Topic), at); err != nil {
			return inUse(c.Name, "alter", err)
		}
	}
	return nil
}

// inUse is what Connect says when a group cannot be changed, with why.
func inUse(name, word string, err error) error {
	return fmt.Errorf("Failed to %s consumer group offsets for connector %s either because its tasks haven't stopped completely "+ //nolint:staticcheck // Connect's own words
		"yet or the connector was resumed before the request to %s its offsets could be successfully completed. If the connector "+
		"is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may "+
		"need to be restarted to get rid of the zombie sink tasks: %w", word, name, word, err)
}

// mustExist refuses partitions that are not there: a group could never read on from them.
func mustExist(ctx context.Context, kafkas GroupReader, name string, set map[kafka.TopicPartition]int64, remove []kafka.TopicPartition) error {
	topics, err := kafkas.Topics(ctx)
	if err != nil {
		return err
	}
	for _, at := range slices.Concat(slices.SortedFunc(maps.Keys(set), byPlace), remove) {
		i := slices.IndexFunc(topics, func(t kafka.Topic) bool { return t.Name == at.Topic })
		if i < 0 || int(at.Partition) >= topics[i].Partitions || at.Partition < 0 {
			return fmt.Errorf("Failed to alter consumer group offsets for connector %s: there is no partition %s-%d", name, at.Topic, at.Partition) //nolint:staticcheck // Connect's own words
		}
		if set[at] < 0 {
			return fmt.Errorf("Failed to modify offsets for sink connector %s: the offset %d of %s-%d is negative", name, set[at], at.Topic, at.Partition) //nolint:staticcheck // Connect's own words
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
		// Of a partition that is written in two ways, the last counts.
		delete(set, at)
		remove = slices.DeleteFunc(remove, func(other kafka.TopicPartition) bool { return other == at })
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
	var s *string
	if json.Unmarshal(raw, &s) == nil && s != nil {
		return *s
	}
	return string(bytes.TrimSpace(raw))
}
