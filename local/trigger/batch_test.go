package trigger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

func TestTrigger_DeliversInOrderAndCommits(t *testing.T) {
	virtual(t, 3, func(t *testing.T, b *bed) {
		for i := range 250 {
			b.produce(int32(i%3), 1)
		}
		f := newSink()
		tr := b.start(trigger.Options{}, f, nil)
		pass(5 * time.Second)
		want := map[string][]int64{"0": upTo(84), "1": upTo(83), "2": upTo(83)}
		if diff := cmp.Diff(want, f.seen(t)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[int32]int64{0: 84, 1: 83, 2: 83}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
		if n := len(f.calls()); n != 3 {
			t.Errorf("%d invocations, want 3 of at most 100", n)
		}
		s := status(t, tr)
		want2 := trigger.Status{
			Name: "m", Topic: "t", Group: "connect-m", State: trigger.Enabled, LastResult: "OK", LastAt: s.LastAt, Invocations: 3, Delivered: 250,
			Partitions: []trigger.Partition{{ID: 0, Next: 84, End: 84}, {ID: 1, Next: 83, End: 83}, {ID: 2, Next: 83, End: 83}},
		}
		if diff := cmp.Diff(want2, s); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_EventKeepsEverything(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		at := time.UnixMilli(1760000000123)
		b.write(&kgo.Record{Key: []byte("k"), Value: nil, Timestamp: at, Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{0, 200}}, {Key: "h"}}},
			&kgo.Record{Key: nil, Value: []byte{}, Timestamp: at})
		f := newSink()
		b.start(trigger.Options{}, f, nil)
		pass(2 * time.Second)
		got, err := kafka.Decode(f.calls()[0].payload)
		if err != nil {
			t.Fatal(err)
		}
		want := kafka.Event{Source: "SelfManagedKafka", Bootstrap: "localhost:9092", Batches: []kafka.Batch{{ID: "t-0", Topic: "t", Messages: []kafka.Message{
			{Offset: 0, Timestamp: at.UnixMilli(), Key: []byte("k"), Headers: []kafka.Header{{Key: "h", Value: []byte{0, 200}}, {Key: "h"}}},
			{Offset: 1, Timestamp: at.UnixMilli(), Value: []byte{}, Headers: got.Batches[0].Messages[1].Headers},
		}}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_FiresAtTheFirstOfSizeWindowAndPayload(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		f := newSink()
		b.start(trigger.Options{}, f, func(m *trigger.Mapping) { m.BatchSize, m.Window, m.PayloadLimit = 10, 2*time.Second, 10_000 })
		pass(5 * time.Second) // until the group is settled
		begin := time.Since(f.start)
		b.produce(0, 3)
		pass(1900 * time.Millisecond)
		if n := len(f.calls()); n != 0 {
			t.Fatalf("%d invocations before the window was over", n)
		}
		pass(time.Second)
		b.produce(0, 25) // two full batches at once, the rest after the window
		pass(100 * time.Millisecond)
		if n := len(f.calls()); n != 3 {
			t.Errorf("%d invocations, want full batches to go at once", n)
		}
		pass(3 * time.Second)
		b.write(&kgo.Record{Value: make([]byte, 5000)}, &kgo.Record{Value: make([]byte, 5000)})
		pass(100 * time.Millisecond) // together they would be too large: the first goes at once
		if n := len(f.calls()); n != 5 {
			t.Errorf("%d invocations, want a full payload to go at once", n)
		}
		pass(3 * time.Second)
		want := [][]string{list(0, 0, 3), list(0, 3, 13), list(0, 13, 23), list(0, 23, 28), list(0, 28, 29), list(0, 29, 30)}
		if diff := cmp.Diff(want, f.ids()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		if got := f.calls()[0].at - begin; got.Truncate(100*time.Millisecond) != 2*time.Second {
			t.Errorf("the window was %s", got)
		}
		for _, c := range f.calls() {
			if len(c.payload) > 10_000 {
				t.Errorf("a payload of %d bytes", len(c.payload))
			}
		}
	})
}

func TestTrigger_FailedBatchComesAgainWhole(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		f := newSink()
		f.answer = func(n int, _ kafka.Event) ([]byte, error) {
			if n < 8 {
				return nil, fmt.Errorf("no database %d", n)
			}
			return nil, nil
		}
		b.produce(0, 5)
		tr := b.start(trigger.Options{}, f, func(m *trigger.Mapping) { m.Window = -1 })
		pass(3 * time.Second)
		s := status(t, tr)
		if len(s.Problems) != 1 || !strings.HasPrefix(s.Problems[0], "no database") || s.LastResult != s.Problems[0] || len(b.committed("connect-m")) != 0 {
			t.Errorf("while it fails: %+v, committed %v", s, b.committed("connect-m"))
		}
		b.produce(0, 5) // does not join what is being tried again
		pass(30 * time.Second)
		calls := f.calls()
		if len(calls) != 10 {
			t.Fatalf("%d invocations, want 10", len(calls))
		}
		var pauses []time.Duration
		for i, c := range calls[1:9] {
			pauses = append(pauses, (c.at - calls[i].at).Round(time.Millisecond))
			if string(c.payload) != string(calls[0].payload) {
				t.Errorf("attempt %d differs", i+2)
			}
		}
		ms := time.Millisecond
		if diff := cmp.Diff([]time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 5000 * ms, 5000 * ms}, pauses); diff != "" {
			t.Errorf("pauses (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[int32]int64{0: 10}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
		if s := status(t, tr); len(s.Problems) != 0 || s.LastResult != "OK" || s.Failed != 8 || s.Invocations != 10 {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

// failing answers with failures at these places of t-0 in turn, then with success.
func failing(offsets ...string) func(int, kafka.Event) ([]byte, error) {
	return func(n int, _ kafka.Event) ([]byte, error) {
		if n >= len(offsets) {
			return []byte(`{"batchItemFailures":[]}`), nil
		}
		return fmt.Appendf(nil, `{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":%s}}]}`, offsets[n]), nil
	}
}

func TestTrigger_PartialAnswersAreIgnoredUnlessAskedFor(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		b.produce(0, 5)
		f := newSink()
		f.answer = failing("2")
		b.start(trigger.Options{}, f, nil)
		pass(5 * time.Second)
		if diff := cmp.Diff([][]string{list(0, 0, 5)}, f.ids()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[int32]int64{0: 5}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_PartialAnswersAreObeyedIfAskedFor(t *testing.T) {
	virtual(t, 2, func(t *testing.T, b *bed) {
		b.produce(0, 5)
		b.produce(1, 2)
		var deliveries []trigger.Delivery
		f := newSink()
		// The head of what is left fails twice; then come an answer that names no record of the event, one that is no answer, and success.
		answers := failing("2", "2", "77")
		f.answer = func(n int, e kafka.Event) ([]byte, error) {
			if n == 3 {
				return []byte(`"done"`), nil
			}
			return answers(n, e)
		}
		b.start(trigger.Options{OnDelivery: func(d trigger.Delivery) { deliveries = append(deliveries, d) }}, f, func(m *trigger.Mapping) {
			m.ReportBatchItemFailures = true
		})
		pass(10 * time.Second)
		rest := list(0, 2, 5)
		first := f.calls()[0].ids
		if len(first) != 7 {
			t.Errorf("the first event had %v", first)
		}
		if diff := cmp.Diff([][]string{rest, rest, rest, rest}, f.ids()[1:]); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		var done []int
		for _, d := range deliveries {
			done = append(done, d.Done)
			if d.Records != 7 && d.Records != 3 {
				t.Errorf("delivery %+v", d)
			}
		}
		if diff := cmp.Diff([]int{4, 0, 0, 0, 3}, done); diff != "" {
			t.Errorf("done (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[int32]int64{0: 5, 1: 2}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_ProgressOfAPartialAnswerIsCommittedAtOnce(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		b.produce(0, 5)
		f := newSink()
		f.answer = func(int, kafka.Event) ([]byte, error) { return failing("3")(0, kafka.Event{}) }
		b.start(trigger.Options{}, f, func(m *trigger.Mapping) { m.ReportBatchItemFailures = true })
		pass(5 * time.Second)
		if diff := cmp.Diff(map[int32]int64{0: 3}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_RecutSendsOtherPieces(t *testing.T) {
	virtual(t, 2, func(t *testing.T, b *bed) {
		b.produce(0, 40)
		b.produce(1, 40)
		f := newSink()
		random := rand.New(rand.NewPCG(1, 2))
		f.answer = func(int, kafka.Event) ([]byte, error) {
			if random.IntN(2) == 0 {
				return nil, errors.New("not now")
			}
			return nil, nil
		}
		b.start(trigger.Options{}, f, func(m *trigger.Mapping) { m.Recut = func(n int) int { return 1 + random.IntN(n) } })
		pass(10 * time.Minute)
		if diff := cmp.Diff(map[string][]int64{"0": upTo(40), "1": upTo(40)}, f.seen(t)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		calls, again := f.calls(), 0
		for i := 1; i < len(calls); i++ {
			if calls[i-1].failed && len(calls[i].ids) != len(calls[i-1].ids) {
				again++
			}
		}
		if again == 0 {
			t.Error("nothing came again in another piece")
		}
	})
}

func TestTrigger_OversizedRecordGoesToItsDestination(t *testing.T) {
	virtual(t, 1, func(t *testing.T, b *bed) {
		b.produce(0, 2)
		b.write(&kgo.Record{Value: make([]byte, 3000)})
		b.produce(0, 2)
		f := newSink()
		var got []int64
		tries := 0
		b.start(trigger.Options{}, f, func(m *trigger.Mapping) {
			m.PayloadLimit = 2000
			m.Oversized = func(_ context.Context, r *kgo.Record, size int) error {
				if tries++; tries < 3 {
					return errors.New("not now")
				}
				if size < 4000 || len(r.Value) != 3000 {
					t.Errorf("a record of %d bytes, an event of %d", len(r.Value), size)
				}
				got = append(got, r.Offset)
				return nil
			}
		})
		pass(10 * time.Second)
		if diff := cmp.Diff([][]string{list(0, 0, 2), list(0, 3, 5)}, f.ids()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int64{2}, got); diff != "" {
			t.Errorf("oversized (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[int32]int64{0: 5}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
	})
}

func TestTrigger_OversizedRecordWithoutDestinationBlocksItsPartition(t *testing.T) {
	virtual(t, 2, func(t *testing.T, b *bed) {
		b.produce(0, 2)
		b.write(&kgo.Record{Value: make([]byte, 3000)})
		b.produce(0, 2)
		b.produce(1, 2)
		f := newSink()
		told := make(chan int64, 10)
		tr := b.start(trigger.Options{OnOversized: func(_ string, r *kgo.Record, _ int) { told <- r.Offset }}, f, func(m *trigger.Mapping) { m.PayloadLimit = 2000 })
		pass(time.Minute)
		b.produce(1, 3)
		pass(time.Minute)
		if diff := cmp.Diff(map[string][]int64{"0": upTo(2), "1": upTo(5)}, f.seen(t)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[int32]int64{0: 2, 1: 5}, b.committed("connect-m")); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
		s := status(t, tr)
		if len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "partition 0 stands still: record 2 makes an event of") || s.Partitions[0].Blocked == "" {
			t.Errorf("status %+v", s)
		}
		if len(told) != 1 || <-told != 2 {
			t.Error("the record was not reported, or more than once")
		}
	})
}
