package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Follow looks which topics match the topics.regex of sinks, and has what is new or gone followed by their triggers. It is
// to be called now and then, as long as there are such sinks: some tells whether there are.
func (s *Server) Follow(ctx context.Context) (some bool, err error) {
	connectors, err := s.Store.List(ctx)
	if err != nil {
		return false, fmt.Errorf("listing connectors: %w", err)
	}
	var errs []error
	for _, c := range connectors {
		if c.Config[regexSetting] == "" {
			continue
		}
		some = true
		if c.Target != offset.Running {
			continue
		}
		followed, changed, err := s.match(ctx, c)
		if err == nil && changed {
			err = s.Triggers.Changed(ctx, followed)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("following the topics of connector %s: %w", c.Name, err))
		}
	}
	return some, errors.Join(errs...)
}

// match notes which topics a sink's topics.regex matches now.
func (s *Server) match(ctx context.Context, c offset.Connector) (followed offset.Connector, changed bool, err error) {
	kafkas, err := s.Clusters.Groups(ctx, c)
	if err != nil {
		return c, false, err
	}
	topics, err := kafkas.Topics(ctx)
	if err != nil {
		return c, false, err
	}
	sink := connector.Sink{TopicsRegex: c.Config[regexSetting]}
	var matched []string
	for _, t := range topics {
		if sink.Reads(t.Name) {
			matched = append(matched, t.Name)
		}
	}
	slices.Sort(matched)
	for {
		if slices.Equal(matched, Topics(c)) || c.Config[regexSetting] != sink.TopicsRegex {
			return c, false, nil
		}
		if c.Trigger = maps.Clone(c.Trigger); c.Trigger == nil {
			c.Trigger = map[string]string{}
		}
		c.Trigger[Matched] = strings.Join(matched, ",")
		after, err := s.Store.Put(ctx, c, offset.Keep)
		if err == nil || !errors.Is(err, offset.ErrStale) {
			return after, err == nil, err
		}
		if c, _, err = s.Store.Look(ctx, c.Name, 0); err != nil {
			return c, false, err
		}
	}
}

// changed makes a connector's triggers fit after it was written. A sink that reads topics of a pattern has those noted
// first, so that it need not wait until they are followed.
func (s *Server) changed(ctx context.Context, c offset.Connector) error {
	if c.Config[regexSetting] != "" && c.Target == offset.Running {
		followed, _, err := s.match(ctx, c)
		if err != nil {
			s.Log.Warn("finding the topics of a sink failed", "connector", c.Name, "error", err)
		} else {
			c = followed
		}
	}
	if err := s.Triggers.Changed(ctx, c); err != nil {
		return fmt.Errorf("changing the triggers of connector %s: %w", c.Name, err)
	}
	return nil
}

// carry gives the groups of a sink's topics the offsets of those by which it read them before its configuration changed:
// a topic has a group of its own only beside others. A group that users named otherwise begins where it is, as in Connect.
func (s *Server) carry(ctx context.Context, before, after offset.Connector) error {
	const own = "consumer.override.group.id"
	if before.Config[own] != after.Config[own] {
		return nil
	}
	for _, topic := range Topics(after) {
		from, to := Group(before, topic), Group(after, topic)
		if from == to || !slices.Contains(Topics(before), topic) {
			continue
		}
		if err := s.copyGroup(ctx, after, topic, from, to); err != nil {
			return fmt.Errorf("carrying the offsets of topic %s from group %s to %s: %w", topic, from, to, err)
		}
	}
	return nil
}

func (s *Server) copyGroup(ctx context.Context, c offset.Connector, topic, from, to string) error {
	kafkas, err := s.Clusters.Groups(ctx, c)
	if err != nil {
		return err
	}
	committed, err := kafkas.GroupOffsets(ctx, from)
	if err != nil {
		return err
	}
	maps.DeleteFunc(committed, func(at kafka.TopicPartition, _ int64) bool { return at.Topic != topic })
	return kafkas.SetGroupOffsets(ctx, to, committed)
}
