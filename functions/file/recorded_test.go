package file_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// recorded is a case that Apache Kafka Connect answered: what was given to it, and what it left.
type recorded struct {
	Files, Append map[string][]json.RawMessage
	Input         map[string][]struct{ Value *string }
	answers       []answer
}

type answer struct {
	Topic, File, Connector string
	Value, Content         *string
	Offsets                []struct{ Offset map[string]int64 }
}

func load(t *testing.T, name string) recorded {
	t.Helper()
	var c recorded
	text, err := os.ReadFile(filepath.Join("testdata", "recorded", name, "case.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join("testdata", "recorded", name, "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for scan := bufio.NewScanner(bytes.NewReader(text)); scan.Scan(); {
		var a answer
		if err := json.Unmarshal(scan.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		c.answers = append(c.answers, a)
	}
	return c
}

// parts is the text of a file given in parts.
func parts(t *testing.T, list []json.RawMessage) string {
	t.Helper()
	var out strings.Builder
	for _, part := range list {
		var text string
		if json.Unmarshal(part, &text) == nil {
			out.WriteString(text)
			continue
		}
		var p struct {
			Repeat string
			Times  int
		}
		if err := json.Unmarshal(part, &p); err != nil {
			t.Fatal(err)
		}
		out.WriteString(strings.Repeat(p.Repeat, p.Times))
	}
	return out.String()
}

// short is how the recordings keep long values.
func short(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	if len(text) > 4096 {
		return fmt.Sprintf("sha256:%x:%d", sha256.Sum256(b), len(b))
	}
	return text
}

func TestRecorded_Source(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"source-append", "source-carriage-return", "source-long-line", "source-string"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := load(t, name)
			path := temp(t, parts(t, c.Files["in.txt"]))
			r := open(t, path, nil)
			lines := r.poll()
			grow(t, path, parts(t, c.Append["in.txt"]))
			lines = append(lines, r.poll()...)
			var want, got []string
			for _, a := range c.answers {
				if a.Topic != "" {
					want = append(want, *a.Value)
				}
				for _, o := range a.Offsets {
					if last := lines[len(lines)-1].Position; last != o.Offset["position"] {
						t.Errorf("position %v, want %v", last, o.Offset)
					}
				}
			}
			for _, l := range lines {
				got = append(got, short([]byte(l.Value)))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecorded_Sink(t *testing.T) {
	t.Parallel()
	c := load(t, "sink-string")
	var records []connect.Record
	for _, in := range c.Input["e2e-sink-string"] {
		var d connect.Datum
		if in.Value != nil {
			text, err := base64.StdEncoding.DecodeString(*in.Value)
			if err != nil {
				t.Fatal(err)
			}
			d = connect.Datum{Schema: schema.Of(schema.String, schema.Optional()), Value: string(text)}
		}
		records = append(records, connect.Record{Value: d})
	}
	path := filepath.Join(t.TempDir(), "out.txt")
	w := openSink(t, path)
	w.put(records)
	for _, a := range c.answers {
		if a.File == "" {
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil || short(got) != *a.Content {
			t.Errorf("%q, %v", got, err)
		}
	}
}
