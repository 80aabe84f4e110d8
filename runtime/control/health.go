package control

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// connectorHealth is what Connect's status has no place for: when things happened, what comes next, and how much was done.
type connectorHealth struct {
	Name   string        `json:"name"`
	Type   string        `json:"type"`
	Target offset.Target `json:"target"`
	State  offset.State  `json:"state"`
	// Since is when the state became what it is, LastSuccess and LastFailure are those of its planning.
	Since       *time.Time `json:"since"`
	LastFailure *time.Time `json:"last_failure"`
	LastError   *string    `json:"last_error"`
	// Planned is when its tasks were last planned; Due says that they must be planned again.
	Planned *time.Time `json:"planned_at"`
	Due     bool       `json:"planning_due"`
	// Halted is why its trigger was stopped for good, null if it was not.
	Halted  *string       `json:"halted"`
	Trigger triggerHealth `json:"trigger"`
	// Lag is that of all tasks.
	Lag   *int64       `json:"lag"`
	Tasks []taskHealth `json:"tasks"`
}

// triggerHealth is how what invokes a connector is.
type triggerHealth struct {
	Delivering bool    `json:"delivering"`
	Problem    *string `json:"problem"`
	Note       *string `json:"note"`
	// Every is how often a source is run.
	Every *int64 `json:"every_ms"`
}

type taskHealth struct {
	ID     int          `json:"id"`
	State  offset.State `json:"state"`
	Worker string       `json:"worker_id"`
	Since  *time.Time   `json:"since"`
	// LastError is why it failed last, as long as it has not done well since.
	LastSuccess *time.Time `json:"last_success"`
	LastFailure *time.Time `json:"last_failure"`
	LastError   *string    `json:"last_error"`
	// Attempts counts failures in a row; Next is when the next attempt is due, null if none will come by itself.
	Attempts int        `json:"failed_attempts"`
	Next     *time.Time `json:"next_restart"`
	// NotBefore is when a source's next poll is due, null for at once.
	NotBefore *time.Time `json:"next_poll_not_before"`
	// Busy tells whether an invocation is at work on a source's task.
	Busy bool `json:"busy"`
	// Lag is how many records a sink's task is behind, null if that is not known.
	Lag *int64 `json:"lag"`
	// In and Out are how many records it was given and passed on since Counted; null as long as there were none.
	In      *int64     `json:"records_in"`
	Out     *int64     `json:"records_out"`
	Counted *time.Time `json:"counted_since"`
}

// connectorHealth answers GET /connectors/…/health: Invariant 7.
func (s *Server) connectorHealth(r *request) (answer, error) {
	ctx := r.Context()
	c, p, err := s.look(ctx, r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	v, err := s.view(ctx, c, p)
	if err != nil {
		return answer{}, err
	}
	counts, err := s.counts(ctx, c)
	if err != nil {
		return answer{}, err
	}
	if p.Type == "sink" && v.trigger.Lag == nil {
		if v.trigger.Lag, err = s.lag(ctx, c); err != nil {
			// The rest of the health is worth knowing, and all the more when Kafka is not there.
			s.Log.Warn("reading how far behind a sink is failed", "connector", c.Name, "error", err)
		}
	}
	return ok(v.health(s.Worker, counts[c.Name])), nil
}

// lag is how many records of each partition a sink's groups have not committed.
func (s *Server) lag(ctx context.Context, c offset.Connector) (map[kafka.TopicPartition]int64, error) {
	kafkas, err := s.Clusters.Groups(ctx, c)
	if err != nil {
		return nil, err
	}
	extents, err := kafkas.Extents(ctx, Topics(c)...)
	if err != nil {
		return nil, err
	}
	lag := make(map[kafka.TopicPartition]int64, len(extents))
	for at, extent := range extents {
		lag[at] = extent.End - extent.Start
	}
	for _, group := range groups(c) {
		committed, err := kafkas.GroupOffsets(ctx, group)
		if err != nil {
			return nil, err
		}
		for at, next := range committed {
			if extent, there := extents[at]; there {
				lag[at] = max(0, extent.End-max(next, extent.Start))
			}
		}
	}
	return lag, nil
}

// counts asks how much connectors did, if somebody knows better than the table.
func (s *Server) counts(ctx context.Context, connectors ...offset.Connector) (map[string]map[int]offset.Count, error) {
	if s.Meter == nil {
		return nil, nil
	}
	counts, err := s.Meter.Counts(ctx, connectors...)
	if err != nil {
		return nil, fmt.Errorf("asking how much %d connectors did: %w", len(connectors), err)
	}
	return counts, nil
}

func (v view) health(worker string, counts map[int]offset.Count) connectorHealth {
	c := v.connector
	h := connectorHealth{
		Name: c.Name, Type: v.plugin.Type, Target: c.Target, State: v.connectorState(), Since: instant(c.Status.Since),
		LastFailure: instant(c.Status.Failure), LastError: words(c.Status.Trace),
		Planned: instant(c.PlannedAt), Due: c.Stale, Halted: words(c.Trigger[Halted]), Tasks: []taskHealth{},
		Trigger: triggerHealth{Delivering: v.trigger.Delivering, Problem: words(v.trigger.Broken), Note: words(v.trigger.Note)},
	}
	if every := v.trigger.Every.Milliseconds(); every > 0 && v.plugin.Type != "sink" {
		h.Trigger.Every = &every
	}
	status := v.status(worker)
	for i, t := range v.tasks {
		task := taskHealth{
			ID: t.ID, State: status.Tasks[i].State, Worker: status.Tasks[i].Worker, Since: instant(t.Status.Since),
			LastSuccess: instant(t.Status.Success), LastFailure: instant(t.Status.Failure), LastError: words(t.Status.Trace),
			Attempts: t.Status.Attempts, Next: instant(t.Status.Next), NotBefore: instant(t.NotBefore), Busy: t.HeldAt(v.now),
		}
		count, metered := counts[t.ID]
		if !metered {
			count = t.Count
		}
		if !count.Since.IsZero() {
			task.In, task.Out, task.Counted = &count.In, &count.Out, instant(count.Since)
		}
		h.Tasks = append(h.Tasks, task)
	}
	v.addLag(&h)
	return h
}

// addLag says how far behind the tasks of a sink are. A partition belongs to the task of its number, modulo how many
// there are.
func (v view) addLag(h *connectorHealth) {
	if v.trigger.Lag == nil {
		return
	}
	var all int64
	for i := range h.Tasks {
		h.Tasks[i].Lag = new(int64)
	}
	for at, lag := range v.trigger.Lag {
		all += lag
		if n := len(h.Tasks); n > 0 {
			*h.Tasks[int(at.Partition)%n].Lag += lag
		}
	}
	h.Lag = &all
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// words is a text, or null if there is none.
func words(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
