package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

var errNoName = errors.New("a connector needs a name")

// Put implements offset.Changer.
func (s *Store) Put(ctx context.Context, c offset.Connector, revoke offset.Revoke) (offset.Connector, error) {
	if c.Name == "" {
		return offset.Connector{}, errNoName
	}
	old, err := s.current(ctx, c, c.Version == 0)
	if err != nil {
		return offset.Connector{}, err
	}
	r := rewrite{old: old, name: c.Name, keep: revoke == offset.Keep && c.Version != 0, open: !old.Gate, slots: old.slots}
	r.first = func(e *expression) {
		putConnector(e, c)
		e.remove("gone")
	}
	if revoke != offset.Keep {
		r.actions = func(generation int64) []types.TransactWriteItem {
			return s.revokeAll(c.Name, old.slots, generation, revoke)
		}
	}
	done, err := s.rewrite(ctx, r)
	if err != nil {
		return offset.Connector{}, changing("writing", c.Name, err)
	}
	return done.merge(c), nil
}

// Publish implements offset.Changer.
func (s *Store) Publish(ctx context.Context, c offset.Connector, plan offset.Lease, settings []map[string]string) (offset.Connector, error) {
	old, err := s.current(ctx, c, false)
	if err != nil {
		return offset.Connector{}, err
	}
	if plan.Connector != c.Name || plan.Task != offset.PlanTask {
		return offset.Connector{}, offset.ErrFenced
	}
	n := len(settings)
	c.Stale, c.PlannedAt = false, s.now()
	done, err := s.rewrite(ctx, rewrite{
		old: old, name: c.Name, open: true, slots: max(old.slots, n), tasks: &n,
		guards: []types.TransactWriteItem{s.holding(plan)},
		last:   func(e *expression) { putConnector(e, c) },
		actions: func(generation int64) []types.TransactWriteItem {
			return s.publishAll(c.Name, old, settings, generation)
		},
	})
	if err != nil {
		return offset.Connector{}, changing("publishing the tasks of", c.Name, err)
	}
	return done.merge(c), nil
}

// Delete implements offset.Changer.
func (s *Store) Delete(ctx context.Context, c offset.Connector) error {
	old, err := s.current(ctx, c, false)
	if err != nil {
		return err
	}
	_, err = s.rewrite(ctx, rewrite{
		old: old, name: c.Name, open: true, slots: old.slots,
		last: func(e *expression) {
			e.assign("#gone = ?", flag(true))
			e.remove(connectorFields[:]...)
		},
		gone: true,
		actions: func(generation int64) (out []types.TransactWriteItem) {
			for id := range old.slots {
				out = append(out, s.dropping(c.Name, id, generation))
			}
			return out
		},
	})
	return changing("deleting", c.Name, err)
}

// AlterOffsets implements offset.Changer. A holder may commit offsets that nobody knows of yet until the first
// transaction has taken its lease away; so to remove all of them it looks again after that, behind the closed gate.
func (s *Store) AlterOffsets(ctx context.Context, c offset.Connector, o connect.Offsets, all bool) (offset.Connector, error) {
	sets, err := s.settingOffsets(c.Name, o)
	if err != nil {
		return offset.Connector{}, changing("altering the offsets of", c.Name, err)
	}
	old, err := s.current(ctx, c, false)
	if err != nil {
		return offset.Connector{}, err
	}
	leases, err := s.query(ctx, home(c.Name), taskPrefix)
	if err != nil {
		return offset.Connector{}, changing("altering the offsets of", c.Name, err)
	}
	var removed []types.TransactWriteItem
	if all {
		if removed, err = s.removingOffsets(ctx, c.Name, o); err != nil {
			return offset.Connector{}, changing("altering the offsets of", c.Name, err)
		}
	}
	r := rewrite{
		old: old, name: c.Name, open: !old.Gate, slots: old.slots,
		actions: func(generation int64) []types.TransactWriteItem {
			return append(append(s.takingAway(leases, generation), removed...), sets...)
		},
	}
	if all {
		r.rest = func(ctx context.Context) ([]types.TransactWriteItem, error) { return s.removingOffsets(ctx, c.Name, o) }
	}
	done, err := s.rewrite(ctx, r)
	if err != nil {
		return offset.Connector{}, changing("altering the offsets of", c.Name, err)
	}
	return done.merge(old.Connector), nil
}

// current reads a connector that is to be changed. create wants that there is none.
func (s *Store) current(ctx context.Context, c offset.Connector, create bool) (record, error) {
	old, err := s.read(ctx, c.Name)
	if err != nil {
		return record{}, err
	}
	there := old.there && !old.gone
	if create && there || !create && (!there || c.Version == 0 || old.Version != c.Version) {
		return record{}, offset.ErrStale
	}
	return old, nil
}

// changing says what was being done, but for the errors that callers tell apart.
func changing(doing, name string, err error) error {
	if err == nil || errors.Is(err, offset.ErrStale) || errors.Is(err, offset.ErrFenced) {
		return err
	}
	return fmt.Errorf("%s connector %s: %w", doing, name, err)
}

// revokeAll revokes the leases of all tasks.
func (s *Store) revokeAll(connector string, slots int, generation int64, kind offset.Revoke) (out []types.TransactWriteItem) {
	for id := range slots {
		e := newExpression()
		s.revoking(e, generation)
		if kind == offset.Restart {
			e.remove("notBefore")
			clearStatus(e, false)
		}
		out = append(out, s.updating(taskKey(connector, id), e))
	}
	return out
}

// publishAll writes the tasks of a plan and drops the others.
func (s *Store) publishAll(connector string, old record, settings []map[string]string, generation int64) (out []types.TransactWriteItem) {
	for id, task := range settings {
		e := newExpression()
		s.revoking(e, generation)
		e.assign("#v = ?", num(offset.Format))
		e.assign("#settings = ?", settingsOf(task))
		e.remove("gone", "notBefore")
		clearStatus(e, id >= old.slots)
		out = append(out, s.updating(taskKey(connector, id), e))
	}
	for id := len(settings); id < old.slots; id++ {
		out = append(out, s.dropping(connector, id, generation))
	}
	return out
}

// dropping marks a task gone.
func (s *Store) dropping(connector string, id int, generation int64) types.TransactWriteItem {
	e := newExpression()
	s.revoking(e, generation)
	e.assign("#v = ?", num(offset.Format))
	e.assign("#gone = ?", flag(true))
	return s.updating(taskKey(connector, id), e)
}

// takingAway takes the leases of all tasks away, also those of tasks that are gone but whose holder may not know it.
// Nobody can get the lease of such a task in between, because that takes a change of the connector.
func (s *Store) takingAway(tasks []item, generation int64) (out []types.TransactWriteItem) {
	for _, it := range tasks {
		if textOf(it["sk"]) == planKey || !published(it) && it["owner"] == nil {
			continue
		}
		e := newExpression()
		e.assign("#generation = ?", num(generation))
		e.remove("owner", "expires", "revoked", "notBefore")
		out = append(out, s.updating(item{"pk": it["pk"], "sk": it["sk"]}, e))
	}
	return out
}

// settingOffsets are the actions that set or remove single offsets.
func (s *Store) settingOffsets(connector string, o connect.Offsets) ([]types.TransactWriteItem, error) {
	var out []types.TransactWriteItem
	for _, p := range sorted(o) {
		if o[p].IsZero() && !p.IsZero() {
			out = append(out, s.deleting(offsetKey(connector, p)))
			continue
		}
		e, err := offsetExpression(p)
		if err != nil {
			return nil, err
		}
		if err := putPosition(e, "offset", o[p]); err != nil {
			return nil, err
		}
		e.remove("resume")
		out = append(out, s.updating(offsetKey(connector, p), e))
	}
	return out, nil
}

// removingOffsets are the actions that remove every offset there is, but for those that are set.
func (s *Store) removingOffsets(ctx context.Context, connector string, but connect.Offsets) ([]types.TransactWriteItem, error) {
	items, err := s.query(ctx, home(connector), offsetPrefix)
	if err != nil {
		return nil, err
	}
	keep := map[string]bool{}
	for p := range but {
		keep[textOf(offsetKey(connector, p)["sk"])] = true
	}
	var out []types.TransactWriteItem
	for _, it := range items {
		if !keep[textOf(it["sk"])] {
			out = append(out, s.deleting(item{"pk": it["pk"], "sk": it["sk"]}))
		}
	}
	return out, nil
}
