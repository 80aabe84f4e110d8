package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/invoke"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// ServeSource is the main of a source's function: it serves ticks, hand-overs and control requests until the process is
// told to end.
func ServeSource(c connect.SourceConnector) {
	serve(func(e Environment) handler {
		source := &worker.Source{Connector: c, Env: e.Worker, Store: e.Store, Hand: hand()}
		return handler{
			controls: SourceControls(c, e.Worker, e.Store),
			log:      e.Worker.Log,
			calls:    e.Store.Calls,
			work: func(ctx context.Context, payload []byte) ([]byte, worker.Report, error) {
				// Told to end, a source stops polling, settles what it has and gives its lease back.
				ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
				defer stop()
				var tick worker.Tick
				if err := json.Unmarshal(payload, &tick); err != nil {
					return nil, worker.Report{}, fmt.Errorf("reading the event, which should be a schedule's tick: %w", err)
				}
				if tick.Connector == "" {
					return nil, worker.Report{}, errors.New(`reading the event: it names no connector; a tick looks like {"connector": "orders"}`)
				}
				report, err := source.Run(ctx, tick)
				if err != nil {
					return nil, report, err
				}
				answer, err := json.Marshal(resultOf(report))
				return answer, report, err
			},
		}
	})
}

// ServeSink is the main of a sink's function: it serves the events of a Kafka trigger and control requests until the
// process is told to end. It works for the connector that EnvConnector names, or, where sinks share a function, for the one
// whose alias it was invoked by.
func ServeSink(c connect.SinkConnector) {
	serve(func(e Environment) handler {
		heap := newHeapLimit()
		sinks := map[string]*worker.Sink{}
		invoked := func(ctx context.Context, ticking string) (*worker.Sink, error) {
			name, err := invokedFor(ctx, e.Connector, ticking)
			if err == nil && sinks[name] == nil {
				sinks[name] = &worker.Sink{Connector: c, Name: name, Env: e.Worker, Store: e.Store, Halt: halt(e.Store, invoke.Client{}, e.Worker.Log)}
			}
			return sinks[name], err
		}
		return handler{
			controls: SinkControls(c, e.Worker, func(ctx context.Context) error {
				sink, err := invoked(ctx, "")
				if err == nil {
					_, _, err = sink.Run(ctx, []byte(nothing))
				}
				return err
			}),
			log:   e.Worker.Log,
			calls: e.Store.Calls,
			work: func(ctx context.Context, payload []byte) ([]byte, worker.Report, error) {
				var tick worker.SinkTick
				if !kafka.IsEvent(payload) && (json.Unmarshal(payload, &tick) != nil || !tick.Tick) {
					return nil, worker.Report{}, errors.New(`reading the event: it is neither one of a Kafka trigger nor a tick like {"connector": "lake", "tick": true}`)
				}
				// Told to end, a sink finishes the event it has: cut off, all of it would come again.
				term := make(chan os.Signal, 1)
				signal.Notify(term, syscall.SIGTERM)
				defer signal.Stop(term)
				defer heap.adapt()
				sink, err := invoked(ctx, tick.Connector)
				if err != nil {
					return nil, worker.Report{}, err
				}
				if tick.Tick {
					if tick.Connector != sink.Name {
						return nil, worker.Report{}, fmt.Errorf("reading the event: it is for connector %q, and this function works for %q", tick.Connector, sink.Name)
					}
					report, err := sink.Tick(ctx)
					return []byte("{}"), report, err
				}
				return sink.Run(ctx, payload)
			},
			close: func(ctx context.Context) {
				for _, sink := range sinks {
					sink.Close(ctx)
				}
			},
		}
	})
}

// invokedFor is the connector that a sink's function was invoked for: its own, or where it is shared the one of the alias,
// or the one that a tick names, which comes without.
func invokedFor(ctx context.Context, own, ticking string) (string, error) {
	if own != "" {
		return own, nil
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		if name, err := invoke.OfAlias(lc.InvokedFunctionArn); name != "" || err != nil {
			return name, err
		}
	}
	if ticking != "" {
		return ticking, nil
	}
	return "", fmt.Errorf("this function does not know its connector: %s is not set, and it was not invoked by a connector's alias", EnvConnector)
}

// Result is what a source's function answers to a tick: what the invocation did.
type Result struct {
	// Task is the task that ran, -1 if none did; Did says how it ended, as in worker.Report.
	Task int    `json:"task"`
	Did  string `json:"did"`
	// Polled records came from the source; Written went to Kafka, Dropped were left out by transforms, Skipped because
	// failures are tolerated.
	Polled  int `json:"polled"`
	Written int `json:"written"`
	Dropped int `json:"dropped"`
	Skipped int `json:"skipped"`
	// Error is why the task failed; empty if it did not.
	Error string `json:"error,omitempty"`
}

func resultOf(r worker.Report) Result {
	result := Result{Task: r.Task, Did: r.Did, Polled: r.Polled, Written: r.Written, Dropped: r.Dropped, Skipped: r.Skipped}
	if r.Err != nil {
		result.Error = r.Err.Error()
	}
	return result
}

// nothing is an event without records: all it makes a sink do is to plan its tasks, if that is due.
const nothing = `{"eventSource":"SelfManagedKafka","records":{}}`

// halt stops a sink's trigger: whoever runs the trigger reads it from the connector's item, and is told where it does not
// look by itself. Batches come until the trigger is off, and each tells it anew.
func halt(store offset.Store, functions invoke.Client, log *slog.Logger) func(ctx context.Context, seen offset.Connector, why string) error {
	return func(ctx context.Context, seen offset.Connector, why string) error {
		c, err := markHalted(ctx, store, seen, why)
		if err != nil || c.Trigger[Halted] == "" || c.Trigger[control.Controller] == "" {
			return err
		}
		event, err := json.Marshal(control.FollowEvent{Control: "follow", Connector: c.Name})
		if err == nil {
			err = functions.Event(ctx, c.Trigger[control.Controller], event)
		}
		if err != nil {
			log.Warn("telling the control function to stop the trigger failed", "connector", c.Name, "error", err)
		}
		return nil
	}
}

// markHalted writes why a sink's trigger is to be stopped into its connector's item, once. If the item is no longer what was
// seen it writes nothing: somebody may have restarted the connector since, and another failure will tell.
func markHalted(ctx context.Context, store offset.Store, seen offset.Connector, why string) (offset.Connector, error) {
	c, _, err := store.Look(ctx, seen.Name, 0)
	if err != nil || c.Trigger[Halted] != "" || c.Version != seen.Version {
		return c, err
	}
	trigger := maps.Clone(c.Trigger)
	if trigger == nil {
		trigger = map[string]string{}
	}
	trigger[Halted] = why
	c.Trigger = trigger
	marked, err := store.Put(ctx, c, offset.Keep)
	if errors.Is(err, offset.ErrStale) {
		return seen, nil
	}
	return marked, err
}

// Halted is the trigger handle that says why a sink's trigger was stopped for good.
const Halted = control.Halted

// handler is what one function does with its events.
type handler struct {
	controls Controls
	log      *slog.Logger
	calls    func() int64 // requests to the table so far
	work     func(ctx context.Context, payload []byte) ([]byte, worker.Report, error)
	close    func(ctx context.Context)
}

func serve(wire func(e Environment) handler) {
	ctx := context.Background()
	e, err := LoadEnvironment(ctx, Plugins())
	if err != nil {
		// The runtime API has a place for this, but a function that cannot start says it best in its log.
		slog.Error("starting the function failed", "error", err)
		os.Exit(1)
	}
	h := wire(e)
	h.log.Error("the function ends", "error", serveEvents(ctx, h.invoke))
	os.Exit(1)
}

// invoke answers one event.
func (h handler) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if answer, ok, err := h.controls.Answer(ctx, payload); ok {
		return answer, err
	}
	calls := h.calls()
	answer, report, err := h.work(ctx, payload)
	report.TableCalls = int(h.calls() - calls)
	if failed := writeReport(os.Stdout, report, time.Now()); failed != nil {
		h.log.Warn("writing the metrics failed", "error", failed)
	}
	return answer, err
}

// Version is the Apache Kafka release whose behaviour the runtime has.
const Version = "4.3.1"
