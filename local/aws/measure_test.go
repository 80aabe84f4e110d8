package aws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/aws"
	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

var update = flag.Bool("update", false, "write the golden files")

// bench is a table, a broker, and functions under a quota.
type bench struct {
	*testing.T
	store     *dynamo.Store
	functions *function.Service
	reports   chan function.Report
	brokers   string
	table     string
	printed   *output
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, reports: make(chan function.Report, 100), printed: &output{}}
	embedded, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	items, err := table.Open(filepath.Join(t.TempDir(), "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(items)
	b.brokers, b.table = embedded.Addr(), server.URL
	if b.store, err = dynamo.Open(t.Context(), dynamo.Options{Table: "sluice", Region: region, Endpoint: server.URL, AccessKey: key, SecretKey: key}); err != nil {
		t.Fatal(err)
	}
	if err := b.store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.functions, err = function.NewService(function.Options{InitTimeout: patience, OnReport: func(r function.Report) { b.reports <- r }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = b.functions.Close(closing)
		server.Close()
		_, _ = items.Close(), embedded.Close()
	})
	return b
}

// deploy makes a function known, without a process; connector is that of a sink.
func (b *bench) deploy(name, bootstrap, connector string) {
	b.Helper()
	b.functions.Remove(name)
	b.upgrade(name, bootstrap, connector)
}

// upgrade puts another binary in the place of a function's, as a deployment does: a process that is busy finishes what it
// is at.
func (b *bench) upgrade(name, bootstrap, connector string) {
	b.Helper()
	err := b.functions.Deploy(function.Function{
		Name: name, Bootstrap: bootstrap, Timeout: patience, Log: b.printed,
		Env: map[string]string{
			runtime.EnvTable: "sluice", runtime.EnvConnector: connector, runtime.EnvWorker: `{"bootstrap.servers": "` + b.brokers + `"}`,
			"AWS_REGION": region, "AWS_ENDPOINT_URL_DYNAMODB": b.table, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": key,
		},
	})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) invoke(name string, payload []byte) function.Report {
	b.Helper()
	if _, err := b.functions.Invoke(b.Context(), name, payload); err != nil {
		b.Fatalf("%v\n%s", err, b.printed)
	}
	return <-b.reports
}

// median repeats a measurement.
func median(times int, measure func() float64) float64 {
	all := make([]float64, times)
	for i := range all {
		all[i] = measure()
	}
	slices.Sort(all)
	return all[times/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func built(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../.build/lambda", architecture(), name, "bootstrap"))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("make build/lambda ARCH=%s builds it: %v", architecture(), err)
	}
	return path
}

// Every function from the start of its process to its first request for work, and to its first answer.
func TestFunctions_Start(t *testing.T) {
	needsAWS(t)
	b := newBench(t)
	paths, err := filepath.Glob(filepath.Join("../../.build/lambda", architecture(), "*", "bootstrap"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no function is built: %v", err)
	}
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path))
		event := []byte(`{"control":"describe"}`)
		if name == "control" {
			event = []byte(`{"version":"2.0","rawPath":"/connectors","requestContext":{"http":{"method":"GET"}}}`)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		var next, answer []float64
		for range 5 {
			b.deploy(name, built(t, name), "")
			r := b.invoke(name, event)
			next, answer = append(next, milliseconds(r.Init)), append(answer, milliseconds(r.Init+r.Duration))
		}
		slices.Sort(next)
		slices.Sort(answer)
		t.Logf("%-24s %5.1f MB  first /next %6.1f ms  first answer %6.1f ms (medians of 5)", name, float64(info.Size())/1e6, next[2], answer[2])
	}
}

// What functions take under the share of a processor that their memory buys.
func TestFunctions_UnderQuota(t *testing.T) {
	if os.Getenv("SLUICE_MEASURE") == "" {
		t.Skip("SLUICE_MEASURE is not set: make measure sets it")
	}
	var all aws.Measured
	for _, megabytes := range []int{128, 256, 512, 1024, processor} {
		t.Run(fmt.Sprint(megabytes), func(t *testing.T) {
			q := newQuota(t, megabytes)
			m := measure(newBench(t), q)
			m.Megabytes = megabytes
			all.Quota = q.named
			all.Memory = append(all.Memory, m)
			t.Logf("%+v", m)
		})
	}
	if !*update || t.Failed() {
		return
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/measured.json", append(text, '\n'), 0o644); err != nil { //nolint:gosec // it is part of the tree
		t.Fatal(err)
	}
}

// Sizes of what is measured: records of 200 bytes.
const (
	recordSize = 200
	few, many  = 500, 20_000
)

// measure measures a source that reads lines of a file, and a sink that prints records.
func measure(b *bench, q *quota) aws.Memory {
	b.Helper()
	var m aws.Memory
	m.Source = measureSource(b, q)
	m.Sink = measureSink(b, q)
	return m
}

func measureSource(b *bench, q *quota) aws.Function {
	b.Helper()
	path := filepath.Join(b.TempDir(), "lines.txt")
	grow := func(n int) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(bytes.Repeat([]byte(strings.Repeat("x", recordSize-1)+"\n"), n)); err != nil {
			b.Fatal(err)
		}
	}
	b.put("lines", map[string]string{"connector.class": "FileStreamSource", "file": path, "topic": "lines"})
	grow(1)
	bootstrap := q.wrap(b.T, built(b.T, "file-source"))
	tick := []byte(`{"connector":"lines"}`)
	return b.function(q, func() function.Report {
		b.deploy("source", bootstrap, "")
		return b.invoke("source", tick)
	}, func(n int) function.Report {
		grow(n)
		return b.invoke("source", tick)
	})
}

func measureSink(b *bench, q *quota) aws.Function {
	b.Helper()
	b.put("print", map[string]string{"connector.class": "FileStreamSink", "topics": "lines"})
	bootstrap := q.wrap(b.T, built(b.T, "file-sink"))
	next := int64(0)
	event := func(n int) []byte {
		var e kafka.Encoder
		for range n {
			e.Add("lines", 0, &kafka.Message{Offset: next, Timestamp: 1700000000000, TimestampType: kafka.CreateTime, Value: []byte(strings.Repeat("x", recordSize))})
			next++
		}
		return e.Bytes()
	}
	return b.function(q, func() function.Report {
		b.deploy("sink", bootstrap, "print")
		return b.invoke("sink", event(1))
	}, func(n int) function.Report { return b.invoke("sink", event(min(n, 10_000))) })
}

// put writes a connector into the table.
func (b *bench) put(name string, config map[string]string) {
	b.Helper()
	const text = "org.apache.kafka.connect.storage.StringConverter"
	config["name"], config["key.converter"], config["value.converter"] = name, text, text
	if _, err := b.store.Put(b.Context(), offset.Connector{Name: name, Target: offset.Running, Stale: true, Config: config}, offset.Keep); err != nil {
		b.Fatal(err)
	}
}

// function measures a function whose process is new, and one that is warm with few and with many records.
func (b *bench) function(q *quota, cold func() function.Report, warm func(n int) function.Report) aws.Function {
	b.Helper()
	var f aws.Function
	cold() // has the tasks planned
	f.Cold = median(11, func() float64 {
		r := cold()
		return milliseconds(r.Init + r.Duration)
	})
	took := func(times, n int) (wall, processor float64) {
		var used []float64
		wall = median(times, func() float64 {
			before := q.used(b.T)
			r := warm(n)
			used = append(used, q.used(b.T)-before)
			f.RSS = max(f.RSS, r.MaxRSS)
			return milliseconds(r.Duration)
		})
		slices.Sort(used)
		return wall, used[times/2]
	}
	warm(1)
	f.One, f.OneProcessor = took(31, 1)
	f.Few, _ = took(31, few)
	f.Many, f.ManyProcessor = took(15, many)
	f.Records = many
	return f
}
