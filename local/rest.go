package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/schedule"
	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/convert/registry"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/secret"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// rest is Connect's REST API on the desk.
type rest struct {
	metrics http.Handler
	server  atomic.Pointer[control.Server] // nil until the desk is there

	mu    sync.Mutex
	asked map[string]bool // functions that were deployed to be asked

	closed         bool // nothing may be planned any more
	planning       sync.WaitGroup
	planningCtx    context.Context //nolint:containedctx // ends with the desk
	cancelPlanning context.CancelFunc
}

// openRest listens, so that a taken address is told before anything else is started. Until serveRest, the desk is
// starting.
func (d *desk) openRest() error {
	listener, err := net.Listen("tcp", d.flags.rest)
	if err != nil {
		return fmt.Errorf("listening for REST at %s: %w (is another Connect, or another sluice, running? --rest chooses another address)", d.flags.rest, err)
	}
	d.restAddr = listener.Addr().String()
	if d.flags.restUsers != "" {
		users, err := os.Open(d.flags.restUsers)
		if err != nil {
			return errors.Join(fmt.Errorf("reading --rest-users: %w", err), listener.Close())
		}
		defer users.Close()
		if d.auth, err = control.ReadAuth(users); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", d.flags.restUsers, err), listener.Close())
		}
	}
	d.api = &rest{metrics: d.auth.Guard(http.HandlerFunc(d.ledger.serveMetrics)), asked: map[string]bool{}}
	d.api.planningCtx, d.api.cancelPlanning = context.WithCancel(context.Background())
	d.rest = &http.Server{Handler: d.api, ReadHeaderTimeout: time.Minute}
	go d.rest.Serve(listener) //nolint:errcheck // it ends with Close
	d.stop = append(d.stop, d.rest.Close)
	return nil
}

// serveRest answers requests, now that all parts are there.
func (d *desk) serveRest() error {
	settings, err := control.ParseSettings(d.worker)
	if err != nil {
		return err
	}
	plugins := plugins()
	env, err := worker.NewEnv(d.worker, plugins)
	if err != nil {
		return err
	}
	env.Secrets = secret.New(secret.Options{Properties: d.worker})
	clusters := runtime.NewClusters(env)
	d.stop = append(d.stop, func() error { clusters.Close(); return nil })
	d.api.server.Store(control.New(control.Options{
		Store: d.store, Functions: asker{d}, Triggers: follower{d}, Clusters: clusters, Meter: d.ledger, Settings: settings, Auth: d.auth, Plugins: plugins,
		Version: runtime.Version, Worker: d.restAddr,
	}))
	d.stop = append(d.stop, func() error {
		d.api.server.Store(nil)
		d.api.mu.Lock()
		d.api.closed = true // a request may still be under way
		d.api.mu.Unlock()
		d.api.cancelPlanning()
		d.api.planning.Wait()
		return nil
	})
	return nil
}

// plugins are what configurations may name on the desk, which has the second build of every function beside the first.
func plugins() connector.Plugins { return runtime.Plugins().With(registry.Converters()) }

// ServeHTTP implements http.Handler.
func (r *rest) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/metrics" {
		r.metrics.ServeHTTP(w, request)
		return
	}
	if server := r.server.Load(); server != nil {
		server.ServeHTTP(w, request)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"status":"starting","message":"Worker is still starting up."}`)
}

// asker implements control.Functions with the desk's function binaries.
type asker struct{ desk *desk }

func (a asker) Plugins(context.Context) ([]control.Plugin, error) {
	plugins := make([]control.Plugin, len(a.desk.catalog))
	for i, p := range a.desk.catalog {
		plugins[i] = control.Plugin{Class: p.Class, Aliases: p.Aliases, Type: p.Type, Version: p.Version}
	}
	return plugins, nil
}

// Ask asks a function of its own, so that what is asked does not stand in the way of what runs.
func (a asker) Ask(ctx context.Context, class string, _ offset.Connector, request []byte) ([]byte, error) {
	p, err := a.desk.catalog.find(class)
	if err != nil {
		return nil, err
	}
	name := "control:" + p.Class
	if err := a.deploy(name, p); err != nil {
		return nil, err
	}
	result, err := a.desk.functions.Invoke(ctx, name, request)
	return result.Payload, err
}

// Invoke implements control.Functions.
func (a asker) Invoke(ctx context.Context, c offset.Connector, event []byte) ([]byte, error) {
	result, err := a.desk.invokeSoon(ctx, c.Name, event)
	if own, ok := errors.AsType[*function.Error](err); ok {
		err = errors.New(own.Message)
	}
	return result.Payload, err
}

func (a asker) deploy(name string, p plugin) error {
	api := a.desk.api
	api.mu.Lock()
	defer api.mu.Unlock()
	if api.asked[name] {
		return nil
	}
	worker, err := json.Marshal(a.desk.worker)
	if err != nil {
		return fmt.Errorf("handing the worker's settings to %s: %w", name, err)
	}
	err = a.desk.functions.Deploy(function.Function{
		Name: name, Bootstrap: p.widest(), Timeout: askTime,
		Env: map[string]string{
			runtime.EnvTable: tableName, runtime.EnvWorker: string(worker), runtime.EnvLog: "text",
			"AWS_ENDPOINT_URL_DYNAMODB": a.desk.tableURL,
			"AWS_ACCESS_KEY_ID":         anyKey, "AWS_SECRET_ACCESS_KEY": anyKey, "AWS_REGION": "us-east-1",
		},
	})
	if err != nil {
		return err
	}
	api.asked[name] = true
	return nil
}

// askTime is how long a function may take to answer a control request.
const askTime = time.Minute

// follower implements control.Triggers: the driver follows the table by itself, and runs a source at once when its
// generation rises.
type follower struct{ desk *desk }

// Changed runs a source at once, unless the driver will when it sees the change, and has a sink's tasks planned, since it
// may be long until its first record comes.
func (f follower) Changed(_ context.Context, c offset.Connector) error {
	p, err := f.desk.catalog.find(c.Config["connector.class"])
	if err != nil || c.Target != offset.Running {
		return err
	}
	if p.Type == "source" {
		if err := f.desk.driver.scheduler.Now(c.Name); !errors.Is(err, schedule.ErrNotFound) {
			return err
		}
		return nil // the driver does not know it yet
	}
	if !c.Stale {
		return nil
	}
	api := f.desk.api
	api.mu.Lock()
	defer api.mu.Unlock()
	if api.closed {
		return nil // the first record has them planned
	}
	api.planning.Go(func() { //nolint:contextcheck // it goes on when the request has been answered
		ctx, cancel := context.WithTimeout(api.planningCtx, planTime)
		defer cancel()
		// A failure stands in the connector's status.
		_, _ = f.desk.invokeSoon(ctx, c.Name, []byte(`{"control":"plan"}`))
	})
	return nil
}

// invokeSoon has a connector's function handle an event. The driver may have to deploy the function first, which it does
// when it next looks at the table.
func (d *desk) invokeSoon(ctx context.Context, name string, event []byte) (function.Result, error) {
	soon, cancel := context.WithTimeout(ctx, deployTime)
	defer cancel()
	for {
		result, err := d.functions.Invoke(ctx, name, event)
		if !errors.Is(err, function.ErrNotFound) {
			return result, err
		}
		select {
		case <-soon.Done():
			return result, err
		case <-time.After(lookEvery / 5):
		}
	}
}

// deployTime is how long it may take until a new connector's function is there.
const deployTime = 5 * time.Second

// followTopics has sinks that read the topics of a pattern follow new ones, until ctx ends.
func (d *desk) followTopics(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if server := d.api.server.Load(); server != nil {
			if _, err := server.Follow(ctx); err != nil && ctx.Err() == nil {
				d.reporter.event(slog.LevelWarn, "following topics failed", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Counts implements control.Meter.
func (l *ledger) Counts(_ context.Context, connectors ...offset.Connector) (map[string]map[int]offset.Count, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make(map[string]map[int]offset.Count, len(connectors))
	for _, c := range connectors {
		if a := l.all[c.Name]; a != nil {
			counts[c.Name] = maps.Clone(a.tasks)
		}
	}
	return counts, nil
}

// planTime is how long to try to have tasks planned; the first record has them planned, too.
const planTime = time.Minute

// Deleted implements control.Triggers.
func (f follower) Deleted(context.Context, offset.Connector) error { return nil }

// States implements control.Triggers.
func (f follower) States(_ context.Context, connectors ...offset.Connector) (map[string]control.TriggerState, error) {
	mappings := map[string][]trigger.Status{}
	for _, s := range f.desk.driver.trigger.List() {
		if connector, ours := strings.CutSuffix(s.Name, "/"+s.Topic); ours {
			mappings[connector] = append(mappings[connector], s)
		}
	}
	states := make(map[string]control.TriggerState, len(connectors))
	for _, c := range connectors {
		states[c.Name] = stateOf(c, mappings[c.Name], f.desk.flags.tick)
	}
	return states, nil
}

// stateOf is how the triggers of one connector are; a source has a schedule and no mapping.
func stateOf(c offset.Connector, mappings []trigger.Status, tick time.Duration) control.TriggerState {
	state := control.TriggerState{Every: tick}
	var notes []string
	for i := range mappings {
		m := &mappings[i]
		if m.State != trigger.Disabled {
			state.Delivering = true
		}
		if c.Target != offset.Running {
			continue
		}
		if m.Missing {
			notes = append(notes, "waiting for topic "+m.Topic)
		}
		for _, problem := range m.Problems {
			if problem != m.LastResult && state.Broken == "" { // what the function said stands in the tasks' statuses
				state.Broken = problem
			}
		}
		for _, p := range m.Partitions {
			if p.End < 0 || p.Next < 0 {
				continue
			}
			if state.Lag == nil {
				state.Lag = map[kafka.TopicPartition]int64{}
			}
			state.Lag[kafka.TopicPartition{Topic: m.Topic, Partition: p.ID}] = max(0, p.End-p.Next)
		}
	}
	state.Note = strings.Join(notes, ", ")
	return state
}
