package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Sink runs a sink connector. One is made per process and used for one invocation at a time; tasks stay open between
// invocations.
type Sink struct {
	// Connector is the only connector class this function has.
	Connector connect.SinkConnector
	// Name is the connector this function, or the alias it is invoked by, works for.
	Name string
	// Env is what the function was started with.
	Env Env
	// Store is the table.
	Store offset.Store
	// Halt stops the trigger for good after too many failures, unless the connector was changed or restarted since it was
	// seen. It may be nil: then the trigger goes on redelivering.
	Halt func(ctx context.Context, seen offset.Connector, why string) error

	decoder    kafka.Decoder
	generation int64
	open       map[int]*sinkTask
	looked     int                 // how many tasks to look at
	noted      map[string]bool     // topics known to be known as used by the connector
	done       map[int]offset.Done // by task: what was done and is not yet in the table
}

// Run runs one invocation: payload is a trigger's event, the answer what the trigger expects. An error means that
// nothing of the event counts as done, and that all of it must come again: Invariant 2.
func (s *Sink) Run(ctx context.Context, payload []byte) (answer []byte, report Report, err error) {
	start := time.Now()
	report = Report{Kind: "sink", Connector: s.Name, Worker: s.Env.Worker, Task: -1, Did: "ran"}
	answer, err = s.run(ctx, payload, &report)
	err = s.Env.failed(err)
	report.Took = time.Since(start)
	if err != nil {
		report.Err, report.Did = err, "failed"
	}
	return answer, report, err
}

func (s *Sink) run(ctx context.Context, payload []byte, report *Report) ([]byte, error) {
	start := time.Now()
	event, err := s.decoder.Decode(payload)
	report.Decode = time.Since(start)
	if err != nil {
		return nil, err
	}
	report.Partitions = len(event.Batches)
	c, tasks, err := s.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking up connector %q: %w", s.Name, err)
	}
	if c.Generation != s.generation {
		s.closeTasks(ctx)
		s.generation, s.noted = c.Generation, nil
	}
	if err := s.note(ctx, event.Batches); err != nil {
		return nil, err
	}
	response := kafka.Response{}
	partial := c.Trigger[PartialAnswers] == "true"
	for _, share := range shares(event.Batches, max(1, c.Tasks)) {
		task := standIn(tasks, share.task)
		run := &sinkRun{
			sink: s, connector: c, item: taskItem(tasks, task), others: tasks, batches: share.batches, partial: partial,
			report: report, response: &response, log: s.Env.Log.With(slog.String("connector", s.Name), slog.Int("task", task)),
		}
		if err := run.run(ctx); err != nil {
			return nil, err
		}
	}
	return response.AppendJSON(nil), nil
}

// note makes known which topics the connector uses, once per topic and process.
func (s *Sink) note(ctx context.Context, batches []kafka.Batch) error {
	for i := range batches {
		topic := batches[i].Topic
		if s.noted[topic] {
			continue
		}
		if err := s.Store.AddTopics(ctx, s.Name, topic); err != nil {
			return fmt.Errorf("noting that topic %s is in use: %w", topic, err)
		}
		if s.noted == nil {
			s.noted = make(map[string]bool)
		}
		s.noted[topic] = true
	}
	return nil
}

// PartialAnswers is the trigger handle that says whether the mapping honours partial answers.
const PartialAnswers = "partial.answers"

// look reads the connector with its tasks, and plans when its settings changed. A sink works whatever the target state
// is: the trigger goes on for a while after it was told to stop, and what it hands over must not be lost.
func (s *Sink) look(ctx context.Context) (offset.Connector, []offset.Task, error) {
	for {
		c, tasks, err := s.Store.Look(ctx, s.Name, max(1, s.looked))
		if err != nil {
			return c, nil, err
		}
		if c.Tasks > max(1, s.looked) {
			s.looked = c.Tasks
			continue
		}
		if !c.Stale && !c.Gate {
			return c, tasks, nil
		}
		p := planner{store: s.Store, env: s.Env, define: s.planner, halt: s.Halt}
		_, err = p.plan(ctx, c)
		if err != nil && !errors.Is(err, offset.ErrHeld) && !errors.Is(err, offset.ErrStale) {
			return c, nil, err
		}
		if err != nil { // somebody else is planning this very moment
			if err := pause(ctx, planWait); err != nil {
				return c, nil, fmt.Errorf("waiting for the plan of its tasks: %w", err)
			}
		}
	}
}

// share is the part of an event that one task works on.
type share struct {
	task    int
	batches []kafka.Batch
}

// shares deals the batches out to tasks: a partition always belongs to the same one.
func shares(batches []kafka.Batch, tasks int) []share {
	if tasks == 1 || len(batches) == 1 {
		task := 0
		if len(batches) == 1 {
			task = int(batches[0].Partition) % tasks
		}
		return []share{{task, batches}}
	}
	var dealt []share
	for _, b := range batches {
		task := int(b.Partition) % tasks
		i := 0
		for i < len(dealt) && dealt[i].task != task {
			i++
		}
		if i == len(dealt) {
			dealt = append(dealt, share{task: task})
		}
		dealt[i].batches = append(dealt[i].batches, b)
	}
	return dealt
}

// standIn is the task that works on a share: its own, unless that failed and another has had nothing to do yet. Connect
// hands the partitions of a failed task to the others, which then fail on the same record; here they do so only as long
// as it takes nothing from partitions of their own.
func standIn(tasks []offset.Task, own int) int {
	if taskItem(tasks, own).Status.State != offset.StateFailed {
		return own
	}
	for _, t := range tasks {
		if t.Status.State == "" {
			return t.ID
		}
	}
	return own
}

func taskItem(tasks []offset.Task, id int) offset.Task {
	for _, t := range tasks {
		if t.ID == id {
			return t
		}
	}
	return offset.Task{ID: id}
}

// Close closes all open tasks, when the process is told to end.
func (s *Sink) Close(ctx context.Context) { s.closeTasks(ctx) }

func (s *Sink) closeTasks(ctx context.Context) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	for _, t := range s.open {
		if err := t.close(closing); err != nil {
			s.Env.Log.Warn("closing a task failed", "connector", s.Name, "error", err)
		}
	}
	s.open = nil
}

// task returns the open task of that number, opening it first if need be.
func (s *Sink) task(ctx context.Context, c offset.Connector, item offset.Task, log *slog.Logger) (*sinkTask, error) {
	if t := s.open[item.ID]; t != nil {
		return t, nil
	}
	t, err := s.openTask(ctx, c, item, log)
	if err != nil {
		return nil, err
	}
	if s.open == nil {
		s.open = make(map[int]*sinkTask)
	}
	s.open[item.ID] = t
	return t, nil
}

// sinkTask is an open task with all it needs.
type sinkTask struct {
	settings *connector.SinkConfig
	pipe     *pipeline
	plugin   connect.SinkTask
	dead     *deadWriter
	records  []connect.Record
}

func (s *Sink) openTask(ctx context.Context, c offset.Connector, item offset.Task, log *slog.Logger) (t *sinkTask, err error) {
	defer contain(&err)
	t = &sinkTask{plugin: s.Connector.New()}
	env, settled, err := s.Env.Resolved(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	if t.settings, err = connector.ParseSink(settled, env.Plugins, env.Settings); err != nil {
		return nil, connector.ConcealError(err, c.Config, settled)
	}
	t.pipe = newPipeline(&t.settings.Pipeline, &t.settings.Errors)
	settings, err := env.resolve(ctx, item.Settings)
	if err != nil {
		return nil, err
	}
	if err := parse(settings, t.plugin); err != nil {
		return nil, connector.ConcealError(err, item.Settings, settings)
	}
	if t.dead, err = env.newDeadWriter(ctx, t.settings, item.ID); err != nil {
		return nil, err
	}
	state := &sinkState{store: s.Store, connector: c.Name}
	assignment := connect.SinkAssignment{
		Connector: c.Name, Isolate: t.settings.Errors.TolerateAll(), State: state, Log: log,
	}
	if err := t.plugin.Open(ctx, assignment); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the task: %w", err), t.close(ctx))
	}
	return t, nil
}

func (t *sinkTask) close(ctx context.Context) (err error) {
	defer contain(&err)
	err = t.plugin.Close(ctx)
	if t.dead != nil {
		t.dead.producer.Close()
	}
	return err
}

// sinkState hands the table's state items to a task under its connector's name.
type sinkState struct {
	store     offset.States
	connector string
}

func (s *sinkState) Get(ctx context.Context, topic string, partition int32) ([]byte, int64, error) {
	return s.store.State(ctx, s.connector, topic, partition)
}

func (s *sinkState) Put(ctx context.Context, topic string, partition int32, value []byte, version int64) (int64, error) {
	return s.store.PutState(ctx, s.connector, topic, partition, value, version)
}
