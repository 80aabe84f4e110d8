package control

import (
	"context"
	"fmt"
	"maps"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// remember keeps in the table what a sink's groups have committed: brokers forget it when a group is idle for long, and
// the sink would begin with the oldest record again. What is committed after this is repeated at worst.
func (s *Server) remember(ctx context.Context, c offset.Connector) error {
	kafkas, err := s.Clusters.Groups(ctx, c)
	if err != nil {
		return err
	}
	for _, group := range groups(c) {
		committed, err := kafkas.GroupOffsets(ctx, group)
		if err != nil {
			return err
		}
		snapshot := make(map[connect.TopicPartition]int64, len(committed))
		for at, position := range committed {
			snapshot[connect.TopicPartition(at)] = position
		}
		if err := s.Store.PutGroup(ctx, c.Name, group, snapshot); err != nil {
			return fmt.Errorf("keeping the offsets of group %s: %w", group, err)
		}
	}
	return nil
}

// recall commits again what was forgotten since remember. Partitions that have an offset keep it.
func (s *Server) recall(ctx context.Context, c offset.Connector) error {
	kafkas, err := s.Clusters.Groups(ctx, c)
	if err != nil {
		return err
	}
	for _, group := range groups(c) {
		snapshot, err := s.Store.Group(ctx, c.Name, group)
		if err != nil {
			return fmt.Errorf("reading what is kept of the offsets of group %s: %w", group, err)
		}
		if len(snapshot) == 0 {
			continue
		}
		committed, err := kafkas.GroupOffsets(ctx, group)
		if err != nil {
			return err
		}
		lost := make(map[kafka.TopicPartition]int64, len(snapshot))
		for at, position := range snapshot {
			lost[kafka.TopicPartition(at)] = position
		}
		maps.DeleteFunc(lost, func(at kafka.TopicPartition, _ int64) bool {
			_, there := committed[at]
			return there
		})
		if err := kafkas.SetGroupOffsets(ctx, group, lost); err != nil {
			return err
		}
	}
	return nil
}
