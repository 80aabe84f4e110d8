package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/e2e/desk"
)

const avroConverter = "io.confluent.connect.avro.AvroConverter"

// A configuration as people have it for a cluster with a schema registry works on the desk as it is, and only its functions
// are the ones that can do that.
func TestUp_KeepsSchemasInItsRegistry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, out := write(t, dir, "in.txt", "one\ntwo\n"), filepath.Join(dir, "out.txt")
	at := freeAddress(t)
	converter := []string{"value.converter", avroConverter, "value.converter.schema.registry.url", "http://" + at, "key.converter", text}
	args := append(free(
		settings(t, dir, append([]string{"name", "from", "connector.class", "FileStreamSource", "file", in, "topic", "copied"}, converter...)...),
		settings(t, dir, append([]string{"name", "to", "connector.class", "FileStreamSink", "file", out, "topics", "copied"}, converter...)...),
		source(t, dir, "plain", in, "plain"),
	), "--registry", at)
	p := up(t, dir, args...)
	if p.Registry != "http://"+at {
		t.Errorf("the desk says that its registry is at %s, want http://%s", p.Registry, at)
	}
	eventually(t, content(out, "one\ntwo\n"))

	if got := ask(t, http.MethodGet, p.Registry+"/subjects/copied-value/versions/latest", ""); !strings.Contains(got, `"schema":"\"string\""`) {
		t.Errorf("the schema of the topic is %s", got)
	}
	fetches := client(t, p, kgo.ConsumeTopics("copied"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())).PollFetches(t.Context())
	if records := fetches.Records(); len(records) == 0 || string(records[0].Value) != "\x00\x00\x00\x00\x01\x06one" {
		t.Errorf("the topic does not begin with the framed record: %v", records)
	}
	for name, want := range map[string]string{"from": "file-source-registry", "to": "file-sink-registry", "plain": "file-source"} {
		eventually(t, func() string { return running(t, p, name, want) })
	}
	interrupt(t, p)

	// The registry remembers, and so does the second start.
	write(t, dir, "in.txt", "one\ntwo\nthree\n")
	p = up(t, dir, args...)
	eventually(t, content(out, "one\ntwo\nthree\n"))
	if got := ask(t, http.MethodGet, p.Registry+"/subjects/copied-value/versions", ""); got != "[1]" {
		t.Errorf("the topic has the versions %s after a restart", got)
	}
	interrupt(t, p)
}

// running looks whether a connector's function is the binary of that name, as Linux tells.
func running(t *testing.T, p *desk.Process, connector, binary string) string {
	t.Helper()
	var seen []string
	for _, pid := range children(t, p.PID()) {
		path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil || !strings.Contains(string(env), "\x00SLUICE_CONNECTOR="+connector+"\x00") {
			continue
		}
		seen = append(seen, filepath.Base(filepath.Dir(path)))
		if seen[len(seen)-1] == binary {
			return ""
		}
	}
	return fmt.Sprintf("%s runs %v, want %s", connector, seen, binary)
}

// What a user sees of these converters before anything runs.
func TestUp_ShowsConvertersWithARegistry(t *testing.T) {
	t.Parallel()
	p := up(t, t.TempDir(), free()...)
	rest := p.REST
	if got := ask(t, http.MethodGet, rest+"/connector-plugins?connectorsOnly=false", ""); !strings.Contains(got, avroConverter) {
		t.Errorf("the plugins do not have %s: %s", avroConverter, got)
	}
	if got := ask(t, http.MethodGet, rest+"/connector-plugins/"+avroConverter+"/config", ""); !strings.Contains(got, "schema.registry.url") {
		t.Errorf("its settings are %s", got)
	}
	config := `{"connector.class":"FileStreamSource","name":"x","topic":"t","file":"f","value.converter":"` + avroConverter + `","value.converter.schema.registry.url":"http://localhost:1"%s}`
	var judged struct {
		Errors  int `json:"error_count"`
		Configs []struct {
			Value struct {
				Name   string   `json:"name"`
				Errors []string `json:"errors"`
			} `json:"value"`
		} `json:"configs"`
	}
	validate := func(more string) string {
		answer := ask(t, http.MethodPut, rest+"/connector-plugins/FileStreamSource/config/validate", fmt.Sprintf(config, more))
		if err := json.Unmarshal([]byte(answer), &judged); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		return answer
	}
	if answer := validate(""); judged.Errors != 0 {
		t.Errorf("a good configuration has %d errors: %s", judged.Errors, answer)
	}
	if answer := validate(`,"value.converter.auto.register.schemas":"perhaps"`); judged.Errors != 1 || !strings.Contains(answer, "Expected value to be either true or false") {
		t.Errorf("a bad setting of the converter gives %d errors: %s", judged.Errors, answer)
	}
	interrupt(t, p)
}

// Where a registry is expected already, the desk does not insist on its own.
func TestUp_GivesWayToAnotherRegistry(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b := binaries(t)
	_, stderr, code, err := b.Run(t.Context(), t.TempDir(), append([]string{"up"}, append(free(), "--registry", taken.Addr().String())...)...)
	if err != nil || code == 0 || !strings.Contains(stderr, "in use; --registry") {
		t.Errorf("with the address taken it ended with %d, %v: %s", code, err, stderr)
	}
	p := up(t, t.TempDir(), free("--registry", "off")...)
	if p.Registry != "none" {
		t.Errorf("the desk has a registry at %s although it is off", p.Registry)
	}
	interrupt(t, p)
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ask returns what a URL answers.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
