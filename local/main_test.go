package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/e2e/desk"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// patience is how long anything may take before a test gives up.
const patience = 30 * time.Second

// build builds the command and the functions once for all tests.
var build = sync.OnceValues(func() (desk.Binaries, error) { return desk.Build(context.Background()) })

func binaries(t *testing.T) desk.Binaries {
	t.Helper()
	b, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// free are the arguments of a desk that is in nobody's way.
func free(more ...string) []string {
	return append([]string{"--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0", "--registry", "127.0.0.1:0", "--no-demo"}, more...)
}

// up starts a desk in dir, which is gone when the test ends.
func up(t *testing.T, dir string, args ...string) *desk.Process {
	t.Helper()
	b := binaries(t) // building them may take long where nothing is built yet
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	p, err := b.Up(ctx, dir, args...)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the desk printed:\n%s", strings.Join(p.Lines(), "\n"))
		}
		cancel()
		<-p.Gone()
	})
	return p
}

// lastWord is how long a desk may take to end: two seconds, and as much as a machine that has much else to do takes on top.
const lastWord = 6 * time.Second

// interrupt presses Ctrl-C, which must do soon.
func interrupt(t *testing.T, p *desk.Process) {
	t.Helper()
	took, err := p.Interrupt()
	if err != nil {
		t.Fatal(err)
	}
	if took > lastWord {
		t.Errorf("Ctrl-C took %v", took)
	}
}

// write writes a file of the test's folder and returns its path.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// settings writes a connector file in the flat form of JSON.
func settings(t *testing.T, dir string, pairs ...string) string {
	t.Helper()
	config := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		config[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, config["name"]+".json", string(text))
}

const text = "org.apache.kafka.connect.storage.StringConverter"

// source and sink are connector files of plain text.
func source(t *testing.T, dir, name, file, topic string) string {
	t.Helper()
	return settings(t, dir, "name", name, "connector.class", "FileStreamSource", "file", file, "topic", topic,
		"key.converter", text, "value.converter", text)
}

func sink(t *testing.T, dir, name, file, topics string) string {
	t.Helper()
	return settings(t, dir, "name", name, "connector.class", "FileStreamSink", "file", file, "topics", topics,
		"key.converter", text, "value.converter", text)
}

// eventually waits until what it asks for is there: complaint says what is missing, or nothing.
func eventually(t *testing.T, complaint func() string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		missing := complaint()
		if missing == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", missing)
		}
	}
}

// content returns what is missing until a file holds the text.
func content(path, want string) func() string {
	return func() string {
		got, err := os.ReadFile(path)
		if err != nil {
			return err.Error()
		}
		if string(got) != want {
			return fmt.Sprintf("%s holds %q, want %q", path, shorten(string(got)), shorten(want))
		}
		return ""
	}
}

func shorten(s string) string {
	if len(s) > 300 {
		return s[:150] + " … " + s[len(s)-150:]
	}
	return s
}

// store is the table of a desk.
func store(t *testing.T, p *desk.Process) offset.Store {
	t.Helper()
	s, err := dynamo.Open(t.Context(), dynamo.Options{
		Table: "sluice", Region: "us-east-1", Endpoint: p.Table, AccessKey: "desk", SecretKey: "desk",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
