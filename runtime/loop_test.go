package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// asFunction makes of this test's binary a sink's function.
const asFunction = "SLUICE_TEST_AS_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		runtime.ServeSink(connect.SinkConnector{Class: "x.Echo", Doc: "Tells how it is asked.", New: func() connect.SinkTask { return &echo{} }})
		return
	}
	os.Exit(m.Run())
}

// echo is a sink that panics when it is asked about a setting of that name.
type echo struct{ text string }

func (e *echo) Define(d *config.Def) { d.String(&e.text, "text", "", "Text.") }

func (e *echo) Validate() error {
	if e.text == "panic" {
		panic("at the disco")
	}
	return nil
}

func (e *echo) Open(context.Context, connect.SinkAssignment) error { return nil }
func (e *echo) Put(context.Context, []connect.Record) error        { return nil }
func (e *echo) Close(context.Context) error                        { return nil }

// said is what a function told the runtime API.
type said struct {
	path, kind, body string
}

// converse starts the function, gives it events one after the other and returns what it said, until there are no more
// events, or until it ended by itself.
func converse(t *testing.T, status int, events ...string) (answers []said, log string, failed error) {
	t.Helper()
	var mu sync.Mutex
	asked, done := 0, make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		path := strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/invocation/")
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost {
			answers = append(answers, said{path, r.Header.Get("Lambda-Runtime-Function-Error-Type"), string(body)})
			w.WriteHeader(http.StatusAccepted)
			return
		}
		if asked == len(events) {
			close(done)
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("id%d", asked))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		w.WriteHeader(status)
		io.WriteString(w, events[asked])
		asked++
	}))
	defer api.Close()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asFunction+"=1", "AWS_REGION=us-east-1", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-done:
		_ = cmd.Process.Kill()
		<-ended
	case failed = <-ended:
		select {
		case <-done: // it was on its way to ask once more
			failed = nil
		default:
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return answers, out.String(), failed
}

func TestServe_AnswersEvents(t *testing.T) {
	t.Parallel()
	large := `{"control":"describe","padding":"` + strings.Repeat("x", 1<<20) + `"}`
	answers, log, failed := converse(t, http.StatusOK, `{"control":"describe"}`, large, `{"control":"nonsense"}`, `{"tick":1}`, `{"control":"describe"}`)
	if failed != nil || len(answers) != 5 {
		t.Fatalf("it ended with %v after %d answers; log:\n%s", failed, len(answers), log)
	}
	for i, a := range answers {
		refused := i == 2 || i == 3
		if want := fmt.Sprintf("id%d/%s", i, map[bool]string{false: "response", true: "error"}[refused]); a.path != want {
			t.Errorf("answer %d went to %s, want %s", i, a.path, want)
		}
		var body struct {
			Class        string
			ErrorMessage string
			ErrorType    string
		}
		if err := json.Unmarshal([]byte(a.body), &body); err != nil {
			t.Errorf("answer %d: %v: %s", i, err, a.body)
		}
		switch {
		case !refused && body.Class != "x.Echo":
			t.Errorf("answer %d is %s", i, a.body)
		case refused && (!strings.HasPrefix(body.ErrorMessage, "reading the event: ") || body.ErrorType != a.kind || a.kind == ""):
			t.Errorf("answer %d is %s, of type %q", i, a.body, a.kind)
		}
	}
}

// What a panic left behind is not to be trusted: Lambda starts another process.
func TestServe_EndsAfterAPanic(t *testing.T) {
	t.Parallel()
	answers, log, failed := converse(t, http.StatusOK,
		`{"control":"validate","config":{"name":"x","topics":"x","connector.class":"x.Echo","text":"panic"}}`, `{"control":"describe"}`)
	if failed == nil || len(answers) != 1 {
		t.Fatalf("it went on: %+v", answers)
	}
	if a := answers[0]; a.path != "id0/error" || a.kind != "string" || !strings.Contains(a.body, `"at the disco"`) || !strings.Contains(a.body, "loop_test.go") {
		t.Errorf("it said %+v", a)
	}
	if !strings.Contains(log, "the process ends after a panic: at the disco") {
		t.Errorf("the log says:\n%s", log)
	}
}

func TestServe_EndsWithoutItsAPI(t *testing.T) {
	t.Parallel()
	answers, log, failed := converse(t, http.StatusForbidden, `{"control":"describe"}`)
	if failed == nil || len(answers) > 0 || !strings.Contains(log, "asking for the next event: the runtime API answered 403") {
		t.Errorf("it ended with %v, said %v; log:\n%s", failed, answers, log)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asFunction+"=1", "AWS_REGION=us-east-1", "AWS_LAMBDA_RUNTIME_API=")
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("AWS_LAMBDA_RUNTIME_API is not set")) {
		t.Errorf("outside Lambda it ended with %v:\n%s", err, out)
	}
}
