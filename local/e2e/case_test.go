package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A testCase is what Apache Kafka Connect was given, and what it left.
type testCase struct {
	name string
	dir  string // {{dir}}: where its files are

	Files, Append map[string][]part
	Input         map[string][]inputRecord
	Connectors    []struct {
		Name   string
		Config map[string]string
	}
	Read struct {
		Topics map[string]int
		Files  []string
	}
	expected []any
}

// part is a piece of a file: text, repeated text or bytes.
type part []byte

func (p *part) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		var s string
		err := json.Unmarshal(text, &s)
		*p = part(s)
		return err
	}
	var form struct {
		Repeat string
		Times  int
		Base64 []byte
	}
	err := json.Unmarshal(text, &form)
	*p = append(form.Base64, strings.Repeat(form.Repeat, form.Times)...)
	return err
}

// inputRecord is a record as the cases write it: bytes in base64, and null is not empty.
type inputRecord struct {
	Key, Value *string
	Timestamp  int64
	Partition  int32
	Headers    [][2]*string
}

// loadCases reads all cases. dir is where their files shall be.
func loadCases(t *testing.T, dir string) []*testCase {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "*", "case.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("looking for cases: %v, %d found", err, len(paths))
	}
	cases := make([]*testCase, len(paths))
	for i, path := range paths {
		c := &testCase{name: filepath.Base(filepath.Dir(path))}
		c.dir = filepath.Join(dir, c.name)
		if err := os.Mkdir(c.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, c); err != nil {
			t.Fatalf("reading %s: %v", path, err)
		}
		if text, err = os.ReadFile(filepath.Join(filepath.Dir(path), "expected.jsonl")); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		for lines.Buffer(nil, 1<<20); lines.Scan(); {
			var line any
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatalf("reading what %s expects: %v", c.name, err)
			}
			c.expected = append(c.expected, line)
		}
		cases[i] = c
	}
	return cases
}

// configs are the settings of its connectors, with their names.
func (c *testCase) configs() []map[string]string {
	var configs []map[string]string
	for _, connector := range c.Connectors {
		config := map[string]string{"name": connector.Name}
		for key, value := range connector.Config {
			config[key] = strings.ReplaceAll(value, "{{dir}}", c.dir)
		}
		configs = append(configs, config)
	}
	return configs
}

// write adds to the files of the case, which it makes if need be.
func (c *testCase) write(files map[string][]part) error {
	for name, parts := range files {
		f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		var content []byte
		for _, p := range parts {
			content = append(content, p...)
		}
		_, err = f.Write(content) // at once, or the connector could see a part of it
		if failed := f.Close(); err == nil {
			err = failed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// connectorFiles writes the connectors as files the desk takes.
func (c *testCase) connectorFiles() ([]string, error) {
	var paths []string
	for _, config := range c.configs() {
		text, err := json.Marshal(map[string]any{"name": config["name"], "config": config})
		if err != nil {
			return nil, err
		}
		path := filepath.Join(c.dir, config["name"]+".json")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// topics are all topics of the case, and groups the consumer groups of its sinks.
func (c *testCase) topics() []string {
	return slices.Sorted(maps.Keys(merge(c.Input, c.Read.Topics)))
}

func merge[A, B any](a map[string]A, b map[string]B) map[string]bool {
	all := map[string]bool{}
	for name := range a {
		all[name] = true
	}
	for name := range b {
		all[name] = true
	}
	return all
}

func (c *testCase) groups() []string {
	var groups []string
	for _, connector := range c.Connectors {
		groups = append(groups, "connect-"+connector.Name)
	}
	return groups
}

// feed makes the topics of the case that have input, and writes it.
func (c *testCase) feed(ctx context.Context, client *kgo.Client) error {
	for topic, records := range c.Input {
		if _, err := kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, topic); err != nil {
			return fmt.Errorf("making topic %s: %w", topic, err)
		}
		batch := make([]*kgo.Record, len(records))
		for i, r := range records {
			batch[i] = &kgo.Record{
				Topic: topic, Partition: r.Partition, Timestamp: time.UnixMilli(r.Timestamp),
				Key: decode(r.Key), Value: decode(r.Value),
			}
			for _, h := range r.Headers {
				batch[i].Headers = append(batch[i].Headers, kgo.RecordHeader{Key: *h[0], Value: decode(h[1])})
			}
		}
		if err := client.ProduceSync(ctx, batch...).FirstErr(); err != nil {
			return fmt.Errorf("writing to topic %s: %w", topic, err)
		}
	}
	return nil
}

// decode reads base64, of which the cases have no bad one; null stays nil, and nothing is not nil.
func decode(text *string) []byte {
	if text == nil {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		return []byte(err.Error())
	}
	return raw
}
