package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/e2e/desk"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/convert/registry"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// stack is a small deployment: the control function, the file source's, a table and a broker.
type stack struct {
	functions *function.Service
	control   function.Function
	reports   chan function.Report
}

// patience is how long anything may take before a test gives up.
const patience = 30 * time.Second

// build builds the functions once for all tests.
var build = sync.OnceValues(func() (desk.Binaries, error) { return desk.Build(context.Background()) })

func deploy(t testing.TB) *stack {
	t.Helper()
	binaries, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	items, err := table.Open(filepath.Join(dir, "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: items, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener)
	s := &stack{reports: make(chan function.Report, 1000)}
	s.functions, err = function.NewService(function.Options{OnReport: func(r function.Report) { s.reports <- r }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for _, err := range []error{s.functions.Close(closing), server.Close(), items.Close(), b.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	endpoint := "http://" + listener.Addr().String()
	store, err := dynamo.Open(t.Context(), dynamo.Options{Table: "sluice", Region: "us-east-1", Endpoint: endpoint, AccessKey: "a", SecretKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SLUICE_TABLE": "sluice", "SLUICE_WORKER": `{"bootstrap.servers": "` + b.Addr() + `", "offset.flush.interval.ms": "100"}`,
		"AWS_ENDPOINT_URL_DYNAMODB": endpoint, "AWS_ENDPOINT_URL_LAMBDA": s.functions.Endpoint(),
		"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
		"SLUICE_FUNCTIONS": `[{"class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "type": "source", "version": "4.3.1", "function": "rest-file-source", "shared": true}]`,
	}
	s.control = function.Function{
		Name: "control", Bootstrap: filepath.Join(binaries.Functions, "control", "bootstrap"), Env: env, Timeout: patience, Log: os.Stderr,
	}
	source := s.control
	source.Name, source.Bootstrap = "rest-file-source", filepath.Join(binaries.Functions, "file-source", "bootstrap")
	for _, f := range []function.Function{s.control, source} {
		if err := s.functions.Deploy(f); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// answer is what the control function answers to HTTP.
type answer struct {
	StatusCode int
	Headers    map[string]string
	Body       string
}

// call sends a request through an HTTP API's stage "prod".
func (s *stack) call(t testing.TB, method, path, body string) answer {
	t.Helper()
	path, query, _ := strings.Cut(path, "?")
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": "/prod" + path, "rawQueryString": query, "body": body,
		"headers":        map[string]string{"host": "api.example.org", "content-type": "application/json", "x-forwarded-proto": "https"},
		"requestContext": map[string]any{"stage": "prod", "http": map[string]string{"method": method}},
	})
	if err != nil {
		t.Fatal(err)
	}
	result, err := s.functions.Invoke(t.Context(), s.control.Name, event)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(result.Payload, &a); err != nil {
		t.Fatalf("%v in %s", err, result.Payload)
	}
	return a
}

func TestControl_RunsAConnectorFromEndToEnd(t *testing.T) {
	t.Parallel()
	s := deploy(t)
	lines := filepath.Join(t.TempDir(), "lines.txt")
	if err := os.WriteFile(lines, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := map[string]string{"connector.class": "FileStreamSource", "file": lines, "topic": "lines", "tasks.max": "1"}
	body, err := json.Marshal(map[string]any{"name": "über all", "config": config})
	if err != nil {
		t.Fatal(err)
	}
	a := s.call(t, "POST", "/connectors", string(body))
	if a.StatusCode != http.StatusCreated || a.Headers["location"] != "https://api.example.org/prod/connectors/%C3%BCber%20all" {
		t.Fatalf("creating answers %+v", a)
	}
	// The source was invoked at once; nothing else here would.
	want := `"offset":{"position":8}`
	deadline := time.Now().Add(patience)
	for !strings.Contains(a.Body, want) {
		if time.Now().After(deadline) {
			t.Fatalf("the offsets are %+v, want %s; status %s", a, want, s.call(t, "GET", "/connectors/über all/status", "").Body)
		}
		a = s.call(t, "GET", "/connectors/%C3%BCber%20all/offsets", "") // as a function URL hands it over
	}
	a = s.call(t, "GET", "/connectors?expand=status&expand=info", "")
	var all map[string]struct {
		Status struct{ Connector struct{ State string } }
		Info   struct{ Config map[string]string }
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(a.Body))).Decode(&all); err != nil {
		t.Fatal(err)
	}
	if c := all["über all"]; c.Status.Connector.State != "RUNNING" || c.Info.Config["topic"] != "lines" {
		t.Errorf("it is shown as %s", a.Body)
	}
	if a = s.call(t, "GET", "/nowhere", ""); a.StatusCode != http.StatusNotFound || a.Headers["content-type"] != "" {
		t.Errorf("what is not there answers %+v", a)
	}
}

func TestControl_KnowsTheConvertersItDoesNotLink(t *testing.T) {
	t.Parallel()
	s := deploy(t)
	for _, c := range registry.Converters() {
		a := s.call(t, "GET", "/connector-plugins/"+c.Class+"/config", "")
		var keys []config.KeyInfo
		if err := json.Unmarshal([]byte(a.Body), &keys); err != nil {
			t.Fatalf("%v in %+v", err, a)
		}
		if diff := cmp.Diff(config.Keys(c.New()), keys); diff != "" {
			t.Errorf("the settings of %s (-want +got):\n%s", c.Class, diff)
		}
	}
}

func TestControl_RefusesOtherEvents(t *testing.T) {
	t.Parallel()
	s := deploy(t)
	result, err := s.functions.Invoke(t.Context(), "control", []byte(`{"connector": "orders"}`))
	if err == nil || !strings.Contains(err.Error(), "no HTTP request") {
		t.Errorf("a tick is answered %s, %v", result.Payload, err)
	}
}

// A stack parameter can make settings with which no function starts: CloudFormation hears of it at once, and undoes it.
func TestControl_SaysThatItsSettingsAreNotGood(t *testing.T) {
	t.Parallel()
	s := deploy(t)
	s.control.Env = maps.Clone(s.control.Env)
	s.control.Env["SLUICE_WORKER"] = `{"offset.flush.interval.ms": "often"}`
	if err := s.functions.Deploy(s.control); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	formation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		heard <- string(text)
	}))
	t.Cleanup(formation.Close)
	event := `{"RequestType": "Update", "ResponseURL": "` + formation.URL + `", "ResourceType": "Custom::Connector", "PhysicalResourceId": "connector/orders"}`
	if _, err := s.functions.Invoke(t.Context(), "control", []byte(event)); err != nil {
		t.Fatal(err)
	}
	if said := <-heard; !strings.Contains(said, "FAILED") || !strings.Contains(said, "offset.flush.interval.ms") {
		t.Errorf("CloudFormation hears %s", said)
	}
	if a := s.call(t, "GET", "/connectors", ""); a.StatusCode != http.StatusInternalServerError || strings.Contains(a.Body, "often") {
		t.Errorf("strangers hear %+v", a)
	}
	if _, err := s.functions.Invoke(t.Context(), "control", []byte(`{"control": "follow"}`)); err == nil {
		t.Error("it does what it cannot")
	}
}
