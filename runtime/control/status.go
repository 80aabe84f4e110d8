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
	c, _, err := s.look(r.Context(), r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	tasks, err := s.tasksOf(r.Context(), c)
	if err != nil {
		return answer{}, err
	}
	infos := []taskInfo{}
	for _, t := range tasks {
		infos = append(infos, taskInfo{taskID{c.Name, t.ID}, t.Settings})
	}
	return ok(infos), nil
}

// tasksOf reads the tasks that users see.
func (s *Server) tasksOf(ctx context.Context, c offset.Connector) ([]offset.Task, error) {
	if shownTasks(c) == 0 {
		return nil, nil
	}
	tasks, err := s.Store.Tasks(ctx, c.Name)
	if err != nil {
		return nil, fmt.Errorf("reading the tasks of connector %s: %w", c.Name, err)
	}
	return tasks, nil
}

// statusOf derives the status of a connector from the table: Invariant 7.
func (s *Server) statusOf(ctx context.Context, c offset.Connector, p Plugin) (connectorStatus, error) {
	if p.Type == "sink" && c.Target != offset.Running {
		// Until the trigger is off it hands records over, and they are written.
		trigger, err := s.triggerOf(ctx, c)
		if err != nil {
			return connectorStatus{}, err
		}
		if trigger.Delivering {
			c.Target = offset.Running
		}
	}
	tasks, err := s.tasksOf(ctx, c)
	if err != nil {
		return connectorStatus{}, err
	}
	var version *string
	if p.Version != "" {
		version = &p.Version
	}
	status := connectorStatus{Name: c.Name, Tasks: []taskStatus{}, Type: p.Type}
	status.Connector = state{connectorState(c), c.Status.Worker, "", version}
	if status.Connector.Worker == "" {
		status.Connector.Worker = s.Worker
	}
	if status.Connector.State == offset.StateFailed {
		status.Connector.Trace = c.Status.Trace
	}
	now := time.Now()
	for _, t := range tasks {
		one := taskStatus{t.ID, state{taskState(c, p, t, now), t.Status.Worker, "", version}}
		if one.Worker == "" {
			one.Worker = status.Connector.Worker
		}
		if one.State == offset.StateFailed {
			one.Trace = t.Status.Trace
		}
		status.Tasks = append(status.Tasks, one)
	}
	return status, nil
}

// connectorState is that of the connector itself, which fails when its tasks cannot be planned.
func connectorState(c offset.Connector) offset.State {
	switch {
	case c.Target == offset.Stopped:
		return offset.StateStopped
	case c.Status.State == offset.StateFailed:
		return offset.StateFailed
	case c.Target == offset.Paused:
		return offset.StatePaused
	case c.Status.State == "":
		return offset.StateUnassigned // nobody looked at it yet
	}
	return offset.StateRunning
}

// taskState is what happened last to a task. One that did nothing yet has no worker; only a sink's task that is planned
// runs without doing anything, because its trigger looks for records.
func taskState(c offset.Connector, p Plugin, t offset.Task, now time.Time) offset.State {
	switch {
	case t.Status.State == offset.StateFailed:
		return offset.StateFailed
	case c.Target == offset.Paused:
		return offset.StatePaused
	case t.Status.State == "" && p.Type != "sink" && !t.HeldAt(now):
		return offset.StateUnassigned
	}
	return offset.StateRunning
}

// triggerOf asks how the trigger of a connector is.
func (s *Server) triggerOf(ctx context.Context, c offset.Connector) (TriggerState, error) {
	states, err := s.Triggers.States(ctx, c)
	if err != nil {
		return TriggerState{}, fmt.Errorf("asking for the trigger of connector %s: %w", c.Name, err)
	}
	return states[c.Name], nil
}
