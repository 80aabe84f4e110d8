package worker_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	desk "github.com/sluice-connect/sluice/local/registry"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/convert/registry"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/worker"
)

const avroConverter = "io.confluent.connect.avro.AvroConverter"

// ailing is a schema registry with an illness that begins after some requests and is over when it is cured.
type ailing struct {
	*desk.Registry
	illness http.HandlerFunc
	healthy atomic.Int32 // how many requests are still answered
}

func (a *ailing) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if a.healthy.Add(-1) < 0 {
		a.illness(w, req)
		return
	}
	a.Registry.ServeHTTP(w, req)
}

func (a *ailing) cure() { a.healthy.Store(1 << 20) }

// illnesses are the ways in which a registry fails, and what of them its error tells.
var illnesses = map[string]struct {
	illness http.HandlerFunc
	tells   string
	outage  bool
}{
	"down": {func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			c.Close()
		}
	}, "EOF", true},
	"in trouble": {func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error_code":50001,"message":"disk full"}`, http.StatusInternalServerError)
	}, "disk full", true},
	"slow": {func(_ http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body) // only then is it seen that the client gave up
		<-req.Context().Done()
	}, "timeout", true},
	"wrong": {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }, "unable to decode", true},
	"unauthorised": {func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error_code":401,"message":"Unauthorized"}`, http.StatusUnauthorized)
	}, "the registry wants other credentials", false},
}

// withRegistry is a bench whose connectors may convert with a schema registry that answers so many requests before it ails.
func withRegistry(t *testing.T, illness http.HandlerFunc, healthy int32) (*bench, *ailing, string) {
	t.Helper()
	schemas, err := desk.Open("")
	if err != nil {
		t.Fatal(err)
	}
	if err := schemas.SetLevel("", "NONE"); err != nil {
		t.Fatal(err)
	}
	a := &ailing{Registry: schemas, illness: illness}
	a.healthy.Store(healthy)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	b := setup(t)
	plugins := testPlugins()
	plugins.Converters = slices.Concat(plugins.Converters, registry.Converters())
	env, err := worker.NewEnv(map[string]string{
		"bootstrap.servers": b.broker.ListenAddrs()[0], "key.converter": stringConverter, "value.converter": stringConverter,
	}, plugins)
	if err != nil {
		t.Fatal(err)
	}
	env.Worker, env.Log = b.env.Worker, b.env.Log
	b.env = env
	return b, a, server.URL
}

// avroSettings make a connector convert values with a registry, and give up soon.
func avroSettings(address, tolerance string) map[string]string {
	return map[string]string{
		"topic": "feed", "topics": "feed", "errors.tolerance": tolerance, "value.converter": avroConverter, "value.converter.schema.registry.url": address,
		"value.converter.max.retries": "0", "value.converter.http.read.timeout.ms": "200", "sluice.restart.max.attempts": "100",
	}
}

// words is a text as a record with a field for each word: its schema changes with their number.
func words(line string) connect.Datum {
	var fields []schema.Field
	var values []any
	for i, word := range strings.Fields(line) {
		fields = append(fields, schema.F("w"+string(rune('0'+i)), schema.Of(schema.String)))
		values = append(values, word)
	}
	s := schema.StructOf(fields, schema.Named("test.Words"))
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, values)}
}

// wordTask is a feedTask whose lines are records.
type wordTask struct{ feedTask }

func (w *wordTask) Poll(ctx context.Context) ([]connect.Record, error) {
	records, err := w.feedTask.Poll(ctx)
	for i := range records {
		line, _ := records[i].Value.Value.(string)
		records[i].Value = words(line)
	}
	return records, err
}

func newAvro(t *testing.T, address string) connect.Converter {
	t.Helper()
	for _, p := range registry.Converters() {
		if p.Class == avroConverter {
			c := p.New()
			if err := config.Parse(map[string]string{convert.TypeKey: convert.ValueType, "schema.registry.url": address}, c); err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	t.Fatal("there is no " + avroConverter)
	return nil
}

// lines whose schema changes, and changes back, in one batch.
var changing = []string{"a b", "c d", "e f g", "h i", "j", "k l m"}

func texts(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, schema.Text(words(line).Value))
	}
	return all
}

// A registry that fails while a source's batch is converted, at its first schema or a later one: no record is passed over,
// even if failures are tolerated, and all are written once it is well again.
func TestSource_RegistryFailsInABatch(t *testing.T) {
	t.Parallel()
	for name, tt := range illnesses {
		for _, healthy := range []int32{0, 1} {
			t.Run(name+string('0'+healthy), func(t *testing.T) {
				t.Parallel()
				b, ill, address := withRegistry(t, tt.illness, healthy)
				f := &feed{}
				f.add("a", changing...)
				tolerance := "none"
				if tt.outage {
					tolerance = "all"
				}
				b.put(t, "c", avroSettings(address, tolerance))
				source := f.source()
				source.New = func() connect.SourceTask { return &wordTask{feedTask{feed: f}} }
				s := &worker.Source{Connector: source, Env: b.env, Store: b.store}
				r := run(t, s, "c")
				if r.Err == nil || !strings.Contains(r.Err.Error(), tt.tells) || r.Skipped != 0 || r.Dead != 0 {
					t.Errorf("%+v, want an error with %q", r, tt.tells)
				}
				ill.cure()
				run(t, s, "c")
				var got []string
				read := newAvro(t, address)
				for _, v := range b.read(t, "feed", len(changing)) {
					d, err := read.Decode(t.Context(), "feed", []byte(v))
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, schema.Text(d.Value))
				}
				// What was written before it failed may be written again: at least once.
				if diff := cmp.Diff(texts(changing), got[len(got)-len(changing):]); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// The same for a sink: the invocation fails, the batch comes again, and everything is put.
func TestSink_RegistryFailsInABatch(t *testing.T) {
	t.Parallel()
	for name, tt := range illnesses {
		for _, healthy := range []int32{0, 2} {
			t.Run(name+string('0'+healthy), func(t *testing.T) {
				t.Parallel()
				b, ill, address := withRegistry(t, tt.illness, 1<<20)
				write := newAvro(t, address)
				var values []string
				for _, line := range changing {
					v, err := write.Encode(t.Context(), "feed", words(line))
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, string(v))
				}
				ill.healthy.Store(healthy)
				tolerance := "none"
				if tt.outage {
					tolerance = "all"
				}
				b.put(t, "s", avroSettings(address, tolerance))
				p := &pit{}
				s := b.sink(p, "s")
				_, r, err := s.Run(t.Context(), event(t, "feed", 0, 0, values...))
				if err == nil || !strings.Contains(err.Error(), tt.tells) || r.Skipped != 0 || r.Dead != 0 {
					t.Fatalf("%+v, %v, want %q", r, err, tt.tells)
				}
				ill.cure()
				if _, _, err := s.Run(t.Context(), event(t, "feed", 0, 0, values...)); err != nil {
					t.Fatal(err)
				}
				if n := len(p.values); n < len(changing) {
					t.Errorf("%d records were put, want %d", n, len(changing))
				}
			})
		}
	}
}
