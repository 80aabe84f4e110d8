package main

import (
	"cmp"
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
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/registry"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/control"
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
	client    []kgo.Opt    // of the desk's own Kafka clients
	table     *table.Table // nil with --dynamodb
	registry  string       // the URL of the embedded schema registry, "" without one
	tableURL  string
	aws       map[string]string // how to sign what is asked of the table
	store     *dynamo.Store
	functions *function.Service
	logs      logFiles
	catalog   catalog
	driver    *driver
	rest      *http.Server
	api       *rest
	restAddr  string
	auth      control.Auth
	stop      []func() error // in order of starting
	ending    time.Time      // when what still runs is killed, once the desk is closed
}

// openDesk starts the parts. What was started is ended again if one of them fails.
func openDesk(ctx context.Context, f flags, worker map[string]string, r reporter) (_ *desk, err error) {
	d := &desk{flags: f, worker: maps.Clone(worker), reporter: r, ledger: newLedger()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	var release func() error
	if d.data, release, err = openFolder(f.data); err != nil {
		return nil, err
	}
	d.stop = append(d.stop, release)
	if err := d.openRest(); err != nil {
		return nil, err
	}
	if err := d.openBroker(ctx); err != nil {
		return nil, err
	}
	if err := d.openTable(ctx); err != nil {
		return nil, err
	}
	if err := d.openRegistry(); err != nil {
		return nil, err
	}
	if err := d.openFunctions(ctx); err != nil {
		return nil, err
	}
	d.driver = newDriver(d)
	d.stop = append(d.stop, d.driver.close)
	return d, d.serveRest()
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
		listener, err := net.Listen("tcp", d.flags.table)
		if err != nil {
			return fmt.Errorf("listening for the embedded table: %w", err)
		}
		server := &http.Server{Handler: d.table, ReadHeaderTimeout: time.Minute}
		go server.Serve(listener) //nolint:errcheck // it ends with Close
		d.stop = append(d.stop, server.Close)
		d.tableURL = "http://" + listener.Addr().String()
	}
	d.aws = credentials(d.flags.dynamodb != "")
	d.store, err = dynamo.Open(ctx, dynamo.Options{
		Table: tableName, Region: d.aws["AWS_REGION"], Endpoint: d.tableURL,
		AccessKey: d.aws["AWS_ACCESS_KEY_ID"], SecretKey: d.aws["AWS_SECRET_ACCESS_KEY"], SessionToken: d.aws["AWS_SESSION_TOKEN"],
	})
	if err != nil {
		return fmt.Errorf("opening the table: %w", err)
	}
	making, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	if err := d.store.CreateTable(making); err != nil {
		return fmt.Errorf("reaching DynamoDB at %s: %w", d.tableURL, cause(err))
	}
	return nil
}

// openRegistry serves the embedded schema registry. Where nobody said that it should, it gives way to another one.
func (d *desk) openRegistry() error {
	address := d.flags.registry
	if address == "" && d.flags.brokers == "" {
		address = defaultRegistry
	}
	if address == "" || address == "off" {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		if d.flags.registry == "" {
			d.reporter.event(slog.LevelWarn, "the desk has no schema registry", "because", address+" is in use, by another desk or another registry; --registry chooses another address")
			return nil
		}
		return fmt.Errorf("listening for the schema registry: %s is in use; --registry chooses another address", address)
	}
	if err != nil {
		return fmt.Errorf("listening for the schema registry at %s, which --registry chooses: %w", address, err)
	}
	schemas, err := registry.Open(filepath.Join(d.data, "registry", "schemas.jsonl"))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: schemas, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	d.stop = append(d.stop, schemas.Close, server.Close)
	d.registry = "http://" + listener.Addr().String()
	return nil
}

// defaultRegistry is where schema registries are expected.
const defaultRegistry = "127.0.0.1:8081"

// credentials are the variables of the environment by which functions sign what they ask of the table. An endpoint that is
// not the desk's own may be a real one, and take those of the user only.
func credentials(own bool) map[string]string {
	env := map[string]string{"AWS_ACCESS_KEY_ID": anyKey, "AWS_SECRET_ACCESS_KEY": anyKey, "AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1"}
	if !own {
		return env
	}
	if id := os.Getenv("AWS_ACCESS_KEY_ID"); id != "" {
		env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = id, os.Getenv("AWS_SECRET_ACCESS_KEY")
		env["AWS_SESSION_TOKEN"] = os.Getenv("AWS_SESSION_TOKEN")
	}
	env["AWS_REGION"] = cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), env["AWS_REGION"])
	return env
}

// cause is what the network said, if that is what went wrong, without the SDK's account of how it got there.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return err
}

func (d *desk) openFunctions(ctx context.Context) (err error) {
	d.functions, err = function.NewService(function.Options{Freeze: d.flags.freeze, Grace: closeGrace, Idle: idleProcess})
	if err != nil {
		return err
	}
	d.logs.dir = filepath.Join(d.data, "logs")
	//nolint:contextcheck // what ends the desk happens when ctx has ended
	d.stop = append(d.stop, d.logs.close, func() error {
		if d.driver == nil {
			return nil
		}
		return d.driver.lastLook()
	}, func() error {
		closing, cancel := context.WithDeadline(context.Background(), d.ending)
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
func (d *desk) deploy(name, binary string) error {
	worker, err := json.Marshal(d.worker)
	if err != nil {
		return fmt.Errorf("handing the worker's settings to %s: %w", name, err)
	}
	logs, err := d.logs.of(name)
	if err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("deploying %s: %w", name, err)
	}
	env := maps.Clone(d.aws)
	env[runtime.EnvTable], env[runtime.EnvConnector], env[runtime.EnvWorker] = tableName, name, string(worker)
	env[runtime.EnvLog], env["AWS_ENDPOINT_URL_DYNAMODB"] = "text", d.tableURL
	return d.functions.Deploy(function.Function{
		Name: name, Bootstrap: binary, Dir: dir, Timeout: functionTimeout,
		Log: &metricsTap{log: logs, ledger: d.ledger, failed: d.failed, did: d.did},
		Env: env,
	})
}

// failed reports a failure of a connector, unless it is the one that was reported last.
func (d *desk) failed(connector, text string) { d.failedAt(connector, text, time.Now()) }

func (d *desk) failedAt(connector, text string, at time.Time) {
	if d.ledger.fail(connector, text, at) {
		d.reporter.event(slog.LevelError, "failed", "connector", connector, "error", oneLine(text))
	}
}

// did reports that a connector works, if it did not before.
func (d *desk) did(connector string) {
	if d.ledger.recover(connector) {
		d.reporter.event(slog.LevelInfo, "works again", "connector", connector)
	}
}

// functionTimeout is Lambda's for scheduled functions on the desk: long, so that a long poll is not cut.
const functionTimeout = 5 * time.Minute

func (d *desk) welcome(demo *demo, connectors int) welcome {
	w := welcome{Running: connectors, Kafka: d.brokers, REST: d.restAddr, Registry: d.registry, Table: d.tableURL, Data: d.data, Logs: filepath.Join(d.data, "logs")}
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
	running.Go(func() error { return d.followTopics(ctx) })
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
				d.reporter.accounts(d.ledger.snapshot(now), false)
			}
		}
	})
	return running.Wait()
}

// close ends all parts, the last started first.
func (d *desk) close() error {
	d.ending = time.Now().Add(closeGrace)
	var errs []error
	for _, stop := range slices.Backward(d.stop) {
		errs = append(errs, stop())
	}
	d.stop = nil
	return errors.Join(errs...)
}
