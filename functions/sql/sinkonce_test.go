package sql_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"testing"

	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// in puts a record into a partition.
func in(partition int32, r connect.Record) connect.Record {
	r.Partition, r.Kafka.Partition = partition, partition
	return r
}

// Batches come again with other cuts, to the same task and to others, and some records cannot be written. Every record is in
// the table once, although the table has no key, or was reported at the end of the last delivery that had it.
func TestSink_ExactlyOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		s.exec(t, "create table t (name varchar(5) check (length(name) < 6), n bigint)")
		rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same numbers each time
		const partitions, size = 3, 120
		var want []string
		bad := map[string]bool{}
		topic := make([][]connect.Record, partitions)
		for p := range topic {
			for i := range size {
				name, n := "fine", int64(p*size+i)
				if rng.IntN(9) == 0 {
					name = "too long"
					bad[fmt.Sprint(n)] = true
				} else {
					want = append(want, fmt.Sprint(n))
				}
				topic[p] = append(topic[p], in(int32(p), row(int64(i), 1, name, n)))
			}
		}
		sort.Strings(want)
		settings := []string{"sluice.exactly.once", "true", "max.retries", "0", "batch.size", "8"}
		task, done, reported := s.openSink(t, true, settings...), [partitions]int{}, map[string]bool{}
		for slices.Min(done[:]) < size {
			if rng.IntN(4) == 0 { // a new process
				task = s.openSink(t, true, settings...)
			}
			var batch []connect.Record
			var ends [partitions]int
			for p := range topic {
				ends[p] = min(size, done[p]+rng.IntN(15))
				batch = append(batch, topic[p][done[p]:ends[p]]...)
			}
			err := task.Put(t.Context(), slices.Clone(batch))
			failed, ok := errors.AsType[*connect.BatchError](err)
			if err != nil && !ok {
				t.Fatal(err)
			}
			if rng.IntN(3) == 0 {
				continue // the function died before it answered: what was reported is not dead-lettered
			}
			if ok {
				for i := range failed.Failed {
					n, _ := batch[i].Value.Value.(interface{ Raw(int) any }).Raw(1).(int64)
					reported[fmt.Sprint(n)] = true
				}
			}
			done = ends
		}
		s.want(t, "select n from t", want...)
		for n := range bad {
			if !reported[n] {
				t.Errorf("record %s was lost", n)
			}
			delete(reported, n)
		}
		if len(reported) > 0 {
			t.Errorf("reported, but written: %v", reported)
		}
	})
}

// An invocation that is thought dead goes on beside the one that got its batch.
func TestSink_ExactlyOnceBesideAZombie(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		s.exec(t, "create table t (name varchar(9), n bigint)")
		var batch []connect.Record
		for i := range 200 {
			batch = append(batch, in(int32(i%2), row(int64(i/2), 1, "a", int64(i))))
		}
		var both sync.WaitGroup
		for range 4 {
			task := s.openSink(t, false, "sluice.exactly.once", "true", "max.retries", "0")
			both.Go(func() {
				if err := task.Put(t.Context(), slices.Clone(batch)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		s.want(t, "select count(*), count(distinct n) from t", "200|200")
	})
}

// Offsets that a user sets count for what the sink remembers, too.
func TestSink_ExactlyOnceFollowsAlteredOffsets(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		s.exec(t, "create table t (name varchar(9), n bigint)")
		task := s.openSink(t, false, "sluice.exactly.once", "true")
		batch := []connect.Record{row(0, 1, "a", int64(0)), row(1, 1, "a", int64(1)), row(2, 1, "a", int64(2))}
		put(t, task, batch...)
		alter := func(to map[connect.TopicPartition]*int64) {
			t.Helper()
			all := map[string]string{"name": "c", "sluice.exactly.once": "true"}
			maps.Copy(all, s.settings)
			fresh := sql.Sink.New()
			if err := config.Parse(all, fresh); err != nil {
				t.Fatal(err)
			}
			done, err := fresh.(connect.SinkOffsetAlterer).AlterSinkOffsets(t.Context(), to)
			if err != nil || !done {
				t.Fatalf("altering offsets: %v, %v", done, err)
			}
		}
		part := connect.TopicPartition{Topic: "t"}
		alter(map[connect.TopicPartition]*int64{part: new(int64(1))})
		put(t, task, batch...)
		s.want(t, "select n from t", "0", "1", "1", "2", "2")
		alter(map[connect.TopicPartition]*int64{part: nil})
		put(t, task, batch...)
		s.want(t, "select n from t", "0", "0", "1", "1", "1", "2", "2", "2")
		s.want(t, "select connector, kafka_topic, kafka_partition, kafka_offset, failed from sluice_offsets", "c|t|0|2|")
	})
}

// Whatever is upserted and deleted in whatever batches, the table holds what a map would.
func TestSink_UpsertsAndDeletesLikeAMap(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		s.keyed(t)
		rng := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same numbers each time
		model := map[int32]string{}
		task := s.openSink(t, false, "insert.mode", "upsert", "pk.mode", "record_key", "delete.enabled", "true", "batch.size", "50")
		offset := int64(0)
		for range 25 {
			var batch []connect.Record
			for range rng.IntN(120) {
				id := rng.Int32N(40)
				offset++
				if rng.IntN(3) == 0 {
					batch = append(batch, row(offset, id, nil, nil))
					delete(model, id)
					continue
				}
				batch = append(batch, row(offset, id, "n", offset))
				model[id] = fmt.Sprintf("%d|x|n|%d", id, offset)
			}
			put(t, task, batch...)
			var want []string
			for _, line := range model {
				want = append(want, line)
			}
			sort.Strings(want)
			s.want(t, all, want...)
			if t.Failed() {
				return
			}
		}
	})
}
