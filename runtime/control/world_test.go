package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// world is all that a server works with, in this process: a broker, a table, and what runs connectors as the table says.
type world struct {
	t       testing.TB
	moves   bool // whether anything runs
	store   offset.Store
	brokers string
	env     worker.Env
	trigger *trigger.Trigger
	clock   atomic.Int64 // how far the table's clock is off
	more    []control.Plugin
	source  runtime.Controls
	sink    runtime.Controls

	mu      sync.Mutex
	sinks   map[string]*invokedSink
	sources map[string]bool // under way
	running sync.WaitGroup
}

// invokedSink is a sink's function, used for one invocation at a time.
type invokedSink struct {
	sync.Mutex
	sink *worker.Sink
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	w := stillWorld(t, b.Addr())
	w.moves = true
	ctx, cancel := context.WithCancel(context.Background())
	w.running.Go(func() { w.follow(ctx) })
	t.Cleanup(func() {
		cancel()
		w.running.Wait()
		if err := w.trigger.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// stillWorld is a world in which nothing runs by itself. properties are further ones of the worker, names and values in turn.
func stillWorld(t testing.TB, brokers string, properties ...string) *world {
	t.Helper()
	w := &world{
		t: t, brokers: brokers, sinks: map[string]*invokedSink{}, sources: map[string]bool{},
		trigger: trigger.New(trigger.Options{RetryMax: 200 * time.Millisecond}),
	}
	w.store = offset.NewMemory(func() time.Time { return time.Now().Add(time.Duration(w.clock.Load())) })
	var err error
	all := map[string]string{"bootstrap.servers": brokers}
	for i := 0; i < len(properties); i += 2 {
		all[properties[i]] = properties[i+1]
	}
	if w.env, err = worker.NewEnv(all, runtime.Plugins()); err != nil {
		t.Fatal(err)
	}
	w.env.Worker, w.env.Log = "here:1", slog.New(slog.DiscardHandler)
	w.source = runtime.SourceControls(file.Source, w.env, w.store)
	w.sink = runtime.SinkControls(file.Sink, w.env, nil)
	return w
}

// serve returns a server of the REST API.
func (w *world) serve(t *testing.T) *httptest.Server {
	t.Helper()
	admin, err := kafka.NewAdmin(kafka.AdminConfig{Properties: map[string]string{"bootstrap.servers": w.brokers}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	return w.serveWith(t, admin)
}

func (w *world) serveWith(t *testing.T, groups control.Groups) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(w.handler(groups))
	t.Cleanup(server.Close)
	return server
}

func (w *world) handler(groups control.Groups) *control.Server { return control.New(w.options(groups)) }

func (w *world) options(groups control.Groups) control.Options {
	return control.Options{
		Store: w.store, Functions: w, Triggers: w, Clusters: cluster{groups}, Plugins: runtime.Plugins(), Version: runtime.Version,
		Worker: "there:2", Log: w.env.Log,
	}
}

// fixed are the triggers of a world, as they are said to be.
type fixed struct {
	control.Triggers
	state *control.TriggerState
}

func (f fixed) States(_ context.Context, connectors ...offset.Connector) (map[string]control.TriggerState, error) {
	states := map[string]control.TriggerState{}
	for _, c := range connectors {
		states[c.Name] = *f.state
	}
	return states, nil
}

// meter says of every connector that its tasks did this.
type meter map[int]offset.Count

func (m meter) Counts(_ context.Context, connectors ...offset.Connector) (map[string]map[int]offset.Count, error) {
	counts := map[string]map[int]offset.Count{}
	for _, c := range connectors {
		counts[c.Name] = m
	}
	return counts, nil
}

// onlyNamed admits connectors of one name.
func onlyNamed(name string) func(context.Context, offset.Connector) error {
	return func(_ context.Context, c offset.Connector) error {
		if c.Name != name {
			return fmt.Errorf("connector %s cannot be run here", c.Name)
		}
		return nil
	}
}

// cluster implements control.Clusters.
type cluster struct{ groups control.Groups }

func (c cluster) ID(context.Context) (string, error) { return "test", nil }

func (c cluster) Groups(context.Context, offset.Connector) (control.Groups, error) {
	return c.groups, nil
}

// Plugins implements control.Functions.
func (w *world) Plugins(context.Context) ([]control.Plugin, error) {
	return append([]control.Plugin{
		{Class: file.Source.Class, Type: "source", Version: runtime.Version},
		{Class: file.Sink.Class, Type: "sink", Version: runtime.Version},
	}, w.more...), nil
}

// Ask implements control.Functions.
func (w *world) Ask(ctx context.Context, class string, _ offset.Connector, request []byte) ([]byte, error) {
	controls := w.source
	if class == file.Sink.Class {
		controls = w.sink
	}
	answer, _, err := controls.Answer(ctx, request)
	return answer, err
}

// Invoke implements control.Functions.
func (w *world) Invoke(ctx context.Context, c offset.Connector, event []byte) ([]byte, error) {
	if isSink(c) {
		return w.invoke(ctx, c.Name, event)
	}
	answer, _, err := w.source.Answer(ctx, event)
	return answer, err
}

// Changed implements control.Triggers.
func (w *world) Changed(_ context.Context, c offset.Connector) error {
	if w.moves && isSink(c) && c.Stale && c.Target == offset.Running {
		w.running.Go(func() {
			// A failure stands in the connector's status.
			_, _ = w.invoke(context.Background(), c.Name, []byte(`{"eventSource":"SelfManagedKafka","records":{}}`))
		})
	}
	return nil
}

// Deleted implements control.Triggers.
func (w *world) Deleted(context.Context, offset.Connector) error { return nil }

// States implements control.Triggers.
func (w *world) States(_ context.Context, connectors ...offset.Connector) (map[string]control.TriggerState, error) {
	states := map[string]control.TriggerState{}
	for _, c := range connectors {
		if s, err := w.trigger.Status(c.Name); err == nil {
			states[c.Name] = control.TriggerState{Delivering: s.State != trigger.Disabled}
		}
	}
	return states, nil
}

func isSink(c offset.Connector) bool { return strings.Contains(c.Config["connector.class"], "Sink") }

// follow makes run what the table says.
func (w *world) follow(ctx context.Context) {
	there := map[string]offset.Connector{}
	for {
		connectors, err := w.store.List(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			w.t.Error(err)
		}
		known := map[string]bool{}
		for _, c := range connectors {
			known[c.Name] = true
			if old, ok := there[c.Name]; isSink(c) && (!ok || old.Version != c.Version) {
				w.follows(c)
			}
			there[c.Name] = c
			if !isSink(c) && c.Target == offset.Running {
				w.tick(ctx, c.Name)
			}
		}
		for name := range there {
			if !known[name] {
				w.trigger.Delete(name)
				delete(there, name)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// follows makes a sink's trigger what its item says.
func (w *world) follows(c offset.Connector) {
	err := w.trigger.Put(trigger.Mapping{
		Name: c.Name, Topic: c.Config["topics"], Group: "connect-" + c.Name, Client: []kgo.Opt{kgo.SeedBrokers(w.brokers)},
		Bootstrap: w.brokers, Window: -1, Disabled: c.Target != offset.Running || c.Trigger[control.Halted] != "",
		Invoke: func(ctx context.Context, payload []byte) ([]byte, error) { return w.invoke(ctx, c.Name, payload) },
	})
	if err != nil {
		w.t.Error(err)
	}
}

func (w *world) invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	w.mu.Lock()
	s := w.sinks[name]
	if s == nil {
		s = &invokedSink{sink: &worker.Sink{Connector: file.Sink, Name: name, Env: w.env, Store: w.store}}
		w.sinks[name] = s
	}
	w.mu.Unlock()
	s.Lock()
	defer s.Unlock()
	answer, _, err := s.sink.Run(ctx, payload)
	return answer, err
}

// tick invokes a source that is not under way.
func (w *world) tick(ctx context.Context, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sources[name] {
		return
	}
	w.sources[name] = true
	w.running.Go(func() {
		source := &worker.Source{Connector: file.Source, Env: w.env, Store: w.store}
		if _, err := source.Run(ctx, worker.Tick{Connector: name}); err != nil && ctx.Err() == nil {
			w.env.Log.Warn("a tick failed", "error", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.sources, name)
	})
}
