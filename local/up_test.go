package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/e2e/desk"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// A file grows quickly while the desk is ended by Ctrl-C and started again: what was copied is what was written, no line
// lost, none twice.
func TestUp_CtrlCLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.txt")
	// The source is asked again and again, so that Ctrl-C comes in the middle of things.
	args := free("--batch-window", "1ms", settings(t, dir, "name", "from", "connector.class", "FileStreamSource", "file", in, "topic", "copied",
		"key.converter", text, "value.converter", text, "sluice.source.idle.ms", "60000"), sink(t, dir, "to", out, "copied"))
	growing, stop := context.WithCancel(t.Context())
	written := grow(growing, t, in)
	for round := range 4 {
		p := up(t, dir, args...)
		before := size(out)
		eventually(t, func() string {
			if now := size(out); now < before+int64(20_000*(round+1)) {
				return fmt.Sprintf("%s has %d bytes", out, now)
			}
			return ""
		})
		interrupt(t, p)
	}
	stop()
	want := <-written
	p := up(t, dir, args...)
	eventually(t, func() string {
		if n := size(out); n < int64(len(want)) {
			return fmt.Sprintf("%s has %d of %d bytes", out, n, len(want))
		}
		return ""
	})
	interrupt(t, p)
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("the copy differs from the source: %s", firstDifference(strings.Split(string(got), "\n"), strings.Split(want, "\n")))
	}
	// What functions say when they are told to end is in their logs.
	said, err := os.ReadFile(filepath.Join(dir, ".sluice", "logs", "from.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), `"did":"ran"`) && !strings.Contains(string(said), `"did":"stopped"`) {
		t.Error("the source's log does not tell how its invocations went")
	}
	// The last start had nothing to report but progress.
	for _, line := range p.Lines() {
		if !strings.Contains(line, `"level":"INFO"`) {
			t.Errorf("the desk printed %s", line)
		}
	}
}

// grow appends numbered lines to a file until ctx ends, and then tells all it wrote.
func grow(ctx context.Context, t *testing.T, path string) <-chan string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan string, 1)
	go func() {
		defer f.Close()
		var all strings.Builder
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ctx.Err() == nil; {
			var lines bytes.Buffer
			for range 20 {
				fmt.Fprintf(&lines, "line %d of many\n", n)
				n++
			}
			all.Write(lines.Bytes())
			f.Write(lines.Bytes())
			<-tick.C
		}
		written <- all.String()
	}()
	return written
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(got), len(want))
}

func TestUp_FunctionsEndWithADeskThatIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, out := write(t, dir, "in.txt", "one\ntwo\n"), filepath.Join(dir, "out.txt")
	args := free(source(t, dir, "from", in, "copied"), sink(t, dir, "to", out, "copied"))
	p := up(t, dir, args...)
	eventually(t, content(out, "one\ntwo\n"))
	// Killed before it noted that, it would rightly deliver again.
	admin := kadm.NewClient(client(t, p))
	eventually(t, func() string {
		offsets, err := store(t, p).AllOffsets(t.Context(), "from")
		if err != nil || len(offsets) == 0 {
			return fmt.Sprintf("the source's offset is not stored: %v", err)
		}
		committed, err := admin.FetchOffsets(t.Context(), "connect-to")
		if o, ok := committed.Lookup("copied", 0); err != nil || !ok || o.At != 2 {
			return fmt.Sprintf("the sink's offset is not committed: %v, %v", o.At, err)
		}
		return ""
	})
	functions := children(t, p.PID())
	if len(functions) < 2 {
		t.Fatalf("the desk has %d functions, want two at least", len(functions))
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		for _, pid := range functions {
			if syscall.Kill(pid, 0) == nil {
				return fmt.Sprintf("function %d still runs", pid)
			}
		}
		return ""
	})

	// And the next start goes on where this one was killed.
	write(t, dir, "in.txt", "one\ntwo\nthree\n")
	p = up(t, dir, args...)
	eventually(t, content(out, "one\ntwo\nthree\n"))
	interrupt(t, p)
}

// children are the processes a process started, as Linux tells.
func children(t *testing.T, pid int) []int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(lists) == 0 {
		t.Skip("needs Linux's /proc to see which processes the desk started")
	}
	var pids []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(text)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

func TestUp_TakesPathsFromWhereItWasStarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "in.txt", "one\n")
	elsewhere := t.TempDir()
	source(t, dir, "from", "in.txt", "copied")
	sink(t, dir, "to", "out.txt", "copied")
	p := up(t, dir, free("--data", elsewhere, "from.json", "to.json")...)
	eventually(t, content(filepath.Join(dir, "out.txt"), "one\n"))
	interrupt(t, p)
}

// The forms of files that connect-standalone takes, and that its users have from the REST API.
func TestUp_TakesEveryFormOfConnectorFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const class = "org.apache.kafka.connect.file.FileStreamSourceConnector"
	files := []string{
		write(t, dir, "flat.properties", "# a comment\nname=properties\nconnector.class="+class+"\ntasks.max: 1\nfile=in.txt\ntopic=t\\\n1\n"),
		write(t, dir, "properties-of-another-name", "name = unnamed\nconnector.class FileStreamSource\ntasks.max=1\nfile=in.txt\ntopic=t1\n"),
		write(t, dir, "flat.json", `{"name":"flat","connector.class":"`+class+`","tasks.max":1,"file":"in.txt","topic":"t1"}`),
		write(t, dir, "request.json", `{"name":"request","config":{"connector.class":"`+class+`","tasks.max":"1","file":"in.txt","topic":"t1"}}`),
		write(t, dir, "answer.json", `{"name":"answer","config":{"name":"answer","connector.class":"FileStreamSource","tasks.max":"1","file":"in.txt","topic":"t1"},"tasks":[{"connector":"answer","task":0}],"type":"source"}`),
		write(t, dir, "paused.json", `{"name":"paused","initial_state":"paused","config":{"connector.class":"FileStreamSource","tasks.max":"1","file":"in.txt","topic":"t1"}}`),
		write(t, dir, "stopped.json", `{"name":"stopped","initial_state":"STOPPED","config":{"connector.class":"FileStreamSource","tasks.max":"1","file":"in.txt","topic":"t1"}}`),
		write(t, dir, "running.json", `{"name":"running","initial_state":null,"config":{"connector.class":"FileStreamSource","tasks.max":"1","file":"in.txt","topic":"t1"}}`),
	}
	p := up(t, dir, free(files...)...)
	all, err := store(t, p).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]offset.Target{}
	for _, c := range all {
		got[c.Name] = c.Target
		want := map[string]string{"name": c.Name, "connector.class": c.Config["connector.class"], "tasks.max": "1", "file": "in.txt", "topic": "t1"}
		if diff := cmp.Diff(want, c.Config); diff != "" {
			t.Errorf("the settings of %s (-want +got):\n%s", c.Name, diff)
		}
	}
	want := map[string]offset.Target{
		"properties": offset.Running, "unnamed": offset.Running, "flat": offset.Running, "request": offset.Running, "answer": offset.Running,
		"paused": offset.Paused, "stopped": offset.Stopped, "running": offset.Running,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what connectors shall do (-want +got):\n%s", diff)
	}
	// What somebody did to a connector since counts for more than what its file said at first.
	c, _, err := store(t, p).Look(t.Context(), "paused", 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Target = offset.Running
	if _, err := store(t, p).Put(t.Context(), c, offset.Stop); err != nil {
		t.Fatal(err)
	}
	interrupt(t, p)
	p = up(t, dir, free(files...)...)
	if c, _, err = store(t, p).Look(t.Context(), "paused", 0); err != nil || c.Target != offset.Running {
		t.Errorf("after the second start it is %s (%v), want RUNNING", c.Target, err)
	}
	interrupt(t, p)
}

func TestUp_HonoursAWorkerFile(t *testing.T) {
	t.Parallel()
	// The settings that Apache Kafka's own example files have, with other values where there is something to see. Those of
	// a cluster that is not there, and of a worker that has to be one of many, must not matter.
	const common = `bootstrap.servers=elsewhere:9092
security.protocol=SASL_SSL
producer.sasl.mechanism=PLAIN
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
offset.flush.interval.ms=10000
connector.client.config.override.policy=Allowlist
connector.client.config.override.allowlist=acks
producer.compression.type=gzip
#plugin.path=/usr/local/share/java
`
	for name, more := range map[string]string{
		"connect-standalone.properties": "offset.storage.file.filename=/tmp/connect.offsets\n",
		"connect-distributed.properties": "group.id=connect-cluster\noffset.storage.topic=connect-offsets\noffset.storage.replication.factor=1\n" +
			"config.storage.topic=connect-configs\nconfig.storage.replication.factor=1\nstatus.storage.topic=connect-status\n" +
			"status.storage.replication.factor=1\nlisteners=http://localhost:8083\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			worker := write(t, dir, name, common+more)
			lines := strings.Repeat("one and the same line\n", 100)
			write(t, dir, "in.txt", lines)
			from := write(t, dir, "from.json", `{"name":"from","connector.class":"FileStreamSource","file":"in.txt","topic":"lines"}`)
			p := up(t, dir, free("--worker", worker, from)...)
			record := firstRecord(t, p, "lines")
			if string(record.Value) != `"one and the same line"` || record.Attrs.CompressionType() != 1 {
				t.Errorf("the record holds %s, compressed by %d; want JSON without schema, and gzip, which is 1", record.Value, record.Attrs.CompressionType())
			}
			interrupt(t, p)

			refused := write(t, dir, "refused.json", `{"name":"refused","connector.class":"FileStreamSource","topic":"lines","producer.override.linger.ms":"5"}`)
			_, stderr, code, err := binaries(t).Run(t.Context(), dir, append([]string{"up"}, free("--worker", worker, refused)...)...)
			if err != nil || code != 1 || !strings.Contains(stderr, "linger.ms") || !strings.Contains(stderr, "refused.json") {
				t.Errorf("a setting that the worker's policy forbids: exit status %d, %v: %s", code, err, stderr)
			}
		})
	}
}

// client speaks to the desk's broker until the test ends.
func client(t *testing.T, p *desk.Process, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(more, kgo.SeedBrokers(p.Kafka), kgo.DisableClientMetrics(), kgo.MetadataMinAge(100*time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// firstRecord waits for a topic's first record.
func firstRecord(t *testing.T, p *desk.Process, topic string) *kgo.Record {
	t.Helper()
	client := client(t, p, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		if records := client.PollFetches(ctx).Records(); len(records) > 0 {
			return records[0]
		}
	}
	t.Fatalf("topic %s has no records", topic)
	return nil
}

func TestUp_AnswersAtItsAddress(t *testing.T) {
	t.Parallel()
	p := up(t, t.TempDir(), free()...)
	response, err := http.Get(p.REST + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var info map[string]any
	if err := json.Unmarshal(body, &info); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if response.StatusCode != http.StatusOK || info["version"] != "4.3.1" || info["kafka_cluster_id"] != "sluice-desk" || info["commit"] == nil || len(info) != 3 {
		t.Errorf("GET / answers %d %s, want Connect's ServerInfo", response.StatusCode, body)
	}
	interrupt(t, p)
}

func TestUp_RunsOnAnotherDynamoDB(t *testing.T) {
	t.Parallel()
	url := os.Getenv("SLUICE_TEST_DYNAMODB")
	if url == "" {
		if os.Getenv("SLUICE_CI") != "" {
			t.Fatal("SLUICE_TEST_DYNAMODB names no DynamoDB")
		}
		t.Skip("needs DynamoDB Local: SLUICE_TEST_DYNAMODB=URL, which local/reference/servers sets")
	}
	dir := t.TempDir()
	name := fmt.Sprintf("from-%d", time.Now().UnixNano()) // the table may be kept
	from := source(t, dir, name, write(t, dir, "in.txt", "one\n"), "copied")
	p := up(t, dir, free("--dynamodb", url, from)...)
	if p.Table != url {
		t.Errorf("the table is at %s, want %s", p.Table, url)
	}
	if record := firstRecord(t, p, "copied"); string(record.Value) != "one" {
		t.Errorf("the record holds %q", record.Value)
	}
	eventually(t, func() string {
		offsets, err := store(t, p).AllOffsets(t.Context(), name)
		if err != nil || len(offsets) != 1 {
			return fmt.Sprintf("offsets: %v, %v", offsets, err)
		}
		return ""
	})
	interrupt(t, p)
}

// What fails is reported once, however often it is tried again, and that it works again, too.
func TestUp_ReportsAFailureOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blocked := filepath.Join(dir, "blocked")
	in, out := write(t, dir, "in.txt", "one\n"), filepath.Join(blocked, "out.txt")
	write(t, dir, "blocked", "a file where a folder should be")
	p := up(t, dir, free("--batch-window", "10ms", source(t, dir, "from", in, "copied"), sink(t, dir, "to", out, "copied"))...)
	s := store(t, p)
	eventually(t, func() string {
		tasks, err := s.Tasks(t.Context(), "to")
		if err != nil || len(tasks) == 0 || tasks[0].Status.Attempts < 4 {
			return fmt.Sprintf("failed four times: %v, %v", tasks, err)
		}
		return ""
	})
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(blocked, 0o755); err != nil {
		t.Fatal(err)
	}
	eventually(t, content(out, "one\n"))
	eventually(t, func() string {
		if !strings.Contains(strings.Join(p.Lines(), "\n"), `"works again","connector":"to"`) {
			return "it does not say that it works again"
		}
		return ""
	})
	interrupt(t, p)
	var told []string
	for _, line := range p.Lines() {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, `"level":"WARN"`) {
			told = append(told, line)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], "blocked") {
		t.Errorf("it reports %d failures, want one that names the path:\n%s", len(told), strings.Join(told, "\n"))
	}
}
