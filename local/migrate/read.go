package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// record is what counts of one in an internal topic. A nil value removes the key.
type record struct{ key, value []byte }

// patience is how long a broker may keep silent while a topic is read.
const patience = 20 * time.Second

// readAll returns the records of a topic that is there, each partition in order, up to where it ended when it began.
// What was written by transactions that failed is left out.
func readAll(ctx context.Context, client []kgo.Opt, topic string) ([]record, error) {
	c, err := kgo.NewClient(append(slices.Clip(client),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		return nil, fmt.Errorf("reading topic %s: %w", topic, err)
	}
	defer c.Close()
	left, starts, err := bounds(ctx, kadm.NewClient(c), topic)
	if err != nil {
		return nil, fmt.Errorf("reading topic %s: %w", topic, err)
	}
	c.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts})
	var records []record
	for len(left) > 0 {
		polling, cancel := context.WithTimeout(ctx, patience)
		fetches := c.PollFetches(polling)
		silent := polling.Err() != nil && ctx.Err() == nil
		cancel()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("reading topic %s: %w", topic, ctx.Err())
		}
		if silent && fetches.NumRecords() == 0 {
			return nil, fmt.Errorf("reading topic %s: nothing came for %s, although %d partitions are not read to their end", topic, patience, len(left))
		}
		var failed error
		fetches.EachError(func(_ string, _ int32, err error) {
			if !errors.Is(err, context.DeadlineExceeded) {
				failed = err
			}
		})
		if failed != nil {
			return nil, fmt.Errorf("reading topic %s: %w", topic, failed)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			end, reading := left[r.Partition]
			if reading && r.Offset < end && !r.Attrs.IsControl() {
				records = append(records, record{r.Key, r.Value})
			}
			if reading && r.Offset >= end-1 {
				delete(left, r.Partition)
			}
		})
	}
	return records, nil
}

// bounds returns where the partitions of a topic end, and where to begin with those that have records.
func bounds(ctx context.Context, admin *kadm.Client, topic string) (ends map[int32]int64, starts map[int32]kgo.Offset, err error) {
	first, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	last, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = last.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	ends, starts = map[int32]int64{}, map[int32]kgo.Offset{}
	last.Each(func(o kadm.ListedOffset) {
		if begin, there := first.Lookup(topic, o.Partition); there && begin.Offset < o.Offset {
			ends[o.Partition] = o.Offset
			starts[o.Partition] = kgo.NewOffset().At(begin.Offset)
		}
	})
	return ends, starts, nil
}
