package control

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/sluice-connect/sluice/runtime/offset"
)

func (s *Server) pause(r *request) (answer, error) {
	return s.aim(r, offset.Paused, http.StatusAccepted)
}

func (s *Server) resume(r *request) (answer, error) {
	return s.aim(r, offset.Running, http.StatusAccepted)
}

func (s *Server) stop(r *request) (answer, error) {
	return s.aim(r, offset.Stopped, http.StatusNoContent)
}

// aim changes what is wanted of a connector. Failed tasks stay failed, unless the connector was stopped, which removes
// its tasks.
func (s *Server) aim(r *request, target offset.Target, status int) (answer, error) {
	ctx, missing := r.Context(), fail(http.StatusNotFound, "Unknown connector %s", r.name())
	c, p, err := s.look(ctx, r.name(), missing)
	if err != nil {
		return answer{}, err
	}
	if p.Type == "sink" && target == offset.Running && c.Target != offset.Running {
		if err := s.recall(ctx, c); err != nil {
			return answer{}, fmt.Errorf("resuming connector %s where it was: %w", c.Name, err)
		}
	}
	before, after, err := s.update(ctx, r.name(), missing, func(c *offset.Connector) (offset.Revoke, error) {
		if err := r.mustMatch(*c); err != nil {
			return 0, err
		}
		return offset.Stop, aimAt(c, target)
	})
	if err != nil {
		return answer{}, err
	}
	if p.Type == "sink" && before.Target == offset.Running && after.Target != offset.Running {
		if err := s.remember(ctx, after); err != nil {
			// It is only for when the broker forgets; a connector must be stoppable while Kafka is not there.
			s.Log.Warn("keeping the offsets of a sink that is to rest failed", "connector", after.Name, "error", err)
		}
	}
	return answer{status: status}, nil
}

// aimAt changes the target in a connector's item.
func aimAt(c *offset.Connector, target offset.Target) error {
	if c.Target == target {
		return errUnchanged
	}
	if target == offset.Stopped {
		c.Trigger[stoppedHandle] = "true"
	}
	if c.Target == offset.Stopped {
		c.Stale = true // the tasks come back by being planned anew
		delete(c.Trigger, Halted)
		if c.Status.State == offset.StateFailed {
			c.Status = offset.Status{Worker: c.Status.Worker}
		}
	}
	c.Target = target
	return nil
}

// restart answers POST /connectors/…/restart in all its variants.
func (s *Server) restart(r *request) (answer, error) {
	ctx, name := r.Context(), r.name()
	withTasks, onlyFailed := r.is("includeTasks", false), r.is("onlyFailed", false)
	c, p, err := s.look(ctx, name, unknown(name))
	if err != nil {
		return answer{}, err
	}
	status, err := s.statusOf(ctx, c, p)
	if err != nil {
		return answer{}, err
	}
	var tasks []int
	for i := range status.Tasks {
		t := &status.Tasks[i]
		if withTasks && (!onlyFailed || t.State == offset.StateFailed) {
			tasks = append(tasks, t.ID)
			t.State = offset.StateRestarting
		}
	}
	itself := !onlyFailed || status.Connector.State == offset.StateFailed
	if itself {
		status.Connector.State = offset.StateRestarting
	}
	if err := s.again(r, itself, tasks); err != nil {
		return answer{}, err
	}
	if !withTasks && !onlyFailed {
		return answer{status: http.StatusNoContent}, nil
	}
	return answer{status: http.StatusAccepted, body: status}, nil
}

func unknown(name string) error { return fail(http.StatusNotFound, "Unknown connector: %s", name) }

// restartTask answers POST /connectors/…/tasks/…/restart.
func (s *Server) restartTask(r *request) (answer, error) {
	ctx, name := r.Context(), r.name()
	id, err := r.task()
	if err != nil {
		return answer{}, err
	}
	c, _, err := s.look(ctx, name, unknown(name))
	if err != nil {
		return answer{}, err
	}
	if id < 0 || id >= shownTasks(c) {
		return answer{}, fail(http.StatusNotFound, "Unknown task: %s-%d", name, id)
	}
	if err := s.again(r, false, []int{id}); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

// again starts the connector itself, by having its tasks planned again, and tasks. A connector that is stopped has
// nothing to start. If nothing but tasks that failed, and not all tasks, are to start, the others are left alone;
// otherwise all of them are, between two of their batches.
func (s *Server) again(r *request, itself bool, tasks []int) error {
	ctx, name := r.Context(), r.name()
	if !itself && len(tasks) == 0 {
		return nil
	}
	items, err := s.Store.Tasks(ctx, name)
	if err != nil {
		return err
	}
	var failed []offset.Task
	for _, t := range items {
		if slices.Contains(tasks, t.ID) && t.Status.State == offset.StateFailed {
			failed = append(failed, t)
		}
	}
	with := offset.Keep
	if len(tasks) > 0 {
		with = offset.Restart
	}
	if len(failed) == len(tasks) && len(tasks) < len(items) {
		with = offset.Keep
		for _, t := range failed {
			// ErrStale: it was revoked meanwhile, and starts anyway.
			status := offset.Status{Worker: t.Status.Worker, Success: t.Status.Success, Failure: t.Status.Failure}
			if err := s.Store.PutTaskStatus(ctx, name, t.ID, t.Generation, status, offset.Done{}); err != nil && !errors.Is(err, offset.ErrStale) {
				return err
			}
		}
	}
	_, _, err = s.update(ctx, name, unknown(name), func(c *offset.Connector) (offset.Revoke, error) {
		if c.Target == offset.Stopped {
			return 0, errUnchanged
		}
		if itself && c.Status.State == offset.StateFailed {
			c.Status, c.Stale = offset.Status{Worker: c.Status.Worker}, true
			delete(c.Trigger, Halted)
		}
		if len(tasks) > 0 {
			delete(c.Trigger, Halted)
		}
		return with, nil
	})
	return err
}
