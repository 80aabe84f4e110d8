package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
)

// terminal is a terminal with a desk in it.
type terminal struct {
	*os.File
	cmd  *exec.Cmd
	gone chan struct{} // closed when all that was written was read

	mu     sync.Mutex
	output []byte
}

func open(t *testing.T, columns, rows uint16, dir string, args ...string) *terminal {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	term := &terminal{cmd: binaries(t).Command(ctx, dir, append([]string{"up"}, args...)...), gone: make(chan struct{})}
	var err error
	if term.File, err = pty.StartWithSize(term.cmd, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer close(term.gone)
		for buffer := make([]byte, 4096); ; {
			n, err := term.Read(buffer)
			term.mu.Lock()
			term.output = append(term.output, buffer[:n]...)
			term.mu.Unlock()
			if err != nil {
				return // a terminal nobody writes to any more
			}
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", strings.Join(term.rows(), "\n"))
		}
		cancel()
		<-term.gone
		term.Close()
	})
	return term
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)

// rows are the rows of the latest drawing, without colours.
func (term *terminal) rows() []string {
	term.mu.Lock()
	defer term.mu.Unlock()
	text := string(term.output)
	if i := strings.LastIndex(text, "\x1b[J"); i >= 0 {
		text = text[i:]
	}
	text = strings.ReplaceAll(escapes.ReplaceAllString(text, ""), "\r", "")
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}

// all is everything that was written.
func (term *terminal) all() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return strings.ReplaceAll(string(term.output), "\r", "")
}

// row is the row that begins with a word, in words.
func (term *terminal) row(first string) []string {
	for _, row := range term.rows() {
		if words := strings.Fields(row); len(words) > 0 && words[0] == first {
			return words
		}
	}
	return nil
}

// ctrlC presses the keys and waits for the end.
func (term *terminal) ctrlC(t *testing.T) {
	t.Helper()
	start := time.Now()
	if _, err := term.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	<-term.gone
	err := term.cmd.Wait()
	if took := time.Since(start); err != nil || took > lastWord {
		t.Errorf("Ctrl-C took %v and ended with: %v", took, err)
	}
}

func TestLive_TellsAPersonWhatRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, out := write(t, dir, "in.txt", "one\ntwo\n"), filepath.Join(dir, "out.txt")
	write(t, dir, "blocked", "a file where a folder should be")
	term := open(t, 90, 30, dir, free(
		source(t, dir, "from", in, "copied"), sink(t, dir, "to", out, "copied"),
		sink(t, dir, "idle", filepath.Join(dir, "idle.txt"), "nobody-writes-here"),
		sink(t, dir, "failing", filepath.Join(dir, "blocked", "out.txt"), "copied"),
		settings(t, dir, "name", "broken", "connector.class", "FileStreamSource", "file", in, "topic", "never", "value.converter",
			"org.apache.kafka.connect.converters.ByteArrayConverter"),
		settings(t, dir, "name", "tolerant", "connector.class", "FileStreamSink", "file", "tolerant.txt", "topics", "copied",
			"value.converter", "org.apache.kafka.connect.json.JsonConverter", "errors.tolerance", "all",
			"errors.deadletterqueue.topic.name", "dead", "errors.deadletterqueue.topic.replication.factor", "1"))...)
	eventually(t, func() string {
		for _, want := range [][]string{
			{"from", "source", "RUNNING", "2", "2"},
			{"to", "sink", "RUNNING", "2", "2"},
			{"failing", "sink", "FAILED"},
			{"idle", "sink", "UNASSIGNED", "0", "0"},
			{"broken", "source", "FAILED"},
			{"tolerant", "sink", "RUNNING", "2", "0"},
			{"dead", "letters:", "2"},
		} {
			if got := strings.Join(term.row(want[0]), " "); !strings.HasPrefix(got, strings.Join(want, " ")) {
				return fmt.Sprintf("the row %q, want %v", got, want)
			}
		}
		if to := term.row("to"); to[len(to)-1] != "0" {
			return fmt.Sprintf("the lag in %q", to)
		}
		shown := strings.Join(term.rows(), "\n")
		for _, want := range []string{"waiting for topic nobody-writes-here", filepath.Join(dir, "blocked")[len(dir):], "next attempt in"} {
			if !strings.Contains(shown, want) {
				return fmt.Sprintf("%q is not shown", want)
			}
		}
		return ""
	})
	for _, row := range term.rows() {
		if n := utf8.RuneCountInString(row); n >= 90 {
			t.Errorf("a row of %d characters in a terminal of 90: %s", n, row)
		}
	}
	begin := term.all()
	for _, want := range []string{"Ctrl-C ends it", "Kafka  127.0.0.1:", "REST   http://127.0.0.1:", "\x1b[32m  RUNNING \x1b[0m", "\x1b[31m  FAILED \x1b[0m"} {
		if !strings.Contains(begin, want) {
			t.Errorf("it does not show %q", want)
		}
	}
	if strings.Contains(begin, "UNKNOWN_TOPIC") {
		t.Error("a topic that is missing is shown as a problem")
	}
	term.ctrlC(t)
	if rows := term.rows(); rows[len(rows)-1] != "Ended. The next start goes on from here." {
		t.Errorf("it ends with %q", rows[len(rows)-1])
	}
	for line := range strings.SplitSeq(term.all(), "\n") {
		if strings.Contains(line, `"level"`) || strings.Contains(line, "sluice: ") {
			t.Errorf("it shows %q", line)
		}
	}
}

// A terminal that is too low for all rows shows the first, and does not scroll.
func TestLive_FitsASmallTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var files []string
	for i := range 12 {
		files = append(files, source(t, dir, fmt.Sprintf("connector-of-a-rather-long-name-%02d", i), filepath.Join(dir, "in.txt"), "t"))
	}
	term := open(t, 60, 8, dir, free(append([]string{"--tick", "1m"}, files...)...)...)
	eventually(t, func() string {
		rows := term.rows()
		if len(rows) != 7 || !strings.HasSuffix(rows[6], "more lines") {
			return fmt.Sprintf("%d rows", len(rows))
		}
		return ""
	})
	for _, row := range term.rows() {
		if n := utf8.RuneCountInString(row); n >= 60 {
			t.Errorf("a row of %d characters in a terminal of 60: %s", n, row)
		}
	}
	term.ctrlC(t)
}

// The demo explains itself, and works.
func TestLive_Demo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	term := open(t, 100, 30, dir, "--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0", "--registry", "127.0.0.1:0")
	eventually(t, func() string {
		if row := term.row("demo-sink"); len(row) < 5 || row[2] != "RUNNING" || row[4] == "0" {
			return fmt.Sprintf("a row of a running sink: %v", row)
		}
		return ""
	})
	shown := term.all()
	for _, want := range []string{
		"This is the demo", `the topic "demo"`, "tail -f " + filepath.Join(dir, ".sluice", "demo", "out.txt"),
		"echo hello >> " + filepath.Join(dir, ".sluice", "demo", "in.txt"), "sluice up connector.json",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("it does not show %q", want)
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, ".sluice", "demo", "in.txt"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("hello\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if text, err := os.ReadFile(filepath.Join(dir, ".sluice", "demo", "out.txt")); err != nil || !strings.Contains(string(text), "\nhello\n") {
			return fmt.Sprintf("what was written did not come: %s, %v", text, err)
		}
		return ""
	})
	term.ctrlC(t)
}

func TestLines_TellAPersonWithoutATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := write(t, dir, "in.txt", "one\ntwo\n")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := binaries(t).Command(ctx, dir, append([]string{"up"}, free(source(t, dir, "from", in, "copied"), sink(t, dir, "to", "out.txt", "copied"))...)...)
	var output strings.Builder // read when the process has ended
	cmd.Stdout = &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, content(filepath.Join(dir, "out.txt"), "one\ntwo\n"))
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		`(?m)^\d\d:\d\d:\d\d started  kafka: 127.0.0.1:\d+  rest: http://127.0.0.1:\d+  `,
		`(?m)^\d\d:\d\d:\d\d progress  connector: from  state: RUNNING  in: 2  out: 2  rate: `,
		`(?m)^\d\d:\d\d:\d\d progress  connector: to  state: RUNNING  in: 2  out: 2  rate: `,
		`(?m)^\d\d:\d\d:\d\d ended\n\z`,
	} {
		if !regexp.MustCompile(want).MatchString(output.String()) {
			t.Errorf("nothing matches %s", want)
		}
	}
	if t.Failed() || strings.Contains(output.String(), "\x1b") {
		t.Errorf("it printed:\n%s", output.String())
	}
}
