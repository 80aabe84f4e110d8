// Package connecttest says what a store and a sink must do. Only tests import it.
package connecttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// OpenStore opens an empty store that reads the time from now. What it opens it closes with t.Cleanup.
type OpenStore func(t *testing.T, now func() time.Time) offset.Store

// Store checks that a store does what package offset promises. Each subtest opens a store of its own.
func Store(t *testing.T, open OpenStore) {
	t.Helper()
	for _, group := range []struct {
		name  string
		tests []storeTest
	}{
		{"Catalog", catalogTests()},
		{"Put", putTests()},
		{"Publish", publishTests()},
		{"Delete", deleteTests()},
		{"Lease", leaseTests()},
		{"Revoke", revokeTests()},
		{"Commit", commitTests()},
		{"AlterOffsets", alterTests()},
		{"Sink", sinkTests()},
		{"Random", modelTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					clock := NewClock()
					test.run(&storeRun{T: t, ctx: t.Context(), Store: open(t, clock.Now), clock: clock})
				})
			}
		})
	}
}

// Clock is a clock that stands still until it is advanced. Safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// NewClock returns a clock that shows a fixed time in 2026.
func NewClock() *Clock {
	return &Clock{t: time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC)}
}

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Advance puts the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type storeTest struct {
	name string
	run  func(s *storeRun)
}

// storeRun is one test at work: the store under test, its clock, and steps that most tests need.
type storeRun struct {
	*testing.T
	offset.Store
	ctx    context.Context
	clock  *Clock
	nonces int
}

const storeTTL = 15 * time.Second

// create makes a connector with n published tasks.
func (s *storeRun) create(name string, n int) offset.Connector {
	s.Helper()
	c, err := s.Put(s.ctx, offset.Connector{Name: name, Target: offset.Running, Config: map[string]string{"name": name}}, offset.Keep)
	s.ok(err)
	if n == 0 {
		return c
	}
	return s.publish(c, n)
}

// publish plans n tasks under the plan's lease.
func (s *storeRun) publish(c offset.Connector, n int) offset.Connector {
	s.Helper()
	plan := s.acquire(c, offset.PlanTask)
	c, err := s.Publish(s.ctx, c, plan, taskSettings(n))
	s.ok(err)
	s.ok(s.Release(s.ctx, plan, offset.Outcome{}))
	return c
}

func taskSettings(n int) []map[string]string {
	settings := make([]map[string]string, n)
	for i := range settings {
		settings[i] = map[string]string{"task.id": fmt.Sprint(i)}
	}
	return settings
}

// claim makes a claim that nobody made before.
func (s *storeRun) claim(c offset.Connector, task int) offset.Claim {
	s.nonces++
	return offset.Claim{
		Connector: c.Name, Task: task, Generation: c.Generation, TTL: storeTTL,
		Nonce: fmt.Sprintf("nonce-%d", s.nonces), Worker: "fn:1",
	}
}

// lease is what a successful claim gives.
func lease(c offset.Claim, t offset.Task) offset.Lease {
	return offset.Lease{Connector: c.Connector, Task: c.Task, Generation: c.Generation, Nonce: c.Nonce, Epoch: t.Epoch, TTL: c.TTL}
}

func (s *storeRun) acquire(c offset.Connector, task int) offset.Lease {
	s.Helper()
	claim := s.claim(c, task)
	item, err := s.Acquire(s.ctx, claim)
	s.ok(err)
	return lease(claim, item)
}

// refused claims a task and wants that error.
func (s *storeRun) refused(c offset.Connector, task int, want error) {
	s.Helper()
	_, err := s.Acquire(s.ctx, s.claim(c, task))
	s.is(err, want)
}

// look reads a connector and its only task.
func (s *storeRun) look(name string) (offset.Connector, offset.Task) {
	s.Helper()
	c, tasks, err := s.Look(s.ctx, name, 1)
	s.ok(err)
	if len(tasks) != 1 {
		s.Fatalf("looking at task 0 of %s: %d tasks", name, len(tasks))
	}
	return c, tasks[0]
}

func (s *storeRun) entry(connector string, p connect.Partition) (offset.Entry, bool) {
	s.Helper()
	found, err := s.Offsets(s.ctx, connector, []connect.Partition{p})
	s.ok(err)
	e, ok := found[p]
	return e, ok
}

func (s *storeRun) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("unexpected error: %v", err)
	}
}

func (s *storeRun) is(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("error %v, want %v", err, want)
	}
}

func (s *storeRun) equal(what string, got, want any) {
	s.Helper()
	if diff := same(got, want); diff != "" {
		s.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func same(got, want any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(),
		cmp.Transformer("Fields", func(p connect.Position) map[string]any { return p.Fields() }),
		cmp.Transformer("JSON", func(p connect.Partition) string { return p.JSON() }),
		// Maps by partition are compared by the partition's text.
		cmp.FilterValues(func(a, b map[connect.Partition]offset.Entry) bool { return true },
			cmp.Transformer("Texts", func(m map[connect.Partition]offset.Entry) map[string]offset.Entry {
				out := make(map[string]offset.Entry, len(m))
				for p, e := range m {
					out[p.JSON()] = e
				}
				return out
			})))
}

// partition is a source partition of one member.
func (s *storeRun) partition(name string) connect.Partition {
	s.Helper()
	p, err := connect.NewPartition(map[string]any{"table": name})
	s.ok(err)
	return p
}

// offsets are n partitions at a position.
func (s *storeRun) offsets(n int, at int64) connect.Offsets {
	out := connect.Offsets{}
	for i := range n {
		out[s.partition(fmt.Sprintf("t%03d", i))] = connect.At("id", at)
	}
	return out
}
