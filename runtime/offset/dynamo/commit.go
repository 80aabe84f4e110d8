package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Offsets implements offset.Committer with one call per 100 partitions.
func (s *Store) Offsets(ctx context.Context, connector string, partitions []connect.Partition) (map[connect.Partition]offset.Entry, error) {
	var keys []item
	asked := make(map[connect.Partition]bool, len(partitions))
	for _, p := range partitions {
		if !p.IsZero() && !asked[p] {
			asked[p] = true
			keys = append(keys, offsetKey(connector, p))
		}
	}
	items, err := s.batch(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("reading offsets of connector %s: %w", connector, err)
	}
	entries, err := decodeEntries(connector, items)
	if err != nil {
		return nil, err
	}
	out := make(map[connect.Partition]offset.Entry, len(entries))
	for _, e := range entries {
		out[e.Partition] = e
	}
	return out, nil
}

// AllOffsets implements offset.Committer.
func (s *Store) AllOffsets(ctx context.Context, connector string) ([]offset.Entry, error) {
	items, err := s.query(ctx, home(connector), offsetPrefix)
	if err != nil {
		return nil, fmt.Errorf("listing the offsets of connector %s: %w", connector, err)
	}
	entries, err := decodeEntries(connector, items)
	slices.SortFunc(entries, func(a, b offset.Entry) int { return strings.Compare(a.Partition.JSON(), b.Partition.JSON()) })
	return entries, err
}

func decodeEntries(connector string, items []item) ([]offset.Entry, error) {
	var out []offset.Entry
	for _, it := range items {
		e, err := decodeEntry(it)
		if err != nil {
			return nil, fmt.Errorf("reading offsets of connector %s: item %s: %w", connector, textOf(it["sk"]), err)
		}
		if !e.Offset.IsZero() || !e.Resume.IsZero() {
			out = append(out, e)
		}
	}
	return out, nil
}

// Commit implements offset.Committer with one call for up to 99 partitions and topics.
func (s *Store) Commit(ctx context.Context, l offset.Lease, c offset.Commit) error {
	actions, err := s.committing(l.Connector, c)
	if err != nil {
		return fmt.Errorf("committing offsets of connector %s: %w", l.Connector, err)
	}
	packs := pack(actions, 1)
	if len(packs) == 0 && c.Status != nil {
		packs = append(packs, nil)
	}
	for i, actions := range packs {
		task := s.holding(l) // Invariant 3
		if i == 0 && c.Status != nil {
			e := newExpression()
			putStatus(e, *c.Status)
			held(e, l)
			task = s.updating(taskKey(l.Connector, l.Task), e)
		}
		err := s.transact(ctx, append([]types.TransactWriteItem{task}, actions...))
		if _, ok := errors.AsType[*unmet](err); ok {
			return offset.ErrFenced
		}
		if err != nil {
			return fmt.Errorf("committing offsets of connector %s: %w", l.Connector, err)
		}
	}
	return nil
}

// committing are the changes a commit makes but for that of the task: partitions in order of their JSON, then topics.
func (s *Store) committing(connector string, c offset.Commit) ([]types.TransactWriteItem, error) {
	all := make(connect.Offsets, len(c.Offsets)+len(c.Resume))
	maps.Copy(all, c.Offsets)
	maps.Copy(all, c.Resume)
	out := make([]types.TransactWriteItem, 0, len(all)+len(c.Topics))
	for _, p := range sorted(all) {
		e, err := offsetExpression(p)
		if err != nil {
			return nil, err
		}
		position, committed := c.Offsets[p]
		if committed {
			if err := putPosition(e, "offset", position); err != nil {
				return nil, err
			}
		}
		if resume, ok := c.Resume[p]; ok || committed {
			if err := putPosition(e, "resume", resume); err != nil {
				return nil, err
			}
		}
		out = append(out, s.updating(offsetKey(connector, p), e))
	}
	return append(out, s.addingTopics(connector, c.Topics)...), nil
}

func offsetExpression(p connect.Partition) (*expression, error) {
	if p.IsZero() {
		return nil, errors.New("an offset needs a partition")
	}
	e := newExpression()
	e.assign("#v = ?", num(offset.Format))
	e.assign("#partition = ?", str(p.JSON()))
	return e, nil
}

func putPosition(e *expression, name string, p connect.Position) error {
	if p.IsZero() {
		e.remove(name)
		return nil
	}
	text, err := p.JSON()
	if err != nil {
		return err
	}
	e.put(name, str(string(text)))
	return nil
}

// sorted are the partitions in order of their JSON, so that the same commit is always cut into the same transactions.
func sorted(o connect.Offsets) []connect.Partition {
	return slices.SortedFunc(maps.Keys(o), func(a, b connect.Partition) int { return strings.Compare(a.JSON(), b.JSON()) })
}
