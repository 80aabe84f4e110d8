package s3_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/s3"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/schema"
)

func confluentSource(url string, extra ...string) map[string]string {
	return with(map[string]string{
		"connector.class": "io.confluent.connect.s3.source.S3SourceConnector", "s3.bucket.name": "test", "s3.region": "us-east-1", "store.url": url,
		"aws.access.key.id": "test", "aws.secret.access.key": "testtest", "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
		"s3.poll.interval.ms": "0", "record.batch.max.size": "7",
	}, extra...)
}

func aivenSource(url string, extra ...string) map[string]string {
	return with(map[string]string{
		"connector.class": "io.aiven.kafka.connect.s3.source.S3SourceConnector", "aws.s3.bucket.name": "test", "aws.s3.region": "us-east-1", "aws.s3.endpoint": url,
		"aws.access.key.id": "test", "aws.secret.access.key": "testtest", "input.format": "jsonl", "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}",
		"s3.poll.interval.ms": "0", "max.poll.records": "7",
	}, extra...)
}

// table keeps the offsets of a connector.
type table map[connect.Partition]connect.Position

// Offsets implements connect.OffsetReader.
func (o table) Offsets(_ context.Context, partitions ...connect.Partition) (connect.Offsets, error) {
	found := connect.Offsets{}
	for _, p := range partitions {
		if at, ok := o[p]; ok {
			found[p] = at
		}
	}
	return found, nil
}

func openSource(tb testing.TB, settings map[string]string, offsets table) connect.SourceTask {
	tb.Helper()
	task := s3.Source.New()
	if err := config.Parse(settings, task); err != nil {
		tb.Fatal(err)
	}
	if err := task.(connect.Validator).Validate(); err != nil {
		tb.Fatal(err)
	}
	if err := task.Open(tb.Context(), connect.Assignment{Connector: "c", Of: 1, Offsets: offsets, Log: quiet{}}); err != nil {
		tb.Fatal(err)
	}
	return task
}

// drain reads all there is in one task, commits it, and returns the values as texts.
func drain(tb testing.TB, settings map[string]string, offsets table) []string {
	tb.Helper()
	task := openSource(tb, settings, offsets)
	texts := []string{}
	for {
		records, err := task.Poll(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		committed := connect.Offsets{}
		for _, r := range records {
			texts = append(texts, fmt.Sprintf("%s-%d %s", r.Topic, r.Partition, schema.Text(r.Value.Value)))
			if !r.Source.Position.IsZero() {
				committed[r.Source.Partition] = r.Source.Position
			}
		}
		maps.Copy(offsets, committed)
		maps.Copy(offsets, task.(connect.Positioner).Position())
		if err := task.(connect.Committer).Commit(tb.Context(), committed); err != nil {
			tb.Fatal(err)
		}
		if len(records) == 0 {
			if err := task.Close(tb.Context()); err != nil {
				tb.Error(err)
			}
			return texts
		}
	}
}

func TestSource_Suite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings func(url string, extra ...string) map[string]string
		key      string
		required []string
	}{
		"Confluent": {confluentSource, "topics/t/partition=0/t+0+%010d.json", []string{"s3.bucket.name", "format.class"}},
		"Aiven":     {aivenSource, "t-0-%010d", []string{"aws.s3.bucket.name", "file.name.template"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connecttest.Source(t, connecttest.SourceSuite{
				Connector: s3.Source, Required: test.required,
				Fresh: func(t *testing.T) connecttest.SourceOrigin {
					t.Helper()
					server, url := serve(t)
					settings := test.settings(url, "s3.part.retries", "0", "aws.s3.backoff.max.retries", "0")
					if name == "Aiven" { // one slice only, so that all records have one order
						settings["distribution.type"] = "partition"
					}
					return connecttest.SourceOrigin{
						Settings: settings,
						Add: func(t *testing.T, from, to int) {
							t.Helper()
							for begin := from; begin < to; begin += 5 {
								var text strings.Builder
								for n := begin; n < min(to, begin+5); n++ {
									fmt.Fprintf(&text, "{\"n\": %d}\n", n)
								}
								server.Put("test", fmt.Sprintf(test.key, begin), []byte(text.String()))
							}
						},
						Number: func(r connect.Record) int {
							n, _ := r.Value.Value.(*schema.Map).Get("n")
							return int(n.(int64))
						},
						Break: func(*testing.T) func() {
							server.Break(true)
							return func() { server.Break(false) }
						},
					}
				},
			})
		})
	}
}

// What the sink wrote the source reads, topics and partitions included.
func TestSource_ReadsWhatTheSinkWrote(t *testing.T) {
	t.Parallel()
	_, url := serve(t)
	sink := openSink(t, confluent(url, "s3.compression.type", "gzip", "flush.size", "4"), &storagetest.State{})
	records := rows("t", 0, 8, 2)
	for i := range records {
		records[i].Kafka.Partition = 3
	}
	put(t, sink, records)
	got := drain(t, confluentSource(url), table{})
	if len(got) != 8 || !strings.HasPrefix(got[0], "t-3 {") {
		t.Errorf("%q", got)
	}
}

func TestSource_AfterReading(t *testing.T) {
	t.Parallel()
	for how, want := range map[string][]string{
		"none": {"topics/t/partition=0/t+0+0000000000.json"}, "delete": nil, "tag": {"topics/t/partition=0/t+0+0000000000.json"},
		"move": {"read/t/partition=0/t+0+0000000000.json"},
	} {
		server, url := serve(t)
		settings := confluentSource(url, "sluice.after.reading", how, "sluice.after.reading.tag", "state=done&by=me")
		server.Put("test", "topics/t/partition=0/t+0+0000000000.json", []byte("1\n2\n"))
		offsets := table{}
		drain(t, settings, offsets)
		if got := drain(t, settings, offsets); len(got) > 0 {
			t.Errorf("%s: %q came again", how, got)
		}
		objects := server.Objects("test")
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(objects))); diff != "" {
			t.Errorf("%s: objects (-want +got):\n%s", how, diff)
		}
		if how == "tag" && !strings.Contains(objects[want[0]].Tags, "<Key>state</Key><Value>done</Value>") {
			t.Errorf("the tags are %s", objects[want[0]].Tags)
		}
	}
	if _, err := trySource(confluentSource("http://localhost", "sluice.after.reading", "move", "sluice.after.reading.prefix", "topics/read/")); err == nil ||
		!strings.Contains(err.Error(), "sluice.after.reading.prefix") {
		t.Errorf("%v", err)
	}
}

func trySource(settings map[string]string) (connect.SourceTask, error) {
	task := s3.Source.New()
	if err := config.Parse(settings, task); err != nil {
		return nil, err
	}
	return task, task.(connect.Validator).Validate()
}

// Objects that were read are not even listed again, but for the last ones.
func TestSource_SkipsWhatItRead(t *testing.T) {
	t.Parallel()
	server, url := serve(t)
	server.Page = 100
	key := func(i int) string { return fmt.Sprintf("topics/t/partition=0/t+0+%010d.json", i) }
	for i := range 2000 {
		server.Put("test", key(i), fmt.Appendf(nil, "%d\n", i))
	}
	folder, err := connect.NewPartition(map[string]any{"folder": "topics/t/partition=0/"})
	if err != nil {
		t.Fatal(err)
	}
	offsets := table{folder: connect.NewPosition(map[string]any{"lastFileRead": key(1997), "fileOffset": "0", "eof": "true"})}
	lists := 0
	server.Step = func(when, request string) bool {
		if when == "before" && strings.HasPrefix(request, "GET /test?") {
			lists++
		}
		return true
	}
	if diff := cmp.Diff([]string{"t-0 1998", "t-0 1999"}, drain(t, confluentSource(url), offsets)); diff != "" {
		t.Error(diff)
	}
	if lists > 6 { // three walks, each of which lists the first page and the last
		t.Errorf("the bucket was listed in %d requests", lists)
	}
}

func TestSource_Settings(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]map[string]string{
		"topic.regex.list":   confluentSource("http://localhost", "mode", "GENERIC"),
		"format.class":       confluentSource("http://localhost", "format.class", "x.OrcFormat"),
		"filename.regex":     confluentSource("http://localhost", "filename.regex", "(.+)"),
		"topic":              aivenSource("http://localhost", "file.name.template", ".*"),
		"distribution.type":  aivenSource("http://localhost", "file.name.template", ".*", "topic", "t", "distribution.type", "partition"),
		"file.name.template": aivenSource("http://localhost", "file.name.template", "("),
	} {
		if _, err := trySource(settings); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
