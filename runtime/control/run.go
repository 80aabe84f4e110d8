package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// How many records a dry run shows if it is not said.
const dryRecords = 10

// run answers POST /connectors/…/run: one invocation of a source now, or with dry_run=true what it would produce.
func (s *Server) run(r *request) (answer, error) {
	ctx := r.Context()
	c, p, err := s.look(ctx, r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	if p.Type != "source" {
		return answer{}, fail(http.StatusBadRequest, "Connector %s is a %s: only sources can be run, sinks are by their records", c.Name, p.Type)
	}
	if r.is("dry_run", false) {
		records := dryRecords
		if text := r.query().Get("records"); text != "" {
			if records, err = strconv.Atoi(text); err != nil || records < 1 {
				return answer{}, fail(http.StatusBadRequest, "records must be a number of 1 or more, not '%s'", text)
			}
		}
		return s.event(r, c, map[string]any{"control": "preview", "connector": c.Name, "records": records})
	}
	if c.Target != offset.Running {
		return answer{}, fail(http.StatusConflict, "Connector %s is %s; resume it to run it", c.Name, c.Target)
	}
	if err := s.due(r, c); err != nil {
		return answer{}, err
	}
	return s.event(r, c, map[string]any{"connector": c.Name})
}

// due makes tasks due that would wait for their next poll, or for another attempt.
func (s *Server) due(r *request, c offset.Connector) error {
	tasks, err := s.Store.Tasks(r.Context(), c.Name)
	if err != nil {
		return err
	}
	waits := c.Status.State == offset.StateFailed
	for _, t := range tasks {
		now := time.Now()
		waits = waits || t.NotBefore.After(now) || t.Status.State == offset.StateFailed && (t.Status.Next.IsZero() || t.Status.Next.After(now))
	}
	if !waits {
		return nil
	}
	_, _, err = s.update(r.Context(), c.Name, notFound(c.Name), func(c *offset.Connector) (offset.Revoke, error) {
		if c.Status.State == offset.StateFailed {
			c.Status, c.Stale = offset.Status{Worker: c.Status.Worker}, true
		}
		return offset.Restart, nil
	})
	return err
}

// event has a connector's function handle an event and answers what it says.
func (s *Server) event(r *request, c offset.Connector, event map[string]any) (answer, error) {
	text, err := json.Marshal(event)
	if err != nil {
		return answer{}, fmt.Errorf("writing the event for connector %s: %w", c.Name, err)
	}
	reply, err := s.Functions.Invoke(r.Context(), c, text)
	if err != nil {
		return answer{}, fmt.Errorf("running connector %s: %w", c.Name, err)
	}
	return ok(json.RawMessage(reply)), nil
}
