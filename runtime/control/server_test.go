package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// still is a server in a world in which nothing runs.
func still(t *testing.T) (*httptest.Server, *world, *groups) {
	t.Helper()
	w, g := stillWorld(t, "127.0.0.1:1"), newGroups()
	return w.serveWith(t, g), w, g
}

// call sends a request and returns the status, the headers and the body. headers are names and values in turn.
func call(t *testing.T, server *httptest.Server, method, path, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// must calls and wants a status.
func must(t *testing.T, server *httptest.Server, status int, method, path, body string, headers ...string) string {
	t.Helper()
	got, _, text := call(t, server, method, path, body, headers...)
	if got != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	return text
}

const (
	source = `{"name": "c", "config": {"connector.class": "FileStreamSource", "file": "f", "topic": "t", "tasks.max": "1"}}`
	sink   = `{"name": "c", "config": {"connector.class": "FileStreamSink", "file": "f", "topics": "t"}}`
)

func TestServer_RefusesWhatWasChangedSinceItWasRead(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	must(t, server, 201, "POST", "/connectors", source)
	_, header, _ := call(t, server, "GET", "/connectors/c", "")
	tag := header.Get("Etag")
	must(t, server, 200, "PATCH", "/connectors/c/config", `{"batch.size": "7"}`, "If-Match", tag)
	for _, refused := range [][3]string{
		{"PATCH", "/connectors/c/config", `{"batch.size": "8"}`},
		{"PUT", "/connectors/c/config", `{"connector.class": "FileStreamSource", "topic": "t"}`},
		{"PUT", "/connectors/none/config", `{"connector.class": "FileStreamSource", "topic": "t"}`},
		{"PUT", "/connectors/c/pause", ""},
		{"DELETE", "/connectors/c", ""},
	} {
		must(t, server, 412, refused[0], refused[1], refused[2], "If-Match", tag)
	}
	_, header, config := call(t, server, "GET", "/connectors/c/config", "")
	if !strings.Contains(config, `"batch.size":"7"`) {
		t.Errorf("a refused change was made: %s", config)
	}
	must(t, server, 204, "DELETE", "/connectors/c", "", "If-Match", header.Get("Etag"))
}

// meddled is a table in which somebody else changes a connector just before the first change of it.
type meddled struct {
	offset.Store
	once   sync.Once
	meddle func(c offset.Connector) offset.Connector
}

func (m *meddled) Put(ctx context.Context, c offset.Connector, with offset.Revoke) (offset.Connector, error) {
	var failed error
	if c.Version > 0 {
		m.once.Do(func() {
			other, _, err := m.Look(ctx, c.Name, 0)
			if err == nil {
				_, err = m.Store.Put(ctx, m.meddle(other), offset.Keep)
			}
			failed = err
		})
	}
	if failed != nil {
		return c, failed
	}
	return m.Store.Put(ctx, c, with)
}

func TestServer_ChangesOnTopOfOtherChanges(t *testing.T) {
	t.Parallel()
	for _, change := range []struct{ method, path, body, status, want string }{
		{"PATCH", "/connectors/c/config", `{"batch.size": "7"}`, "RUNNING", `"batch.size":"7","connector.class":"FileStreamSource","file":"other"`},
		{"PUT", "/connectors/c/pause", "", "PAUSED", `"file":"other"`},
		{"PUT", "/connectors/c/config", `{"connector.class": "FileStreamSource", "topic": "x"}`, "RUNNING", `"topic":"x"`},
	} {
		w := stillWorld(t, "127.0.0.1:1")
		w.store = &meddled{Store: w.store, meddle: func(c offset.Connector) offset.Connector {
			c.Config["file"] = "other"
			return c
		}}
		server := w.serveWith(t, newGroups())
		must(t, server, 201, "POST", "/connectors", source)
		if status, _, text := call(t, server, change.method, change.path, change.body); status/100 != 2 {
			t.Errorf("%s %s: %d %s", change.method, change.path, status, text)
		}
		if config := must(t, server, 200, "GET", "/connectors/c/config", ""); !strings.Contains(config, change.want) {
			t.Errorf("%s %s left %s, want %s", change.method, change.path, config, change.want)
		}
		c, _, err := w.store.Look(t.Context(), "c", 0)
		if err != nil || string(c.Target) != change.status {
			t.Errorf("%s %s left target %s, %v", change.method, change.path, c.Target, err)
		}
	}
}

// publish gives a connector tasks, of which the first ones have these states.
func publish(t *testing.T, w *world, tasks int, states ...offset.State) offset.Connector {
	t.Helper()
	c := publishAs(t, w, "c", tasks)
	for id, state := range states {
		status := offset.Status{State: state, Worker: "w", Attempts: 3}
		if state == offset.StateFailed {
			status.Trace = "it broke"
		}
		if err := w.store.PutTaskStatus(t.Context(), "c", id, c.Generation, status, offset.Done{}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// publishAs gives a connector of any name tasks.
func publishAs(t testing.TB, w *world, name string, tasks int) offset.Connector {
	t.Helper()
	ctx := t.Context()
	claim := offset.Claim{Connector: name, Task: offset.PlanTask, Nonce: "plan" + time.Now().String(), TTL: time.Minute}
	item, err := w.store.Acquire(ctx, claim)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := w.store.Look(ctx, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	lease := offset.Lease{Connector: name, Task: offset.PlanTask, Nonce: claim.Nonce, Epoch: item.Epoch, TTL: time.Minute}
	settings := slices.Repeat([]map[string]string{c.Config}, tasks)
	c.Status.State = offset.StateRunning
	if c, err = w.store.Publish(ctx, c, lease, settings); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Release(ctx, lease, offset.Outcome{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// states are the states that a status shows: the connector's, then the tasks'.
func states(t *testing.T, text string) string {
	t.Helper()
	var s struct {
		Connector struct{ State string }
		Tasks     []struct{ State string }
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	all := []string{s.Connector.State}
	for _, t := range s.Tasks {
		all = append(all, t.State)
	}
	return strings.Join(all, " ")
}

func TestServer_StatusIsThatOfTheTable(t *testing.T) {
	t.Parallel()
	server, w, _ := still(t)
	see := func(want string) {
		t.Helper()
		if got := states(t, must(t, server, 200, "GET", "/connectors/c/status", "")); got != want {
			t.Errorf("the status is %s, want %s", got, want)
		}
	}
	must(t, server, 201, "POST", "/connectors", source)
	see("UNASSIGNED")
	publish(t, w, 3, offset.StateRunning, offset.StateFailed)
	see("RUNNING RUNNING FAILED UNASSIGNED")
	must(t, server, 202, "PUT", "/connectors/c/pause", "")
	see("PAUSED PAUSED FAILED PAUSED")
	must(t, server, 202, "PUT", "/connectors/c/resume", "")
	see("RUNNING RUNNING FAILED UNASSIGNED")
	must(t, server, 204, "PUT", "/connectors/c/stop", "")
	see("STOPPED")
	must(t, server, 202, "PUT", "/connectors/c/pause", "")
	see("PAUSED")
	must(t, server, 202, "PUT", "/connectors/c/resume", "")
	see("RUNNING")
	publish(t, w, 2)
	see("RUNNING RUNNING UNASSIGNED")
	must(t, server, 200, "PATCH", "/connectors/c/config", `{"batch.size": "3"}`)
	see("RUNNING RUNNING UNASSIGNED")
}

func TestServer_RestartTouchesWhatItNames(t *testing.T) {
	t.Parallel()
	for _, restart := range []struct{ path, answer, after string }{
		{"/restart", "", "RUNNING RUNNING FAILED FAILED"},
		{"/restart?onlyFailed=true", "RUNNING RUNNING FAILED FAILED", "RUNNING RUNNING FAILED FAILED"},
		{"/restart?onlyFailed=true&includeTasks=true", "RUNNING RUNNING RESTARTING RESTARTING", "RUNNING RUNNING UNASSIGNED UNASSIGNED"},
		{"/restart?includeTasks=true", "RESTARTING RESTARTING RESTARTING RESTARTING", "RUNNING RUNNING UNASSIGNED UNASSIGNED"},
		{"/tasks/1/restart", "", "RUNNING RUNNING UNASSIGNED FAILED"},
	} {
		server, w, _ := still(t)
		must(t, server, 201, "POST", "/connectors", source)
		before := publish(t, w, 3, offset.StateRunning, offset.StateFailed, offset.StateFailed)
		_, _, text := call(t, server, "POST", "/connectors/c"+restart.path, "")
		if restart.answer == "" && text != "" || restart.answer != "" && states(t, text) != restart.answer {
			t.Errorf("%s answers %s", restart.path, text)
		}
		if got := states(t, must(t, server, 200, "GET", "/connectors/c/status", "")); got != restart.after {
			t.Errorf("%s leaves %s, want %s", restart.path, got, restart.after)
		}
		c, _, err := w.store.Look(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		if all := restart.path == "/restart?includeTasks=true"; all != (c.Generation > before.Generation) {
			t.Errorf("%s: the generation went from %d to %d", restart.path, before.Generation, c.Generation)
		}
	}
}

func TestServer_SecondChanceEndsAHalt(t *testing.T) {
	t.Parallel()
	for _, second := range [][3]string{
		{"POST", "/connectors/c/restart?includeTasks=true", ""},
		{"POST", "/connectors/c/tasks/0/restart", ""},
		{"PATCH", "/connectors/c/config", `{"file": "g"}`},
	} {
		server, w, _ := still(t)
		must(t, server, 201, "POST", "/connectors", sink)
		c := publish(t, w, 1, offset.StateFailed)
		c.Trigger["halted"] = "it broke too often"
		if _, err := w.store.Put(t.Context(), c, offset.Keep); err != nil {
			t.Fatal(err)
		}
		if text := must(t, server, 200, "GET", "/connectors/c/health", ""); !strings.Contains(text, "too often") {
			t.Errorf("the halt does not show: %s", text)
		}
		call(t, server, second[0], second[1], second[2])
		c, _, err := w.store.Look(t.Context(), "c", 0)
		if err != nil || c.Trigger["halted"] != "" {
			t.Errorf("%s %s: %v, %v", second[0], second[1], c.Trigger, err)
		}
	}
}

func TestServer_SpeaksHTTP(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	must(t, server, 406, "GET", "/connectors", "", "Accept", "text/html")
	must(t, server, 200, "GET", "/connectors/", "", "Accept", "text/html, */*;q=0.1")
	must(t, server, 404, "GET", "/connectors/c/tasks/0", "")
	must(t, server, 400, "GET", "//connectors", "")
	must(t, server, 400, "GET", "/connectors//status", "")
	_, header, _ := call(t, server, "OPTIONS", "/connectors/c/offsets", "")
	if got := header.Get("Allow"); got != "HEAD,DELETE,GET,OPTIONS,PATCH" {
		t.Errorf("offsets can %s", got)
	}
	_, header, _ = call(t, server, "POST", "/connectors", strings.Replace(source, `"c"`, `"50%/a\"b"`, 1), "X-Forwarded-Proto", "https")
	if got, want := header.Get("Location"), strings.Replace(server.URL, "http:", "https:", 1)+"/connectors/50%25/a%22b"; got != want {
		t.Errorf("it is at %s, want %s", got, want)
	}
}

func TestServer_ErrorsShowNoSetting(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	text := must(t, server, 400, "POST", "/connectors", `{"name": "c", "config": {"password": "hush"}}`)
	if !strings.Contains(text, "contains no connector type") || strings.Contains(text, "hush") {
		t.Error(text)
	}
}

func TestServer_LevelsReachLoggersBelow(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	for _, name := range []string{"a.b", "a.c", "ab"} {
		must(t, server, 200, "PUT", "/admin/loggers/"+name, `{"level": "debug"}`)
	}
	if got := must(t, server, 200, "PUT", "/admin/loggers/a", `{"level": "WARN"}`); got != `["a","a.b","a.c"]` {
		t.Errorf("changed %s", got)
	}
	must(t, server, 404, "GET", "/admin/loggers/none", "")
	if got := must(t, server, 200, "GET", "/admin/loggers/root", ""); got != `{"level":"INFO","last_modified":null}` {
		t.Errorf("root is %s", got)
	}
}

// The same connector under the class names of two vendors is two plugins, in Connect's order: by type, then by class.
func TestServer_ListsEveryClassName(t *testing.T) {
	t.Parallel()
	server, w, _ := still(t)
	w.more = []control.Plugin{{Class: "org.b.BSink", Aliases: []string{"b", "org.a.ASink"}, Type: "sink", Version: "1"}}
	var list []struct{ Class, Type string }
	if err := json.Unmarshal([]byte(must(t, server, 200, "GET", "/connector-plugins", "")), &list); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, p.Type+" "+p.Class)
	}
	want := []string{"sink org.a.ASink", "sink " + file.Sink.Class, "sink org.b.BSink", "source " + file.Source.Class}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzServer_TakesAnyBody(f *testing.F) {
	for _, seed := range []string{source, sink, `{"offsets":[{"partition":{"a":1},"offset":null}]}`, `{"level":1}`, `[]`, `"x"`, "{", `{"config":{"a":{}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		server := fuzzed(t)
		for _, to := range [][2]string{
			{"POST", "/connectors"},
			{"PUT", "/connectors/x/config"},
			{"PATCH", "/connectors/c/offsets"},
			{"PUT", "/admin/loggers/l"},
			{"PUT", "/connector-plugins/FileStreamSink/config/validate"},
		} {
			request := httptest.NewRequestWithContext(t.Context(), to[0], to[1], bytes.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, request)
			if !json.Valid(answer.Body.Bytes()) {
				t.Errorf("%s %s answers %q", to[0], to[1], answer.Body)
			}
		}
	})
}

func fuzzed(t *testing.T) http.Handler {
	t.Helper()
	w := stillWorld(t, "127.0.0.1:1")
	c := offset.Connector{Name: "c", Target: offset.Stopped, Config: map[string]string{"connector.class": "FileStreamSink", "topics": "t"}}
	if _, err := w.store.Put(t.Context(), c, offset.Restart); err != nil {
		t.Fatal(err)
	}
	return w.handler(newGroups())
}
