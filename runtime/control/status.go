package control

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

func (s *Server) status(r *request) (answer, error) {
	c, p, err := s.look(r.Context(), r.name(), fail(http.StatusNotFound, "No status found for connector %s", r.name()))
	if err != nil {
		return answer{}, err
	}
	status, err := s.statusOf(r.Context(), c, p)
	if err != nil {
		return answer{}, err
	}
	return ok(status), nil
}

func (s *Server) taskStatus(r *request) (answer, error) {
	id, err := r.task()
	if err != nil {
		return answer{}, err
	}
	missing := fail(http.StatusNotFound, "No status found for task %s-%d", r.name(), id)
	c, p, err := s.look(r.Context(), r.name(), missing)
	if err != nil {
		return answer{}, err
	}
	status, err := s.statusOf(r.Context(), c, p)
	if err != nil {
		return answer{}, err
	}
	for _, t := range status.Tasks {
		if t.ID == id {
			return ok(t), nil
		}
	}
	return answer{}, missing
}

func (s *Server) tasks(r *request) (answer, error) {
	c, p, err := s.look(r.Context(), r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	v, err := s.view(r.Context(), c, p)
	if err != nil {
		return answer{}, err
	}
	infos := []taskInfo{}
	for _, t := range v.tasks {
		infos = append(infos, taskInfo{taskID{c.Name, t.ID}, s.masked(r.Context(), c, p, t.Settings)})
	}
	return ok(infos), nil
}

// view is all that a connector's state is derived from.
type view struct {
	connector offset.Connector
	plugin    Plugin
	tasks     []offset.Task // those that users see
	trigger   TriggerState
	now       time.Time
}

func (s *Server) view(ctx context.Context, c offset.Connector, p Plugin) (view, error) {
	views, err := s.views(ctx, []offset.Connector{c}, []Plugin{p})
	if err != nil {
		return view{}, err
	}
	return views[0], nil
}

// views reads in a few calls what the states of many connectors are derived from.
func (s *Server) views(ctx context.Context, connectors []offset.Connector, plugins []Plugin) ([]view, error) {
	tasks, err := s.Store.TasksOf(ctx, connectors)
	if err != nil {
		return nil, err
	}
	triggers, err := s.Triggers.States(ctx, connectors...)
	if err != nil {
		return nil, fmt.Errorf("asking for the triggers of %d connectors: %w", len(connectors), err)
	}
	views := make([]view, len(connectors))
	for i, c := range connectors {
		v := view{connector: c, plugin: plugins[i], trigger: triggers[c.Name], now: time.Now()}
		if v.plugin.Type == "sink" && c.Target != offset.Running && v.trigger.Delivering {
			v.connector.Target = offset.Running // until the trigger is off it hands records over, and they are written
		}
		if shownTasks(v.connector) > 0 {
			v.tasks = tasks[c.Name]
		}
		views[i] = v
	}
	return views, nil
}

// statusOf derives the status of a connector from the table: Invariant 7.
func (s *Server) statusOf(ctx context.Context, c offset.Connector, p Plugin) (connectorStatus, error) {
	v, err := s.view(ctx, c, p)
	if err != nil {
		return connectorStatus{}, err
	}
	return v.status(s.Worker), nil
}

// status is what Connect would say. worker is who is named where no function wrote a status yet.
func (v view) status(worker string) connectorStatus {
	c := v.connector
	var version *string
	if v.plugin.Version != "" {
		version = &v.plugin.Version
	}
	status := connectorStatus{Name: c.Name, Tasks: []taskStatus{}, Type: v.plugin.Type}
	status.Connector = state{v.connectorState(), c.Status.Worker, "", version}
	if status.Connector.Worker == "" {
		status.Connector.Worker = worker
	}
	if status.Connector.State == offset.StateFailed {
		status.Connector.Trace = c.Status.Trace
	}
	for _, t := range v.tasks {
		one := taskStatus{t.ID, state{v.taskState(t), t.Status.Worker, "", version}}
		if one.Worker == "" {
			one.Worker = status.Connector.Worker
		}
		if one.State == offset.StateFailed {
			one.Trace = t.Status.Trace
		}
		status.Tasks = append(status.Tasks, one)
	}
	return status
}

// connectorState is that of the connector itself, which fails when its tasks cannot be planned.
func (v view) connectorState() offset.State {
	c := v.connector
	switch {
	case c.Target == offset.Stopped:
		return offset.StateStopped
	case c.Status.State == offset.StateFailed:
		return offset.StateFailed
	case c.Target == offset.Paused:
		return offset.StatePaused
	case c.Status.State == "" || v.trigger.Broken != "":
		return offset.StateUnassigned // nobody looked at it yet, or nobody can
	}
	return offset.StateRunning
}

// taskState is what happened last to a task. One that did nothing yet has no worker, nor has one whose trigger does not
// come; only a sink's task that is planned runs without doing anything, because its trigger looks for records.
func (v view) taskState(t offset.Task) offset.State {
	switch {
	case t.Status.State == offset.StateFailed:
		return offset.StateFailed
	case v.connector.Target == offset.Paused:
		return offset.StatePaused
	case v.trigger.Broken != "":
		return offset.StateUnassigned
	case v.plugin.Type == "sink" || t.HeldAt(v.now):
		return offset.StateRunning
	case t.Status.State == "" || v.late(t):
		return offset.StateUnassigned
	}
	return offset.StateRunning
}

// A source's task is late when it was not run for so many times as long as it should take, and for so long.
const (
	lateTicks = 3
	lateAfter = 30 * time.Second
)

// late tells whether a source's task was not run although it was due.
func (v view) late(t offset.Task) bool {
	if v.trigger.Every <= 0 {
		return false // it is not known how often it should
	}
	last := v.connector.PlannedAt
	for _, at := range []time.Time{t.Status.Since, t.Status.Success, t.Status.Failure, t.NotBefore, t.Status.Next} {
		if at.After(last) {
			last = at
		}
	}
	return v.now.Sub(last) > max(lateTicks*v.trigger.Every, lateAfter)
}

// triggerOf asks how the trigger of a connector is.
func (s *Server) triggerOf(ctx context.Context, c offset.Connector) (TriggerState, error) {
	states, err := s.Triggers.States(ctx, c)
	if err != nil {
		return TriggerState{}, fmt.Errorf("asking for the trigger of connector %s: %w", c.Name, err)
	}
	return states[c.Name], nil
}
