package events_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/events"
)

func TestFiles_AreJSONAndUsedByATest(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(events.Files, "*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("listing the events: %v, %d found", err, len(names))
	}
	// The names stand in tests as they are, in quotes. Tests of this package do not count: they read any file.
	unused := make(map[string]bool, len(names))
	for _, name := range names {
		unused[name] = true
		body, err := fs.ReadFile(events.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(body) {
			t.Errorf("%s is not JSON", name)
		}
	}
	err = filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); path != ".." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "cdk.out" || path == filepath.Join("..", "events")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for name := range unused {
			if bytes.Contains(source, []byte(`"`+name+`"`)) {
				delete(unused, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range unused {
		t.Errorf("no test reads %s", name)
	}
}
