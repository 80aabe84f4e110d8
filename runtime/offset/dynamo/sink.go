package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Marker implements offset.Markers.
func (s *Store) Marker(ctx context.Context, connector, topic string, partition int32) (offset.Marker, error) {
	it, err := s.get(ctx, partitionKey(connector, markerPrefix, topic, partition))
	if err != nil {
		return offset.Marker{}, fmt.Errorf("reading the marker of %s-%d: %w", topic, partition, err)
	}
	m := offset.Marker{
		Topic: topic, Partition: partition, Version: integer(it["version"]), Offset: integer(it["offset"]),
		First: timeOf(it["first"]), Attempts: int(integer(it["attempts"])),
	}
	if list, ok := it["dead"].(*types.AttributeValueMemberL); ok {
		for _, v := range list.Value {
			m.Dead = append(m.Dead, integer(v))
		}
	}
	return m, nil
}

// PutMarker implements offset.Markers.
func (s *Store) PutMarker(ctx context.Context, connector string, m offset.Marker) (offset.Marker, error) {
	dead := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	for _, at := range m.Dead {
		dead.Value = append(dead.Value, num(at))
	}
	content := item{"offset": num(m.Offset), "first": millis(m.First), "attempts": num(int64(m.Attempts)), "dead": dead}
	err := s.swap(ctx, partitionKey(connector, markerPrefix, m.Topic, m.Partition), m.Version, content)
	if err != nil {
		return offset.Marker{}, conflict(fmt.Sprintf("writing the marker of %s-%d", m.Topic, m.Partition), err)
	}
	m.Version++
	m.First, m.Dead = timeOf(millis(m.First)), slices.Clone(m.Dead)
	return m, nil
}

// PutTaskStatus implements offset.Markers.
func (s *Store) PutTaskStatus(ctx context.Context, connector string, task int, generation int64, status offset.Status, done offset.Done) error {
	e, nonce := newExpression(), requestToken()
	putStatus(e, status)
	if done != (offset.Done{}) {
		s.count(e, done)
		e.assign("#said = ?", str(nonce))
		e.when("(attribute_not_exists(#said) OR #said <> ?)", str(nonce))
	}
	e.when("#generation = ? AND attribute_exists(#settings) AND attribute_not_exists(#gone)", num(generation))
	e.known()
	_, repeated, err := s.update(ctx, taskKey(connector, task), e)
	if failed, ok := errors.AsType[*unmet](err); ok {
		if repeated && textOf(failed.item["said"]) == nonce {
			return nil // by an attempt whose answer was lost
		}
		return offset.ErrStale
	}
	if err != nil {
		return fmt.Errorf("writing the status of task %d of connector %s: %w", task, connector, err)
	}
	return nil
}

// State implements offset.States.
func (s *Store) State(ctx context.Context, connector, topic string, partition int32) ([]byte, int64, error) {
	it, err := s.get(ctx, partitionKey(connector, statePrefix, topic, partition))
	if err != nil {
		return nil, 0, fmt.Errorf("reading the state of %s-%d: %w", topic, partition, err)
	}
	var value []byte
	if b, ok := it["value"].(*types.AttributeValueMemberB); ok {
		value = b.Value
	}
	return value, integer(it["version"]), nil
}

// PutState implements offset.States.
func (s *Store) PutState(ctx context.Context, connector, topic string, partition int32, value []byte, version int64) (int64, error) {
	if value == nil {
		value = []byte{}
	}
	content := item{"value": &types.AttributeValueMemberB{Value: value}}
	if err := s.swap(ctx, partitionKey(connector, statePrefix, topic, partition), version, content); err != nil {
		return 0, conflict(fmt.Sprintf("writing the state of %s-%d", topic, partition), err)
	}
	return version + 1, nil
}

// swap writes an item if it has the version given, 0 if there is none. The error is *unmet if it has another.
func (s *Store) swap(ctx context.Context, key item, version int64, content item) error {
	e := newExpression()
	e.assign("#v = ?", num(offset.Format))
	e.assign("#version = ?", num(version+1))
	for _, name := range slices.Sorted(maps.Keys(content)) {
		e.put(name, content[name])
	}
	if version == 0 {
		e.when("attribute_not_exists(pk)")
	} else {
		e.when("#version = ?", num(version))
	}
	e.known()
	_, repeated, err := s.update(ctx, key, e)
	var failed *unmet
	if !repeated || !errors.As(err, &failed) || integer(failed.item["version"]) != version+1 {
		return err
	}
	for name, v := range content {
		if !equal(v, failed.item[name]) {
			return err
		}
	}
	return nil // by an attempt whose answer was lost
}

func conflict(doing string, err error) error {
	if _, ok := errors.AsType[*unmet](err); ok {
		return connect.ErrConflict
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// equal compares the values that swap writes.
func equal(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && string(a.Value) == string(b.Value)
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		return ok && slices.EqualFunc(a.Value, b.Value, equal)
	}
	return false
}

// Topics implements offset.Topics.
func (s *Store) Topics(ctx context.Context, connector string) ([]string, error) {
	if connector == "" || len(connector) > offset.MaxName {
		return nil, nil
	}
	items, err := s.query(ctx, home(connector), topicPrefix)
	if err != nil {
		return nil, fmt.Errorf("listing the topics of connector %s: %w", connector, err)
	}
	var out []string
	for _, it := range items {
		out = append(out, strings.TrimPrefix(textOf(it["sk"]), topicPrefix))
	}
	return out, nil // the sort key is the name
}

// AddTopics implements offset.Topics.
func (s *Store) AddTopics(ctx context.Context, connector string, topics ...string) error {
	for _, actions := range pack(s.addingTopics(connector, topics), 0) {
		if err := s.transact(ctx, actions); err != nil {
			return fmt.Errorf("adding topics of connector %s: %w", connector, err)
		}
	}
	return nil
}

// ResetTopics implements offset.Topics.
func (s *Store) ResetTopics(ctx context.Context, connector string) error {
	topics, err := s.Topics(ctx, connector)
	if err != nil {
		return err
	}
	var actions []types.TransactWriteItem
	for _, topic := range topics {
		actions = append(actions, s.deleting(key(home(connector), topicPrefix+topic)))
	}
	for _, actions := range pack(actions, 0) {
		if err := s.transact(ctx, actions); err != nil {
			return fmt.Errorf("forgetting topics of connector %s: %w", connector, err)
		}
	}
	return nil
}

func (s *Store) addingTopics(connector string, topics []string) (out []types.TransactWriteItem) {
	for _, topic := range slices.Compact(slices.Sorted(slices.Values(topics))) {
		e := newExpression()
		e.assign("#v = ?", num(offset.Format))
		out = append(out, s.updating(key(home(connector), topicPrefix+topic), e))
	}
	return out
}

// Group implements offset.Groups.
func (s *Store) Group(ctx context.Context, connector, group string) (map[connect.TopicPartition]int64, error) {
	it, err := s.get(ctx, key(home(connector), groupPrefix+group))
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot of group %s: %w", group, err)
	}
	topics, ok := it["offsets"].(*types.AttributeValueMemberM)
	if !ok {
		return nil, nil
	}
	out := map[connect.TopicPartition]int64{}
	for topic, v := range topics.Value {
		partitions, ok := v.(*types.AttributeValueMemberM)
		if !ok {
			continue
		}
		for number, at := range partitions.Value {
			partition, err := strconv.ParseInt(number, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("reading the snapshot of group %s: topic %s: %w", group, topic, err)
			}
			out[connect.TopicPartition{Topic: topic, Partition: int32(partition)}] = integer(at)
		}
	}
	return out, nil
}

// PutGroup implements offset.Groups.
func (s *Store) PutGroup(ctx context.Context, connector, group string, offsets map[connect.TopicPartition]int64) error {
	topics := item{}
	for at, n := range offsets {
		if topics[at.Topic] == nil {
			topics[at.Topic] = &types.AttributeValueMemberM{Value: item{}}
		}
		topics[at.Topic].(*types.AttributeValueMemberM).Value[strconv.Itoa(int(at.Partition))] = num(n)
	}
	e := newExpression()
	e.assign("#v = ?", num(offset.Format))
	e.assign("#offsets = ?", &types.AttributeValueMemberM{Value: topics})
	e.known()
	if _, _, err := s.update(ctx, key(home(connector), groupPrefix+group), e); err != nil {
		return fmt.Errorf("writing the snapshot of group %s: %w", group, err)
	}
	return nil
}
