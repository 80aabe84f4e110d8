// Package corpus reads the reference corpus: what the classes of Apache Kafka Connect 4.3.1 answered to thousands of
// inputs, as lines of JSON. data/README.md describes its families and encodings. Only tests import it.
//
// A test runs every case of a family:
//
//	corpus.Run(t, "convert-string", func(t *testing.T, c corpus.Case) {
//		in, err := corpus.Datum(c.Input)
//		...
//		got, err := converter.Encode(t.Context(), "t", in)
//		if c.Failed(t, err) {
//			return
//		}
//		...compare got with corpus.Bytes(c.Output)
//	})
//
// The environment variable SLUICE_CORPUS names a folder of the same format to read instead of the embedded one:
//
//	SLUICE_CORPUS=folder go test -v -run Corpus ./runtime/... | grep ^corpus
//
// shows how many cases of each family passed and failed.
package corpus

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

//go:embed data/*.jsonl
var embedded embed.FS

// FolderVariable is the environment variable that names another folder to read.
const FolderVariable = "SLUICE_CORPUS"

// Case is one line.
type Case struct {
	// ID names the case; it is unique over all families.
	ID string `json:"id"`
	// Op is what a converter does: fromConnectData, toConnectData, fromConnectHeader, toConnectHeader, roundtrip.
	Op string `json:"op"`
	// Plugin is the Java class, or ConnectorConfig and its like in the families about settings.
	Plugin string `json:"plugin"`
	// Config are the settings; nil is null.
	Config map[string]*string `json:"config"`
	// Def declares the setting of a configdef case.
	Def json.RawMessage `json:"def"`
	// Groups are those of a configkeys case.
	Groups []string `json:"groups"`
	// Input, Output and Validate are decoded by Datum, Bytes, Record and the like. Output is empty when the case fails.
	Input    json.RawMessage `json:"input"`
	Output   json.RawMessage `json:"output"`
	Validate json.RawMessage `json:"validate"`
	// Error is how the case fails, nil when it does not.
	Error *Error `json:"error"`

	// The rest is that of converters with a schema registry.

	// IsKey tells that the converter is one of keys, Topic what it is used for.
	IsKey bool   `json:"isKey"`
	Topic string `json:"topic"`
	// Registry is what the registry holds before, Registered what it holds after and did not before.
	Registry   []Registered `json:"registry"`
	Registered []Registered `json:"registered"`
	// Headers are a record's headers before or after.
	Headers []RawHeader `json:"headers"`
	// Steps are run in order; their Input, Output, Error, Headers and Registered count.
	Steps []Case `json:"steps"`
	// Unordered tells that the order of a map shows in the bytes.
	Unordered bool `json:"unordered"`
	// Note is for people.
	Note string `json:"note"`
}

// Registered is a schema in a registry.
type Registered struct {
	Subject    string      `json:"subject"`
	Version    int         `json:"version"`
	ID         int         `json:"id"`
	SchemaType string      `json:"schemaType"`
	Schema     string      `json:"schema"`
	References []Reference `json:"references"`
}

// Reference is another schema that one refers to.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// RawHeader is a header as it stands in Kafka.
type RawHeader struct {
	Key    string `json:"key"`
	Base64 []byte `json:"base64"`
}

// Families are the names of the families whose name matches the pattern, as path.Match has it, in order.
func Families(tb testing.TB, pattern string) []string {
	tb.Helper()
	entries, err := fs.ReadDir(folder(tb), ".")
	if err != nil {
		tb.Fatalf("listing the corpus: %v", err)
	}
	var names []string
	for _, e := range entries {
		name, isCorpus := strings.CutSuffix(e.Name(), ".jsonl")
		if match, err := path.Match(pattern, name); err != nil {
			tb.Fatalf("matching the pattern %q: %v", pattern, err)
		} else if match && isCorpus {
			names = append(names, name)
		}
	}
	return names
}

// Load returns the cases of a family. A corpus that cannot be read ends the test.
func Load(tb testing.TB, family string) []Case {
	tb.Helper()
	text, err := fs.ReadFile(folder(tb), family+".jsonl")
	if err != nil {
		tb.Fatalf("reading the corpus: %v", err)
	}
	var cases []Case
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c struct {
			Case
			Converter string `json:"converter"`
			Transform string `json:"transform"`
			Predicate string `json:"predicate"`
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			tb.Fatalf("reading line %d of the family %s: %v", len(cases)+1, family, err)
		}
		c.Plugin += c.Converter + c.Transform + c.Predicate // a line has one of them
		cases = append(cases, c.Case)
	}
	if err := lines.Err(); err != nil {
		tb.Fatalf("reading the family %s: %v", family, err)
	}
	return cases
}

// Run runs every case of the families that match the pattern as a subtest and logs how many of each family passed. It fails
// when no family matches.
func Run(t *testing.T, pattern string, check func(t *testing.T, c Case)) {
	t.Helper()
	families := Families(t, pattern)
	if len(families) == 0 && os.Getenv(FolderVariable) == "" {
		t.Fatalf("the corpus has no family %s", pattern)
	}
	for _, family := range families {
		passed, failed := 0, 0
		t.Run(family, func(t *testing.T) {
			for _, c := range Load(t, family) {
				if t.Run(c.ID, func(t *testing.T) { check(t, c) }) {
					passed++
				} else {
					failed++
				}
			}
		})
		summary := fmt.Sprintf("corpus %-28s %4d passed %4d failed", family, passed, failed)
		if os.Getenv(FolderVariable) != "" {
			fmt.Println(summary) // asked for, so shown even when all is well
			continue
		}
		t.Log(summary)
	}
}

func folder(tb testing.TB) fs.FS {
	tb.Helper()
	if name := os.Getenv(FolderVariable); name != "" {
		return os.DirFS(name)
	}
	sub, err := fs.Sub(embedded, "data")
	if err != nil {
		tb.Fatalf("opening the corpus: %v", err)
	}
	return sub
}
