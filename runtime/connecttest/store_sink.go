package connecttest

import (
	"math"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

func sinkTests() []storeTest {
	return []storeTest{
		{"MarkersAreConditional", func(s *storeRun) {
			m, err := s.Marker(s.ctx, "orders", "t", 3)
			s.ok(err)
			s.equal("no marker", m, offset.Marker{Topic: "t", Partition: 3})
			m.Offset, m.First, m.Attempts, m.Dead = 12, s.clock.Now(), 2, []int64{12, 14, math.MaxInt64}
			written, err := s.PutMarker(s.ctx, "orders", m)
			s.ok(err)
			late := m
			late.Attempts++
			_, err = s.PutMarker(s.ctx, "orders", late)
			s.is(err, connect.ErrConflict)
			m.Version = written.Version
			s.equal("written", written, m)
			read, err := s.Marker(s.ctx, "orders", "t", 3)
			s.ok(err)
			s.equal("read", read, m)
			cleared, err := s.PutMarker(s.ctx, "orders", offset.Marker{Topic: "t", Partition: 3, Version: m.Version})
			s.ok(err)
			_, err = s.PutMarker(s.ctx, "orders", m)
			s.is(err, connect.ErrConflict)
			read, err = s.Marker(s.ctx, "orders", "t", 3)
			s.ok(err)
			s.equal("cleared", read, offset.Marker{Topic: "t", Partition: 3, Version: cleared.Version})
			for _, other := range []struct {
				connector, topic string
				partition        int32
			}{{"orders", "t", 4}, {"orders", "t#3", 3}, {"invoices", "t", 3}} {
				m, err := s.Marker(s.ctx, other.connector, other.topic, other.partition)
				s.ok(err)
				s.equal("another's", m, offset.Marker{Topic: other.topic, Partition: other.partition})
			}
		}},
		{"StatesAreConditional", func(s *storeRun) {
			value, version, err := s.State(s.ctx, "orders", "t", 0)
			s.ok(err)
			s.equal("none", len(value)+int(version), 0)
			first, err := s.PutState(s.ctx, "orders", "t", 0, []byte{0, 1, 0xff}, 0)
			s.ok(err)
			_, err = s.PutState(s.ctx, "orders", "t", 0, []byte("other"), 0)
			s.is(err, connect.ErrConflict)
			value, version, err = s.State(s.ctx, "orders", "t", 0)
			s.ok(err)
			s.equal("value", value, []byte{0, 1, 0xff})
			s.equal("version", version, first)
			second, err := s.PutState(s.ctx, "orders", "t", 0, nil, first)
			s.ok(err)
			_, err = s.PutState(s.ctx, "orders", "t", 0, []byte("late"), first)
			s.is(err, connect.ErrConflict)
			_, err = s.PutState(s.ctx, "orders", "t", 1, []byte("x"), 7)
			s.is(err, connect.ErrConflict)
			value, version, err = s.State(s.ctx, "orders", "t", 0)
			s.ok(err)
			s.equal("emptied", len(value), 0)
			s.equal("version", version, second)
		}},
		{"TaskStatusNeedsTheGeneration", func(s *storeRun) {
			c := s.create("orders", 1)
			want := failedStatus(s.clock.Now())
			s.ok(s.PutTaskStatus(s.ctx, "orders", 0, c.Generation, want, offset.Done{In: 3, Out: 2}))
			_, t := s.look("orders")
			s.equal("status", t.Status, want)
			since := s.clock.Now()
			s.equal("count", t.Count, offset.Count{Done: offset.Done{In: 3, Out: 2}, Since: since})
			s.clock.Advance(time.Minute)
			s.ok(s.PutTaskStatus(s.ctx, "orders", 0, c.Generation, want, offset.Done{In: 4}))
			_, t = s.look("orders")
			s.equal("count", t.Count, offset.Count{Done: offset.Done{In: 7, Out: 2}, Since: since})
			s.is(s.PutTaskStatus(s.ctx, "orders", 0, c.Generation-1, offset.Status{}, offset.Done{In: 1}), offset.ErrStale)
			s.is(s.PutTaskStatus(s.ctx, "orders", 1, c.Generation, offset.Status{}, offset.Done{In: 1}), offset.ErrStale)
			s.ok(s.Delete(s.ctx, c))
			s.is(s.PutTaskStatus(s.ctx, "orders", 0, c.Generation, offset.Status{}, offset.Done{In: 1}), offset.ErrStale)
		}},
		{"TopicsAreASet", func(s *storeRun) {
			s.ok(s.AddTopics(s.ctx, "orders", "b", "a", "b"))
			s.ok(s.AddTopics(s.ctx, "orders", "c", "a"))
			s.ok(s.AddTopics(s.ctx, "orders"))
			s.ok(s.AddTopics(s.ctx, "other", "x"))
			topics, err := s.Topics(s.ctx, "orders")
			s.ok(err)
			s.equal("topics", topics, []string{"a", "b", "c"})
			s.ok(s.ResetTopics(s.ctx, "orders"))
			s.ok(s.ResetTopics(s.ctx, "orders"))
			topics, err = s.Topics(s.ctx, "orders")
			s.ok(err)
			s.equal("after the reset", topics, []string(nil))
			topics, err = s.Topics(s.ctx, "other")
			s.ok(err)
			s.equal("of the other", topics, []string{"x"})
		}},
		{"GroupSnapshotsAreReplaced", func(s *storeRun) {
			got, err := s.Group(s.ctx, "orders", "connect-orders")
			s.ok(err)
			s.equal("none", len(got), 0)
			want := map[connect.TopicPartition]int64{{Topic: "a", Partition: 0}: 12, {Topic: "a", Partition: 11}: 0, {Topic: "b.c-d", Partition: 1}: math.MaxInt64}
			s.ok(s.PutGroup(s.ctx, "orders", "connect-orders", want))
			got, err = s.Group(s.ctx, "orders", "connect-orders")
			s.ok(err)
			s.equal("snapshot", got, want)
			want = map[connect.TopicPartition]int64{{Topic: "a", Partition: 0}: 13}
			s.ok(s.PutGroup(s.ctx, "orders", "connect-orders", want))
			got, err = s.Group(s.ctx, "orders", "connect-orders")
			s.ok(err)
			s.equal("snapshot", got, want)
			s.ok(s.PutGroup(s.ctx, "orders", "connect-orders", nil))
			got, err = s.Group(s.ctx, "orders", "connect-orders")
			s.ok(err)
			s.equal("emptied", len(got), 0)
		}},
	}
}
