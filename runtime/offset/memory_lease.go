package offset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Acquire implements Leaser.
func (m *Memory) Acquire(ctx context.Context, c Claim) (Task, error) {
	if err := ctx.Err(); err != nil {
		return Task{}, err
	}
	if err := c.Check(); err != nil {
		return Task{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := taskKey{c.Connector, c.Task}
	t, ok := m.tasks[key]
	if c.Task != PlanTask && (!ok || t.gone || t.Generation != c.Generation) {
		return Task{}, ErrStale
	}
	now := milli(m.now())
	if t.HeldAt(now) {
		return Task{}, ErrHeld
	}
	t.Connector, t.ID = c.Connector, c.Task
	t.Epoch++
	t.Owner, t.Expires = c.Nonce, now.Add(c.TTL.Truncate(time.Millisecond))
	if c.Worker != "" {
		t.Status.Worker = c.Worker
	}
	m.tasks[key] = t
	return cloneTask(t.Task), nil
}

// Renew implements Leaser.
func (m *Memory) Renew(ctx context.Context, l Lease) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(l); err != nil {
		return err
	}
	key := taskKey{l.Connector, l.Task}
	t := m.tasks[key]
	t.Expires = milli(m.now()).Add(l.TTL.Truncate(time.Millisecond))
	m.tasks[key] = t
	return nil
}

// Check implements Leaser.
func (m *Memory) Check(ctx context.Context, l Lease) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.check(l)
}

// Release implements Leaser.
func (m *Memory) Release(ctx context.Context, l Lease, o Outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.check(l)
	if errors.Is(err, ErrFenced) {
		return err
	}
	key := taskKey{l.Connector, l.Task}
	t := m.tasks[key]
	t.Owner, t.Expires = "", time.Time{}
	m.count(&t.Task, o.Done)
	if err == nil {
		t.NotBefore = milli(o.NotBefore)
		if o.Status != nil {
			t.Status = cloneStatus(*o.Status)
		}
	}
	m.tasks[key] = t
	return nil
}

// count adds to what a task did.
func (m *Memory) count(t *Task, done Done) {
	if done == (Done{}) {
		return
	}
	if t.Count.Since.IsZero() {
		t.Count.Since = milli(m.now())
	}
	t.Count.Done = t.Count.Plus(done)
}

// holds tells whether nobody took the lease from its holder, revoked or not.
func (m *Memory) holds(l Lease) bool {
	t, ok := m.tasks[taskKey{l.Connector, l.Task}]
	return ok && l.Nonce != "" && t.Owner == l.Nonce && t.Epoch == l.Epoch
}

func (m *Memory) check(l Lease) error {
	if !m.holds(l) {
		return ErrFenced
	}
	if l.Task != PlanTask && m.tasks[taskKey{l.Connector, l.Task}].Generation != l.Generation {
		return ErrRevoked
	}
	return nil
}

// Offsets implements Committer.
func (m *Memory) Offsets(ctx context.Context, connector string, partitions []connect.Partition) (map[connect.Partition]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[connect.Partition]Entry, len(partitions))
	for _, p := range partitions {
		stored, ok := m.offsets[offsetKey{connector, p.JSON()}]
		if !ok || stored == (memoryEntry{}) {
			continue
		}
		e, err := stored.decode(p)
		if err != nil {
			return nil, err
		}
		out[p] = e
	}
	return out, nil
}

// AllOffsets implements Committer.
func (m *Memory) AllOffsets(ctx context.Context, connector string) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Entry
	for key, stored := range m.offsets {
		if key.connector != connector || stored == (memoryEntry{}) {
			continue
		}
		p, err := connect.ParsePartition([]byte(key.partition))
		if err != nil {
			return nil, err
		}
		e, err := stored.decode(p)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Partition.JSON(), b.Partition.JSON()) })
	return out, nil
}

// Commit implements Committer.
func (m *Memory) Commit(ctx context.Context, l Lease, c Commit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	offsets, err := encode(c.Offsets)
	if err != nil {
		return fmt.Errorf("committing offsets: %w", err)
	}
	resume, err := encode(c.Resume)
	if err != nil {
		return fmt.Errorf("committing resume positions: %w", err)
	}
	if len(offsets)+len(resume)+len(c.Topics) == 0 && c.Status == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.holds(l) { // Invariant 3
		return ErrFenced
	}
	for partition, position := range offsets {
		m.offsets[offsetKey{l.Connector, partition}] = memoryEntry{offset: position}
	}
	for partition, position := range resume {
		key := offsetKey{l.Connector, partition}
		e := m.offsets[key]
		e.resume = position
		m.offsets[key] = e
	}
	m.addTopics(l.Connector, c.Topics)
	if c.Status != nil {
		key := taskKey{l.Connector, l.Task}
		t := m.tasks[key]
		t.Status = cloneStatus(*c.Status)
		m.tasks[key] = t
	}
	return nil
}

func (e memoryEntry) decode(p connect.Partition) (Entry, error) {
	out := Entry{Partition: p}
	var err error
	if e.offset != "" {
		if out.Offset, err = connect.ParsePosition([]byte(e.offset)); err != nil {
			return Entry{}, err
		}
	}
	if e.resume != "" {
		if out.Resume, err = connect.ParsePosition([]byte(e.resume)); err != nil {
			return Entry{}, err
		}
	}
	return out, nil
}
