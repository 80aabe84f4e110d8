package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	asked, expand := r.URL.Query()["expand"]
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
	all := map[string]map[string]any{}
	for _, c := range connectors {
		p := pluginOf(plugins, c.Config)
		parts := map[string]any{}
		for _, part := range asked {
			switch part {
			case "info":
				parts[part] = infoOf(c, p)
			case "status":
				if parts[part], err = s.statusOf(r.Context(), c, p); err != nil {
					return answer{}, err
				}
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
	return ok(infoOf(c, p)).tagged(c), nil
}

func (s *Server) config(r *request) (answer, error) {
	c, _, err := s.look(r.Context(), r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	return ok(c.Config).tagged(c), nil
}

// create answers POST /connectors.
func (s *Server) create(r *request) (answer, error) {
	body, err := r.read()
	if err != nil {
		return answer{}, err
	}
	name, settings, target, err := readCreation(body)
	if err != nil {
		return answer{}, err
	}
	if err := nameIn(settings, name); err != nil {
		return answer{}, err
	}
	if err := s.check(r.Context(), settings); err != nil {
		return answer{}, err
	}
	c := offset.Connector{Name: name, Config: stored(settings), Target: target, Stale: true}
	if err := s.admit(r.Context(), c); err != nil {
		return answer{}, err
	}
	c, err = s.Store.Put(r.Context(), c, offset.Restart)
	if errors.Is(err, offset.ErrStale) {
		return answer{}, fail(http.StatusConflict, "Connector %s already exists", name)
	}
	if err != nil {
		return answer{}, fmt.Errorf("creating connector %s: %w", name, err)
	}
	return s.created(r, c, settings)
}

const creationClass = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest"

func readCreation(body json.RawMessage) (name string, settings map[string]*string, target offset.Target, err error) {
	all, err := members(body, creationClass, "name", "config", "initial_state")
	if err != nil {
		return "", nil, "", err
	}
	if raw := all["name"]; !isNull(raw) {
		text, err := textOf(raw)
		if err != nil {
			return "", nil, "", err
		}
		name = strings.TrimFunc(*text, func(r rune) bool { return r == ' ' })
	}
	target = offset.Running
	if raw := all["initial_state"]; !isNull(raw) {
		text, err := textOf(raw)
		if err != nil {
			return "", nil, "", err
		}
		switch target = offset.Target(strings.ToUpper(*text)); target {
		case offset.Running, offset.Paused, offset.Stopped:
		default:
			return "", nil, "", fmt.Errorf("Cannot construct instance of `%s$InitialState`, problem: No enum constant %s", creationClass, target) //nolint:staticcheck // Connect's own words
		}
	}
	settings, err = settingsOf(all["config"], "The configuration")
	return name, settings, target, err
}

// created tells everybody of a new connector. What is answered are the settings as they came, null ones too.
func (s *Server) created(r *request, c offset.Connector, settings map[string]*string) (answer, error) {
	plugins, err := s.Functions.Plugins(r.Context())
	if err != nil {
		return answer{}, fmt.Errorf("asking which connectors there are: %w", err)
	}
	if err := s.Triggers.Changed(r.Context(), c); err != nil {
		return answer{}, fmt.Errorf("making the triggers of connector %s: %w", c.Name, err)
	}
	info := infoOf(c, pluginOf(plugins, c.Config))
	info.Config = settings
	a := answer{status: http.StatusCreated, body: info, header: http.Header{}}
	a.header.Set("Location", location(r.Request, c.Name))
	return a.tagged(c), nil
}

// delete answers DELETE /connectors/…: offsets stay.
func (s *Server) delete(r *request) (answer, error) {
	ctx, name := r.Context(), r.name()
	for {
		c, _, err := s.look(ctx, name, notFound(name))
		if err != nil {
			return answer{}, err
		}
		if err := r.mustMatch(c); err != nil {
			return answer{}, err
		}
		if err := s.Triggers.Deleted(ctx, c); err != nil {
			return answer{}, fmt.Errorf("removing the triggers of connector %s: %w", name, err)
		}
		err = s.Store.Delete(ctx, c)
		if errors.Is(err, offset.ErrStale) {
			continue // somebody changed it just now
		}
		if err == nil {
			err = s.Store.ResetTopics(ctx, name)
		}
		if err != nil {
			return answer{}, fmt.Errorf("deleting connector %s: %w", name, err)
		}
		return answer{status: http.StatusNoContent}, nil
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
	text, err := json.Marshal([]any{c.Name, c.Config, c.Target})
	if err != nil {
		return `""` // strings can always be written
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
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
