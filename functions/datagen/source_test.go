package datagen_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestSource_MakesRecords(t *testing.T) {
	t.Parallel()
	task := open(t, nil, 1, map[string]string{"quickstart": "pageviews", "random.seed": "7"})
	r := take(t, task, 3)[2]
	if r.Topic != "t" || r.Partition != connect.AnyPartition || !r.Time.IsZero() {
		t.Errorf("record %+v", r)
	}
	if r.Key.Value != int64(21) || r.Key.Schema.Type != schema.Int64 || r.Key.Schema.Optional {
		t.Errorf("key %+v", r.Key)
	}
	if r.Value.Schema.Name != "ksql.pageviews" || schema.Validate(r.Value.Schema, r.Value.Value) != nil {
		t.Errorf("value %+v", r.Value)
	}
	var headers []string
	for _, h := range r.Headers {
		headers = append(headers, fmt.Sprint(h.Key, "=", h.Value.Value, " ", h.Value.Schema.Type))
	}
	if diff := cmp.Diff([]string{"task.generation=0 INT64", "task.id=1 INT64", "current.iteration=2 INT64"}, headers); diff != "" {
		t.Error(diff)
	}
	if got := r.Source.Partition.JSON(); got != `{"task.id":1}` {
		t.Errorf("partition %s", got)
	}
	offset := r.Source.Position.Fields()
	if _, ok := offset["random.seed"].(int64); !ok || len(offset) != 3 || offset["task.generation"] != int64(1) || offset["current.iteration"] != int64(3) {
		t.Errorf("offset %v", offset)
	}
}

func TestSource_HasANullKeyWithoutAField(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"schema.string": `{"type":"record","name":"r","fields":[{"name":"a","type":"int","default":3}]}`}
	key := take(t, open(t, nil, 0, settings), 1)[0].Key
	if !key.Schema.Equal(schema.Of(schema.String, schema.Optional())) || key.Value != nil {
		t.Errorf("key %+v", key)
	}
	settings["schema.keyfield"] = "a"
	key = take(t, open(t, nil, 0, settings), 1)[0].Key
	if !key.Schema.Equal(schema.Of(schema.Int32)) {
		t.Errorf("key schema %+v", key.Schema)
	}
}

// texts are the values of records as Java prints them.
func texts(records []connect.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = schema.Text(r.Value.Value)
	}
	return out
}

func TestSource_RepeatsWithASeed(t *testing.T) {
	t.Parallel()
	seeded := map[string]string{"quickstart": "orders", "random.seed": "42"}
	first := texts(take(t, open(t, nil, 0, seeded), 50))
	if diff := cmp.Diff(first, texts(take(t, open(t, nil, 0, seeded), 50))); diff != "" {
		t.Errorf("the same seed, other data:\n%s", diff)
	}
	other := texts(take(t, open(t, nil, 1, seeded), 50))
	if cmp.Equal(first, other) {
		t.Error("two tasks make the same")
	}
	unseeded := map[string]string{"quickstart": "orders"}
	if cmp.Equal(texts(take(t, open(t, nil, 0, unseeded), 5)), texts(take(t, open(t, nil, 0, unseeded), 5))) {
		t.Error("without a seed two connectors make the same")
	}
}

// TestSource_ResumesTheSequence goes on from every record.
func TestSource_ResumesTheSequence(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"quickstart": "orders", "random.seed": "42"}
	all := take(t, open(t, nil, 0, settings), 40)
	want := texts(all)
	for i, r := range all[:30] {
		next := take(t, open(t, stored{r.Source.Partition: r.Source.Position}, 0, settings), 10)
		if diff := cmp.Diff(want[i+1:i+11], texts(next)); diff != "" {
			t.Fatalf("after record %d:\n%s", i, diff)
		}
		if life := next[0].Headers[0].Value.Value; life != int64(1) {
			t.Fatalf("generation %v, want 1", life)
		}
	}
}

func TestSource_RefusesAnOffsetItCannotRead(t *testing.T) {
	t.Parallel()
	good := take(t, open(t, nil, 0, map[string]string{"quickstart": "users"}), 1)[0].Source
	for _, bad := range []map[string]any{
		{"task.generation": int64(1), "current.iteration": "x", "random.seed": int64(1)},
		{"task.generation": int64(1), "random.seed": int64(1)},
	} {
		task, err := parse(map[string]string{"quickstart": "users"})
		if err != nil {
			t.Fatal(err)
		}
		from := stored{good.Partition: connect.NewPosition(bad)}
		err = task.Open(t.Context(), connect.Assignment{Offsets: from, Log: silent{}})
		if err == nil || !strings.Contains(err.Error(), "current.iteration") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestSource_StopsAfterTheLastIteration(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"quickstart": "users", "iterations": "3"}
	task := open(t, nil, 0, settings)
	records, err := task.Poll(t.Context())
	if err != nil || len(records) != 3 {
		t.Fatal(len(records), err)
	}
	last := records[2].Source
	again := open(t, stored{last.Partition: last.Position}, 0, settings)
	for _, task := range []connect.SourceTask{task, again} {
		_, err = task.Poll(t.Context())
		if err == nil || err.Error() != "Stopping connector: generated the configured 3 number of messages" {
			t.Error(err)
		}
	}
}

// count polls until nothing comes.
func count(t *testing.T, task connect.SourceTask, kept stored) (n int) {
	t.Helper()
	for {
		records, err := task.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(kept, task.(connect.Positioner).Position())
		if len(records) == 0 {
			return n
		}
		if n += len(records); n > 100_000 {
			t.Fatal("no end of records")
		}
	}
}

// TestSource_MakesWhatIsDue invokes a task once a minute.
func TestSource_MakesWhatIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := stored{}
		settings := map[string]string{"quickstart": "users", "max.interval": "500"}
		total := 0
		for minute := range 60 {
			task := open(t, kept, 0, settings)
			n := count(t, task, kept)
			if minute == 0 && n != 1 {
				t.Errorf("%d records at once at the start", n)
			}
			total += n
			next := task.(connect.Sleeper).NotBefore()
			if wait := time.Until(next); wait <= 0 || wait > 500*time.Millisecond {
				t.Errorf("the next record is due in %v", wait)
			}
			// What is due is kept in milliseconds: less than one before, it may come.
			if again := count(t, open(t, kept, 0, settings), kept); again != 0 && time.Until(next) >= time.Millisecond {
				t.Errorf("%d records though none was due", again)
			}
			time.Sleep(time.Minute)
		}
		if total < 13_500 || total > 14_900 { // one in 250 ms makes 14 160 in 59 minutes
			t.Errorf("%d records in an hour", total)
		}
		time.Sleep(24 * time.Hour)
		if n := count(t, open(t, kept, 0, settings), kept); n < 9_500 || n > 10_500 {
			t.Errorf("%d records after a day's pause", n)
		}
	})
}

func TestSource_StopsWhenToldTo(t *testing.T) {
	t.Parallel()
	task := open(t, nil, 0, map[string]string{"quickstart": "users"})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if records, err := task.Poll(ctx); len(records) > 0 || err != nil {
		t.Error(len(records), err)
	}
}

func TestSource_PlansEveryTask(t *testing.T) {
	t.Parallel()
	task, err := parse(map[string]string{"quickstart": "users"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := task.(connect.Planner).Plan(t.Context(), map[string]string{"quickstart": "users"}, 2)
	want := []map[string]string{{"quickstart": "users", "task.id": "0"}, {"quickstart": "users", "task.id": "1"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestSource_ReadsASchemaFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.avsc")
	if err := os.WriteFile(path, []byte(`{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := take(t, open(t, nil, 0, map[string]string{"schema.filename": path}), 1)[0]; r.Value.Schema.Name != "r" {
		t.Errorf("schema %+v", r.Value.Schema)
	}
}

func TestSource_ChecksSettings(t *testing.T) {
	t.Parallel()
	record := `{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}`
	const one = "Must set exactly one of schema.string, schema.filename, quickstart"
	for name, c := range map[string]struct {
		settings map[string]string
		want     map[string]string // part of the error of each key
	}{
		"none":         {nil, map[string]string{"schema.string": one, "schema.filename": one, "quickstart": one}},
		"two":          {map[string]string{"schema.string": record, "quickstart": "users"}, map[string]string{"schema.string": one, "quickstart": one}},
		"quickstart":   {map[string]string{"quickstart": "x"}, map[string]string{"quickstart": "quickstart must be one out of clickstream,"}},
		"any case":     {map[string]string{"quickstart": "USERS"}, nil},
		"schema":       {map[string]string{"schema.string": "{"}, map[string]string{"schema.string": "Unable to parse the provided schema"}},
		"file":         {map[string]string{"schema.filename": "/none"}, map[string]string{"schema.filename": "Unable to find the schema file"}},
		"no record":    {map[string]string{"schema.string": `"int"`}, map[string]string{"schema.string": "must be records"}},
		"key":          {map[string]string{"schema.string": record, "schema.keyfield": "b"}, map[string]string{"schema.keyfield": "no field b"}},
		"timeout":      {map[string]string{"schema.string": record, "generate.timeout": "60001"}, map[string]string{"generate.timeout": "generate.timeout must be in the range [1, 60000] ms"}},
		"good timeout": {map[string]string{"schema.string": record, "generate.timeout": "60000"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(c.settings)
			errs := config.Errors(err)
			if len(errs) != len(c.want) {
				t.Fatalf("%d errors: %v", len(errs), err)
			}
			for _, e := range errs {
				if want, ok := c.want[e.Key]; !ok || !strings.Contains(e.Message, want) {
					t.Errorf("%s: %s, want %q", e.Key, e.Message, want)
				}
			}
		})
	}
}

func TestSource_DocumentsEverySetting(t *testing.T) {
	t.Parallel()
	task, err := parse(map[string]string{"quickstart": "users"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range config.Keys(task) {
		names = append(names, k.Name)
	}
	want := []string{
		"kafka.topic", "max.interval", "iterations", "schema.string", "schema.filename", "schema.keyfield", "quickstart",
		"random.seed", "generate.timeout",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkSource(b *testing.B) {
	for _, q := range []string{"users", "orders", "clickstream"} {
		b.Run(q, func(b *testing.B) {
			task := open(b, nil, 0, map[string]string{"quickstart": q, "random.seed": "1"})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				records, err := task.Poll(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				n += len(records)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
