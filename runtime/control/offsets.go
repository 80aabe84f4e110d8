package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/schema"
)

func (s *Server) offsets(r *request) (answer, error) {
	c, p, err := s.look(r.Context(), r.name(), notFound(r.name()))
	if err != nil {
		return answer{}, err
	}
	var list []pair
	if p.Type == "sink" {
		list, err = s.sinkOffsets(r.Context(), c)
	} else {
		list, err = s.sourceOffsets(r.Context(), c.Name)
	}
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]any{"offsets": append([]pair{}, list...)}), nil
}

func (s *Server) sourceOffsets(ctx context.Context, name string) ([]pair, error) {
	entries, err := s.Store.AllOffsets(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of connector %s: %w", name, err)
	}
	// An entry without an offset is only a private position to resume from.
	entries = slices.DeleteFunc(entries, func(e offset.Entry) bool { return e.Offset.IsZero() })
	order := schema.NewHashMap(len(entries)) // of Java, which is Connect's
	for _, e := range entries {
		position, err := e.Offset.JSON()
		if err != nil {
			return nil, err
		}
		partition := schema.NewMap(0)
		for name, value := range e.Partition.Fields() {
			partition.Set(name, value)
		}
		order.Set(partition, pair{inJavasOrder([]byte(e.Partition.JSON())), inJavasOrder(position)})
	}
	var list []pair
	for _, p := range order.All() {
		if p, ok := p.(pair); ok {
			list = append(list, p)
		}
	}
	return list, nil
}

// inJavasOrder returns an object with its members in the order of Java's HashMap, in which Connect shows offsets.
func inJavasOrder(object []byte) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil || len(fields) < 2 {
		return object
	}
	order := schema.NewHashMap(0)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		order.Set(name, nil)
	}
	out := []byte{'{'}
	for key := range order.All() {
		name, _ := key.(string)
		text, err := json.Marshal(name)
		if err != nil {
			return object
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, text...), ':'), fields[name]...)
	}
	return append(out, '}')
}

// alterOffsets answers PATCH /connectors/…/offsets.
func (s *Server) alterOffsets(r *request) (answer, error) {
	body, err := r.read()
	if err != nil {
		return answer{}, err
	}
	all, err := members(body, "org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets", "offsets")
	if err != nil {
		return answer{}, err
	}
	pairs, err := readPairs(all["offsets"])
	if err != nil {
		return answer{}, err
	}
	return moved(s.move(r.Context(), r.name(), pairs, false))
}

// resetOffsets answers DELETE /connectors/…/offsets.
func (s *Server) resetOffsets(r *request) (answer, error) {
	return moved(s.move(r.Context(), r.name(), nil, true))
}

func moved(message string, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]string{"message": message}), nil
}

// move sets offsets, or with reset removes all of them. The connector must be stopped, and may refuse.
func (s *Server) move(ctx context.Context, name string, pairs []pair, reset bool) (message string, err error) {
	for {
		c, p, err := s.look(ctx, name, notFound(name))
		if err != nil {
			return "", err
		}
		if c.Target != offset.Stopped {
			return "", notStopped(name)
		}
		var done bool
		if p.Type == "sink" {
			done, err = s.moveSink(ctx, c, p, pairs, reset)
		} else {
			done, err = s.moveSource(ctx, c, p, pairs, reset)
		}
		if errors.Is(err, offset.ErrStale) {
			continue // it was changed just now, and may not be stopped any more
		}
		if err != nil {
			return "", err
		}
		return movedMessage(reset, done), nil
	}
}

func notStopped(name string) error {
	return fail(http.StatusBadRequest, "Connectors must be in the STOPPED state before their offsets can be modified. This can "+
		"be done for the specified connector by issuing a 'PUT' request to the '/connectors/%s/stop' endpoint", name)
}

func movedMessage(reset, done bool) string {
	word := "altered"
	if reset {
		word = "reset"
	}
	if done {
		return "The offsets for this connector have been " + word + " successfully"
	}
	return "The Connect framework-managed offsets for this connector have been " + word + " successfully. However, if this " +
		"connector manages offsets externally, they will need to be manually " + word + " in the system that the connector uses."
}

// moveSource asks the connector and writes the table, which takes every lease away: who still runs commits nothing more.
func (s *Server) moveSource(ctx context.Context, c offset.Connector, p Plugin, pairs []pair, reset bool) (done bool, err error) {
	if reset {
		if pairs, err = s.sourceOffsets(ctx, c.Name); err != nil {
			return false, err
		}
		for i := range pairs {
			pairs[i].Offset = nil
		}
	}
	for _, raw := range both(pairs) {
		if err := mustBePrimitive(raw); err != nil {
			return false, err
		}
	}
	if done, err = s.agree(ctx, c, p, pairs); err != nil {
		return false, err
	}
	positions, err := positionsOf(pairs)
	if err != nil {
		return false, err
	}
	if _, err := s.Store.AlterOffsets(ctx, c, positions, reset); err != nil {
		return false, fmt.Errorf("writing the offsets of connector %s: %w", c.Name, err)
	}
	return done, nil
}

// both are the partitions and offsets of pairs that are not null.
func both(pairs []pair) (all []json.RawMessage) {
	for _, p := range pairs {
		for _, raw := range []json.RawMessage{p.Partition, p.Offset} {
			if !isNull(raw) {
				all = append(all, raw)
			}
		}
	}
	return all
}

// positionsOf reads pairs in the form of sources. No partition at all can only be said to have no offset.
func positionsOf(pairs []pair) (connect.Offsets, error) {
	positions := connect.Offsets{}
	for _, p := range pairs {
		if isNull(p.Partition) {
			if p.removes() {
				continue
			}
			return nil, errors.New("Partition objects cannot be null") //nolint:staticcheck // Connect's own words
		}
		partition, err := connect.ParsePartition(p.Partition)
		if err != nil {
			return nil, err
		}
		positions[partition] = connect.Position{}
		if !p.removes() {
			if positions[partition], err = connect.ParsePosition(p.Offset); err != nil {
				return nil, err
			}
		}
	}
	return positions, nil
}

// agree asks the connector whether offsets may be altered. done tells that it did what it has to do itself.
func (s *Server) agree(ctx context.Context, c offset.Connector, p Plugin, pairs []pair) (done bool, err error) {
	var altered struct {
		Done    bool
		Refused string
	}
	question := map[string]any{"control": "alter", "config": c.Config, "offsets": append([]pair{}, pairs...)}
	if err := s.ask(ctx, p.Class, c, question, &altered); err != nil {
		return false, err
	}
	if altered.Refused != "" {
		return false, errors.New(altered.Refused)
	}
	return altered.Done, nil
}
