package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// writer is an open sink task.
type writer struct {
	t    testing.TB
	task connect.SinkTask
	log  *notes
	path string
}

func newSink(t testing.TB, path string) connect.SinkTask {
	t.Helper()
	task := file.Sink.New()
	if err := config.Parse(map[string]string{"file": path}, task); err != nil {
		t.Fatal(err)
	}
	return task
}

func openSink(t testing.TB, path string) *writer {
	t.Helper()
	w := &writer{t: t, task: newSink(t, path), log: &notes{}, path: path}
	if err := w.task.Open(t.Context(), connect.SinkAssignment{Connector: "c", Log: w.log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.task.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *writer) put(records []connect.Record) {
	w.t.Helper()
	if err := w.task.Put(w.t.Context(), records); err != nil {
		w.t.Fatal(err)
	}
	if err := w.task.(connect.Flusher).Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *writer) want(content string) {
	w.t.Helper()
	got, err := os.ReadFile(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(content, string(got)); diff != "" {
		w.t.Errorf("file (-want +got):\n%s\nlog: %q", diff, w.log.lines)
	}
}

// texts are records with these values.
func texts(values ...any) []connect.Record {
	records := make([]connect.Record, len(values))
	for i, v := range values {
		records[i].Value.Value = v
	}
	return records
}

func TestSink_PrintsAsJava(t *testing.T) {
	t.Parallel()
	w := openSink(t, filepath.Join(t.TempDir(), "out"))
	s := schema.StructOf([]schema.Field{schema.F("a", schema.Of(schema.Int32)), schema.F("b", schema.Of(schema.String, schema.Optional()))})
	m := schema.NewMap(1)
	w.put(texts("text", "", nil, int32(7), 1e10, true, []any{"x", int64(1)}, schema.StructFrom(s, []any{int32(1), nil}), m))
	w.want("text\n\nnull\n7\n1.0E10\ntrue\n[x, 1]\nStruct{a=1}\n{}\n")
}

func TestSink_Appends(t *testing.T) {
	t.Parallel()
	path := temp(t, "before\n")
	openSink(t, path).put(texts("a", "b"))
	w := openSink(t, path)
	w.put(texts("c"))
	w.put(nil)
	w.want("before\na\nb\nc\n")
	if len(w.log.lines) > 0 {
		t.Errorf("said %q", w.log.lines)
	}
}

func TestSink_RepairsTheEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300_000)
	for name, c := range map[string]struct{ before, after string }{
		"torn":                 {"old\nfir", "old\nfirst\nsecond line\n" + long + "\n"},
		"torn, in the middle":  {"old\nfirst\nsecond l", "old\nfirst\nfirst\nsecond line\n" + long + "\n"},
		"torn before its end":  {"second line", "first\nsecond line\n" + long + "\n"},
		"torn, long":           {"old\n" + long[:200_000], "old\nfirst\nsecond line\n" + long + "\n"},
		"somebody else's":      {"old\nother", "old\nother\nfirst\nsecond line\n" + long + "\n"},
		"somebody else's only": {"other", "other\nfirst\nsecond line\n" + long + "\n"},
		"longer than a line":   {"first and more", "first and more\nfirst\nsecond line\n" + long + "\n"},
		"whole":                {"first\n", "first\nfirst\nsecond line\n" + long + "\n"},
		"empty":                {"", "first\nsecond line\n" + long + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := openSink(t, temp(t, c.before))
			w.put(texts("first", "second line", long))
			w.want(c.after)
		})
	}
}

// A process was killed in the middle of a batch that is not the next one to come: another partition's. What it left is told
// by its mark, which says from where on it was writing.
func TestSink_RepairsWhatAnotherBatchLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, marked, after string
	}{
		"torn":                    {"old\nwhole\nto", "4", "old\nwhole\nfirst\n"},
		"torn, the first":         {"old\nto", "4", "old\nfirst\n"},
		"nothing written":         {"old\n", "4", "old\nfirst\n"},
		"it stood there before":   {"old\nother", "9", "old\nother\nfirst\n"},
		"the mark makes no sense": {"old\nother", "x", "old\nother\nfirst\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := temp(t, c.before)
			if err := unix.Setxattr(path, "user.sluice.writing", []byte(c.marked), 0); err != nil {
				t.Skipf("this file system has no extended attributes: %v", err)
			}
			w := openSink(t, path)
			w.put(texts("first"))
			w.want(c.after)
			if n, err := unix.Getxattr(path, "user.sluice.writing", nil); err == nil {
				t.Errorf("a mark of %d bytes is left", n)
			}
		})
	}
}

func TestSink_SharesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out")
	const writers, batches, size = 8, 20, 50
	var group sync.WaitGroup
	for i := range writers {
		w := openSink(t, path)
		group.Go(func() {
			for b := range batches {
				values := make([]any, size)
				for j := range values {
					values[j] = fmt.Sprintf("%d-%d-%d %s", i, b, j, strings.Repeat("x", 100*j))
				}
				if err := w.task.Put(t.Context(), texts(values...)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	next := make([]int, writers) // batches of a writer stay whole and in order
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	for n, text := range lines {
		var i, b, j int
		if _, err := fmt.Sscanf(text, "%d-%d-%d ", &i, &b, &j); err != nil {
			t.Fatalf("line %d, %.40q: %v", n, text, err)
		}
		if b*size+j != next[i] || len(text) != len(fmt.Sprintf("%d-%d-%d ", i, b, j))+100*j {
			t.Fatalf("line %d, %.40q, is out of order or torn", n, text)
		}
		next[i]++
	}
	if len(lines) != writers*batches*size {
		t.Errorf("%d lines", len(lines))
	}
}

func TestSink_WaitsForTheLock(t *testing.T) {
	t.Parallel()
	path := temp(t, "")
	w := openSink(t, path)
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	reason := errors.New("time is up")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(reason)
	if err := w.task.Put(ctx, texts("a")); !errors.Is(err, reason) {
		t.Error(err)
	}
	w.want("")
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	w.put(texts("a"))
	w.want("a\n")
}

func TestSink_OpensAMovedFileAgain(t *testing.T) {
	t.Parallel()
	path := temp(t, "")
	w := openSink(t, path)
	w.put(texts("a"))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	w.put(texts("b"))
	w.want("b\n")
	replace(t, path, "c\n")
	w.put(texts("d"))
	w.want("c\nd\n")
}

func TestSink_SaysWhyItCannotOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none", "out")
	err := newSink(t, path).Open(t.Context(), connect.SinkAssignment{Log: &notes{}})
	if want := fmt.Sprintf("Couldn't find or create file '%s' for FileStreamSinkTask", path); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestSink_TakesBackAWriteThatFails(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full")
	}
	w := openSink(t, "/dev/full")
	if err := w.task.Put(t.Context(), texts("a")); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
}

func TestSink_AgreesToAnyOffsets(t *testing.T) {
	t.Parallel()
	done, err := newSink(t, "f").(connect.SinkOffsetAlterer).AlterSinkOffsets(t.Context(), nil)
	if !done || err != nil {
		t.Error(done, err)
	}
}

func TestSink_AllocatesNothingForTexts(t *testing.T) {
	w := openSink(t, filepath.Join(t.TempDir(), "out"))
	records := texts(make([]any, 1000)...)
	for i := range records {
		records[i].Value.Value = strings.Repeat("x", 100)
	}
	w.put(records)
	perPut := testing.AllocsPerRun(20, func() {
		if err := w.task.Put(t.Context(), records); err != nil {
			t.Fatal(err)
		}
	})
	if perPut > 30 {
		t.Errorf("%.0f allocations for 1000 records", perPut)
	}
}
