package storage_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Files that pyarrow and fastavro wrote, in every codec, encoding and version they have, hold for a source what they were
// made of. Some of them are test data, so that they are read everywhere.
func TestSource_ReadsWhatOthersWrote(t *testing.T) {
	t.Parallel()
	folders := []string{filepath.Join("testdata", "foreign")}
	if python := os.Getenv(storagetest.EnvPython); python != "" {
		folder := t.TempDir()
		if out, err := exec.CommandContext(t.Context(), python, filepath.Join("storagetest", "foreign.py"), folder).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		folders = append(folders, folder)
	} else if os.Getenv("SLUICE_CI") == "1" {
		t.Fatal(storagetest.EnvPython + " says no Python with pyarrow and fastavro")
	}
	for _, folder := range folders {
		names, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no files: %v", err)
		}
		for _, name := range names {
			t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
				t.Parallel()
				readForeign(t, strings.TrimSuffix(name, ".json"), name)
			})
		}
	}
}

func readForeign(t *testing.T, name, expected string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	format := "AvroFormat"
	if strings.HasSuffix(name, ".parquet") {
		format = "ParquetFormat"
	}
	r := newReader(t, "format.class", format)
	r.shelf.Put("topics/t/partition=0/t+0+0000000000"+filepath.Ext(name), data)
	var got []any
	for range 500 { // every poll by another process, which goes on in the middle
		task := r.source(0)
		records := r.poll(task)
		if err := task.Close(); err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			break
		}
		for i := range records {
			if err := matches(records[i].Value); err != nil {
				t.Fatalf("record %d: %v", len(got), err)
			}
			if len(got) == 0 && filepath.Dir(name) == filepath.Join("testdata", "foreign") {
				hasSchema(t, name+".schema", records[i].Value.Schema)
			}
			got = append(got, plain(records[i].Value.Schema, records[i].Value.Value))
		}
	}
	text, err := os.ReadFile(expected)
	if err != nil {
		t.Fatal(err)
	}
	var want []any
	for line := range strings.Lines(string(text)) {
		var v any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		want = append(want, floats(v))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%.3000s", diff)
	}
}

// matches tells whether a value fits its schema, as Connect's own check does.
func matches(d connect.Datum) error {
	if d.Schema == nil {
		return errors.New("it has no schema")
	}
	return schema.Validate(d.Schema, d.Value)
}

var update = flag.Bool("update", false, "rewrite the schemas of foreign files")

// hasSchema compares a schema with the one in a file.
func hasSchema(t *testing.T, name string, s *schema.Schema) {
	t.Helper()
	var out strings.Builder
	describe(&out, s, "", "value")
	if *update {
		if err := os.WriteFile(name, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

// describe writes a line for a schema and each of its parts.
func describe(out *strings.Builder, s *schema.Schema, indent, field string) {
	fmt.Fprintf(out, "%s%s: %s %s", indent, field, s.Type, s.Name)
	if s.Optional {
		out.WriteString(" optional")
	}
	for _, p := range s.Params {
		fmt.Fprintf(out, " %s=%s", p.Name, p.Value)
	}
	out.WriteString("\n")
	if len(indent) > 10 { // a record that holds itself has no end
		return
	}
	if s.Key != nil {
		describe(out, s.Key, indent+"  ", "key")
	}
	if s.Value != nil {
		describe(out, s.Value, indent+"  ", "value")
	}
	for _, f := range s.Fields {
		describe(out, f.Schema, indent+"  ", f.Name)
	}
}

// plain is a value as foreign.py writes it down.
func plain(s *schema.Schema, v any) any {
	if v == nil {
		return nil
	}
	switch v := v.(type) {
	case time.Time:
		return map[string]any{"@millis": json.Number(schema.Text(schema.EpochMillis(v)))}
	case schema.Decimal:
		return map[string]any{"@decimal": v.PlainString()}
	case []byte:
		return map[string]any{"@bytes": hex.EncodeToString(v)}
	case *schema.Struct:
		all := map[string]any{}
		for i, f := range v.Schema().Fields {
			all[f.Name] = plain(f.Schema, v.Raw(i))
		}
		return all
	case *schema.Map:
		all := map[string]any{}
		for k, x := range v.All() {
			all[k.(string)] = plain(s.Value, x)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = plain(s.Value, v[i])
		}
		return all
	case string, bool:
		return v
	case float32:
		return float64(v)
	case float64:
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return json.Number(text)
}

// floats makes floating point numbers of those that are written like one.
func floats(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".e") {
			return f
		}
	case map[string]any:
		for k, x := range v {
			v[k] = floats(x)
		}
	case []any:
		for i, x := range v {
			v[i] = floats(x)
		}
	}
	return v
}

// Lines of JSON come as other programs write them: with marks of the order of bytes, with both ends of lines, with empty
// lines, in several gzip members, with and without an end of the last line.
func TestSource_ReadsForeignJSON(t *testing.T) {
	t.Parallel()
	lines := "\ufeff{\"n\": 1}\r\n\r\n  {\"n\":2e0, \"u\":\"\\u00e9\\ud83d\\ude00\"}  \n\n{\"n\":3,\"deep\":{\"list\":[1,null,{\"x\":-0.5}]},\"big\":9007199254740993}\r\n"
	var packed []byte
	codec := &storage.Codec{Name: "gzip"}
	for part := range strings.Lines(lines + `{"n":4}`) {
		var err error
		if packed, err = codec.Append(packed, []byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range map[string][]byte{"plain.json": []byte(lines + `{"n":4}`), "ended.json": []byte(lines + "{\"n\":4}\n"), "packed.json.gz": packed} {
		r := newReader(t, "format.class", "JsonFormat", "record.batch.max.size", "1")
		r.shelf.Put("topics/t/partition=0/t+0+0000000000."+name, data)
		var got []string
		for range 20 {
			task := r.source(0)
			for _, record := range r.poll(task) {
				got = append(got, schema.Text(record.Value.Value))
			}
			if err := task.Close(); err != nil {
				t.Error(err)
			}
		}
		want := []string{"{n=1}", "{u=é😀, n=2.0}", "{big=9007199254740993, deep={list=[1, null, {x=-0.5}]}, n=3}", "{n=4}"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
