package hdfs_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/hdfs"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/schema"
)

func sourceSettings(url string, extra ...string) map[string]string {
	s := map[string]string{
		"connector.class": "io.confluent.connect.hdfs2.Hdfs2SourceConnector", "store.url": url, "connect.hdfs.principal": "root",
		"format.class": "io.confluent.connect.hdfs2.format.json.JsonFormat", "hdfs.poll.interval.ms": "0", "record.batch.max.size": "7",
	}
	for i := 0; i+1 < len(extra); i += 2 {
		s[extra[i]] = extra[i+1]
	}
	return s
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

// drain reads all there is in one task and returns the values as texts.
func drain(tb testing.TB, settings map[string]string, offsets table) []string {
	tb.Helper()
	task := hdfs.Source.New()
	if err := config.Parse(settings, task); err != nil {
		tb.Fatal(err)
	}
	if err := task.(connect.Validator).Validate(); err != nil {
		tb.Fatal(err)
	}
	if err := task.Open(tb.Context(), connect.Assignment{Connector: "c", Of: 1, Offsets: offsets, Log: quiet{}}); err != nil {
		tb.Fatal(err)
	}
	texts := []string{}
	for {
		records, err := task.Poll(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		for _, r := range records {
			texts = append(texts, fmt.Sprintf("%s-%d %s", r.Topic, r.Partition, schema.Text(r.Value.Value)))
		}
		maps.Copy(offsets, task.(connect.Positioner).Position())
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
	connecttest.Source(t, connecttest.SourceSuite{
		Connector: hdfs.Source, Required: []string{"format.class"},
		Fresh: func(t *testing.T) connecttest.SourceOrigin {
			t.Helper()
			server, url := serve(t)
			return connecttest.SourceOrigin{
				Settings: sourceSettings(url),
				Add: func(t *testing.T, from, to int) {
					t.Helper()
					for begin := from; begin < to; begin += 5 {
						var text strings.Builder
						for n := begin; n < min(to, begin+5); n++ {
							fmt.Fprintf(&text, "{\"n\": %d}\n", n)
						}
						server.Put(fmt.Sprintf("/topics/t/partition=0/t+0+%010d+%010d.json", begin, min(to, begin+5)-1), []byte(text.String()))
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
}

// A tree of folders is read, whatever the pages it is listed in; what sinks and others have not completed is not.
func TestSource_ReadsTrees(t *testing.T) {
	t.Parallel()
	for _, page := range []int{0, 1, -1} {
		server, url := serve(t)
		server.Page = page
		for name, text := range map[string]string{
			"/base/topics/t/year=2024/month=01/t+1+0000000000+0000000001.json": "1\n2\n", "/base/topics/t/year=2024/month=02/t+1+0000000002+0000000002.json": "3\n",
			"/base/topics/u/u+0+0000000000+0000000000.json": "4\n", "/base/topics/+tmp/c/x.json": "5\n", "/base/topics/t/_temporary/y.json": "6\n",
			"/base/topics/t/year=2024/t+1+0000000009+0000000009.json.tmp": "7\n",
		} {
			server.Put(name, []byte(text))
		}
		want := []string{"t-1 1", "t-1 2", "t-1 3", "u-0 4"}
		if diff := cmp.Diff(want, drain(t, sourceSettings(url+"/base"), table{})); diff != "" {
			t.Errorf("pages of %d: %s", page, diff)
		}
	}
}

func TestSource_FilesThatGrow(t *testing.T) {
	t.Parallel()
	server, url := serve(t)
	s := sourceSettings(url, "mode", "GENERIC", "topic.regex.list", "t:.*")
	offsets := table{}
	want := func(values ...string) {
		t.Helper()
		if diff := cmp.Diff(append([]string{}, values...), drain(t, s, offsets)); diff != "" {
			t.Error(diff)
		}
	}
	server.Append("/topics/a.json", []byte("1\n2\n3"))
	want("t--1 1", "t--1 2")
	server.Append("/topics/a.json", []byte("0\n4\n"))
	want("t--1 30", "t--1 4")
	server.Rename("/topics/a.json", "/topics/b.json")
	want()
	server.Append("/topics/b.json", []byte("5\n"))
	want("t--1 5")
	server.Put("/topics/b.json", []byte("6\n"))
	want("t--1 6")
	server.Append("/topics/c.json", []byte("7"))
	want()
	s["sluice.hdfs.settle.ms"] = "0"
	want("t--1 7")
	want()
}

// What the sink wrote the source reads.
func TestSource_ReadsWhatTheSinkWrote(t *testing.T) {
	t.Parallel()
	_, url := serve(t)
	readBack(t, url, "topics")
}

func TestReal_Source(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"SLUICE_TEST_HDFS", "SLUICE_TEST_HTTPFS"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := os.Getenv(name)
			if base == "" {
				if os.Getenv("SLUICE_CI") == "1" {
					t.Fatal(name + " says no server")
				}
				t.Skip(name + " says no server")
			}
			readBack(t, strings.TrimSuffix(base, "/webhdfs/v1"), fmt.Sprintf("tmp/run-%d", rand.Uint64()))
		})
	}
}

// readBack has the sink write files and the source read them, in every format.
func readBack(t *testing.T, url, dir string) {
	t.Helper()
	for i, format := range []string{"json.JsonFormat", "avro.AvroFormat", "parquet.ParquetFormat"} {
		folder := fmt.Sprintf("%s/%d", dir, i)
		sink := openSink(t, settings(url, "topics.dir", folder, "flush.size", "25", "format.class", "io.confluent.connect.hdfs."+format), &storagetest.State{})
		for from := 0; from < 100; from += 20 {
			put(t, sink, rows(from, 20, 2))
		}
		offsets := table{}
		s := sourceSettings(url, "topics.dir", folder, "format.class", "io.confluent.connect.hdfs2.format."+format)
		if got := drain(t, s, offsets); len(got) != 100 || len(offsets) != 1 || !strings.HasPrefix(got[0], "t-0 ") {
			t.Errorf("%s: %d records, %d offsets", format, len(got), len(offsets))
		}
		if got := drain(t, s, offsets); len(got) > 0 {
			t.Errorf("%s: %d records came again", format, len(got))
		}
	}
}
