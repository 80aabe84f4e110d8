package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// Acquire implements offset.Leaser with one call.
func (s *Store) Acquire(ctx context.Context, c offset.Claim) (offset.Task, error) {
	if err := c.Check(); err != nil {
		return offset.Task{}, err
	}
	now := s.now().UnixMilli()
	e := newExpression()
	e.assign("#v = ?", num(offset.Format))
	e.assign("#owner = ?", str(c.Nonce))
	e.assign("#expires = ?", num(now+c.TTL.Milliseconds()))
	e.assign("#epoch = if_not_exists(#epoch, ?) + ?", num(0), num(1))
	if c.Worker != "" {
		e.assign("#worker = ?", str(c.Worker))
	}
	e.remove("revoked")
	e.known()
	if c.Task != offset.PlanTask {
		e.when("#generation = ? AND attribute_exists(#settings) AND attribute_not_exists(#gone)", num(c.Generation))
	}
	e.when("(attribute_not_exists(#owner) OR #expires <= ? OR #revoked <= ?)", num(now), num(now))
	// An attempt that was given up could arrive after the lease was released.
	e.when("(attribute_not_exists(#released) OR #released <> ?)", str(c.Nonce))

	it, _, err := s.update(ctx, taskKey(c.Connector, c.Task), e)
	if failed, ok := errors.AsType[*unmet](err); ok {
		it, err = failed.item, notFree(c, failed.item)
	}
	if errors.Is(err, offset.ErrStale) || errors.Is(err, offset.ErrHeld) {
		return offset.Task{}, err
	}
	if err != nil {
		return offset.Task{}, fmt.Errorf("claiming task %d of connector %s: %w", c.Task, c.Connector, err)
	}
	return decodeTask(c.Connector, it)
}

// notFree says why a claim failed; nil if an earlier attempt of it, whose answer was lost, did not.
func notFree(c offset.Claim, it item) error {
	switch {
	case textOf(it["owner"]) == c.Nonce:
		return nil
	case c.Task != offset.PlanTask && (!published(it) || integer(it["generation"]) != c.Generation):
		return offset.ErrStale
	}
	return offset.ErrHeld
}

// Renew implements offset.Leaser with one call.
func (s *Store) Renew(ctx context.Context, l offset.Lease) error {
	e := newExpression()
	e.assign("#expires = ?", num(s.now().UnixMilli()+l.TTL.Milliseconds()))
	held(e, l)
	unrevoked(e, l)
	_, _, err := s.update(ctx, taskKey(l.Connector, l.Task), e)
	return lost(l, "renewing", err)
}

// Check implements offset.Leaser with one call.
func (s *Store) Check(ctx context.Context, l offset.Lease) error {
	it, err := s.get(ctx, taskKey(l.Connector, l.Task))
	if err != nil {
		return lost(l, "checking", err)
	}
	return whyLost(l, it)
}

// Release implements offset.Leaser with one call, or two if the lease is revoked.
func (s *Store) Release(ctx context.Context, l offset.Lease, o offset.Outcome) error {
	e := newExpression()
	free(e, l)
	e.put("notBefore", millis(o.NotBefore))
	if o.Status != nil {
		putStatus(e, *o.Status)
	}
	s.count(e, o.Done)
	unrevoked(e, l)
	err := s.release(ctx, l, e)
	if errors.Is(err, offset.ErrRevoked) {
		e = newExpression()
		free(e, l)
		s.count(e, o.Done)
		return s.release(ctx, l, e)
	}
	return err
}

func free(e *expression, l offset.Lease) {
	e.assign("#released = ?", str(l.Nonce))
	e.remove("owner", "expires", "revoked")
	held(e, l)
}

func (s *Store) release(ctx context.Context, l offset.Lease, e *expression) error {
	_, repeated, err := s.update(ctx, taskKey(l.Connector, l.Task), e)
	var failed *unmet
	if repeated && errors.As(err, &failed) && textOf(failed.item["released"]) == l.Nonce {
		return nil // by an attempt whose answer was lost
	}
	return lost(l, "releasing", err)
}

// held adds the condition that nobody took the lease. Invariant 3.
func held(e *expression, l offset.Lease) {
	e.when("#owner = ? AND #epoch = ?", str(l.Nonce), num(l.Epoch))
	e.known()
}

// unrevoked adds the condition that no change revoked the lease.
func unrevoked(e *expression, l offset.Lease) {
	if l.Task != offset.PlanTask {
		e.when("#generation = ?", num(l.Generation))
	}
}

// lost turns a condition that failed into why.
func lost(l offset.Lease, doing string, err error) error {
	if failed, ok := errors.AsType[*unmet](err); ok {
		if why := whyLost(l, failed.item); why != nil {
			return why
		}
	}
	if err != nil {
		return fmt.Errorf("%s the lease of task %d of connector %s: %w", doing, l.Task, l.Connector, err)
	}
	return nil
}

func whyLost(l offset.Lease, it item) error {
	switch {
	case l.Nonce == "" || textOf(it["owner"]) != l.Nonce || integer(it["epoch"]) != l.Epoch:
		return offset.ErrFenced
	case l.Task != offset.PlanTask && integer(it["generation"]) != l.Generation:
		return offset.ErrRevoked
	}
	return nil
}

// revoking is the action that gives a task another generation and lets its lease run out. A second revocation does not
// begin the grace anew.
func (s *Store) revoking(e *expression, generation int64) {
	e.assign("#generation = ?", num(generation))
	e.assign("#revoked = if_not_exists(#revoked, ?)", num(s.now().Add(offset.Grace).UnixMilli()))
}

// holding is the check that a lease is held, as an action of a transaction.
func (s *Store) holding(l offset.Lease) types.TransactWriteItem {
	e := newExpression()
	held(e, l)
	return s.checking(taskKey(l.Connector, l.Task), e)
}
