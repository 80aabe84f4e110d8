package connecttest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

func catalogTests() []storeTest {
	return []storeTest{
		{"UnknownConnectorIsNotFound", func(s *storeRun) {
			_, _, err := s.Look(s.ctx, "orders", 3)
			s.is(err, offset.ErrNotFound)
			tasks, err := s.Tasks(s.ctx, "orders")
			s.ok(err)
			s.equal("tasks", tasks, []offset.Task(nil))
		}},
		{"NoConnectorHasSuchAName", func(s *storeRun) {
			for _, name := range []string{"", strings.Repeat("n", offset.MaxName+1), strings.Repeat("ü", 5000)} {
				_, _, err := s.Look(s.ctx, name, 0)
				s.is(err, offset.ErrNotFound)
				topics, err := s.Topics(s.ctx, name)
				s.ok(err)
				s.equal("topics", topics, []string(nil))
			}
			longest := strings.Repeat("n", offset.MaxName)
			s.create(longest, 1)
			_, tasks, err := s.Look(s.ctx, longest, 1)
			s.ok(err)
			s.equal("tasks", taskIDs(tasks), upTo(1))
		}},
		{"LookReturnsTheFirstTasks", func(s *storeRun) {
			s.create("orders", 5)
			for n := range 8 {
				_, tasks, err := s.Look(s.ctx, "orders", n)
				s.ok(err)
				s.equal("tasks", taskIDs(tasks), upTo(min(n, 5)))
			}
		}},
		{"TasksAreSortedByNumber", func(s *storeRun) {
			s.create("orders", 12)
			s.create("orders#2", 1)
			tasks, err := s.Tasks(s.ctx, "orders")
			s.ok(err)
			s.equal("tasks", taskIDs(tasks), upTo(12))
			s.equal("settings", tasks[11].Settings, map[string]string{"task.id": "11"})
		}},
		{"TasksOfManyConnectorsAtOnce", func(s *storeRun) {
			s.create("orders", 12)
			s.create("orders#2", 1)
			s.create("none", 0)
			for i := range 120 {
				s.create(fmt.Sprintf("c%d", i), 1)
			}
			list, err := s.List(s.ctx)
			s.ok(err)
			all, err := s.TasksOf(s.ctx, list)
			s.ok(err)
			s.equal("connectors with tasks", len(all), 122)
			for _, c := range list {
				tasks, err := s.Tasks(s.ctx, c.Name)
				s.ok(err)
				s.equal("tasks of "+c.Name, all[c.Name], tasks)
			}
		}},
		{"ListIsSortedAndComplete", func(s *storeRun) {
			// Names that could be taken for the table's own keys, and names no key likes.
			names := []string{"a b", "connectors", "connectors#connectors", "connectors#x", "orders", "orders#task", "task#0", "zähler/ü"}
			for i := range names {
				s.create(names[len(names)-1-i], 2)
			}
			list, err := s.List(s.ctx)
			s.ok(err)
			var got []string
			for _, c := range list {
				got = append(got, c.Name)
				s.equal("configuration of "+c.Name, c.Config, map[string]string{"name": c.Name})
				tasks, err := s.Tasks(s.ctx, c.Name)
				s.ok(err)
				s.equal("tasks of "+c.Name, taskIDs(tasks), upTo(2))
			}
			s.equal("names", got, names)
		}},
		{"WhatIsReadIsACopy", func(s *storeRun) {
			s.create("orders", 1)
			c, t := s.look("orders")
			c.Config["name"], t.Settings["task.id"], c.Trigger["x"] = "changed", "changed", "changed"
			c, t = s.look("orders")
			s.equal("configuration", c.Config, map[string]string{"name": "orders"})
			s.equal("settings", t.Settings, map[string]string{"task.id": "0"})
			s.equal("trigger", c.Trigger, map[string]string{})
		}},
	}
}

func putTests() []storeTest {
	return []storeTest{
		{"CreatesAndReadsBackEveryField", func(s *storeRun) {
			at := s.clock.Now()
			want := offset.Connector{
				Name: "orders", Target: offset.Paused, Stale: true, PlannedAt: at, StackBase: `{"a":"b"}`,
				Config:  map[string]string{"name": "orders", "": "empty key", "size": "", "ü": "ß", "#": ":"},
				Trigger: map[string]string{"schedule": "arn:x"},
				Status: offset.Status{
					State: offset.StateFailed, Trace: "boom\n\tat", Worker: "fn:1", Since: at, Success: at.Add(time.Second),
					Failure: at.Add(2 * time.Second), Attempts: 3, Next: at.Add(time.Minute),
				},
			}
			c, err := s.Put(s.ctx, want, offset.Keep)
			s.ok(err)
			if c.Version < 1 || c.Generation < 1 {
				s.Fatalf("version %d, generation %d: both start above 0", c.Version, c.Generation)
			}
			want.Version, want.Generation = c.Version, c.Generation
			s.equal("returned", c, want)
			c, _, err = s.Look(s.ctx, "orders", 0)
			s.ok(err)
			s.equal("stored", c, want)
		}},
		{"ClearsWhatIsEmpty", func(s *storeRun) {
			at := s.clock.Now()
			c, err := s.Put(s.ctx, offset.Connector{
				Name: "orders", Target: offset.Running, Stale: true, PlannedAt: at, StackBase: "x",
				Config: map[string]string{"a": "b"}, Trigger: map[string]string{"a": "b"},
				Status: offset.Status{State: offset.StateRunning, Trace: "t", Worker: "w", Since: at, Success: at, Failure: at, Attempts: 1, Next: at},
			}, offset.Keep)
			s.ok(err)
			want := offset.Connector{Name: "orders", Version: c.Version}
			got, err := s.Put(s.ctx, want, offset.Keep)
			s.ok(err)
			want.Version, want.Generation = got.Version, c.Generation
			s.equal("returned", got, want)
			got, _, err = s.Look(s.ctx, "orders", 0)
			s.ok(err)
			s.equal("stored", got, want)
		}},
		{"TimesHaveMilliseconds", func(s *storeRun) {
			at := s.clock.Now().Add(123456 * time.Nanosecond)
			c, err := s.Put(s.ctx, offset.Connector{Name: "orders", PlannedAt: at}, offset.Keep)
			s.ok(err)
			s.equal("returned", c.PlannedAt, s.clock.Now())
			c, _, err = s.Look(s.ctx, "orders", 0)
			s.ok(err)
			s.equal("stored", c.PlannedAt, s.clock.Now())
		}},
		{"KeepsTheTablesOwnFields", func(s *storeRun) {
			c := s.create("orders", 2)
			forged := c
			forged.Generation, forged.Tasks, forged.Gate = 99, 77, true
			got, err := s.Put(s.ctx, forged, offset.Keep)
			s.ok(err)
			c.Version = got.Version
			s.equal("returned", got, c)
			got, _, err = s.Look(s.ctx, "orders", 0)
			s.ok(err)
			s.equal("stored", got, c)
		}},
		{"OfAnotherVersionIsStale", func(s *storeRun) {
			c := s.create("orders", 1)
			newer, err := s.Put(s.ctx, c, offset.Keep)
			s.ok(err)
			if newer.Version <= c.Version {
				s.Fatalf("version %d after %d", newer.Version, c.Version)
			}
			for _, revoke := range []offset.Revoke{offset.Keep, offset.Stop, offset.Restart} {
				old := c
				old.Target = offset.Stopped
				_, err = s.Put(s.ctx, old, revoke)
				s.is(err, offset.ErrStale)
				_, err = s.Put(s.ctx, offset.Connector{Name: "orders"}, revoke)
				s.is(err, offset.ErrStale)
				_, err = s.Put(s.ctx, offset.Connector{Name: "unknown", Version: 1}, revoke)
				s.is(err, offset.ErrStale)
			}
			got, _, err := s.Look(s.ctx, "orders", 0)
			s.ok(err)
			s.equal("stored", got, newer)
		}},
		{"KeepLeavesTasksAlone", func(s *storeRun) {
			c := s.create("orders", 1)
			l := s.acquire(c, 0)
			after, err := s.Put(s.ctx, c, offset.Keep)
			s.ok(err)
			s.equal("generation", after.Generation, c.Generation)
			s.ok(s.Renew(s.ctx, l))
			s.ok(s.Check(s.ctx, l))
		}},
	}
}

func publishTests() []storeTest {
	tests := []storeTest{
		{"WritesSettingsAndClearsStale", func(s *storeRun) {
			c := s.create("orders", 0)
			c.Stale, c.StackBase = true, "base"
			c, err := s.Put(s.ctx, c, offset.Keep)
			s.ok(err)
			plan := s.acquire(c, offset.PlanTask)
			s.clock.Advance(time.Second)
			c.Status.State = offset.StateRunning
			after, err := s.Publish(s.ctx, c, plan, []map[string]string{{"a": "b"}, {}})
			s.ok(err)
			want := c
			want.Stale, want.Tasks, want.PlannedAt = false, 2, s.clock.Now()
			want.Version, want.Generation = after.Version, after.Generation
			s.equal("returned", after, want)
			if after.Generation <= c.Generation {
				s.Fatalf("generation %d after %d", after.Generation, c.Generation)
			}
			got, tasks, err := s.Look(s.ctx, "orders", 2)
			s.ok(err)
			s.equal("stored", got, want)
			s.equal("tasks", tasks, []offset.Task{
				{Connector: "orders", Generation: got.Generation, Settings: map[string]string{"a": "b"}},
				{Connector: "orders", Generation: got.Generation, ID: 1},
			})
			s.ok(s.Check(s.ctx, plan))
		}},
		{"WithoutThePlanLeaseIsFenced", func(s *storeRun) {
			c := s.create("orders", 1)
			plan := s.acquire(c, offset.PlanTask)
			s.clock.Advance(storeTTL)
			s.acquire(c, offset.PlanTask)
			for _, n := range []int{0, 2, 150} {
				_, err := s.Publish(s.ctx, c, plan, taskSettings(n))
				s.is(err, offset.ErrFenced)
			}
			other := s.acquire(s.create("other", 0), offset.PlanTask)
			_, err := s.Publish(s.ctx, c, other, taskSettings(2))
			s.is(err, offset.ErrFenced)
			_, err = s.Publish(s.ctx, c, s.acquire(c, 0), taskSettings(2))
			s.is(err, offset.ErrFenced)
			got, _ := s.look("orders")
			s.equal("stored", got, c)
		}},
		{"OfAnotherVersionIsStale", func(s *storeRun) {
			c := s.create("orders", 1)
			plan := s.acquire(c, offset.PlanTask)
			_, err := s.Put(s.ctx, c, offset.Keep)
			s.ok(err)
			for _, n := range []int{0, 2, 150} {
				_, err = s.Publish(s.ctx, c, plan, taskSettings(n))
				s.is(err, offset.ErrStale)
			}
		}},
		{"StartsTasksAnew", func(s *storeRun) {
			c := s.create("orders", 2)
			for id := range 2 {
				failTask(s, c, id)
			}
			c = s.publish(c, 1)
			c = s.publish(c, 2)
			_, tasks, err := s.Look(s.ctx, "orders", 2)
			s.ok(err)
			s.equal("task 0", tasks[0], offset.Task{
				Connector: "orders", Generation: c.Generation, Epoch: 1, Settings: map[string]string{"task.id": "0"},
				Status: restarted(failedStatus(s.clock.Now())),
			})
			// Task 1 is another task than the one that was dropped.
			s.equal("task 1", tasks[1], offset.Task{
				Connector: "orders", ID: 1, Generation: c.Generation, Epoch: 1, Settings: map[string]string{"task.id": "1"},
			})
		}},
	}
	// 98 tasks still fit into one transaction, more do not.
	for _, sizes := range [][]int{{1, 0, 2}, {3, 98, 99, 1}, {0, 150, 250, 150}, {250, 0, 98}} {
		tests = append(tests, storeTest{fmt.Sprintf("Sizes%v", sizes), func(s *storeRun) { publishSizes(s, sizes) }})
	}
	return tests
}

// publishSizes publishes one number of tasks after the other and looks at what each leaves.
func publishSizes(s *storeRun, sizes []int) {
	c := s.create("orders", 0)
	before := 0
	for _, n := range sizes {
		var held []offset.Lease
		for _, id := range []int{0, before - 1} {
			if 0 <= id && id < before && (len(held) == 0 || id != held[0].Task) {
				held = append(held, s.acquire(c, id))
			}
		}
		old := c
		c = s.publish(c, n)
		if c.Generation <= old.Generation || c.Version <= old.Version || c.Gate || c.Tasks != n {
			s.Fatalf("publishing %d tasks: after %+v came %+v", n, old, c)
		}
		read, tasks, err := s.Look(s.ctx, "orders", max(n, before))
		s.ok(err)
		s.equal("stored", read, c)
		s.equal("tasks", taskIDs(tasks), upTo(n))
		for _, t := range tasks {
			if t.Generation != c.Generation || t.Settings["task.id"] != fmt.Sprint(t.ID) {
				s.Fatalf("after publishing %d tasks: %+v", n, t)
			}
		}
		for _, l := range held {
			s.is(s.Renew(s.ctx, l), offset.ErrRevoked)
		}
		for _, id := range []int{0, n - 1, n, before - 1} {
			switch {
			case id < 0:
			case id >= n: // gone, or never there
				s.refused(c, id, offset.ErrStale)
			default:
				s.refused(old, id, offset.ErrStale)
			}
		}
		s.clock.Advance(offset.Grace)
		for _, id := range []int{0, n - 1} {
			if 0 <= id && id < n {
				s.ok(s.Release(s.ctx, s.acquire(c, id), offset.Outcome{}))
			}
		}
		before = n
	}
}

func deleteTests() []storeTest {
	tests := []storeTest{
		{"OfAnotherVersionIsStale", func(s *storeRun) {
			c := s.create("orders", 1)
			_, err := s.Put(s.ctx, c, offset.Keep)
			s.ok(err)
			s.is(s.Delete(s.ctx, c), offset.ErrStale)
			s.is(s.Delete(s.ctx, offset.Connector{Name: "orders"}), offset.ErrStale)
			s.is(s.Delete(s.ctx, offset.Connector{Name: "unknown", Version: 1}), offset.ErrStale)
			s.look("orders")
		}},
		{"KeepsOffsets", func(s *storeRun) {
			c := s.create("orders", 1)
			l := s.acquire(c, 0)
			s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(3, 7)}))
			s.ok(s.Delete(s.ctx, c))
			entries, err := s.AllOffsets(s.ctx, "orders")
			s.ok(err)
			s.equal("entries", len(entries), 3)
		}},
	}
	for _, n := range []int{0, 2, 150} {
		tests = append(tests, storeTest{fmt.Sprintf("AndCreateAgain%dTasks", n), func(s *storeRun) { deleteAndCreate(s, n) }})
	}
	return tests
}

// deleteAndCreate checks that nothing of a deleted connector can go on, and that the numbers of its successor are above.
func deleteAndCreate(s *storeRun, n int) {
	c := s.create("orders", n)
	var held []offset.Lease
	for id := range n {
		if id == 0 || id == n-1 {
			held = append(held, s.acquire(c, id))
		}
	}
	s.ok(s.Delete(s.ctx, c))
	_, _, err := s.Look(s.ctx, "orders", 1)
	s.is(err, offset.ErrNotFound)
	list, err := s.List(s.ctx)
	s.ok(err)
	s.equal("list", list, []offset.Connector(nil))
	tasks, err := s.Tasks(s.ctx, "orders")
	s.ok(err)
	s.equal("tasks", taskIDs(tasks), upTo(0))
	_, err = s.Put(s.ctx, c, offset.Stop)
	s.is(err, offset.ErrStale)
	s.is(s.Delete(s.ctx, c), offset.ErrStale)
	for _, l := range held {
		s.is(s.Check(s.ctx, l), offset.ErrRevoked)
		s.refused(c, l.Task, offset.ErrStale)
		s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(1, 3)}))
	}

	again := s.create("orders", 0)
	if again.Generation <= c.Generation || again.Version <= c.Version {
		s.Fatalf("created again: generation %d after %d, version %d after %d", again.Generation, c.Generation, again.Version, c.Version)
	}
	s.equal("tasks", again.Tasks, 0)
	for _, l := range held {
		s.refused(again, l.Task, offset.ErrStale)
	}
	again = s.publish(again, n)
	s.clock.Advance(offset.Grace)
	for _, l := range held {
		s.refused(c, l.Task, offset.ErrStale)
		if next := s.acquire(again, l.Task); next.Epoch <= l.Epoch {
			s.Fatalf("task %d: epoch %d after %d", l.Task, next.Epoch, l.Epoch)
		}
		s.is(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(1, 4)}), offset.ErrFenced)
	}
}

func taskIDs(tasks []offset.Task) []int {
	var ids []int
	for _, t := range tasks {
		ids = append(ids, t.ID)
	}
	return ids
}

func upTo(n int) []int {
	var ids []int
	for i := range n {
		ids = append(ids, i)
	}
	return ids
}
