package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// errUnchanged says that there is nothing to write.
var errUnchanged = errors.New("nothing to change")

// update changes a connector, on condition that it is still as it was read; if not, it is read again and changed anew.
// with says what a change does to running tasks. What is returned is the connector as it was before, and after.
func (s *Server) update(
	ctx context.Context, name string, missing error, change func(c *offset.Connector) (with offset.Revoke, err error),
) (before, after offset.Connector, err error) {
	for {
		c, _, err := s.Store.Look(ctx, name, 0)
		if errors.Is(err, offset.ErrNotFound) {
			return c, c, missing
		}
		if err != nil {
			return c, c, fmt.Errorf("looking up connector %s: %w", name, err)
		}
		before = c
		c.Config, c.Trigger = maps.Clone(c.Config), maps.Clone(c.Trigger)
		if c.Trigger == nil {
			c.Trigger = map[string]string{}
		}
		if !c.Stale && c.Target != offset.Stopped {
			delete(c.Trigger, stoppedHandle) // it was planned since
		}
		with, err := change(&c)
		if errors.Is(err, errUnchanged) {
			return before, before, nil
		}
		if err != nil {
			return before, before, err
		}
		if err := s.carry(ctx, before, c); err != nil {
			return before, before, err
		}
		after, err = s.Store.Put(ctx, c, with)
		if errors.Is(err, offset.ErrStale) {
			continue
		}
		if err != nil {
			return before, before, fmt.Errorf("changing connector %s: %w", name, err)
		}
		return before, after, s.changed(ctx, after)
	}
}

// putConfig answers PUT /connectors/…/config: the last writer wins.
func (s *Server) putConfig(r *request) (answer, error) {
	ctx, name := r.Context(), r.name()
	settings, err := r.readSettings()
	if err != nil {
		return answer{}, err
	}
	if err := nameIn(settings, name); err != nil {
		return answer{}, err
	}
	settings, passwords, err := s.checkOver(ctx, name, settings)
	if err != nil {
		return answer{}, err
	}
	for {
		_, c, err := s.update(ctx, name, offset.ErrNotFound, func(c *offset.Connector) (offset.Revoke, error) {
			return offset.Restart, s.configure(ctx, r, c, stored(settings), passwords)
		})
		if err == nil {
			return s.configured(r, c)
		}
		if !errors.Is(err, offset.ErrNotFound) {
			return answer{}, err
		}
		if r.Header.Get("If-Match") != "" {
			return answer{}, fail(http.StatusPreconditionFailed, "Connector %s not found", name)
		}
		c = offset.Connector{Name: name, Config: stored(settings), Target: offset.Running, Stale: true}
		note(&c, passwords)
		if err := s.admit(ctx, c); err != nil {
			return answer{}, err
		}
		c, err = s.Store.Put(ctx, c, offset.Restart)
		if errors.Is(err, offset.ErrStale) {
			continue // somebody created it just now
		}
		if err != nil {
			return answer{}, fmt.Errorf("creating connector %s: %w", name, err)
		}
		return s.created(r, c, settings)
	}
}

// checkOver checks a configuration that is to replace that of a connector, if there is one: masked values are those that
// it has.
func (s *Server) checkOver(ctx context.Context, name string, sent map[string]*string) (settings map[string]*string, passwords []string, err error) {
	c, _, err := s.Store.Look(ctx, name, 0)
	if err != nil && !errors.Is(err, offset.ErrNotFound) {
		return nil, nil, fmt.Errorf("looking up connector %s: %w", name, err)
	}
	settings = unmask(sent, c.Config)
	passwords, err = s.check(ctx, c, settings)
	return settings, passwords, err
}

// configure gives a connector another configuration, and with it a new chance.
func (s *Server) configure(
	ctx context.Context, r *request, c *offset.Connector, settings map[string]string, passwords []string,
) error {
	if err := r.mustMatch(*c); err != nil {
		return err
	}
	c.Config, c.Stale = settings, true
	if err := s.admit(ctx, *c); err != nil {
		return err
	}
	note(c, passwords)
	revision, _ := strconv.Atoi(c.Trigger[revisionHandle]) // none is 0
	c.Trigger[revisionHandle] = strconv.Itoa(revision + 1)
	delete(c.Trigger, Halted)
	if c.Status.State == offset.StateFailed {
		c.Status = offset.Status{Worker: c.Status.Worker}
	}
	return nil
}

// admit refuses a connector that cannot be run here.
func (s *Server) admit(ctx context.Context, c offset.Connector) error {
	if s.Admit == nil {
		return nil
	}
	if err := s.Admit(ctx, c); err != nil {
		return fail(http.StatusBadRequest, "%s", err)
	}
	return nil
}

// configured answers a change of the configuration. The tasks are those from before, until they are planned again; a
// connector that has none yet is given a moment to be planned, since its tasks are what is asked for.
func (s *Server) configured(r *request, c offset.Connector) (answer, error) {
	ctx := r.Context()
	plugins, err := s.Functions.Plugins(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("asking which connectors there are: %w", err)
	}
	if shown, err := s.planned(ctx, c); err == nil {
		c.Tasks, c.Stale = shown.Tasks, shown.Stale
	}
	return ok(s.infoOf(ctx, c, pluginOf(plugins, c.Config))).tagged(c), nil
}

// How long to wait for a first plan, and how often to look.
const (
	firstPlan = 2 * time.Second
	planLook  = 20 * time.Millisecond
)

// planned waits until a connector that is to run has tasks, cannot have any, or the moment is over.
func (s *Server) planned(ctx context.Context, c offset.Connector) (offset.Connector, error) {
	ctx, cancel := context.WithTimeout(ctx, firstPlan)
	defer cancel()
	look := time.NewTicker(planLook)
	defer look.Stop()
	for c.Target == offset.Running && c.Stale && c.Tasks == 0 && c.Status.State != offset.StateFailed {
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-look.C:
		}
		var err error
		if c, _, err = s.Store.Look(ctx, c.Name, 0); err != nil {
			return c, err
		}
	}
	return c, nil
}

// patchConfig answers PATCH /connectors/…/config: null removes a setting. The outcome as a whole must be good.
func (s *Server) patchConfig(r *request) (answer, error) {
	ctx, name := r.Context(), r.name()
	body, err := r.read()
	if err != nil {
		return answer{}, err
	}
	var patch map[string]*string
	if !isNull(body) { // that it is missing is only said of a connector that there is
		if patch, err = settingsOf(body, theConfiguration); err != nil {
			return answer{}, err
		}
	}
	_, c, err := s.update(ctx, name, notFound(name), func(c *offset.Connector) (offset.Revoke, error) {
		if patch == nil {
			return 0, fmt.Errorf("%s is missing", theConfiguration)
		}
		merged := make(map[string]*string, len(c.Config)+len(patch))
		for key, value := range c.Config {
			merged[key] = &value
		}
		for key, value := range patch {
			if value == nil {
				delete(merged, key)
			} else {
				merged[key] = value
			}
		}
		merged = unmask(merged, c.Config)
		passwords, err := s.check(ctx, *c, merged)
		if err != nil {
			return 0, err
		}
		return offset.Restart, s.configure(ctx, r, c, stored(merged), passwords)
	})
	if err != nil {
		return answer{}, err
	}
	return s.configured(r, c)
}
