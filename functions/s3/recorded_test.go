package s3_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// recorded is a case that Aiven's connector answered.
type recorded struct {
	Config  map[string]string
	Records []struct {
		Topic      string
		Partition  int32
		Key, Value json.RawMessage
		Timestamp  int64
		Headers    [][2]string
	}
	answers []map[string]any
}

func load(t *testing.T, folder string) recorded {
	t.Helper()
	var c recorded
	text, err := os.ReadFile(filepath.Join(folder, "case.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(filepath.Join(folder, "expected.jsonl")); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var a map[string]any
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		c.answers = append(c.answers, a)
	}
	return c
}

// records are those that Connect's converters make of the case's.
func (c *recorded) records(t *testing.T) []connect.Record {
	t.Helper()
	offsets := map[int32]int64{}
	var all []connect.Record
	for _, in := range c.Records {
		r := connect.Record{
			Topic: in.Topic, Partition: in.Partition, Time: time.UnixMilli(in.Timestamp),
			Key: c.datum(t, "key.converter", in.Key), Value: c.datum(t, "value.converter", in.Value),
			Kafka: connect.Kafka{Topic: in.Topic, Partition: in.Partition, Offset: offsets[in.Partition]},
		}
		offsets[in.Partition]++
		for _, h := range in.Headers {
			r.Headers = append(r.Headers, connect.Header{Key: h[0], Value: connect.Datum{Schema: schema.Of(schema.String), Value: h[1]}})
		}
		all = append(all, r)
	}
	return all
}

func (c *recorded) datum(t *testing.T, name string, text json.RawMessage) connect.Datum {
	t.Helper()
	class := c.Config[name]
	if class == "" {
		class = "org.apache.kafka.connect.json.JsonConverter"
	}
	plugin, ok := convert.FindConverter(class)
	if !ok {
		t.Fatalf("no converter %s", class)
	}
	converter := plugin.New()
	if err := config.Parse(map[string]string{convert.TypeKey: "value"}, converter); err != nil {
		t.Fatal(err)
	}
	raw := []byte(text)
	var plain string
	if json.Unmarshal(text, &plain) == nil {
		raw = []byte(plain)
	}
	d, err := converter.Decode(context.Background(), "", raw)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every object that Aiven's connector wrote is written with the same name and content. Where it failed, or logs an error
// for ever and never commits, so does the sink here fail.
func TestRecorded_Aiven(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("testdata/recorded/*")
	if err != nil || len(folders) == 0 {
		t.Fatal("no recorded cases", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			c := load(t, folder)
			server, url := serve(t)
			settings := maps.Clone(c.Config)
			settings["aws.s3.endpoint"] = url
			task, err := tryOpen(settings, &storagetest.State{})
			if err == nil {
				err = task.Put(t.Context(), c.records(t))
			}
			var want []map[string]any
			fails := true
			for _, a := range c.answers {
				switch a["kind"] {
				case "object":
					fails = false
					delete(a, "kind")
					want = append(want, a)
				case "status":
					checkFailure(t, a, err)
				}
			}
			if (err != nil) != fails {
				t.Fatalf("putting: %v", err)
			}
			var got []map[string]any
			objects := server.Objects("test")
			for _, key := range slices.Sorted(maps.Keys(objects)) {
				o := objects[key]
				seen := map[string]any{"key": key, "contentType": o.Type, "contentEncoding": nil, "metadata": map[string]any{}}
				maps.Copy(seen, content(t, o.Data))
				got = append(got, seen)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

// checkFailure compares the recorded message, if there is one.
func checkFailure(t *testing.T, status map[string]any, err error) {
	t.Helper()
	chains, _ := status["errors"].([]any)
	for _, chain := range chains {
		list, _ := chain.([]any)
		if len(list) == 0 {
			continue
		}
		e, ok := errors.AsType[*schema.Error](err)
		if got := ""; !ok || list[len(list)-1] != e.Class+": "+e.Message {
			t.Errorf("failed with %v %s, want %v", err, got, list)
		}
	}
}

func content(t *testing.T, body []byte) map[string]any {
	t.Helper()
	switch {
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"gzip": string(text)}
	case strings.HasPrefix(string(body), "Obj\x01"), strings.HasPrefix(string(body), "PAR1"):
		contents, ok, err := storagetest.ReadBack(t.Context(), body)
		if err != nil {
			t.Fatal(err)
		}
		if !ok && os.Getenv("SLUICE_CI") == "1" {
			t.Fatalf("%s says no Python with pyarrow and fastavro", storagetest.EnvPython)
		}
		if !ok {
			t.Skipf("%s says no Python with pyarrow and fastavro", storagetest.EnvPython)
		}
		return contents[0]
	}
	return map[string]any{"text": string(body)}
}
