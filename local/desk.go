package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// The table's name on the desk, and the credentials an embedded endpoint takes.
const (
	tableName = "sluice"
	anyKey    = "desk"
)

// desk is everything that runs.
type desk struct {
	flags    flags
	data     string
	worker   map[string]string // worker properties handed to every function
	reporter reporter
	ledger   *ledger

	broker    *broker.Broker // nil with --brokers
	brokers   string
	client    []kgo.Opt // of the desk's own Kafka clients
	cluster   string
	table     *table.Table // nil with --dynamodb
	tableURL  string
	store     *dynamo.Store
	functions *function.Service
	catalog   catalog
	driver    *driver
	rest      *http.Server
	api       *rest
	restAddr  string
	stop      []func() error // in order of starting
}

// openDesk starts the parts. What was started is ended again if one of them fails.
func openDesk(ctx context.Context, f flags, worker map[string]string, r reporter) (_ *desk, err error) {
	d := &desk{flags: f, worker: maps.Clone(worker), reporter: r, ledger: newLedger()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.data, err = filepath.Abs(f.data); err != nil {
		return nil, fmt.Errorf("finding the data folder: %w", err)
	}
	if err := os.MkdirAll(d.data, 0o755); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	if err := d.openRest(); err != nil {
		return nil, err
	}
	if err := d.openBroker(ctx); err != nil {
		return nil, err
	}
	if err := d.openTable(ctx); err != nil {
		return nil, err
	}
	if err := d.openFunctions(ctx); err != nil {
		return nil, err
	}
	d.driver = newDriver(d)
	d.stop = append(d.stop, d.driver.close)
	d.serveRest()
	return d, nil
}

func (d *desk) openBroker(ctx context.Context) (err error) {
	d.brokers = d.flags.brokers
	if d.brokers == "" {
		d.broker, err = broker.Open(broker.Options{Addr: d.flags.kafka, Dir: filepath.Join(d.data, "kafka")})
		if err != nil {
			return err
		}
		d.stop = append(d.stop, d.broker.Close)
		d.brokers = d.broker.Addr()
	}
	d.worker["bootstrap.servers"] = d.brokers
	return d.openClient(ctx)
}

func (d *desk) openTable(ctx context.Context) (err error) {
	d.tableURL = d.flags.dynamodb
	if d.tableURL == "" {
		if d.table, err = table.Open(filepath.Join(d.data, "table.db")); err != nil {
			return err
		}
		d.stop = append(d.stop, d.table.Close)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("listening for the embedded table: %w", err)
		}
		server := &http.Server{Handler: d.table, ReadHeaderTimeout: time.Minute}
		go server.Serve(listener) //nolint:errcheck // it ends with Close
		d.stop = append(d.stop, server.Close)
		d.tableURL = "http://" + listener.Addr().String()
	}
	d.store, err = dynamo.Open(ctx, dynamo.Options{
		Table: tableName, Region: "us-east-1", Endpoint: d.tableURL, AccessKey: anyKey, SecretKey: anyKey,
	})
	if err != nil {
		return fmt.Errorf("opening the table: %w", err)
	}
	if err := d.store.CreateTable(ctx); err != nil {
		return fmt.Errorf("making the table at %s: %w", d.tableURL, err)
	}
	return nil
}

func (d *desk) openFunctions(ctx context.Context) (err error) {
	d.functions, err = function.NewService(function.Options{Freeze: d.flags.freeze, Grace: closeGrace, Idle: idleProcess})
	if err != nil {
		return err
	}
	d.stop = append(d.stop, func() error {
		closing, cancel := context.WithTimeout(context.Background(), closeGrace)
		defer cancel()
		return d.functions.Close(closing)
	})
	d.catalog, err = readCatalog(ctx, d.functions, d.flags.functions)
	return err
}

// How long running invocations get to finish when the desk ends, and how long an idle process is kept warm.
const (
	closeGrace  = 1500 * time.Millisecond
	idleProcess = time.Minute
)

// deploy makes a connector's function known, with what it needs to know.
func (d *desk) deploy(name string, p plugin) error {
	worker, err := json.Marshal(d.worker)
	if err != nil {
		return fmt.Errorf("handing the worker's settings to %s: %w", name, err)
	}
	logs, err := logFile(filepath.Join(d.data, "logs"), name)
	if err != nil {
		return err
	}
	d.stop = append(d.stop, logs.Close)
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("deploying %s: %w", name, err)
	}
	return d.functions.Deploy(function.Function{
		Name: name, Bootstrap: p.bootstrap, Dir: dir, Timeout: functionTimeout,
		Log: &metricsTap{log: logs, ledger: d.ledger, failed: func(connector, text string) {
			d.reporter.event(slog.LevelError, "failed", "connector", connector, "error", text)
		}},
		Env: map[string]string{
			runtime.EnvTable: tableName, runtime.EnvConnector: name, runtime.EnvWorker: string(worker),
			runtime.EnvLog: "text", "AWS_ENDPOINT_URL_DYNAMODB": d.tableURL,
			"AWS_ACCESS_KEY_ID": anyKey, "AWS_SECRET_ACCESS_KEY": anyKey, "AWS_REGION": "us-east-1",
		},
	})
}

// functionTimeout is Lambda's for scheduled functions on the desk: long, so that a long poll is not cut.
const functionTimeout = 5 * time.Minute

// apply writes the connectors of files into the table. A file that did not change leaves its connector alone, so that a
// second start goes on where the first ended.
func (d *desk) apply(ctx context.Context, files []connectorFile, demo bool) error {
	for _, f := range files {
		if _, err := d.catalog.find(f.config["connector.class"]); err != nil {
			return fmt.Errorf("connector %q of %s: %w", f.name, f.path, err)
		}
	}
	if !demo {
		for _, name := range []string{demoSource, demoSink} {
			if err := d.forget(ctx, name); err != nil {
				return err
			}
		}
	}
	for _, f := range files {
		if err := d.put(ctx, f); err != nil {
			return fmt.Errorf("connector %q of %s: %w", f.name, f.path, err)
		}
	}
	return nil
}

func (d *desk) put(ctx context.Context, f connectorFile) error {
	c, _, err := d.store.Look(ctx, f.name, 0)
	if errors.Is(err, offset.ErrNotFound) {
		c = offset.Connector{Name: f.name, Target: offset.Running}
	} else if err != nil {
		return err
	}
	if maps.Equal(c.Config, f.config) {
		return nil
	}
	c.Config, c.Stale = f.config, true
	delete(c.Trigger, runtime.Halted) // a change is a new chance
	_, err = d.store.Put(ctx, c, offset.Restart)
	return err
}

// forget removes a connector; its offsets stay.
func (d *desk) forget(ctx context.Context, name string) error {
	c, _, err := d.store.Look(ctx, name, 0)
	if errors.Is(err, offset.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = d.store.Delete(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("removing connector %q: %w", name, err)
	}
	return nil
}

func (d *desk) welcome(demo *demo) welcome {
	w := welcome{Kafka: d.brokers, REST: d.restAddr, Table: d.tableURL, Data: d.data, Logs: filepath.Join(d.data, "logs")}
	if demo != nil {
		w.Source, w.Sink = demo.source, demo.sink
	}
	for _, p := range d.catalog {
		w.Connectors = append(w.Connectors, p.Class[strings.LastIndexByte(p.Class, '.')+1:])
	}
	return w
}

// run drives the connectors and shows how they do, until ctx ends.
func (d *desk) run(ctx context.Context, demo *demo) error {
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return d.driver.run(ctx) })
	if demo != nil {
		running.Go(func() error { return demo.grow(ctx) })
	}
	running.Go(func() error {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case now := <-tick.C:
				d.reporter.accounts(d.ledger.snapshot(now))
			}
		}
	})
	return running.Wait()
}

// close ends all parts, the last started first.
func (d *desk) close() error {
	var errs []error
	for i := len(d.stop) - 1; i >= 0; i-- {
		errs = append(errs, d.stop[i]())
	}
	d.stop = nil
	return errors.Join(errs...)
}
