package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// dying is a client of a process that dies before one of its transactions.
type dying struct {
	dynamo.API
	left int
}

var errDied = errors.New("died")

func (d *dying) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if d.left == 0 {
		return nil, errDied
	}
	d.left--
	return d.API.TransactWriteItems(ctx, in, o...)
}

// changes are those of a connector with 250 tasks and 120 offsets, each with the number of its transactions.
var changes = map[string]struct {
	transactions int
	do           func(ctx context.Context, t *testing.T, s *dynamo.Store, c offset.Connector, plan offset.Lease) error
}{
	"Stop": {3, func(ctx context.Context, _ *testing.T, s *dynamo.Store, c offset.Connector, _ offset.Lease) error {
		_, err := s.Put(ctx, c, offset.Stop)
		return err
	}},
	"PublishMore": {4, func(ctx context.Context, _ *testing.T, s *dynamo.Store, c offset.Connector, plan offset.Lease) error {
		_, err := s.Publish(ctx, c, plan, numbered(300))
		return err
	}},
	"PublishFewer": {3, func(ctx context.Context, _ *testing.T, s *dynamo.Store, c offset.Connector, plan offset.Lease) error {
		_, err := s.Publish(ctx, c, plan, numbered(3))
		return err
	}},
	"AlterAll": {5, func(ctx context.Context, t *testing.T, s *dynamo.Store, c offset.Connector, _ offset.Lease) error {
		_, err := s.AlterOffsets(ctx, c, connect.Offsets{partition(t, "1"): connect.At("id", 9)}, true)
		return err
	}},
	"Delete": {3, func(ctx context.Context, _ *testing.T, s *dynamo.Store, c offset.Connector, _ offset.Lease) error {
		return s.Delete(ctx, c)
	}},
}

func numbered(n int) []map[string]string {
	settings := make([]map[string]string, n)
	for i := range settings {
		settings[i] = map[string]string{"task.id": fmt.Sprintf("%d of %d", i, n)}
	}
	return settings
}

// TestStore_WhoDiesHalfWayLeavesAClosedGate lets the writer of every large change die before each of its transactions,
// and then another one die over the repair.
func TestStore_WhoDiesHalfWayLeavesAClosedGate(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		for at := 1; at < change.transactions; at++ {
			t.Run(fmt.Sprintf("%s%d", name, at), func(t *testing.T) {
				t.Parallel()
				ctx, url, clock := t.Context(), endpoint(t), connecttest.NewClock()
				s := open(t, url, dynamo.Options{Now: clock.Now})
				c, plan := wide(t, s)
				before := c
				doomed := dynamo.New(&dying{client(url), at}, tableName, dynamo.Options{Now: clock.Now})
				if err := change.do(ctx, t, doomed, c, plan); !errors.Is(err, errDied) {
					t.Fatalf("dying: %v", err)
				}
				c = closed(t, s, before)

				// Whoever repairs it may die too, or be overtaken by a change that needs no plan.
				doomed = dynamo.New(&dying{client(url), 1}, tableName, dynamo.Options{Now: clock.Now})
				if _, err := doomed.Publish(ctx, c, plan, numbered(120)); !errors.Is(err, errDied) {
					t.Fatalf("dying again: %v", err)
				}
				c = closed(t, s, before)
				c, err := s.Put(ctx, c, offset.Restart)
				ok(t, err)
				if !c.Gate {
					t.Fatal("a change that plans nothing opened the gate")
				}
				c = closed(t, s, before)

				c, err = s.Publish(ctx, c, plan, numbered(120))
				ok(t, err)
				clock.Advance(offset.Grace)
				whole(t, s, c, 120)
			})
		}
		t.Run(name+"Whole", func(t *testing.T) {
			t.Parallel()
			ctx, url := t.Context(), endpoint(t)
			s := open(t, url, dynamo.Options{})
			c, plan := wide(t, s)
			exact := dynamo.New(&dying{client(url), change.transactions}, tableName, dynamo.Options{})
			ok(t, change.do(ctx, t, exact, c, plan))
			c, _, err := s.Look(ctx, "orders", 0)
			if name == "Delete" && !errors.Is(err, offset.ErrNotFound) || name != "Delete" && (err != nil || c.Gate) {
				t.Fatalf("after it: %+v %v", c, err)
			}
		})
	}
}

// TestStore_DeletesWhatIsHalfDeleted deletes once more after the first to do it died.
func TestStore_DeletesWhatIsHalfDeleted(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), endpoint(t)
	s := open(t, url, dynamo.Options{})
	c, _ := wide(t, s)
	doomed := dynamo.New(&dying{client(url), 2}, tableName, dynamo.Options{})
	if err := doomed.Delete(ctx, c); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	ok(t, s.Delete(ctx, closed(t, s, c)))
	tasks, err := s.Tasks(ctx, "orders")
	if len(tasks) != 0 || err != nil {
		t.Fatalf("%d tasks are left: %v", len(tasks), err)
	}
	again, err := s.Put(ctx, offset.Connector{Name: "orders"}, offset.Keep)
	ok(t, err)
	if again.Generation <= c.Generation || again.Gate || again.Tasks != 0 {
		t.Fatalf("created again: %+v", again)
	}
}

// TestStore_AnotherChangeStopsALargeOne overtakes a publication between two of its transactions.
func TestStore_AnotherChangeStopsALargeOne(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), endpoint(t)
	s := open(t, url, dynamo.Options{})
	c, plan := wide(t, s)
	overtaken := dynamo.New(&meeting{client(url), func() {
		now, _, err := s.Look(ctx, "orders", 0)
		ok(t, err)
		now.StackBase = "mine"
		_, err = s.Put(ctx, now, offset.Keep)
		ok(t, err)
	}, 0}, tableName, dynamo.Options{})
	if _, err := overtaken.Publish(ctx, c, plan, numbered(300)); !errors.Is(err, offset.ErrStale) {
		t.Fatal(err)
	}
	c = closed(t, s, c)
	c, err := s.Publish(ctx, c, plan, numbered(5))
	ok(t, err)
	whole(t, s, c, 5)
	if c.StackBase != "mine" {
		t.Fatalf("%+v", c)
	}
}

// meeting is a client that meets another change after its first transaction.
type meeting struct {
	dynamo.API
	change func()
	calls  int
}

func (m *meeting) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if m.calls++; m.calls == 2 {
		m.change()
	}
	return m.API.TransactWriteItems(ctx, in, o...)
}

// TestStore_HolderCommitsWhileOffsetsAreRemoved lets a holder commit a partition that nobody knew of just before its
// lease is taken away: it must not outlive the reset.
func TestStore_HolderCommitsWhileOffsetsAreRemoved(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), endpoint(t)
	s := open(t, url, dynamo.Options{})
	c, err := s.Put(ctx, offset.Connector{Name: "orders"}, offset.Keep)
	ok(t, err)
	plan := claim(t, s, c, offset.PlanTask, "plan")
	c, err = s.Publish(ctx, c, plan, numbered(1))
	ok(t, err)
	l := claim(t, s, c, 0, "holder")
	m := &meeting{client(url), func() {
		ok(t, s.Commit(ctx, l, offset.Commit{Offsets: connect.Offsets{partition(t, "new"): connect.At("id", 1)}}))
	}, 1}
	_, err = dynamo.New(m, tableName, dynamo.Options{}).AlterOffsets(ctx, c, nil, true)
	ok(t, err)
	left, err := s.AllOffsets(ctx, "orders")
	if len(left) != 0 || err != nil {
		t.Fatalf("left: %+v %v", left, err)
	}
}

// wide makes a connector of 250 tasks, the last of them held, with 120 offsets.
func wide(t *testing.T, s *dynamo.Store) (offset.Connector, offset.Lease) {
	t.Helper()
	c, err := s.Put(t.Context(), offset.Connector{Name: "orders", Target: offset.Running}, offset.Keep)
	ok(t, err)
	plan := claim(t, s, c, offset.PlanTask, "plan")
	c, err = s.Publish(t.Context(), c, plan, numbered(250))
	ok(t, err)
	l := claim(t, s, c, 249, "holder")
	o := connect.Offsets{}
	for i := range 120 {
		o[partition(t, fmt.Sprint(i))] = connect.At("id", 1)
	}
	ok(t, s.Commit(t.Context(), l, offset.Commit{Offsets: o}))
	return c, plan
}

// closed wants the gate closed and no task to be had under the generation that is to be read, and returns the connector.
func closed(t *testing.T, s *dynamo.Store, before offset.Connector) offset.Connector {
	t.Helper()
	c, _, err := s.Look(t.Context(), "orders", 0)
	ok(t, err)
	if !c.Gate || c.Generation <= before.Generation || c.Version <= before.Version {
		t.Fatalf("after %+v came %+v", before, c)
	}
	for id := 0; id < 300; id += 13 { // some of each transaction
		_, err := s.Acquire(t.Context(), offset.Claim{Connector: "orders", Task: id, Generation: c.Generation, Nonce: "early", TTL: time.Minute})
		if !errors.Is(err, offset.ErrStale) {
			t.Fatalf("task %d: %v", id, err)
		}
	}
	return c
}

// whole wants exactly n tasks of that plan, all of them to be had, and no other.
func whole(t *testing.T, s *dynamo.Store, c offset.Connector, n int) {
	t.Helper()
	if c.Gate || c.Tasks != n {
		t.Fatalf("%+v", c)
	}
	tasks, err := s.Tasks(t.Context(), "orders")
	ok(t, err)
	if len(tasks) != n {
		t.Fatalf("%d tasks", len(tasks))
	}
	for id := range 300 {
		_, err := s.Acquire(t.Context(), offset.Claim{Connector: "orders", Task: id, Generation: c.Generation, Nonce: "late", TTL: time.Minute})
		if id >= n && !errors.Is(err, offset.ErrStale) || id < n && err != nil {
			t.Fatalf("task %d of %d: %v", id, n, err)
		}
		if id < n && tasks[id].Settings["task.id"] != fmt.Sprintf("%d of %d", id, n) {
			t.Fatalf("task %+v", tasks[id])
		}
	}
}
