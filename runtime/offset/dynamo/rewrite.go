package dynamo

import (
	"context"
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// rewrite is a change of a connector's item together with its tasks' or offsets'.
//
// What fits goes into one transaction. What does not goes into several, behind the closed gate: the first closes it, the
// last opens it, and each wants the connector's version to be the one the first left. While the gate is closed no
// generation that can be read fits a task that was rewritten: the connector's is two above the old one and the tasks' is
// another one above, which the connector gets when the gate opens. So whoever breaks off half way, even several times,
// leaves tasks that nobody can claim until somebody publishes all of them.
type rewrite struct {
	old  record
	name string
	// first and last assign fields with the first and the last transaction.
	first, last func(e *expression)
	// guards are checked by every transaction; if one fails it is ErrFenced.
	guards []types.TransactWriteItem
	// actions are the changes of other items, given the generation that tasks get.
	actions func(generation int64) []types.TransactWriteItem
	// rest is looked up when the actions are done, before the gate opens. With it the gate is always used.
	rest func(ctx context.Context) ([]types.TransactWriteItem, error)
	// keep leaves the generation as it is.
	keep bool
	// open tells whether the gate is open afterwards; gone whether the connector is.
	open, gone bool
	// slots is a number above that of every task that is not gone, on the way; tasks is their number in the end, nil if
	// it stays.
	slots int
	tasks *int
}

// written is what a rewrite left.
type written struct {
	version, generation int64
	gate                bool
	tasks               int
}

// merge returns the connector as it stands in the table if c is what was written.
func (w written) merge(c offset.Connector) offset.Connector {
	c.Version, c.Generation, c.Gate, c.Tasks = w.version, w.generation, w.gate, w.tasks
	c.Config, c.Trigger = copyMap(c.Config), copyMap(c.Trigger)
	c.PlannedAt = timeOf(millis(c.PlannedAt))
	c.Status.Since, c.Status.Success = timeOf(millis(c.Status.Since)), timeOf(millis(c.Status.Success))
	c.Status.Failure, c.Status.Next = timeOf(millis(c.Status.Failure)), timeOf(millis(c.Status.Next))
	return c
}

// copyMap copies a map; never nil, as maps that are read are not.
func copyMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	maps.Copy(out, m)
	return out
}

func (s *Store) rewrite(ctx context.Context, r rewrite) (written, error) {
	w := written{version: r.old.Version + 1, generation: r.old.Generation, tasks: r.old.Tasks, gate: !r.open}
	if r.old.gone {
		w.tasks = 0
	}
	if r.tasks != nil {
		w.tasks = *r.tasks
	}
	// The generation that tasks get if it can be done at once.
	generation := r.old.Generation + 1
	switch {
	case r.keep:
		generation = r.old.Generation
	case r.old.Gate && r.open:
		generation = r.old.Generation + 2
	case r.old.Gate:
		generation = r.old.Generation + 3
	}
	var actions []types.TransactWriteItem
	if r.actions != nil {
		actions = r.actions(generation)
	}
	if packs := pack(actions, 1+len(r.guards)); len(packs) > 1 || r.rest != nil {
		return s.rewriteGated(ctx, r, w)
	}
	w.generation = generation
	if r.old.Gate && !r.open && !r.keep {
		w.generation = generation - 1
	}
	e := r.connector(r.old.Version)
	if r.first != nil {
		r.first(e)
	}
	r.finish(e, w)
	return w, s.step(ctx, r, e, actions)
}

// rewriteGated does in several transactions what does not fit into one.
func (s *Store) rewriteGated(ctx context.Context, r rewrite, w written) (written, error) {
	closed, tasks := r.old.Generation+2, r.old.Generation+3
	packs := pack(r.actions(tasks), 1+len(r.guards))
	if len(packs) == 0 {
		packs = append(packs, nil)
	}
	e := r.connector(r.old.Version)
	if r.first != nil {
		r.first(e)
	}
	e.assign("#version = ?", num(w.version))
	e.assign("#generation = ?", num(closed))
	e.assign("#gate = ?", flag(true))
	e.assign("#slots = ?", num(int64(r.slots)))
	if err := s.step(ctx, r, e, packs[0]); err != nil {
		return w, err
	}
	packs = packs[1:]
	if r.rest != nil {
		if err := s.steps(ctx, r, w.version, packs); err != nil {
			return w, err
		}
		rest, err := r.rest(ctx)
		if err != nil {
			return w, err
		}
		packs = pack(rest, 1+len(r.guards))
	}
	var final []types.TransactWriteItem
	if n := len(packs); n > 0 {
		packs, final = packs[:n-1], packs[n-1]
	}
	if err := s.steps(ctx, r, w.version, packs); err != nil {
		return w, err
	}
	e = r.connector(w.version)
	w.version++
	w.generation = tasks
	if !r.open {
		w.generation = closed
	}
	r.finish(e, w)
	return w, s.step(ctx, r, e, final)
}

// steps makes one transaction after the other while the connector has that version.
func (s *Store) steps(ctx context.Context, r rewrite, version int64, packs [][]types.TransactWriteItem) error {
	for _, actions := range packs {
		if err := s.step(ctx, r, r.connector(version), actions); err != nil {
			return err
		}
	}
	return nil
}

// connector begins an update of the connector's item, if it is the version given; 0 if there is none.
func (r rewrite) connector(version int64) *expression {
	e := newExpression()
	if version == 0 {
		e.when("attribute_not_exists(pk)")
	} else {
		e.when("#version = ?", num(version))
	}
	e.known()
	return e
}

// finish assigns what holds in the end.
func (r rewrite) finish(e *expression, w written) {
	e.assign("#v = ?", num(offset.Format))
	e.assign("#version = ?", num(w.version))
	e.assign("#generation = ?", num(w.generation))
	if r.last != nil {
		r.last(e)
	}
	if r.gone {
		return
	}
	e.put("gate", flag(w.gate))
	e.put("tasks", positive(int64(w.tasks)))
	if w.gate {
		e.assign("#slots = ?", num(int64(r.slots)))
	} else {
		e.remove("slots")
	}
}

// step makes one transaction: the connector's item, or only its check if nothing of it changes, the guards, the actions.
func (s *Store) step(ctx context.Context, r rewrite, e *expression, actions []types.TransactWriteItem) error {
	connector := s.checking(connectorKey(r.name), e)
	if len(e.sets) > 0 {
		connector = s.updating(connectorKey(r.name), e)
	}
	all := append([]types.TransactWriteItem{connector}, r.guards...)
	err := s.transact(ctx, append(all, actions...))
	var failed *unmet
	switch {
	case !errors.As(err, &failed):
		return err
	case failed.action == 0:
		return offset.ErrStale
	}
	return offset.ErrFenced // only guards have conditions besides
}
