package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Sink writes the records of a connector into files. The tasks of file sinks embed it, and make it when they open. It is used
// from one goroutine.
type Sink struct {
	// Connector is the connector's name.
	Connector string
	// Isolate has records that no file can take reported alone. Without it they fail all those put with them; the others are
	// in files all the same, and are passed over when they come again.
	Isolate bool
	Store   Store
	State   connect.State
	Log     connect.Logger
	// Shape is that of the files now, Reshape makes the shape of files that were begun under other settings.
	Shape   *Shape
	Reshape func(settings map[string]string) (*Shape, error)
	// Staging is the folder of pieces.
	Staging string
	// Recover tells from which offset on records of a partition are in no file yet, where no ledger says so. It may be
	// nil; -1 means that nobody knows.
	Recover func(ctx context.Context, topic string, partition int32) (next int64, err error)
	// Leftovers lists the staging folder, so that ticks find what killed attempts left there; nil for not looking.
	Leftovers interface{ Walk(root string) Walk }
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time

	lanes map[connect.TopicPartition]*lane
	swept time.Time

	warm    warm
	buffers buffers
	room    room
}

// Put takes records. All of them are durable when it returns nil, in files or staged for them.
func (s *Sink) Put(ctx context.Context, records []connect.Record) error {
	all := s.shares(records)
	// Partitions do not wait for the answers to each other's requests. Formats are used by one at a time.
	s.each(all, func(t *share) error { return t.lane.load(ctx) })
	for i := range all {
		if t := &all[i]; t.err == nil {
			t.attempt, t.err = t.lane.begin(ctx, records, t.indices)
		}
	}
	s.each(all, func(t *share) error { return t.attempt.settle(ctx) })
	failed := map[int]error{}
	for i := range all {
		t := &all[i]
		if errors.Is(t.err, connect.ErrConflict) {
			t.lane.forget()
			t.attempt, t.err = t.lane.take(ctx, records, t.indices)
		}
		if t.err != nil {
			t.lane.forget()
			continue
		}
		t.attempt.tell(failed)
	}
	for i := range all {
		if err := all[i].err; err != nil {
			return fmt.Errorf("writing files of %s: %w", all[i].lane, err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	if s.Isolate {
		return &connect.BatchError{Failed: failed}
	}
	first := slices.Min(slices.Collect(maps.Keys(failed)))
	k := records[first].Kafka
	return fmt.Errorf("writing the record at offset %d of %s-%d: %w", k.Offset, k.Topic, k.Partition, failed[first])
}

// share is what an event brings for one topic partition: the places of its records in the event, in order.
type share struct {
	lane    *lane
	indices []int
	attempt *attempt
	err     error
}

// mostLanes is how many partitions ask for something at a time.
const mostLanes = 8

// each does something for the partitions that have not failed, side by side.
func (s *Sink) each(all []share, do func(t *share) error) {
	var group errgroup.Group
	group.SetLimit(mostLanes)
	for i := range all {
		if t := &all[i]; t.err == nil {
			group.Go(func() error {
				t.err = do(t)
				return nil
			})
		}
	}
	_ = group.Wait() // errors are kept with the shares
}

func (s *Sink) shares(records []connect.Record) []share {
	var all []share
	last := -1
	for i := range records {
		at := connect.TopicPartition{Topic: records[i].Kafka.Topic, Partition: records[i].Kafka.Partition}
		if last < 0 || all[last].lane.at != at {
			last = slices.IndexFunc(all, func(t share) bool { return t.lane.at == at })
			if last < 0 {
				last = len(all)
				all = append(all, share{lane: s.lane(at), indices: make([]int, 0, (len(records)-i)/(len(all)+1))})
			}
		}
		all[last].indices = append(all[last].indices, i)
	}
	return all
}

func (s *Sink) lane(at connect.TopicPartition) *lane {
	if l := s.lanes[at]; l != nil {
		return l
	}
	if s.lanes == nil {
		s.lanes = map[connect.TopicPartition]*lane{}
	}
	l := &lane{sink: s, at: at, books: books{state: s.State, staging: s.Store}}
	s.lanes[at] = l
	return l
}

func (s *Sink) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Tick completes the files that are due by the clock, and finishes what an invocation that was killed left closing.
func (s *Sink) Tick(ctx context.Context) error {
	b := books{state: s.State, staging: s.Store}
	topics, _, err := b.listed(ctx, "")
	if err != nil {
		return err
	}
	var failures []error
	var all []connect.TopicPartition
	for _, topic := range topics {
		partitions, _, err := b.listed(ctx, topic)
		if err != nil {
			return err
		}
		for _, text := range partitions {
			partition, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return fmt.Errorf("reading the list of open files: %w", err)
			}
			at := connect.TopicPartition{Topic: topic, Partition: int32(partition)}
			all = append(all, at)
			l := s.lane(at)
			l.forget() // events may have come to other processes since
			if err := l.tick(ctx); err != nil {
				l.forget()
				failures = append(failures, err)
			}
			if ctx.Err() != nil {
				return errors.Join(append(failures, ctx.Err())...)
			}
		}
	}
	if len(failures) == 0 {
		return s.sweep(ctx, all)
	}
	return errors.Join(failures...)
}

// AlterSinkOffsets agrees to any offsets, also of a task that is not open. The runtime empties the state of the partitions,
// and with it the ledger; the next record, or where Recover is set the files that are there, say where to go on.
func (*Sink) AlterSinkOffsets(context.Context, map[connect.TopicPartition]*int64) (bool, error) {
	return true, nil
}

// Close has nothing to let go of.
func (*Sink) Close(context.Context) error { return nil }

// shape is that of a generation: the present one, unless it was begun under other settings.
func (s *Sink) shape(g *generation) (*Shape, error) {
	if g.Count == 0 || maps.Equal(g.Shape, s.Shape.Settings) {
		return s.Shape, nil
	}
	shape, err := s.Reshape(g.Shape)
	if err != nil {
		return nil, fmt.Errorf("completing files that were begun under other settings: %w", err)
	}
	return shape, nil
}

// nonce is a name that nobody had before.
func nonce() string { return rand.Text() }
