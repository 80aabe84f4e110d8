package offset

import (
	"context"
	"maps"
	"slices"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Marker implements Markers.
func (m *Memory) Marker(ctx context.Context, connector, topic string, partition int32) (Marker, error) {
	if err := ctx.Err(); err != nil {
		return Marker{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	marker, ok := m.markers[partitionKey{connector, topic, partition}]
	if !ok {
		return Marker{Topic: topic, Partition: partition}, nil
	}
	return cloneMarker(marker), nil
}

// PutMarker implements Markers.
func (m *Memory) PutMarker(ctx context.Context, connector string, marker Marker) (Marker, error) {
	if err := ctx.Err(); err != nil {
		return Marker{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := partitionKey{connector, marker.Topic, marker.Partition}
	if m.markers[key].Version != marker.Version {
		return Marker{}, connect.ErrConflict
	}
	marker = cloneMarker(marker)
	marker.Version++
	m.markers[key] = marker
	return cloneMarker(marker), nil
}

// PutTaskStatus implements Markers.
func (m *Memory) PutTaskStatus(ctx context.Context, connector string, task int, generation int64, s Status, done Done) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := taskKey{connector, task}
	t, ok := m.tasks[key]
	if !ok || t.gone || t.Generation != generation {
		return ErrStale
	}
	t.Status = cloneStatus(s)
	m.count(&t.Task, done)
	m.tasks[key] = t
	return nil
}

// State implements States.
func (m *Memory) State(ctx context.Context, connector, topic string, partition int32) ([]byte, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.states[partitionKey{connector, topic, partition}]
	return slices.Clone(s.value), s.version, nil
}

// PutState implements States.
func (m *Memory) PutState(ctx context.Context, connector, topic string, partition int32, value []byte, version int64) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := partitionKey{connector, topic, partition}
	if m.states[key].version != version {
		return 0, connect.ErrConflict
	}
	m.states[key] = memoryState{slices.Clone(value), version + 1}
	return version + 1, nil
}

// Topics implements Topics.
func (m *Memory) Topics(ctx context.Context, connector string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.topics[connector]), nil
}

// AddTopics implements Topics.
func (m *Memory) AddTopics(ctx context.Context, connector string, topics ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addTopics(connector, topics)
	return nil
}

// ResetTopics implements Topics.
func (m *Memory) ResetTopics(ctx context.Context, connector string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.topics, connector)
	return nil
}

func (m *Memory) addTopics(connector string, topics []string) {
	all := slices.Concat(m.topics[connector], topics)
	slices.Sort(all)
	m.topics[connector] = slices.Compact(all)
}

// Group implements Groups.
func (m *Memory) Group(ctx context.Context, connector, group string) (map[connect.TopicPartition]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.groups[groupKey{connector, group}]), nil
}

// PutGroup implements Groups.
func (m *Memory) PutGroup(ctx context.Context, connector, group string, offsets map[connect.TopicPartition]int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.groups[groupKey{connector, group}] = maps.Clone(offsets)
	return nil
}

func cloneMarker(m Marker) Marker {
	m.First, m.Dead = milli(m.First), slices.Clone(m.Dead)
	return m
}
