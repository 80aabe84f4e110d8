package s3_test

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
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/s3/s3test"
	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

var rowSchema = schema.StructOf([]schema.Field{
	schema.F("id", schema.Of(schema.Int64)), schema.F("pad", schema.Of(schema.String)),
}, schema.Named("row"), schema.Versioned(1))

// rows are n records from an offset on, with pad bytes of padding that compresses badly.
func rows(topic string, from, n, pad int) []connect.Record {
	random := rand.New(rand.NewPCG(uint64(from), 1))
	all := make([]connect.Record, n)
	for i := range all {
		text := make([]byte, pad)
		for j := range text {
			text[j] = 'a' + byte(random.IntN(26))
		}
		id := int64(from + i)
		all[i] = connect.Record{
			Topic: topic, Time: time.UnixMilli(1700000000000 + id), Kafka: connect.Kafka{Topic: topic, Offset: id},
			Value: connect.Datum{Schema: rowSchema, Value: schema.StructFrom(rowSchema, []any{id, string(text)})},
		}
	}
	return all
}

// ids are the ids in JSON lines.
func ids(t *testing.T, data []byte) []int64 {
	t.Helper()
	var all []int64
	for line := range bytes.Lines(data) {
		digits, _, _ := strings.Cut(strings.TrimPrefix(string(line), `{"id":`), ",")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			t.Fatalf("torn line %.80q", line)
		}
		all = append(all, n)
	}
	return all
}

func put(t *testing.T, task connect.SinkTask, records []connect.Record) {
	t.Helper()
	if err := task.Put(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

func TestSink_NamesAndContents(t *testing.T) {
	t.Parallel()
	server, url := serve(t)
	task := openSink(t, confluent(url, "s3.compression.type", "none"), &storagetest.State{})
	put(t, task, rows("t", 0, 7, 2))
	var got []string
	for _, key := range slices.Sorted(maps.Keys(server.Objects("test"))) {
		got = append(got, key+" "+fmt.Sprint(ids(t, server.Objects("test")[key].Data)))
	}
	want := []string{"topics/t/partition=0/t+0+0000000000.json [0 1 2]", "topics/t/partition=0/t+0+0000000003.json [3 4 5]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An object much larger than an event, of events of a hundred records, is made of parts that the server copies.
func TestSink_LargeObjects(t *testing.T) {
	t.Parallel()
	const events, size = 120, 100
	server, url := serve(t)
	var copied, read atomic.Int64
	server.Step = func(when, request string) bool {
		if when == "before" && strings.Contains(request, "partNumber") {
			copied.Add(1)
		}
		if when == "before" && strings.HasPrefix(request, "GET") {
			read.Add(1)
		}
		return true
	}
	state := &storagetest.State{}
	settings := confluent(url, "flush.size", strconv.Itoa(events*size))
	for event := range events {
		task := openSink(t, settings, state) // a new process each time
		put(t, task, rows("t", event*size, size, 1000))
	}
	objects := server.Objects("test")
	if len(objects) != 1 {
		t.Fatalf("%d objects", len(objects))
	}
	got := ids(t, objects["topics/t/partition=0/t+0+0000000000.json"].Data)
	for i := range events * size {
		if got[i] != int64(i) {
			t.Fatalf("record %d is %d", i, got[i])
		}
	}
	if n := copied.Load(); n < 2 || n > 4 {
		t.Errorf("%d parts", n)
	}
	if n := read.Load(); n > 2*events {
		t.Errorf("%d reads of %d pieces", n, events)
	}
	if uploads, pieces := server.Hidden("test"); uploads+pieces > 0 {
		t.Errorf("%d uploads and %d pieces are left", uploads, pieces)
	}
}

func TestSink_ObjectsInTheWay(t *testing.T) {
	t.Parallel()
	const name = "topics/t/partition=0/t+0+0000000000.json"
	server, url := serve(t)
	server.Put("test", name, []byte("somebody else's"))
	task := openSink(t, confluent(url), &storagetest.State{})
	err := task.Put(t.Context(), rows("t", 0, 3, 2))
	if !errors.Is(err, storage.ErrTaken) || !strings.Contains(err.Error(), name) {
		t.Errorf("an object of somebody else's: %v", err)
	}
	if string(server.Objects("test")[name].Data) != "somebody else's" {
		t.Error("it was replaced")
	}
	put(t, openSink(t, confluent(url, "enable.conditional.writes", "false"), &storagetest.State{}), rows("t", 0, 3, 2))
	if got := ids(t, server.Objects("test")[name].Data); len(got) != 3 {
		t.Errorf("told to replace it: %d records", len(got))
	}
	// A replay that comes to the same object leaves it alone.
	before := server.Objects("test")[name]
	put(t, openSink(t, confluent(url), &storagetest.State{}), rows("t", 0, 3, 2))
	if server.Objects("test")[name] != before {
		t.Error("a replay wrote the object again")
	}
	if uploads, _ := server.Hidden("test"); uploads != 1 { // that of the task that failed, which tries again for ever
		t.Errorf("%d uploads are left", uploads)
	}
}

func TestSink_ObjectSettings(t *testing.T) {
	t.Parallel()
	server, url := serve(t)
	put(t, openSink(t, confluent(url, "s3.object.tagging", "true", "s3.object.tagging.key.value.pairs", "team:data, env:test",
		"s3.storage.class", "STANDARD_IA"), &storagetest.State{}), rows("t", 0, 3, 2))
	o := server.Objects("test")["topics/t/partition=0/t+0+0000000000.json"]
	if o.Tags != "endOffset=2&env=test&recordCount=3&startOffset=0&team=data" || o.Class != "STANDARD_IA" {
		t.Errorf("%+v", o)
	}
}

// Connections break at random, before and after requests are done, and processes end with them. A reader looks all the
// time.
func TestSink_BrokenConnections(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			server, url := serve(t)
			random, faults := rand.New(rand.NewPCG(seed, 8)), rand.New(rand.NewPCG(seed, 9)) // one for each of two goroutines
			var calm atomic.Bool
			breaks := make(chan bool, 1)
			breaks <- true
			server.Step = func(string, string) bool {
				<-breaks
				ok := calm.Load() || faults.IntN(12) > 0
				breaks <- true
				return ok
			}
			state := &storagetest.State{}
			settings := confluent(url, "s3.part.retries", "0", "flush.size", "17", "rotate.schedule.interval.ms", "3600000", "timezone", "UTC")
			const total = 150
			all := rows("t", 0, total, 10)
			task := openSink(t, settings, state)
			for acked := 0; acked < total; {
				n := min(1+random.IntN(20), total-acked)
				if err := task.Put(context.Background(), slices.Clone(all[acked:acked+n])); err != nil {
					if random.IntN(2) == 0 {
						task = openSink(t, settings, state)
					}
				} else {
					acked += n
				}
				once(t, server, -1)
			}
			calm.Store(true)
			put(t, openSink(t, settings, state), rows("t", total, 17-total%17, 10))
			once(t, server, total+17-total%17)
		})
	}
}

// once checks that every record is in at most one object; and of total records that all are.
func once(t *testing.T, server *s3test.Server, total int) {
	t.Helper()
	var all []int64
	for _, o := range server.Objects("test") {
		all = append(all, ids(t, o.Data)...)
	}
	slices.Sort(all)
	for i := range all {
		if i > 0 && all[i] == all[i-1] {
			t.Fatalf("record %d is there twice", all[i])
		}
	}
	if total >= 0 && len(all) != total {
		t.Fatalf("%d records of %d are there", len(all), total)
	}
}

func TestSink_RefusesSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings []string
		key      string
	}{
		"no bucket":    {[]string{"s3.bucket.name", ""}, "s3.bucket.name"},
		"no format":    {[]string{"format.class", ""}, "format.class"},
		"bad format":   {[]string{"format.class", "x.OrcFormat"}, "format.class"},
		"bad flush":    {[]string{"flush.size", "0"}, "flush.size"},
		"no time zone": {[]string{"rotate.schedule.interval.ms", "1000"}, "timezone"},
		"no locale":    {[]string{"partitioner.class", "x.HourlyPartitioner", "timezone", "UTC"}, "locale"},
		"no path": {[]string{
			"partitioner.class", "x.TimeBasedPartitioner", "timezone", "UTC", "locale", "en",
			"partition.duration.ms", "1000",
		}, "path.format"},
		"no fields":     {[]string{"partitioner.class", "x.FieldPartitioner"}, "partition.field.name"},
		"nulls no keys": {[]string{"behavior.on.null.values", "write"}, "behavior.on.null.values"},
		"no key":        {[]string{"s3.ssea.name", "sse-c"}, "s3.sse.customer.key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tryOpen(confluent("http://127.0.0.1:1", c.settings...), &storagetest.State{})
			if errs := config.Errors(err); len(errs) == 0 || errs[0].Key != c.key {
				t.Errorf("%v, want an error about %s", err, c.key)
			}
		})
	}
}
