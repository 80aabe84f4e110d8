package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluice-connect/sluice/runtime/offset"
)

const creationClass = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest"

// creation is what POST /connectors asks for.
type creation struct {
	name     string
	settings map[string]*string
	target   offset.Target
	// offsets are where it begins, nil if they are not given; told says to answer what became of them.
	offsets []pair
	told    bool
}

// create answers POST /connectors.
func (s *Server) create(r *request) (answer, error) {
	ctx := r.Context()
	body, err := r.read()
	if err != nil {
		return answer{}, err
	}
	wanted, err := readCreation(body)
	if err != nil {
		return answer{}, err
	}
	if err := nameIn(wanted.settings, wanted.name); err != nil {
		return answer{}, err
	}
	passwords, err := s.check(ctx, offset.Connector{Name: wanted.name}, wanted.settings)
	if err != nil {
		return answer{}, err
	}
	c := offset.Connector{Name: wanted.name, Config: stored(wanted.settings), Target: wanted.target, Stale: true}
	note(&c, passwords)
	if err := s.admit(ctx, c); err != nil {
		return answer{}, err
	}
	if wanted.offsets != nil {
		return s.createAt(r, c, wanted)
	}
	c, err = s.Store.Put(ctx, c, offset.Restart)
	if errors.Is(err, offset.ErrStale) {
		return answer{}, exists(wanted.name)
	}
	if err != nil {
		return answer{}, fmt.Errorf("creating connector %s: %w", wanted.name, err)
	}
	return s.created(r, c, wanted.settings)
}

func exists(name string) error {
	return fail(http.StatusConflict, "Connector %s already exists", name)
}

// createAt creates a connector that begins at given offsets, instead of those that an earlier one of its name left. It
// is stopped until they are set; if they cannot be, it is as if it had never been.
func (s *Server) createAt(r *request, c offset.Connector, wanted creation) (answer, error) {
	ctx, target := r.Context(), c.Target
	c.Target = offset.Stopped
	c, err := s.Store.Put(ctx, c, offset.Restart)
	if errors.Is(err, offset.ErrStale) {
		return answer{}, exists(wanted.name)
	}
	if err != nil {
		return answer{}, fmt.Errorf("creating connector %s: %w", wanted.name, err)
	}
	message, err := s.begin(ctx, c.Name, wanted.offsets)
	if err == nil {
		_, c, err = s.update(ctx, c.Name, notFound(c.Name), func(c *offset.Connector) (offset.Revoke, error) {
			c.Target = target
			return offset.Restart, nil
		})
	}
	if err != nil {
		return answer{}, errors.Join(err, s.remove(context.WithoutCancel(ctx), c.Name))
	}
	a, err := s.created(r, c, wanted.settings)
	if info, ok := a.body.(connectorInfo); ok && wanted.told {
		info.OffsetsStatus = message
		a.body = info
	}
	return a, err
}

// begin replaces whatever offsets there are of a connector's name.
func (s *Server) begin(ctx context.Context, name string, pairs []pair) (message string, err error) {
	if _, err := s.move(ctx, name, nil, true); err != nil {
		return "", err
	}
	return s.move(ctx, name, pairs, false)
}

func readCreation(body json.RawMessage) (creation, error) {
	all, err := members(body, creationClass, "name", "config", "initial_state", "initial_offsets", "offsets")
	if err != nil {
		return creation{}, err
	}
	wanted := creation{target: offset.Running}
	if raw := all["name"]; !isNull(raw) {
		text, err := textOf(raw)
		if err != nil {
			return creation{}, err
		}
		wanted.name = strings.TrimFunc(*text, func(r rune) bool { return r == ' ' })
	}
	if raw := all["initial_state"]; !isNull(raw) {
		text, err := textOf(raw)
		if err != nil {
			return creation{}, err
		}
		switch wanted.target = offset.Target(strings.ToUpper(*text)); wanted.target {
		case offset.Running, offset.Paused, offset.Stopped:
		default:
			return creation{}, fmt.Errorf("Cannot construct instance of `%s$InitialState`, problem: No enum constant %[1]s.InitialState.%[2]s", creationClass, wanted.target) //nolint:staticcheck // Connect's own words
		}
	}
	for _, member := range []string{"offsets", "initial_offsets"} {
		raw := all[member]
		if isNull(raw) {
			continue
		}
		if wanted.offsets != nil {
			return creation{}, fail(http.StatusBadRequest, "The members offsets and initial_offsets mean the same, but both are given")
		}
		if wanted.offsets, err = readPairs(raw); err != nil {
			return creation{}, err
		}
		wanted.told = member == "initial_offsets"
	}
	wanted.settings, err = settingsOf(all["config"], theConfiguration)
	return wanted, err
}

// created tells everybody of a new connector. What is answered are the settings as they came, null ones too.
func (s *Server) created(r *request, c offset.Connector, settings map[string]*string) (answer, error) {
	ctx := r.Context()
	plugins, err := s.Functions.Plugins(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("asking which connectors there are: %w", err)
	}
	if err := s.changed(ctx, c); err != nil {
		return answer{}, err
	}
	info := s.infoOf(ctx, c, pluginOf(plugins, c.Config))
	for name, value := range settings {
		if value == nil {
			info.Config[name] = nil
		}
	}
	a := answer{status: http.StatusCreated, body: info, header: http.Header{}}
	a.header.Set("Location", location(r.Request, c.Name))
	return a.tagged(c), nil
}
