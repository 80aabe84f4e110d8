package trigger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// The next event is encoded while one is under way. What that one comes to decides whether it was the right one: after an
// error, after progress and when all went well, every partition goes on exactly where it is.
func TestTrigger_GoesOnWhereItIsWhateverWasPrepared(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			virtual(t, 3, func(t *testing.T, b *bed) {
				const each = 100
				random := rand.New(rand.NewPCG(seed, 1))
				due := map[int32]int64{}
				var wrong []string
				f := newSink()
				f.answer = func(n int, e kafka.Event) ([]byte, error) {
					for _, batch := range e.Batches {
						if first := batch.Messages[0].Offset; first != due[batch.Partition] {
							wrong = append(wrong, fmt.Sprintf("event %d: partition %d goes on at %d, and %d is due", n, batch.Partition, first, due[batch.Partition]))
						}
					}
					what := random.IntN(4)
					if what == 0 {
						return nil, errors.New("bad luck")
					}
					response := kafka.Response{}
					for _, batch := range e.Batches {
						failed := len(batch.Messages)
						if what == 1 && random.IntN(2) == 0 {
							failed = random.IntN(len(batch.Messages))
							response.Fail(batch.ID, batch.Messages[failed].Offset)
						}
						due[batch.Partition] += int64(failed)
					}
					return response.AppendJSON(nil), nil
				}
				for partition := range int32(3) {
					b.produce(partition, each)
				}
				b.start(trigger.Options{RetryMax: time.Second}, f, func(m *trigger.Mapping) {
					m.Window, m.BatchSize, m.ReportBatchItemFailures = -1, 1+random.IntN(20), true
				})
				pass(10 * time.Minute)
				if len(wrong) > 0 {
					t.Error(wrong)
				}
				if diff := cmp.Diff(map[int32]int64{0: each, 1: each, 2: each}, b.committed("connect-m")); diff != "" {
					t.Errorf("offsets (-want +got):\n%s", diff)
				}
			})
		})
	}
}
