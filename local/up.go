package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/local/schedule"
	"github.com/sluice-connect/sluice/local/trigger"
)

// flags are the options of sluice up.
type flags struct {
	data, rest, restUsers, kafka, table, brokers, registry, dynamodb, functions, worker, log string
	insecure, noDemo, freeze                                                                 bool
	tick, batchWindow                                                                        time.Duration
	batchSize, pollers                                                                       int
	files                                                                                    []string
}

func upCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "up [flags] [connector.json|connector.properties …]",
		Short: "Run connectors on this machine",
		Long: `Runs connectors: their function binaries, driven by a scheduler and a Kafka trigger, against an embedded Kafka and an
embedded table whose data lie in a folder. A second start goes on where the first one ended.

Connector files are those of connect-standalone: flat .properties, flat JSON, or JSON of the form {"name", "config"}.
Without any, a demo runs: a file that grows, a topic, and another file. Ctrl-C ends everything.`,
		Example: "  sluice up\n  sluice up orders-source.json orders-sink.properties\n  sluice up --brokers broker:9092 --worker connect-standalone.properties orders.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			f.files = args
			return up(cmd, f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", ".sluice", "folder of everything that is kept: topics, table, logs")
	fl.StringVar(&f.rest, "rest", "127.0.0.1:8083", "address of the REST API; other than this machine's own ones need --rest-users or --insecure")
	fl.StringVar(&f.restUsers, "rest-users", "", "file of who may use the REST API: lines name=password or Bearer token")
	fl.BoolVar(&f.insecure, "insecure", false, "let everybody use the REST API, wherever it listens")
	fl.StringVar(&f.kafka, "kafka", "127.0.0.1:9092", "address the embedded Kafka listens on")
	fl.StringVar(&f.table, "table", "127.0.0.1:0", "address the embedded table listens on, as a DynamoDB; port 0 takes a free one")
	fl.StringVar(&f.brokers, "brokers", "", "a real Kafka cluster instead of the embedded one: host:port,…")
	fl.StringVar(&f.registry, "registry", "", "address the embedded schema registry listens on, or off (default "+defaultRegistry+", off with --brokers)")
	fl.StringVar(&f.dynamodb, "dynamodb", "", "URL of a real DynamoDB endpoint instead of the embedded table")
	fl.StringVar(&f.functions, "functions", "", "folder of the function binaries (default: functions beside this program)")
	fl.StringVar(&f.worker, "worker", "", "a Connect worker properties file; what concerns connectors is honoured")
	fl.StringVar(&f.log, "log", "auto", "how to report: auto (live on a terminal, else lines), lines, json")
	fl.BoolVar(&f.noDemo, "no-demo", false, "start nothing when no connector is given")
	fl.BoolVar(&f.freeze, "freeze", false, "stop function processes between invocations, as Lambda does")
	fl.IntVar(&f.batchSize, "batch-size", 10_000, "most records a sink's trigger hands over at once")
	fl.DurationVar(&f.batchWindow, "batch-window", 200*time.Millisecond, "how long a sink's trigger waits for a batch to fill")
	fl.IntVar(&f.pollers, "pollers", 4, "how many invocations of a sink may run at a time for each topic")
	fl.DurationVar(&f.tick, "tick", time.Second, "how often sources are run")
	return cmd
}

// check finds values that make no sense, before anything is started.
func (f *flags) check() error {
	switch {
	case f.tick < schedule.MinEvery:
		return fmt.Errorf("--tick %s: the shortest is %s%w", f.tick, schedule.MinEvery, errUsage)
	case f.batchSize < 1 || f.batchSize > trigger.MaxBatchSize:
		return fmt.Errorf("--batch-size %d: choose 1 to %d%w", f.batchSize, trigger.MaxBatchSize, errUsage)
	case f.batchWindow < 0:
		return fmt.Errorf("--batch-window %s: it cannot be negative%w", f.batchWindow, errUsage)
	case f.pollers < 1:
		return fmt.Errorf("--pollers %d: choose 1 or more%w", f.pollers, errUsage)
	}
	if f.restUsers == "" && !f.insecure && !loopback(f.rest) {
		return fmt.Errorf("--rest %s: others could reach it; --rest-users says who may, --insecure lets everybody%w", f.rest, errUsage)
	}
	if u, err := url.Parse(f.dynamodb); f.dynamodb != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("--dynamodb %s: it must be a URL such as http://localhost:8000%w", f.dynamodb, errUsage)
	}
	return nil
}

// up runs until the context ends, which is Ctrl-C.
func up(cmd *cobra.Command, f flags) (err error) {
	ctx := cmd.Context()
	if f.functions == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding the function binaries: %w", err)
		}
		f.functions = filepath.Join(filepath.Dir(self), "functions")
	}
	if err := f.check(); err != nil {
		return err
	}
	reporter, err := newReporter(f.log, os.Stdout)
	if err != nil {
		return err
	}
	files, err := readConnectorFiles(f.files)
	if err != nil {
		return err
	}
	worker, err := readWorkerFile(f.worker, f.brokers == "")
	if err != nil {
		return err
	}
	d, err := openDesk(ctx, f, worker, reporter)
	if err != nil {
		return err
	}
	ended := false
	defer func() {
		err = errors.Join(err, d.close())
		if ended {
			reporter.accounts(d.ledger.snapshot(time.Now()), true)
		}
	}()

	var demo *demo
	if len(files) == 0 && !f.noDemo {
		if demo, err = newDemo(f.data); err != nil {
			return err
		}
		files = demo.connectors()
	}
	if err := d.apply(ctx, files, demo != nil); err != nil {
		return err
	}
	reporter.started(d.welcome(demo, len(files)))
	err = d.run(ctx, demo)
	ended = true
	return err
}

// loopback tells whether only this machine can reach an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return true // it cannot be listened on, which says so better
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost"
}
