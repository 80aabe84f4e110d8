package control

import (
	"net/http"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// connectorDetail is what Connect's status has no place for: when things happened and what comes next.
type connectorDetail struct {
	Name   string        `json:"name"`
	Target offset.Target `json:"target"`
	// Planned is when its tasks were last planned; Due says that they must be planned again.
	Planned *time.Time `json:"planned_at"`
	Due     bool       `json:"planning_due"`
	// Halted is why its trigger was stopped for good; empty if it was not.
	Halted string       `json:"halted,omitempty"`
	Tasks  []taskDetail `json:"tasks"`
}

type taskDetail struct {
	ID      int          `json:"id"`
	State   offset.State `json:"state"`
	Since   *time.Time   `json:"since"`
	Success *time.Time   `json:"last_success"`
	Failure *time.Time   `json:"last_failure"`
	// Attempts counts failures in a row; Next is when the next attempt is due, null if none will come by itself.
	Attempts int        `json:"failed_attempts"`
	Next     *time.Time `json:"next_attempt"`
	// NotBefore is when a source's next poll is due, null for at once.
	NotBefore *time.Time `json:"next_poll_not_before"`
	// Busy tells whether an invocation is at work on a source's task.
	Busy bool `json:"busy"`
}

// detail answers GET /sluice/connectors/…: Invariant 7.
func (s *Server) detail(r *request) (answer, error) {
	ctx := r.Context()
	c, p, err := s.look(ctx, r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	tasks, err := s.tasksOf(ctx, c)
	if err != nil {
		return answer{}, err
	}
	d := connectorDetail{
		Name: c.Name, Target: c.Target, Planned: instant(c.PlannedAt), Due: c.Stale, Halted: c.Trigger[Halted], Tasks: []taskDetail{},
	}
	now := time.Now()
	for _, t := range tasks {
		d.Tasks = append(d.Tasks, taskDetail{
			ID: t.ID, State: taskState(c, p, t, now), Since: instant(t.Status.Since), Success: instant(t.Status.Success),
			Failure: instant(t.Status.Failure), Attempts: t.Status.Attempts, Next: instant(t.Status.Next),
			NotBefore: instant(t.NotBefore), Busy: t.HeldAt(now),
		})
	}
	return answer{status: http.StatusOK, body: d}, nil
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
