package sql_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded is a case that the original connectors answered. testdata/recorded/README.md describes the format.
type recorded struct {
	Database string            `json:"database"`
	Kind     string            `json:"kind"`
	Config   map[string]string `json:"config"`
	Steps    []step            `json:"steps"`
	Topics   string            `json:"topics"`
	Not      []string          `json:"not"`
}

// step is one step of a case; exactly one of its members is there, but for Topics.
type step struct {
	SQL     []string   `json:"sql"`
	Topics  []string   `json:"topics"`
	Produce []produced `json:"produce"`
	Start   bool       `json:"start"`
	Stop    bool       `json:"stop"`
	Resume  bool       `json:"resume"`
}

// produced is a record of a sink's topic. Absent and null are the same.
type produced struct {
	Topic     string          `json:"topic"`
	Key       json.RawMessage `json:"key"`
	Value     json.RawMessage `json:"value"`
	Timestamp *int64          `json:"timestamp"`
}

// flavours are the connectors that answered: how their classes begin, and where their answers are.
type flavour struct{ name, classes, expected string }

func flavours() []flavour {
	return []flavour{
		{"confluent", "io.confluent.connect.jdbc.", "expected.jsonl"},
		{"aiven", "io.aiven.connect.jdbc.", "expected.aiven.jsonl"},
	}
}

// TestRecorded runs every recorded case through the worker, with the class names of both connectors. SLUICE_RECORDED names
// another folder of cases.
func TestRecorded(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("SLUICE_RECORDED")
	if folder == "" {
		folder = filepath.Join("testdata", "recorded")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*", "case.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no cases in %s: %v", folder, err)
	}
	for _, f := range flavours() {
		for _, file := range files {
			var c recorded
			read(t, file, &c)
			if slices.Contains(c.Not, f.name) {
				continue
			}
			dir := filepath.Dir(file)
			t.Run(f.name+"/"+filepath.Base(dir), func(t *testing.T) {
				t.Parallel()
				want := filepath.Join(dir, f.expected)
				if _, err := os.Stat(want); err != nil {
					want = filepath.Join(dir, flavours()[0].expected)
				}
				c.run(t, f, lines(t, want))
			})
		}
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
}

// lines reads what was recorded, as it is compared.
func lines(t *testing.T, file string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for line := range bytes.Lines(text) {
		all = append(all, canonical(t, line))
	}
	return all
}

// canonical reads a line and leaves out what is not compared: the words of errors, and the order of a table's columns.
func canonical(t *testing.T, text []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var line map[string]any
	if err := dec.Decode(&line); err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	delete(line, "errors")
	delete(line, "message")
	if columns, ok := line["columns"].([]any); ok {
		slices.SortFunc(columns, func(a, b any) int {
			return strings.Compare(a.(map[string]any)["name"].(string), b.(map[string]any)["name"].(string))
		})
	}
	return plain(line).(map[string]any)
}

// plain makes equal numbers equal texts.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = plain(e)
		}
	case []any:
		for i, e := range v {
			v[i] = plain(e)
		}
	case json.Number:
		if r, ok := new(big.Rat).SetString(v.String()); ok {
			return "number " + r.RatString()
		}
	}
	return v
}

// run plays the steps and compares what came of them.
func (c *recorded) run(t *testing.T, f flavour, want []map[string]any) {
	t.Helper()
	system := strings.Replace(c.Database, "postgres", "postgresql", 1)
	if c.Kind == "source" {
		for _, horizon := range []string{"database", "none"} {
			s := fresh(t, system)
			got, why := c.playSource(t, f, s, horizon)
			c.compare(t, s, want, got, horizon+": "+why)
		}
		return
	}
	s := fresh(t, system)
	p := newPlayer(t, c, f, s)
	for number, step := range c.Steps {
		if !p.play(number, step) {
			break
		}
	}
	p.end()
	c.compare(t, s, want, p.out, p.why)
}

// compare compares what came of a case with what was recorded.
func (c *recorded) compare(t *testing.T, s *server, want, out []map[string]any, why string) {
	t.Helper()
	var got []map[string]any
	for _, line := range out {
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, canonical(t, []byte(strings.ReplaceAll(string(text), s.database(), "sluice_case"))))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\nstatus: %s", diff, why)
	}
}

// note is one line of what came of a step.
func note(step int, kind string, rest map[string]any) map[string]any {
	line := maps.Clone(rest)
	line["kind"] = kind
	if step >= 0 {
		line["step"] = step
	}
	return line
}

// database is the name of the test's database.
func (s *server) database() string {
	url := s.settings["connection.url"]
	return url[strings.LastIndexByte(url, '/')+1:]
}
