package offset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Memory is a Store that lives in this process: for tests, and for trying out a connector without a table. It keeps what
// a table would keep (positions as JSON, times in milliseconds) and hands out copies. Safe for concurrent use.
type Memory struct {
	now func() time.Time

	mu         sync.Mutex
	connectors map[string]memoryConnector
	tasks      map[taskKey]memoryTask
	offsets    map[offsetKey]memoryEntry
	markers    map[partitionKey]Marker
	states     map[partitionKey]memoryState
	topics     map[string][]string
	groups     map[groupKey]map[connect.TopicPartition]int64
}

type (
	taskKey struct {
		connector string
		id        int
	}
	offsetKey    struct{ connector, partition string }
	partitionKey struct {
		connector, topic string
		partition        int32
	}
	groupKey struct{ connector, group string }
)

// memoryConnector stays, marked gone, when a connector is deleted, so that its numbers only rise.
type memoryConnector struct {
	Connector
	gone bool
}

type memoryTask struct {
	Task
	gone bool
}

// memoryEntry has positions as JSON; empty means none.
type memoryEntry struct{ offset, resume string }

type memoryState struct {
	value   []byte
	version int64
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store that reads the time from now. now defaults to time.Now.
func NewMemory(now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{
		now:        now,
		connectors: map[string]memoryConnector{},
		tasks:      map[taskKey]memoryTask{},
		offsets:    map[offsetKey]memoryEntry{},
		markers:    map[partitionKey]Marker{},
		states:     map[partitionKey]memoryState{},
		topics:     map[string][]string{},
		groups:     map[groupKey]map[connect.TopicPartition]int64{},
	}
}

// Look implements Catalog.
func (m *Memory) Look(ctx context.Context, connector string, n int) (Connector, []Task, error) {
	if err := ctx.Err(); err != nil {
		return Connector{}, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.connectors[connector]
	if !ok || c.gone {
		return Connector{}, nil, ErrNotFound
	}
	var tasks []Task
	for id := range n {
		if t, ok := m.tasks[taskKey{connector, id}]; ok && !t.gone {
			tasks = append(tasks, cloneTask(t.Task))
		}
	}
	return cloneConnector(c.Connector), tasks, nil
}

// List implements Catalog.
func (m *Memory) List(ctx context.Context) ([]Connector, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Connector
	for _, c := range m.connectors {
		if !c.gone {
			list = append(list, cloneConnector(c.Connector))
		}
	}
	slices.SortFunc(list, func(a, b Connector) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Tasks implements Catalog.
func (m *Memory) Tasks(ctx context.Context, connector string) ([]Task, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Task
	for key, t := range m.tasks {
		if key.connector == connector && key.id >= 0 && !t.gone {
			list = append(list, cloneTask(t.Task))
		}
	}
	slices.SortFunc(list, func(a, b Task) int { return a.ID - b.ID })
	return list, nil
}

// TasksOf implements Catalog.
func (m *Memory) TasksOf(ctx context.Context, connectors []Connector) (map[string][]Task, error) {
	all := make(map[string][]Task, len(connectors))
	for _, c := range connectors {
		tasks, err := m.Tasks(ctx, c.Name)
		if err != nil {
			return nil, err
		}
		tasks = slices.DeleteFunc(tasks, func(t Task) bool { return t.ID >= c.Tasks })
		if len(tasks) > 0 {
			all[c.Name] = tasks
		}
	}
	return all, nil
}

// Put implements Changer.
func (m *Memory) Put(ctx context.Context, c Connector, revoke Revoke) (Connector, error) {
	if err := ctx.Err(); err != nil {
		return Connector{}, err
	}
	if c.Name == "" {
		return Connector{}, errNoName
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.connectors[c.Name]
	if !old.is(c.Version) {
		return Connector{}, ErrStale
	}
	if c.Version == 0 {
		old.Tasks = 0 // those of an earlier connector of that name are gone
	}
	c = cloneConnector(c)
	c.Version, c.Generation, c.Gate, c.Tasks = old.Version+1, old.Generation, false, old.Tasks
	if revoke != Keep || old.Version == 0 || old.gone {
		c.Generation++
	}
	m.connectors[c.Name] = memoryConnector{Connector: c}
	if revoke != Keep {
		m.revoke(c, revoke)
	}
	return cloneConnector(c), nil
}

// Publish implements Changer.
func (m *Memory) Publish(ctx context.Context, c Connector, plan Lease, settings []map[string]string) (Connector, error) {
	if err := ctx.Err(); err != nil {
		return Connector{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.connectors[c.Name]
	if c.Version == 0 || !old.is(c.Version) {
		return Connector{}, ErrStale
	}
	if plan.Connector != c.Name || plan.Task != PlanTask || !m.holds(plan) {
		return Connector{}, ErrFenced
	}
	c = cloneConnector(c)
	c.Version, c.Generation, c.Gate = old.Version+1, old.Generation+1, false
	c.Stale, c.Tasks, c.PlannedAt = false, len(settings), milli(m.now())
	m.connectors[c.Name] = memoryConnector{Connector: c}
	m.revoke(c, Restart)
	for id, s := range settings {
		key := taskKey{c.Name, id}
		t, ok := m.tasks[key]
		if !ok || t.gone {
			t.Status, t.NotBefore, t.Count = Status{}, time.Time{}, Count{}
		}
		t.Connector, t.ID, t.Settings, t.Generation, t.gone = c.Name, id, copyMap(s), c.Generation, false
		m.tasks[key] = t
	}
	for key, t := range m.tasks {
		if key.connector == c.Name && key.id >= len(settings) {
			t.gone = true
			m.tasks[key] = t
		}
	}
	return cloneConnector(c), nil
}

// Delete implements Changer.
func (m *Memory) Delete(ctx context.Context, c Connector) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.connectors[c.Name]
	if c.Version == 0 || !old.is(c.Version) {
		return ErrStale
	}
	left := Connector{Name: c.Name, Version: old.Version + 1, Generation: old.Generation + 1}
	m.connectors[c.Name] = memoryConnector{Connector: left, gone: true}
	m.revoke(left, Stop)
	for key, t := range m.tasks {
		if key.connector == c.Name && key.id >= 0 {
			t.gone = true
			m.tasks[key] = t
		}
	}
	return nil
}

// AlterOffsets implements Changer.
func (m *Memory) AlterOffsets(ctx context.Context, c Connector, o connect.Offsets, all bool) (Connector, error) {
	if err := ctx.Err(); err != nil {
		return Connector{}, err
	}
	entries, err := encode(o)
	if err != nil {
		return Connector{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.connectors[c.Name]
	if c.Version == 0 || !old.is(c.Version) {
		return Connector{}, ErrStale
	}
	old.Version++
	old.Generation++
	m.connectors[c.Name] = old
	for key, t := range m.tasks {
		if key.connector == c.Name && key.id >= 0 {
			t.Generation, t.Owner, t.Expires, t.NotBefore = old.Generation, "", time.Time{}, time.Time{}
			m.tasks[key] = t
		}
	}
	if all {
		maps.DeleteFunc(m.offsets, func(key offsetKey, _ memoryEntry) bool { return key.connector == c.Name })
	}
	for partition, position := range entries {
		key := offsetKey{c.Name, partition}
		delete(m.offsets, key)
		if position != "" {
			m.offsets[key] = memoryEntry{offset: position}
		}
	}
	return cloneConnector(old.Connector), nil
}

// is tells whether the connector is there in that version, or, for version 0, not there.
func (c memoryConnector) is(version int64) bool {
	there := c.Version != 0 && !c.gone
	if version == 0 {
		return !there
	}
	return there && c.Version == version
}

// revoke lets every task's lease run out after Grace and gives it the connector's generation.
func (m *Memory) revoke(c Connector, kind Revoke) {
	until := milli(m.now()).Add(Grace)
	for key, t := range m.tasks {
		if key.connector != c.Name || key.id < 0 {
			continue
		}
		t.Generation = c.Generation
		if t.Owner != "" && t.Expires.After(until) {
			t.Expires = until
		}
		if kind == Restart {
			t.NotBefore = time.Time{}
			t.Status.Trace, t.Status.Attempts, t.Status.Next = "", 0, time.Time{}
			if t.Status.State == StateFailed {
				t.Status.State = ""
			}
		}
		m.tasks[key] = t
	}
}

var errNoName = errors.New("a connector needs a name")

// encode returns positions as JSON by the JSON of their partition; "" for a zero position.
func encode(o connect.Offsets) (map[string]string, error) {
	out := make(map[string]string, len(o))
	for partition, position := range o {
		if partition.IsZero() {
			return nil, errors.New("an offset needs a partition")
		}
		if position.IsZero() {
			out[partition.JSON()] = ""
			continue
		}
		text, err := position.JSON()
		if err != nil {
			return nil, fmt.Errorf("partition %s: %w", partition.JSON(), err)
		}
		out[partition.JSON()] = string(text)
	}
	return out, nil
}

// milli is t as a table keeps it.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

func cloneConnector(c Connector) Connector {
	c.Config, c.Trigger = copyMap(c.Config), copyMap(c.Trigger)
	c.PlannedAt, c.Status = milli(c.PlannedAt), cloneStatus(c.Status)
	return c
}

func cloneTask(t Task) Task {
	t.Settings = copyMap(t.Settings)
	return t
}

func cloneStatus(s Status) Status {
	s.Since, s.Success, s.Failure, s.Next = milli(s.Since), milli(s.Success), milli(s.Failure), milli(s.Next)
	return s
}

// copyMap copies a map; never nil, so that whoever reads an item can write to its maps.
func copyMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	maps.Copy(out, m)
	return out
}
