package hdfs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/hdfs"
	"github.com/sluice-connect/sluice/functions/hdfs/hdfstest"
	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// quiet takes no notes.
type quiet struct{}

func (quiet) Info(string, ...any) {}
func (quiet) Warn(string, ...any) {}

func serve(tb testing.TB) (*hdfstest.Server, string) {
	tb.Helper()
	server := &hdfstest.Server{}
	web := httptest.NewServer(server)
	tb.Cleanup(web.Close)
	return server, web.URL
}

func settings(url string, extra ...string) map[string]string {
	s := map[string]string{
		"connector.class": "io.confluent.connect.hdfs.HdfsSinkConnector", "hdfs.url": url, "flush.size": "3",
		"format.class": "io.confluent.connect.hdfs.json.JsonFormat", "retry.backoff.ms": "1", "connect.hdfs.principal": "root",
	}
	for i := 0; i+1 < len(extra); i += 2 {
		s[extra[i]] = extra[i+1]
	}
	return s
}

func tryOpen(settings map[string]string, state *storagetest.State) (connect.SinkTask, error) {
	task := hdfs.Sink.New()
	if err := config.Parse(settings, task); err != nil {
		return nil, err
	}
	if err := task.(connect.Validator).Validate(); err != nil {
		return nil, err
	}
	return task, task.Open(context.Background(), connect.SinkAssignment{Connector: "c", State: &storagetest.StateClient{State: state}, Log: quiet{}})
}

func openSink(tb testing.TB, settings map[string]string, state *storagetest.State) connect.SinkTask {
	tb.Helper()
	task, err := tryOpen(settings, state)
	if err != nil {
		tb.Fatal(err)
	}
	return task
}

var rowSchema = schema.StructOf([]schema.Field{
	schema.F("id", schema.Of(schema.Int64)), schema.F("pad", schema.Of(schema.String)),
}, schema.Named("row"), schema.Versioned(1))

func rows(from, n, pad int) []connect.Record {
	all := make([]connect.Record, n)
	for i := range all {
		id := int64(from + i)
		all[i] = connect.Record{
			Topic: "t", Time: time.UnixMilli(1700000000000 + id), Kafka: connect.Kafka{Topic: "t", Offset: id},
			Value: connect.Datum{Schema: rowSchema, Value: schema.StructFrom(rowSchema, []any{id, strings.Repeat("x", pad)})},
		}
	}
	return all
}

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
	put(t, openSink(t, settings(url), &storagetest.State{}), rows(0, 7, 2))
	var got []string
	for _, name := range slices.Sorted(maps.Keys(server.Files())) {
		got = append(got, name+" "+fmt.Sprint(ids(t, server.Files()[name])))
	}
	want := []string{
		"/topics/t/partition=0/t+0+0000000000+0000000002.json [0 1 2]", "/topics/t/partition=0/t+0+0000000003+0000000005.json [3 4 5]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := server.Hidden(); n != 1 {
		t.Errorf("%d hidden files, want the piece of what is open", n)
	}
}

// Without a ledger, names say where to go on.
func TestSink_GoesOnBehindTheLastName(t *testing.T) {
	t.Parallel()
	server, url := serve(t)
	put(t, openSink(t, settings(url), &storagetest.State{}), rows(0, 7, 2))
	put(t, openSink(t, settings(url), &storagetest.State{}), rows(0, 9, 2))
	var all []int64
	for _, data := range server.Files() {
		all = append(all, ids(t, data)...)
	}
	slices.Sort(all)
	if diff := cmp.Diff([]int64{0, 1, 2, 3, 4, 5, 6, 7, 8}, all); diff != "" {
		t.Error(diff)
	}
}

func TestSink_SecondNameNodeIsActive(t *testing.T) {
	t.Parallel()
	standby, first := serve(t)
	standby.Standby = true
	server, second := serve(t)
	put(t, openSink(t, settings("http://127.0.0.1:1,"+first+","+second), &storagetest.State{}), rows(0, 3, 2))
	if len(server.Files()) != 1 {
		t.Errorf("%d files", len(server.Files()))
	}
}

func TestSink_TopicsDirOfGroups(t *testing.T) {
	t.Parallel()
	server, url := serve(t)
	put(t, openSink(t, settings(url, "topic.capture.groups.regex", "(.)", "topics.dir", "/lake/${1}", "format.class", "x.StringFormat"),
		&storagetest.State{}), rows(0, 3, 2))
	if server.Files()["/lake/t/t/partition=0/t+0+0000000000+0000000002.txt"] == nil {
		t.Errorf("%q", slices.Sorted(maps.Keys(server.Files())))
	}
}

func TestSink_FilesInTheWay(t *testing.T) {
	t.Parallel()
	const name = "/topics/t/partition=0/t+0+0000000000+0000000002.json"
	server, url := serve(t)
	state := &storagetest.State{}
	put(t, openSink(t, settings(url), state), rows(0, 2, 2))
	server.Put(name, []byte("somebody else's"))
	if err := openSink(t, settings(url), state).Put(t.Context(), rows(2, 1, 2)); !errors.Is(err, storage.ErrTaken) {
		t.Errorf("%v", err)
	}
	if string(server.Files()[name]) != "somebody else's" {
		t.Error("it was replaced")
	}
	server.Remove(name)
	put(t, openSink(t, settings(url), state), rows(2, 1, 2))
	if got := ids(t, server.Files()[name]); len(got) != 3 {
		t.Errorf("%d records", len(got))
	}
}

func TestSink_RefusesSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings []string
		key      string
	}{
		"hive":        {[]string{"hive.integration", "true"}, "hive.integration"},
		"no url":      {[]string{"hdfs.url", ""}, "hdfs.url"},
		"bad url":     {[]string{"hdfs.url", "ftp://x"}, "hdfs.url"},
		"no flush":    {[]string{"flush.size", "0"}, "flush.size"},
		"no keytab":   {[]string{"hdfs.authentication.kerberos", "true"}, "hdfs.authentication.kerberos"},
		"bad pattern": {[]string{"topic.capture.groups.regex", "("}, "topic.capture.groups.regex"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tryOpen(settings("http://127.0.0.1:1", c.settings...), &storagetest.State{})
			if errs := config.Errors(err); len(errs) == 0 || errs[0].Key != c.key {
				t.Errorf("%v, want an error about %s", err, c.key)
			}
		})
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
			turn := make(chan bool, 1)
			turn <- true
			server.Step = func(string, string) bool {
				<-turn
				ok := calm.Load() || faults.IntN(12) > 0
				turn <- true
				return ok
			}
			state := &storagetest.State{}
			s := settings(url, "flush.size", "17")
			const total = 153 // nine files
			all := rows(0, total, 10)
			task := openSink(t, s, state)
			for acked := 0; acked < total; {
				n := min(1+random.IntN(20), total-acked)
				if err := task.Put(context.Background(), slices.Clone(all[acked:acked+n])); err == nil {
					acked += n
				} else if random.IntN(2) == 0 {
					task = openSink(t, s, state)
				}
				once(t, server.Files(), -1)
			}
			once(t, server.Files(), total)
		})
	}
}

// once checks that every record is in at most one file; and of total records that all are.
func once(t *testing.T, files map[string][]byte, total int) {
	t.Helper()
	var all []int64
	for _, data := range files {
		all = append(all, ids(t, data)...)
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

// The real servers: a name node with a data node, and HttpFS before them.
func TestReal_Sink(t *testing.T) {
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
			dir := fmt.Sprintf("/tmp/run-%d", rand.Uint64())
			s := settings(strings.TrimSuffix(base, "/webhdfs/v1"), "topics.dir", dir, "flush.size", "950")
			state := &storagetest.State{}
			for event := range 10 {
				put(t, openSink(t, s, state), rows(event*100, 100, 5_000)) // more than a chunk
			}
			put(t, openSink(t, s, state), rows(900, 100, 5_000)) // delivered again
			got := ids(t, read(t, base+dir+"/t/partition=0/t+0+0000000000+0000000949.json"))
			for i := range 950 {
				if got[i] != int64(i) {
					t.Fatalf("record %d is %d", i, got[i])
				}
			}
			put(t, openSink(t, s, &storagetest.State{}), rows(900, 150, 10)) // goes on behind the name
			put(t, openSink(t, settings(strings.TrimSuffix(base, "/webhdfs/v1"), "topics.dir", dir, "flush.size", "50"), &storagetest.State{}), rows(940, 60, 10))
			if got := ids(t, read(t, base+dir+"/t/partition=0/t+0+0000000950+0000000999.json")); len(got) != 50 {
				t.Errorf("%d records behind the first file", len(got))
			}
		})
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.ReplaceAll(file, "+", "%2B")+"?"+url.Values{"op": {"OPEN"}, "user.name": {"root"}}.Encode(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("reading %s: %v, %d %.200s", file, err, response.StatusCode, data)
	}
	return data
}
