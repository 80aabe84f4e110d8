package dynamo

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// Look implements offset.Catalog with one call for up to 99 tasks.
func (s *Store) Look(ctx context.Context, connector string, n int) (offset.Connector, []offset.Task, error) {
	if connector == "" || len(connector) > offset.MaxName {
		return offset.Connector{}, nil, offset.ErrNotFound // the table would refuse the key
	}
	keys := make([]item, 1, 1+max(0, n))
	keys[0] = connectorKey(connector)
	for id := range n {
		keys = append(keys, taskKey(connector, id))
	}
	items, err := s.batch(ctx, keys)
	if err != nil {
		return offset.Connector{}, nil, fmt.Errorf("reading connector %s: %w", connector, err)
	}
	var found record
	var tasks []item
	for _, it := range items {
		if textOf(it["pk"]) == connectorsKey {
			if found, err = decodeConnector(it); err != nil {
				return offset.Connector{}, nil, err
			}
		} else {
			tasks = append(tasks, it)
		}
	}
	if !found.there || found.gone {
		return offset.Connector{}, nil, offset.ErrNotFound
	}
	list, err := decodeTasks(connector, tasks)
	return found.Connector, list, err
}

// List implements offset.Catalog.
func (s *Store) List(ctx context.Context) ([]offset.Connector, error) {
	items, err := s.query(ctx, connectorsKey, "")
	if err != nil {
		return nil, fmt.Errorf("listing connectors: %w", err)
	}
	var list []offset.Connector
	for _, it := range items {
		r, err := decodeConnector(it)
		if err != nil {
			return nil, err
		}
		if !r.gone {
			list = append(list, r.Connector)
		}
	}
	return list, nil // the sort key is the name
}

// Tasks implements offset.Catalog.
func (s *Store) Tasks(ctx context.Context, connector string) ([]offset.Task, error) {
	items, err := s.query(ctx, home(connector), taskPrefix)
	if err != nil {
		return nil, fmt.Errorf("listing the tasks of connector %s: %w", connector, err)
	}
	return decodeTasks(connector, items)
}

// TasksOf implements offset.Catalog, with one call for every hundred tasks.
func (s *Store) TasksOf(ctx context.Context, connectors []offset.Connector) (map[string][]offset.Task, error) {
	var keys []item
	names := make(map[string]string, len(connectors)) // by partition key
	for _, c := range connectors {
		names[home(c.Name)] = c.Name
		for id := range c.Tasks {
			keys = append(keys, taskKey(c.Name, id))
		}
	}
	items, err := s.batch(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("reading the tasks of %d connectors: %w", len(connectors), err)
	}
	byHome := make(map[string][]item, len(connectors))
	for _, it := range items {
		pk := textOf(it["pk"])
		byHome[pk] = append(byHome[pk], it)
	}
	all := make(map[string][]offset.Task, len(byHome))
	for pk, items := range byHome {
		tasks, err := decodeTasks(names[pk], items)
		if err != nil {
			return nil, err
		}
		if len(tasks) > 0 {
			all[names[pk]] = tasks
		}
	}
	return all, nil
}

// decodeTasks reads the tasks that exist, sorted by number.
func decodeTasks(connector string, items []item) ([]offset.Task, error) {
	var list []offset.Task
	for _, it := range items {
		if !published(it) {
			continue
		}
		t, err := decodeTask(connector, it)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b offset.Task) int { return a.ID - b.ID })
	return list, nil
}

// read reads a connector's item.
func (s *Store) read(ctx context.Context, connector string) (record, error) {
	it, err := s.get(ctx, connectorKey(connector))
	if err != nil {
		return record{}, fmt.Errorf("reading connector %s: %w", connector, err)
	}
	return decodeConnector(it)
}
