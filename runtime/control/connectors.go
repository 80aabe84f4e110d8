package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/offset"
)

func (s *Server) root(r *request) (answer, error) {
	id, err := s.Clusters.ID(r.Context())
	if err != nil {
		return answer{}, fmt.Errorf("asking Kafka for the cluster's id: %w", err)
	}
	return ok(map[string]string{"version": s.Version, "commit": "unknown", "kafka_cluster_id": id}), nil
}

// health asks the table, without which nothing can be done.
func (s *Server) health(r *request) (answer, error) {
	const there, broken = "Worker has completed startup and is ready to handle requests.",
		"Worker was unable to handle this request and may be unable to handle other requests."
	if _, err := s.Store.List(r.Context()); err != nil {
		//nolint:nilerr // it is in the answer, which has a form of its own
		return answer{status: http.StatusInternalServerError, body: map[string]string{
			"status": "unhealthy", "message": broken + " Listing the connectors: " + err.Error(),
		}}, nil
	}
	return ok(map[string]string{"status": "healthy", "message": there}), nil
}

// list answers the names, or with expand all that is asked of each connector.
func (s *Server) list(r *request) (answer, error) {
	connectors, err := s.Store.List(r.Context())
	if err != nil {
		return answer{}, fmt.Errorf("listing connectors: %w", err)
	}
	asked, expand := r.query()["expand"]
	if !expand {
		names := []string{}
		for _, c := range connectors {
			names = append(names, c.Name)
		}
		return ok(names), nil
	}
	plugins, err := s.Functions.Plugins(r.Context())
	if err != nil {
		return answer{}, fmt.Errorf("asking which connectors there are: %w", err)
	}
	classes := make([]Plugin, len(connectors))
	for i, c := range connectors {
		classes[i] = pluginOf(plugins, c.Config)
	}
	var views []view
	var counts map[string]map[int]offset.Count
	if slices.Contains(asked, "status") || slices.Contains(asked, "health") {
		if views, err = s.views(r.Context(), connectors, classes); err != nil {
			return answer{}, err
		}
	}
	if slices.Contains(asked, "health") {
		if counts, err = s.counts(r.Context(), connectors...); err != nil {
			return answer{}, err
		}
	}
	all := make(map[string]map[string]any, len(connectors))
	for i, c := range connectors {
		parts := map[string]any{}
		for _, part := range asked {
			switch part {
			case "info":
				parts[part] = s.infoOf(r.Context(), c, classes[i])
			case "status":
				parts[part] = views[i].status(s.Worker)
			case "health":
				parts[part] = views[i].health(s.Worker, counts[c.Name])
			}
		}
		all[c.Name] = parts
	}
	return ok(all), nil
}

// look reads a connector with its class. missing is what to answer when it is not there.
func (s *Server) look(ctx context.Context, name string, missing error) (offset.Connector, Plugin, error) {
	c, _, err := s.Store.Look(ctx, name, 0)
	if errors.Is(err, offset.ErrNotFound) {
		return c, Plugin{}, missing
	}
	if err != nil {
		return c, Plugin{}, fmt.Errorf("looking up connector %s: %w", name, err)
	}
	plugins, err := s.Functions.Plugins(ctx)
	if err != nil {
		return c, Plugin{}, fmt.Errorf("asking which connectors there are: %w", err)
	}
	return c, pluginOf(plugins, c.Config), nil
}

func notFound(name string) error {
	return fail(http.StatusNotFound, "Connector %s not found", name)
}

func (s *Server) info(r *request) (answer, error) {
	c, p, err := s.look(r.Context(), r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	return ok(s.infoOf(r.Context(), c, p)).tagged(c), nil
}

func (s *Server) config(r *request) (answer, error) {
	c, p, err := s.look(r.Context(), r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	return ok(s.masked(r.Context(), c, p, c.Config)).tagged(c), nil
}

// delete answers DELETE /connectors/…: offsets stay.
func (s *Server) delete(r *request) (answer, error) {
	if err := s.removeIf(r.Context(), r.name(), r.mustMatch); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func (s *Server) remove(ctx context.Context, name string) error {
	return s.removeIf(ctx, name, func(offset.Connector) error { return nil })
}

// removeIf deletes a connector that is as it should be.
func (s *Server) removeIf(ctx context.Context, name string, as func(offset.Connector) error) error {
	for {
		c, _, err := s.look(ctx, name, notFound(name))
		if err != nil {
			return err
		}
		if err := as(c); err != nil {
			return err
		}
		if err := s.Triggers.Deleted(ctx, c); err != nil {
			return fmt.Errorf("removing the triggers of connector %s: %w", name, err)
		}
		err = s.Store.Delete(ctx, c)
		if errors.Is(err, offset.ErrStale) {
			continue // somebody changed it just now
		}
		if err == nil {
			err = s.Store.ResetTopics(ctx, name)
		}
		if err != nil {
			return fmt.Errorf("deleting connector %s: %w", name, err)
		}
		return nil
	}
}

// tagged adds what If-Match compares: it changes with what a user can change, not with what happens to the connector.
func (a answer) tagged(c offset.Connector) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set("Etag", etag(c))
	return a
}

func etag(c offset.Connector) string {
	text, err := json.Marshal([]any{c.Name, shownInTag(c), c.Target, c.Trigger[revisionHandle]})
	if err != nil {
		return `""` // strings can always be written
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// shownInTag is the configuration without values that a tag could give away. That they change, the revision says.
func shownInTag(c offset.Connector) map[string]string {
	var passwords []string
	if json.Unmarshal([]byte(c.Trigger[passwordsHandle]), &passwords) != nil {
		return map[string]string{"": strconv.FormatInt(c.Generation, 10)} // nobody noted which those are
	}
	shown := maps.Clone(c.Config)
	for _, name := range passwords {
		delete(shown, name)
	}
	maps.DeleteFunc(shown, func(name, _ string) bool { return clientSecret(name) })
	return shown
}

// mustMatch refuses the request if it names another version than the one there is.
func (r *request) mustMatch(c offset.Connector) error {
	wanted := r.Header.Values("If-Match")
	if len(wanted) == 0 {
		return nil
	}
	for tag := range strings.SplitSeq(strings.Join(wanted, ","), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag(c) {
			return nil
		}
	}
	return fail(http.StatusPreconditionFailed, "Connector %s was changed since it was read", c.Name)
}
