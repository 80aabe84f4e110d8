package file_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// notes is a connect.Logger that keeps what it is told.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) Info(msg string, args ...any) { n.add("INFO ", msg, args) }
func (n *notes) Warn(msg string, args ...any) { n.add("WARN ", msg, args) }

func (n *notes) add(level, msg string, args []any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, level+msg+" "+fmt.Sprint(args...))
}

// stored is a connect.OffsetReader that passes positions through JSON, as every store does.
type stored connect.Offsets

func (s stored) Offsets(_ context.Context, partitions ...connect.Partition) (connect.Offsets, error) {
	found := connect.Offsets{}
	for _, p := range partitions {
		at, ok := s[p]
		if !ok {
			continue
		}
		text, err := at.JSON()
		if err != nil {
			return nil, err
		}
		if found[p], err = connect.ParsePosition(text); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// reader is an open source task with what it was polled for.
type reader struct {
	t    *testing.T
	task connect.SourceTask
	log  *notes
	kept stored // the resume positions
}

// line is what is interesting of a record.
type line struct {
	Value    string
	Position any
}

func newSource(tb testing.TB, settings map[string]string) connect.SourceTask {
	tb.Helper()
	task := file.Source.New()
	if err := config.Parse(settings, task); err != nil {
		tb.Fatal(err)
	}
	return task
}

// open opens a source of path, to go on at from.
func open(t *testing.T, path string, from stored, settings ...string) *reader {
	t.Helper()
	all := map[string]string{"file": path, "topic": "t"}
	for i := 0; i+1 < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	r := &reader{t: t, task: newSource(t, all), log: &notes{}, kept: stored{}}
	a := connect.Assignment{Connector: "c", Of: 1, Offsets: from, Log: r.log}
	if err := r.task.Open(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.task.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// poll polls until nothing comes and returns all lines.
func (r *reader) poll() []line {
	r.t.Helper()
	var lines []line
	for {
		records, err := r.task.Poll(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		maps.Copy(r.kept, r.task.(connect.Positioner).Position())
		if len(records) == 0 {
			return lines
		}
		for _, rec := range records {
			n, _ := rec.Source.Position.Get("position")
			lines = append(lines, line{rec.Value.Value.(string), n})
		}
	}
}

func (r *reader) want(values ...string) {
	r.t.Helper()
	var got []string
	for _, l := range r.poll() {
		got = append(got, l.Value)
	}
	if diff := cmp.Diff(values, got); diff != "" {
		r.t.Fatalf("lines (-want +got):\n%s\nlog: %q", diff, r.log.lines)
	}
}

func (r *reader) warned(text string) {
	r.t.Helper()
	if !strings.Contains(strings.Join(r.log.lines, "\n"), text) {
		r.t.Errorf("no warning with %q in %q", text, r.log.lines)
	}
}

// at is a stored position in a file.
func at(t *testing.T, path string, n int64) stored {
	t.Helper()
	return stored{partition(t, map[string]any{"filename": path}): connect.At("position", n)}
}

func partition(t *testing.T, fields map[string]any) connect.Partition {
	t.Helper()
	p, err := connect.NewPartition(fields)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func temp(tb testing.TB, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "in.txt")
	write(tb, path, content)
	return path
}

func write(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func grow(tb testing.TB, path, content string) {
	tb.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}
