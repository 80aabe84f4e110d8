package control_test

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServer_AnswersAsRecorded replays conversations with Kafka Connect, against connectors that really run.
func TestServer_AnswersAsRecorded(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("looking for recordings: %v, %d found", err, len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			t.Parallel()
			replay(t, path)
		})
	}
}

func replay(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s scenario
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	p := &player{
		base: newWorld(t).serve(t).URL, dir: t.TempDir(), id: strings.ToLower(rand.Text()[:8]), patience: 10 * time.Second,
	}
	p.document = openAPI(t, p.base)
	p.write(t, s.Files)
	for _, step := range s.Steps {
		for _, diff := range p.play(t, step) {
			t.Errorf("%s (%s %s): %s", step.Name, step.Method, step.Path, diff)
		}
	}
	t.Logf("%d steps", len(s.Steps))
}
