package connecttest

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

func commitTests() []storeTest {
	return []storeTest{
		{"IsReadBackAfterJSON", commitRoundTrip},
		{"OffsetsClearResume", func(s *storeRun) {
			l := s.acquire(s.create("orders", 1), 0)
			p, q := s.partition("p"), s.partition("q")
			s.ok(s.Commit(s.ctx, l, offset.Commit{Resume: connect.Offsets{p: connect.At("id", 1), q: connect.At("id", 2)}}))
			e, _ := s.entry("orders", p)
			s.equal("only resume", e, offset.Entry{Partition: p, Resume: connect.At("id", 1)})
			s.equal("start", e.Start(), connect.At("id", 1))
			s.ok(s.Commit(s.ctx, l, offset.Commit{
				Offsets: connect.Offsets{p: connect.At("id", 3), q: connect.At("id", 4)}, Resume: connect.Offsets{q: connect.At("id", 5)},
			}))
			e, _ = s.entry("orders", p)
			s.equal("cleared", e, offset.Entry{Partition: p, Offset: connect.At("id", 3)})
			s.equal("start", e.Start(), connect.At("id", 3))
			e, _ = s.entry("orders", q)
			s.equal("set", e, offset.Entry{Partition: q, Offset: connect.At("id", 4), Resume: connect.At("id", 5)})
			// A resume position alone leaves what is committed.
			s.ok(s.Commit(s.ctx, l, offset.Commit{Resume: connect.Offsets{p: connect.At("id", 6)}}))
			e, _ = s.entry("orders", p)
			s.equal("kept", e, offset.Entry{Partition: p, Offset: connect.At("id", 3), Resume: connect.At("id", 6)})
			s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: connect.Offsets{p: {}}}))
			if e, found := s.entry("orders", p); found {
				s.Fatalf("a removed offset is still there: %+v", e)
			}
			all, err := s.AllOffsets(s.ctx, "orders")
			s.ok(err)
			s.equal("all", len(all), 1)
		}},
		{"BelongsToTheConnectorNotTheTask", func(s *storeRun) {
			c := s.create("orders", 2)
			s.ok(s.Commit(s.ctx, s.acquire(c, 0), offset.Commit{Offsets: s.offsets(1, 1)}))
			s.ok(s.Commit(s.ctx, s.acquire(c, 1), offset.Commit{Offsets: s.offsets(1, 2)}))
			e, _ := s.entry("orders", s.partition("t000"))
			s.equal("offset", e.Offset, connect.At("id", 2))
			if _, found := s.entry("other", s.partition("t000")); found {
				s.Fatal("another connector sees the offset")
			}
		}},
		{"ManyOffsets", func(s *storeRun) {
			l := s.acquire(s.create("orders", 1), 0)
			for _, n := range []int{98, 99, 100, 250} {
				want := s.offsets(n, int64(n))
				status := offset.Status{State: offset.StateRunning, Attempts: n}
				s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: want, Topics: []string{"a", fmt.Sprint(n)}, Status: &status}))
				checkOffsets(s, "orders", want)
				_, t := s.look("orders")
				s.equal("status", t.Status, status)
			}
			topics, err := s.Topics(s.ctx, "orders")
			s.ok(err)
			s.equal("topics", topics, []string{"100", "250", "98", "99", "a"})
		}},
		{"MoreThanFitsIntoOneTransaction", func(s *storeRun) {
			l := s.acquire(s.create("orders", 1), 0)
			want := connect.Offsets{}
			for i := range 14 {
				want[s.partition(fmt.Sprint(i))] = connect.NewPosition(map[string]any{"cursor": strings.Repeat("x", 330<<10)})
			}
			s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: want}))
			checkOffsets(s, "orders", want)
		}},
		{"OfNothingAlwaysSucceeds", func(s *storeRun) {
			l := s.acquire(s.create("orders", 1), 0)
			s.ok(s.Commit(s.ctx, l, offset.Commit{}))
			s.ok(s.Release(s.ctx, l, offset.Outcome{}))
			s.ok(s.Commit(s.ctx, l, offset.Commit{}))
		}},
		{"OfAZombieWritesNothing", func(s *storeRun) {
			c := s.create("orders", 1)
			zombie := s.acquire(c, 0)
			s.ok(s.Commit(s.ctx, zombie, offset.Commit{Offsets: s.offsets(1, 1)}))
			s.clock.Advance(storeTTL)
			s.acquire(c, 0)
			for _, commit := range []offset.Commit{
				{Offsets: s.offsets(3, 2)},
				{Resume: s.offsets(3, 2)},
				{Offsets: s.offsets(150, 2)},
				{Topics: []string{"a"}},
				{Status: &offset.Status{State: offset.StateFailed}},
				{Offsets: s.offsets(3, 2), Topics: []string{"a"}, Status: &offset.Status{State: offset.StateFailed}},
			} {
				s.is(s.Commit(s.ctx, zombie, commit), offset.ErrFenced)
			}
			checkOffsets(s, "orders", s.offsets(1, 1))
			_, t := s.look("orders")
			s.equal("state", t.Status.State, offset.State(""))
			topics, err := s.Topics(s.ctx, "orders")
			s.ok(err)
			s.equal("topics", topics, []string(nil))
		}},
		{"WithoutAPartitionIsRefused", func(s *storeRun) {
			l := s.acquire(s.create("orders", 1), 0)
			if err := s.Commit(s.ctx, l, offset.Commit{Offsets: connect.Offsets{{}: connect.At("id", 1)}}); err == nil {
				s.Fatal("an offset without a partition was committed")
			}
		}},
	}
}

// commitRoundTrip checks that values come back as JSON makes them, and that a partition is found whatever order its
// members had.
func commitRoundTrip(s *storeRun) {
	l := s.acquire(s.create("orders", 1), 0)
	p, err := connect.NewPartition(map[string]any{"b": "<ü>", "a": 1, "c": nil, "d": true, "e": 1.5})
	s.ok(err)
	given := connect.NewPosition(map[string]any{"int": 7, "big": int64(1) << 62, "float": 0.25, "whole": 3.0, "text": "a\"b", "no": nil, "yes": true})
	want := map[string]any{"int": int64(7), "big": int64(1) << 62, "float": 0.25, "whole": 3.0, "text": "a\"b", "no": nil, "yes": true}
	s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: connect.Offsets{p: given}}))

	again, err := connect.ParsePartition([]byte(`{"e":1.5,"d":true,"c":null,"b":"<ü>","a":1}`))
	s.ok(err)
	e, found := s.entry("orders", again)
	s.equal("found", found, true)
	s.equal("offset", e.Offset.Fields(), want)
	n, found, err := e.Offset.Int64("int")
	s.ok(err)
	s.equal("int", fmt.Sprint(n, found), "7 true")
	s.equal("partition", e.Partition.JSON(), p.JSON())
	unknown := s.partition("unknown")
	some, err := s.Offsets(s.ctx, "orders", []connect.Partition{p, unknown, again, p})
	s.ok(err)
	s.equal("several", some, map[connect.Partition]offset.Entry{p: e})
	none, err := s.Offsets(s.ctx, "orders", nil)
	s.ok(err)
	s.equal("none", len(none), 0)
}

// checkOffsets wants exactly these committed offsets, by name and as the list of all.
func checkOffsets(s *storeRun, connector string, want connect.Offsets) {
	s.Helper()
	var partitions []connect.Partition
	for p := range want {
		partitions = append(partitions, p)
	}
	found, err := s.Offsets(s.ctx, connector, partitions)
	s.ok(err)
	all, err := s.AllOffsets(s.ctx, connector)
	s.ok(err)
	if len(found) != len(want) || len(all) != len(want) {
		s.Fatalf("%d offsets, %d found, %d in all", len(want), len(found), len(all))
	}
	for i, e := range all {
		if i > 0 && all[i-1].Partition.JSON() >= e.Partition.JSON() {
			s.Fatalf("%s comes after %s", e.Partition.JSON(), all[i-1].Partition.JSON())
		}
		s.equal("listed", e, offset.Entry{Partition: e.Partition, Offset: want[e.Partition]})
		s.equal("found", found[e.Partition], e)
	}
}

func alterTests() []storeTest {
	tests := []storeTest{
		{"SetsRemovesAndClearsResume", func(s *storeRun) {
			c := s.create("orders", 1)
			l := s.acquire(c, 0)
			s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(4, 1), Resume: s.offsets(4, 9)}))
			s.ok(s.Release(s.ctx, l, offset.Outcome{NotBefore: s.clock.Now().Add(storeTTL)}))
			c.StackBase = "not written"
			after, err := s.AlterOffsets(s.ctx, c, connect.Offsets{
				s.partition("t000"): connect.At("id", 5), s.partition("t001"): {}, s.partition("new"): connect.At("id", 6), s.partition("unknown"): {},
			}, false)
			s.ok(err)
			c.StackBase = ""
			c.Version, c.Generation = after.Version, after.Generation
			s.equal("returned", after, c)
			read, t := s.look("orders")
			s.equal("stored", read, c)
			s.equal("not before", t.NotBefore.IsZero(), true)
			all, err := s.AllOffsets(s.ctx, "orders")
			s.ok(err)
			s.equal("all", all, []offset.Entry{
				{Partition: s.partition("new"), Offset: connect.At("id", 6)},
				{Partition: s.partition("t000"), Offset: connect.At("id", 5)},
				{Partition: s.partition("t002"), Offset: connect.At("id", 1), Resume: connect.At("id", 9)},
				{Partition: s.partition("t003"), Offset: connect.At("id", 1), Resume: connect.At("id", 9)},
			})
		}},
		{"OfAnotherVersionIsStale", func(s *storeRun) {
			c := s.create("orders", 1)
			put(s, c, offset.Keep)
			for _, n := range []int{1, 150} {
				_, err := s.AlterOffsets(s.ctx, c, s.offsets(n, 5), n == 150)
				s.is(err, offset.ErrStale)
			}
			_, err := s.AlterOffsets(s.ctx, offset.Connector{Name: "unknown"}, s.offsets(1, 5), true)
			s.is(err, offset.ErrStale)
			checkOffsets(s, "orders", nil)
		}},
		{"WithoutAPartitionIsRefused", func(s *storeRun) {
			if _, err := s.AlterOffsets(s.ctx, s.create("orders", 1), connect.Offsets{{}: connect.At("id", 1)}, false); err == nil {
				s.Fatal("an offset without a partition was set")
			}
		}},
		{"TakesLeasesOfDroppedTasksAwayToo", func(s *storeRun) {
			c := s.create("orders", 2)
			l := s.acquire(c, 1)
			c = s.publish(c, 1)
			again := s.acquire(c, 0)
			s.ok(s.Delete(s.ctx, c))
			c = s.create("orders", 0)
			s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(1, 1)}))
			_, err := s.AlterOffsets(s.ctx, c, s.offsets(1, 7), false)
			s.ok(err)
			s.is(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(1, 2)}), offset.ErrFenced)
			s.is(s.Commit(s.ctx, again, offset.Commit{Offsets: s.offsets(1, 2)}), offset.ErrFenced)
			checkOffsets(s, "orders", s.offsets(1, 7))
		}},
		{"ManyTasksAndOffsets", func(s *storeRun) {
			c := s.create("orders", 120)
			l := s.acquire(c, 119)
			s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(150, 1)}))
			c, err := s.AlterOffsets(s.ctx, c, s.offsets(130, 2), true)
			s.ok(err)
			s.equal("gate", c.Gate, false)
			checkOffsets(s, "orders", s.offsets(130, 2))
			s.is(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(1, 3)}), offset.ErrFenced)
			s.acquire(c, 119)
		}},
	}
	for _, all := range []bool{false, true} {
		tests = append(tests, storeTest{fmt.Sprintf("TakesLeasesAwayAtOnceAll=%t", all), func(s *storeRun) {
			c := s.create("orders", 2)
			l := s.acquire(c, 1)
			s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(2, 1)}))
			after, err := s.AlterOffsets(s.ctx, c, s.offsets(2, 7), all)
			s.ok(err)
			for _, err := range []error{
				s.Check(s.ctx, l), s.Renew(s.ctx, l), s.Release(s.ctx, l, offset.Outcome{}),
				s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(2, 2)}),
			} {
				s.is(err, offset.ErrFenced)
			}
			checkOffsets(s, "orders", s.offsets(2, 7))
			s.refused(c, 1, offset.ErrStale)
			s.equal("epoch", s.acquire(after, 1).Epoch, l.Epoch+1)
		}})
	}
	return tests
}
