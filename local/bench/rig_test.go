package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

const text = "org.apache.kafka.connect.storage.StringConverter"

// registry is what the name of a build ends with that can convert with a schema registry.
const registry = "-registry"

// binaries builds the functions once for all benchmarks.
var binaries = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bench-functions-")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"file/source", "file/sink", "file/sink" + registry} {
		main, second := strings.CutSuffix(name, registry)
		tags := "lambda.norpc"
		if second {
			tags += ",registry"
		}
		cmd := exec.Command("go", "build", "-trimpath", "-tags", tags, "-ldflags", "-s -w",
			"-o", filepath.Join(dir, name, "bootstrap"), "github.com/sluice-connect/sluice/functions/"+main)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return dir, nil
})

// rig is a table, functions and a broker.
type rig struct {
	store     *dynamo.Store
	functions *function.Service
	brokers   string
	tableURL  string
	dir       string

	mu      sync.Mutex
	reports []function.Report
	decode  []float64 // milliseconds that functions took to decode events
}

// Write takes what the functions print and keeps how long they took to decode.
func (r *rig) Write(p []byte) (int, error) {
	var m struct {
		Decode float64 `json:"event-decode-time-ms"`
		Error  string  `json:"error"`
	}
	for line := range bytes.Lines(p) {
		if json.Unmarshal(line, &m) != nil || m.Error != "" {
			os.Stderr.Write(line)
			continue
		}
		r.mu.Lock()
		r.decode = append(r.decode, m.Decode)
		r.mu.Unlock()
	}
	return len(p), nil
}

func newRig(b *testing.B) *rig {
	b.Helper()
	dir, err := binaries()
	if err != nil {
		b.Fatal(err)
	}
	r := &rig{dir: dir, brokers: os.Getenv("SLUICE_TEST_KAFKA")}
	if r.brokers == "" {
		embedded, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { embedded.Close() })
		r.brokers = embedded.Addr()
	}
	tab, err := table.Open(filepath.Join(b.TempDir(), "table.db"))
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(tab)
	b.Cleanup(func() { server.Close(); tab.Close() })
	r.tableURL = server.URL
	r.store, err = dynamo.Open(b.Context(), dynamo.Options{Table: "sluice", Region: "us-east-1", Endpoint: server.URL, AccessKey: "x", SecretKey: "x"})
	if err != nil {
		b.Fatal(err)
	}
	if err := r.store.CreateTable(b.Context()); err != nil {
		b.Fatal(err)
	}
	r.functions, err = function.NewService(function.Options{OnReport: func(report function.Report) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reports = append(r.reports, report)
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.functions.Close(context.Background()) })
	return r
}

// connector writes a connector and deploys its function; kind is source or sink.
func (r *rig) connector(b *testing.B, name, kind string, config map[string]string) {
	b.Helper()
	all := map[string]string{
		"name": name, "connector.class": "FileStream", "key.converter": text, "value.converter": text,
	}
	maps.Copy(all, config)
	_, err := r.store.Put(b.Context(), offset.Connector{Name: name, Target: offset.Running, Stale: true, Config: all}, offset.Keep)
	if err != nil {
		b.Fatal(err)
	}
	r.deploy(b, name, kind)
}

// deploy makes a connector's function known; again, it forgets the warm process.
func (r *rig) deploy(b *testing.B, name, kind string) {
	b.Helper()
	worker, err := json.Marshal(map[string]string{"bootstrap.servers": r.brokers})
	if err != nil {
		b.Fatal(err)
	}
	r.functions.Remove(name)
	err = r.functions.Deploy(function.Function{
		Name: name, Bootstrap: filepath.Join(r.dir, "file", kind, "bootstrap"), Timeout: 5 * time.Minute, Log: r,
		Env: map[string]string{
			runtime.EnvTable: "sluice", runtime.EnvConnector: name, runtime.EnvWorker: string(worker), "AWS_REGION": "us-east-1",
			"AWS_ENDPOINT_URL_DYNAMODB": r.tableURL, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
		},
	})
	if err != nil {
		b.Fatal(err)
	}
}

func (r *rig) invoke(b *testing.B, name string, payload []byte) {
	b.Helper()
	if _, err := r.functions.Invoke(b.Context(), name, payload); err != nil {
		b.Fatal(err)
	}
}

// last is the report of the last invocation.
func (r *rig) last() function.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reports[len(r.reports)-1]
}

func (r *rig) client(b *testing.B, opts ...kgo.Opt) *kgo.Client {
	b.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(r.brokers))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return client
}

// topic makes a topic of its own.
func (r *rig) topic(b *testing.B, name string) {
	b.Helper()
	if _, err := kadm.NewClient(r.client(b)).CreateTopic(b.Context(), 1, 1, nil, name); err != nil {
		b.Fatal(err)
	}
}

// count is how many records a topic holds.
func (r *rig) count(b *testing.B, topic string) int64 {
	b.Helper()
	ends, err := kadm.NewClient(r.client(b)).ListEndOffsets(b.Context(), topic)
	if err != nil {
		b.Fatal(err)
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// linesFile writes n lines of size bytes, the line end included.
func linesFile(b *testing.B, n, size int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "in.txt")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var block bytes.Buffer
	chance := rand.New(rand.NewPCG(1, 2)) // the same file each time, and none that compresses to nothing
	text := make([]byte, size-10)
	for i := range n {
		for j := range text {
			text[j] = '0' + byte(chance.Uint32()%75)
		}
		fmt.Fprintf(&block, "%08d %s\n", i, text)
		if block.Len() > 1<<20 || i == n-1 {
			if _, err := f.Write(block.Bytes()); err != nil {
				b.Fatal(err)
			}
			block.Reset()
		}
	}
	return path
}

func median[T int64 | float64 | time.Duration](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}
