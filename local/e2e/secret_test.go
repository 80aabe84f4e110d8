package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/e2e/desk"
)

// hidden is the secret. Nothing may show it but the topic that a transform was told to write it to.
const hidden = "Tr0ub4dor-and-3-correct-horses"

// TestSecret_IsShownByNothing runs real processes over configurations with a secret, good ones and bad ones, and looks
// through all that they said, answered and stored: Invariant 6.
func TestSecret_IsShownByNothing(t *testing.T) {
	t.Parallel()
	binaries, err := desk.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, format string, args ...any) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secrets := write("secrets.properties", "password=%s\n", hidden)
	in := write("in.txt", "one\ntwo\n")
	worker := write("worker.properties", "key.converter=org.apache.kafka.connect.storage.StringConverter\n"+
		"value.converter=org.apache.kafka.connect.json.JsonConverter\nconfig.providers=file\n"+
		"config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider\n")
	placeholder := "${file:" + secrets + ":password}"
	connector := func(name, more string) string {
		return write(name+".json", `{"name": %q, "config": {"connector.class": "FileStreamSource", "topic": "t", "file": %q, %s}}`, name, in,
			strings.ReplaceAll(more, "SECRET", placeholder))
	}
	process, err := binaries.Up(t.Context(), dir, "--data", filepath.Join(dir, "data"), "--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0",
		"--no-demo", "--worker", worker,
		// One that puts the secret where it was told to, and one that fails because of it.
		connector("good", `"transforms": "s", "transforms.s.type": "org.apache.kafka.connect.transforms.InsertField$Value",
			"transforms.s.static.field": "f", "transforms.s.static.value": "SECRET"`),
		connector("transforms", `"errors.log.enable": "true", "errors.log.include.messages": "true", "transforms": "c",
			"transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value", "transforms.c.spec": "SECRET:int8"`),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Kill()
	base := process.REST
	if !strings.HasPrefix(base, "http") {
		base = "http://" + base
	}
	waitForFailure(t, base, "transforms")
	answers := ask(t, base)
	// Ones that are refused because of it, each in a step of its own.
	for name, more := range map[string]string{
		"parses":    `"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "SECRET"`,
		"overrides": `"producer.override.acks": "SECRET"`,
	} {
		answers += create(t, base, connector(name, more))
	}
	if _, err := process.Interrupt(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answers, placeholder) {
		t.Error("the answers do not show the placeholder: this test looks at the wrong things")
	}
	scan(t, "the REST API", []byte(answers))
	scan(t, "what the processes printed", []byte(strings.Join(process.Lines(), "\n")))
	scanFolder(t, filepath.Join(dir, "data"))
}

func waitForFailure(t *testing.T, base, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !strings.Contains(get(t, base+"/connectors/"+name+"/status"), `"FAILED"`) {
		select {
		case <-ctx.Done():
			t.Fatalf("%s does not fail: %s", name, get(t, base+"/connectors/"+name+"/status"))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// create posts a connector's file and returns the answer, be it a refusal or not.
func create(t *testing.T, base, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/connectors", file)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	return send(t, request)
}

// ask asks for everything that shows configurations and failures.
func ask(t *testing.T, base string) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/connectors?expand=info&expand=status", "/metrics", "/connectors"} {
		all.WriteString(get(t, base+path))
	}
	for _, name := range []string{"good", "transforms"} {
		for _, path := range []string{"", "/config", "/status", "/tasks", "/tasks/0/status", "/tasks-config", "/topics", "/offsets"} {
			all.WriteString(get(t, base+"/connectors/"+name+path))
		}
	}
	return all.String()
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, request)
}

func send(t *testing.T, request *http.Request) string {
	t.Helper()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// scanFolder looks through the table and the logs. The topics lie in the folder kafka; what connectors write there is
// theirs to say.
func scanFolder(t *testing.T, folder string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && d.Name() == "kafka" {
				return filepath.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(path)
		files++
		scan(t, path, text)
		return err
	})
	if err != nil || files < 2 {
		t.Errorf("%d files: %v", files, err)
	}
}

func scan(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, form := range []string{hidden, base64.StdEncoding.EncodeToString([]byte(hidden)), hex.EncodeToString([]byte(hidden))} {
		if i := bytes.Index(text, []byte(form)); i >= 0 {
			t.Errorf("%s shows the secret: …%s…", where, text[max(0, i-200):min(len(text), i+len(form)+50)])
		}
	}
}
