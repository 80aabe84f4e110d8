package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// world is a Kafka partition, a trigger that delivers it, a store, a state and a reader.
type world struct {
	t        *testing.T
	store    storagetest.Store
	state    storagetest.State
	settings map[string]string
	records  []connect.Record
	later    atomic.Int64                           // nanoseconds since the beginning; sinks look while steps let time pass
	decode   func(name string, data []byte) []int64 // the offsets in a file

	mu    sync.Mutex
	seen  map[string][]byte
	acked int
}

// quiet takes no notes.
type quiet struct{}

func (quiet) Info(string, ...any) {}
func (quiet) Warn(string, ...any) {}

func newWorld(t *testing.T, settings map[string]string, n int) *world {
	t.Helper()
	w := &world{t: t, settings: settings, seen: map[string][]byte{}, decode: decodeLines}
	partitions, _ := strconv.Atoi(settings["test.partitions"])
	for i := range n {
		r := record(int64(i), fmt.Sprintf("p%d", i%3))
		if partitions > 0 {
			r.Kafka.Partition = int32(i / 2 % partitions)
		}
		w.records = append(w.records, r)
	}
	return w
}

var valueSchema = schema.StructOf([]schema.Field{
	schema.F("id", schema.Of(schema.Int64)), schema.F("p", schema.Of(schema.String)), schema.F("pad", schema.Of(schema.String)),
}, schema.Named("rec"), schema.Versioned(1))

func record(offset int64, place string) connect.Record {
	return connect.Record{
		Topic: "t", Key: connect.Datum{Schema: schema.Of(schema.String), Value: "k" + strconv.FormatInt(offset, 10)},
		Value: connect.Datum{Schema: valueSchema, Value: schema.StructFrom(valueSchema, []any{offset, place, strings.Repeat("x", 20)})},
		Time:  time.UnixMilli(1700000000000 + offset*1000), Kafka: connect.Kafka{Topic: "t", Offset: offset},
	}
}

// decodeLines finds "id":N in JSON.
func decodeLines(_ string, data []byte) []int64 {
	var all []int64
	for line := range bytes.Lines(data) {
		_, rest, found := bytes.Cut(line, []byte(`"id":`))
		if !found {
			panic(fmt.Sprintf("torn line %q", line))
		}
		digits, _, _ := bytes.Cut(rest, []byte(","))
		n, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil {
			panic(err)
		}
		all = append(all, n)
	}
	return all
}

// process starts a function: a sink without memory. step is called before and after each of its requests.
func (w *world) process(step func(step string) error) *storage.Sink {
	reshape := func(settings map[string]string) (*storage.Shape, error) {
		c := &storage.Confluent{}
		if err := config.Parse(settings, c); err != nil {
			return nil, err
		}
		return c.Shape(&storage.Codec{Name: w.settings["test.codec"]})
	}
	shape, err := reshape(w.settings)
	if err != nil {
		w.t.Fatal(err)
	}
	return &storage.Sink{
		Connector: "c", Isolate: true, Store: &storagetest.Client{Store: &w.store, Step: step}, State: &storagetest.StateClient{State: &w.state, Step: step},
		Log: quiet{}, Shape: shape, Reshape: reshape, Staging: ".staging/c/", Now: w.now,
	}
}

func (w *world) now() time.Time {
	return time.UnixMilli(1700000000000).Add(time.Duration(w.later.Load()))
}

func (w *world) pass(d time.Duration) { w.later.Add(int64(d)) }

// look is what a reader sees, who lists and reads now.
func (w *world) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	files := w.store.Files()
	at := map[int64]string{}
	for name, data := range files {
		if before, there := w.seen[name]; there && !bytes.Equal(before, data) {
			w.t.Errorf("%s changed", name)
		}
		w.seen[name] = data
		for _, offset := range w.decode(name, data) {
			if other, twice := at[offset]; twice {
				w.t.Errorf("record %d is in %s and in %s", offset, other, name)
			}
			at[offset] = name
		}
	}
	for name := range w.seen {
		if _, there := files[name]; !there {
			w.t.Errorf("%s is gone", name)
		}
	}
}

// whole checks that all records are visible, exactly once.
func (w *world) whole() {
	w.t.Helper()
	w.look()
	var all []int64
	for name, data := range w.store.Files() {
		all = append(all, w.decode(name, data)...)
	}
	slices.Sort(all)
	for i := range w.records {
		if i >= len(all) || all[i] != int64(i) {
			w.t.Fatalf("%d records are visible of %d; the first that is missing or there twice is %d", len(all), len(w.records), i)
		}
	}
}

var errKilled = errors.New("killed")

// deliver hands events of random sizes to a sink until all records are acknowledged or it fails.
func (w *world) deliver(sink *storage.Sink, cuts *rand.Rand) error {
	for w.acked < len(w.records) {
		n := min(1+cuts.IntN(13), len(w.records)-w.acked)
		begin := w.acked
		if err := sink.Put(context.Background(), slices.Clone(w.records[begin:begin+n])); err != nil {
			return err
		}
		w.acked = max(w.acked, begin+n)
	}
	return nil
}

// finish lets the clock complete what is open.
func (w *world) finish() {
	w.t.Helper()
	w.pass(48 * time.Hour)
	if err := w.process(nil).Tick(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func settings(extra ...string) map[string]string {
	s := map[string]string{
		"format.class": "io.confluent.connect.s3.format.json.JsonFormat", "flush.size": "10",
		"partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner", "partition.field.name": "p",
		"rotate.schedule.interval.ms": "3600000", "timezone": "UTC",
	}
	for i := 0; i+1 < len(extra); i += 2 {
		s[extra[i]] = extra[i+1]
	}
	return s
}

func TestSink_ExactlyOnceWithoutFaults(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]map[string]string{
		"by fields": settings(), "one folder": settings("partitioner.class", "DefaultPartitioner"), "small files": settings("flush.size", "1"),
		"large files": settings("flush.size", "1000"),
		"by time": settings("partitioner.class", "TimeBasedPartitioner", "path.format", "'m'=mm", "partition.duration.ms", "60000",
			"locale", "en", "timestamp.extractor", "Record", "rotate.interval.ms", "30000"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, s, 200)
			step := func(string) error { w.look(); return nil }
			if err := w.deliver(w.process(step), rand.New(rand.NewPCG(1, 2))); err != nil {
				t.Fatal(err)
			}
			w.finish()
			w.whole()
			if pieces, drafts := w.store.Hidden(); pieces+drafts > 0 {
				t.Errorf("%d pieces and %d drafts are left", pieces, drafts)
			}
		})
	}
}

// A process is killed before and after each of its requests in turn, and another goes on with other cuts, also after
// a while of being killed itself. A reader looks all the time.
func TestSink_KilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]map[string]string{
		"small files": settings("flush.size", "4"), "files of several events": settings("flush.size", "25"),
		"partitions": settings("flush.size", "5", "test.partitions", "3", "partitioner.class", "DefaultPartitioner"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kill := 0; ; kill++ {
				w := newWorld(t, s, 40)
				cuts := rand.New(rand.NewPCG(uint64(kill), 7))
				killed := false
				for round := 0; ; round++ {
					steps, dead := 0, false
					var mu sync.Mutex
					step := func(string) error {
						w.look()
						mu.Lock()
						defer mu.Unlock()
						if steps++; !dead && round < 3 && steps == kill>>round+1 {
							dead, killed = true, true
						}
						if dead {
							return errKilled
						}
						return nil
					}
					if err := w.deliver(w.process(step), cuts); err == nil {
						break
					} else if !errors.Is(err, errKilled) {
						t.Fatal(err)
					}
				}
				w.finish()
				w.whole()
				if t.Failed() {
					t.Fatalf("killed at step %d", kill)
				}
				if !killed {
					break
				}
			}
		})
	}
}

// A process freezes before and after each of its requests in turn, while another does all the work, and wakes up then.
func TestSink_ZombiesChangeNothing(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]map[string]string{
		"small files": settings("flush.size", "4"), "files of several events": settings("flush.size", "25"),
		"partitions": settings("flush.size", "5", "test.partitions", "3", "partitioner.class", "DefaultPartitioner"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for freeze := 1; ; freeze += 2 { // waking before a request and after the one before is the same
				w := newWorld(t, s, 40)
				steps, frozen := 0, false
				var mu sync.Mutex
				step := func(string) error {
					w.look()
					mu.Lock()
					defer mu.Unlock()
					if steps++; steps != freeze {
						return nil
					}
					frozen = true
					if err := w.deliver(w.process(nil), rand.New(rand.NewPCG(uint64(freeze), 3))); err != nil {
						t.Error(err)
					}
					w.pass(48 * time.Hour)
					if err := w.process(nil).Tick(context.Background()); err != nil {
						t.Error(err)
					}
					return nil
				}
				if err := w.deliver(w.process(step), rand.New(rand.NewPCG(uint64(freeze), 9))); err != nil {
					t.Fatal(err)
				}
				w.finish()
				w.whole()
				if t.Failed() {
					t.Fatalf("frozen at step %d", freeze)
				}
				if !frozen {
					break
				}
			}
		})
	}
}

func TestSink_Names(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings("flush.size", "6"), 12)
	if err := w.deliver(w.process(nil), rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"topics/t/p=p0/t+0+0000000000.json", "topics/t/p=p0/t+0+0000000006.json", "topics/t/p=p1/t+0+0000000001.json",
		"topics/t/p=p1/t+0+0000000007.json", "topics/t/p=p2/t+0+0000000002.json", "topics/t/p=p2/t+0+0000000008.json",
	}
	if got := slices.Sorted(maps.Keys(w.store.Files())); !slices.Equal(got, want) {
		t.Errorf("files %q", got)
	}
}
