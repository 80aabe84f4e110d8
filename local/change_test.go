package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/e2e/desk"
)

// request sends a request to a desk and returns what it answers; the status must be the given one.
func request(t *testing.T, p *desk.Process, status int, method, path, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.REST+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, response.StatusCode, text, status)
	}
	return string(text)
}

// stopwatch takes down how long changes take until they count.
type stopwatch struct{ took map[string][]time.Duration }

// start begins to measure; what it returns ends that.
func (s *stopwatch) start(what string) (end func()) {
	began := time.Now()
	return func() {
		if s.took == nil {
			s.took = map[string][]time.Duration{}
		}
		s.took[what] = append(s.took[what], time.Since(began))
	}
}

// check holds the fastest of each kind of change against what is promised: a machine that is busy slows some, and not all.
func (s *stopwatch) check(t *testing.T) {
	t.Helper()
	const promised = 2 * time.Second
	for what, took := range s.took {
		t.Logf("%s: %v", what, took)
		if fastest := slices.Min(took); fastest > promised {
			t.Errorf("%s counts after %v, which should be within %s", what, took, promised)
		}
	}
}

// lines is a file that grows.
type lines struct {
	t    *testing.T
	path string
	all  string
}

func (l *lines) add(text string) {
	l.t.Helper()
	l.all += text
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		l.t.Fatal(err)
	}
}

// With a tick that never comes, a source is run by what is done to it alone.
func TestUp_RunsASourceAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.txt")
	p := up(t, dir, free("--tick", "1h", "--batch-window", "1ms", sink(t, dir, "to", out, "copied"))...)
	in := &lines{t: t, path: filepath.Join(dir, "in.txt")}
	config := fmt.Sprintf(`{"connector.class": "FileStreamSource", "file": %q, "topic": "copied", "key.converter": %q, "value.converter": %[2]q}`,
		in.path, text)

	in.add("created\n")
	request(t, p, 201, "POST", "/connectors", `{"name": "from", "config": `+config+`}`)
	eventually(t, content(out, in.all))
	for _, change := range []struct {
		status                    int
		method, path, body, lines string
	}{
		{204, "POST", "/restart", "", "restarted\n"},
		{202, "POST", "/restart?includeTasks=true", "", "restarted with its tasks\n"},
		{204, "POST", "/tasks/0/restart", "", "its task restarted\n"},
		{200, "PUT", "/config", config, "configured\n"},
		{200, "PATCH", "/config", `{"batch.size": "7"}`, "patched\n"},
	} {
		in.add(change.lines)
		request(t, p, change.status, change.method, "/connectors/from"+change.path, change.body)
		eventually(t, content(out, in.all))
	}
	for _, rest := range []struct {
		status int
		path   string
	}{{202, "/pause"}, {204, "/stop"}} {
		request(t, p, rest.status, "PUT", "/connectors/from"+rest.path, "")
		in.add("resumed after " + rest.path + "\n")
		request(t, p, 202, "PUT", "/connectors/from/resume", "")
		eventually(t, content(out, in.all))
	}
	request(t, p, 204, "DELETE", "/connectors/from", "")
	in.add("created again\n")
	request(t, p, 201, "PUT", "/connectors/from/config", config)
	eventually(t, content(out, in.all))
	interrupt(t, p)
}

// An invocation that would go on for ten minutes, under a lease as long, ends when its connector is changed: what it had
// read is written and its offset stored, so that nothing comes twice and nothing is left out.
func TestUp_ChangesEndWhatRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.txt")
	p := up(t, dir, free("--tick", "1h", "--batch-window", "1ms", sink(t, dir, "to", out, "copied"))...)
	in := &lines{t: t, path: filepath.Join(dir, "in.txt")}
	config := fmt.Sprintf(`{"connector.class": "FileStreamSource", "file": %q, "topic": "copied", "key.converter": %q, "value.converter": %[2]q,
		"sluice.source.idle.ms": "600000", "sluice.lease.ms": "600000", "sluice.offset.flush.interval.ms": "600000"}`, in.path, text)
	in.add("created\n")
	request(t, p, 201, "POST", "/connectors", `{"name": "from", "config": `+config+`}`)

	atWork := func(want bool) func() string {
		return func() string {
			var health struct {
				Tasks []struct {
					Busy bool `json:"busy"`
				} `json:"tasks"`
			}
			answer := request(t, p, 200, "GET", "/connectors/from/health", "")
			if err := json.Unmarshal([]byte(answer), &health); err != nil {
				t.Fatal(err)
			}
			if busy := len(health.Tasks) == 1 && health.Tasks[0].Busy; busy != want {
				return "its health is " + answer
			}
			return ""
		}
	}
	stored := func() string {
		want := fmt.Sprintf(`{"offsets":[{"partition":{"filename":%q},"offset":{"position":%d}}]}`, in.path, len(in.all))
		if got := request(t, p, 200, "GET", "/connectors/from/offsets", ""); got != want {
			return fmt.Sprintf("its offsets are %s, want %s", got, want)
		}
		return ""
	}
	var clock stopwatch
	for range 2 {
		for _, change := range []struct {
			status             int
			method, path, body string
			status2            int
			method2, path2     string
		}{
			{202, "PUT", "/pause", "", 202, "PUT", "/resume"},
			{204, "PUT", "/stop", "", 202, "PUT", "/resume"},
			{204, "DELETE", "", "", 201, "PUT", "/config"},
		} {
			in.add("before " + change.path + "\n")
			eventually(t, content(out, in.all))
			eventually(t, atWork(true))
			ended := clock.start(change.method + change.path)
			request(t, p, change.status, change.method, "/connectors/from"+change.path, change.body)
			if change.method != "DELETE" {
				eventually(t, atWork(false))
				eventually(t, stored)
				ended()
			}
			in.add("after " + change.path + "\n")
			body := ""
			if change.method2+change.path2 == "PUT/config" {
				body = config
			}
			begun := clock.start(change.method2 + change.path2 + " after " + change.method + change.path)
			request(t, p, change.status2, change.method2, "/connectors/from"+change.path2, body)
			eventually(t, content(out, in.all))
			begun()
		}
	}
	// Another configuration: what runs gives way to it, after what it still reads, and is gone on with where that ended.
	moved := filepath.Join(dir, "moved.txt")
	request(t, p, 201, "PUT", "/connectors/moved/config", fmt.Sprintf(
		`{"connector.class": "FileStreamSink", "file": %q, "topics": "moved", "key.converter": %q, "value.converter": %[2]q}`, moved, text))
	for i := range 3 {
		to, topic := moved, "moved"
		if i%2 == 1 {
			to, topic = out, "copied"
		}
		before := size(to)
		configured := clock.start("PATCH/config")
		request(t, p, 200, "PATCH", "/connectors/from/config", `{"transforms": "r", "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
			"transforms.r.regex": ".*", "transforms.r.replacement": "`+topic+`"}`)
		eventually(t, func() string {
			if size(to) > before {
				return ""
			}
			in.add(fmt.Sprintf("patched %d\n", len(in.all)))
			return "nothing comes to " + topic
		})
		configured()
	}
	sorted := func(text string) string { return strings.Join(slices.Sorted(strings.Lines(text)), "") }
	eventually(t, func() string {
		copied, err := os.ReadFile(out)
		rest, err2 := os.ReadFile(moved)
		if got := sorted(string(copied) + string(rest)); err != nil || err2 != nil || got != sorted(in.all) {
			return fmt.Sprintf("both hold %q, want %q (%v, %v)", shorten(got), shorten(in.all), err, err2)
		}
		return ""
	})
	clock.check(t)
	interrupt(t, p)
}
