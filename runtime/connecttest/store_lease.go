package connecttest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

func leaseTests() []storeTest {
	return []storeTest{
		{"AcquireReturnsTheTask", func(s *storeRun) {
			c := s.create("orders", 2)
			claim := s.claim(c, 1)
			t, err := s.Acquire(s.ctx, claim)
			s.ok(err)
			want := offset.Task{
				Connector: "orders", ID: 1, Settings: map[string]string{"task.id": "1"}, Generation: c.Generation, Epoch: 1,
				Owner: claim.Nonce, Expires: s.clock.Now().Add(storeTTL), Status: offset.Status{Worker: "fn:1"},
			}
			s.equal("returned", t, want)
			_, tasks, err := s.Look(s.ctx, "orders", 2)
			s.ok(err)
			s.equal("stored", tasks[1], want)
		}},
		{"HeldIsRefusedUntilItRunsOut", func(s *storeRun) {
			c := s.create("orders", 1)
			first := s.acquire(c, 0)
			s.refused(c, 0, offset.ErrHeld)
			s.clock.Advance(storeTTL - time.Millisecond)
			s.refused(c, 0, offset.ErrHeld)
			s.ok(s.Check(s.ctx, first))
			s.clock.Advance(time.Millisecond)
			second := s.acquire(c, 0)
			s.equal("epoch", second.Epoch, first.Epoch+1)
			for _, err := range []error{
				s.Check(s.ctx, first), s.Renew(s.ctx, first), s.Release(s.ctx, first, offset.Outcome{}),
				s.Commit(s.ctx, first, offset.Commit{Offsets: s.offsets(1, 1)}),
			} {
				s.is(err, offset.ErrFenced)
			}
			s.ok(s.Check(s.ctx, second))
		}},
		{"ReleasedIsFreeAtOnce", func(s *storeRun) {
			c := s.create("orders", 1)
			for epoch := int64(1); epoch <= 3; epoch++ {
				l := s.acquire(c, 0)
				s.equal("epoch", l.Epoch, epoch)
				s.ok(s.Release(s.ctx, l, offset.Outcome{}))
				for _, err := range []error{
					s.Check(s.ctx, l), s.Renew(s.ctx, l),
					s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(1, 1)}),
				} {
					s.is(err, offset.ErrFenced)
				}
				_, t := s.look("orders")
				s.equal("owner", t.Owner, "")
				s.equal("expiry", t.Expires, time.Time{})
			}
		}},
		{"ReleaseWritesTheOutcome", releaseOutcome},
		{"RunOutButNotTakenIsStillHeld", func(s *storeRun) {
			c := s.create("orders", 1)
			l := s.acquire(c, 0)
			s.clock.Advance(storeTTL)
			s.ok(s.Check(s.ctx, l))
			s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(1, 1)}))
			s.ok(s.Renew(s.ctx, l))
			s.refused(c, 0, offset.ErrHeld)
			s.clock.Advance(storeTTL)
			s.ok(s.Release(s.ctx, l, offset.Outcome{}))
		}},
		{"RenewRunsFromNow", func(s *storeRun) {
			c := s.create("orders", 1)
			l := s.acquire(c, 0)
			for range 5 {
				s.clock.Advance(storeTTL / 2)
				s.ok(s.Renew(s.ctx, l))
				_, t := s.look("orders")
				s.equal("expiry", t.Expires, s.clock.Now().Add(storeTTL))
				s.refused(c, 0, offset.ErrHeld)
			}
			s.clock.Advance(storeTTL)
			s.acquire(c, 0)
		}},
		{"StaleClaimsAreRefused", func(s *storeRun) {
			c := s.create("orders", 1)
			l := s.acquire(c, 0)
			older, newer := c, c
			older.Generation--
			newer.Generation++
			s.refused(older, 0, offset.ErrStale)
			s.refused(newer, 0, offset.ErrStale)
			s.refused(c, 1, offset.ErrStale) // never published
			s.refused(offset.Connector{Name: "unknown", Generation: 1}, 0, offset.ErrStale)
			s.refused(offset.Connector{Name: "unknown"}, 0, offset.ErrStale)
			s.refused(c, 0, offset.ErrHeld)
			s.ok(s.Check(s.ctx, l))
		}},
		{"ClaimsWithoutANonceOrALeaseTimeAreRefused", func(s *storeRun) {
			c := s.create("orders", 1)
			for _, spoil := range []func(*offset.Claim){
				func(c *offset.Claim) { c.Nonce = "" },
				func(c *offset.Claim) { c.TTL = 0 },
				func(c *offset.Claim) { c.Task = -2 },
			} {
				claim := s.claim(c, 0)
				spoil(&claim)
				_, err := s.Acquire(s.ctx, claim)
				if err == nil || errors.Is(err, offset.ErrStale) || errors.Is(err, offset.ErrHeld) {
					s.Fatalf("claim %+v: %v", claim, err)
				}
			}
			s.is(s.Check(s.ctx, offset.Lease{Connector: "orders"}), offset.ErrFenced)
			s.is(s.Commit(s.ctx, offset.Lease{Connector: "orders"}, offset.Commit{Offsets: s.offsets(1, 1)}), offset.ErrFenced)
			s.is(s.Check(s.ctx, offset.Lease{Connector: "unknown"}), offset.ErrFenced)
			s.is(s.Renew(s.ctx, offset.Lease{Connector: "unknown", Nonce: "n", TTL: storeTTL}), offset.ErrFenced)
			s.is(s.Release(s.ctx, offset.Lease{Connector: "unknown", Nonce: "n"}, offset.Outcome{}), offset.ErrFenced)
		}},
		{"NeitherNonceNorEpochAloneIsALease", func(s *storeRun) {
			l := s.acquire(s.create("orders", 1), 0)
			for _, spoil := range []func(*offset.Lease){
				func(l *offset.Lease) { l.Epoch-- },
				func(l *offset.Lease) { l.Epoch++ },
				func(l *offset.Lease) { l.Nonce = "another" },
			} {
				spoiled := l
				spoil(&spoiled)
				for _, err := range []error{
					s.Check(s.ctx, spoiled), s.Renew(s.ctx, spoiled), s.Release(s.ctx, spoiled, offset.Outcome{}),
					s.Commit(s.ctx, spoiled, offset.Commit{Offsets: s.offsets(1, 1)}),
					s.Commit(s.ctx, spoiled, offset.Commit{Status: &offset.Status{State: offset.StateFailed}}),
				} {
					s.is(err, offset.ErrFenced)
				}
			}
			checkOffsets(s, "orders", nil)
			s.ok(s.Check(s.ctx, l))
		}},
		{"ThePlanIsLeasedWithoutATask", func(s *storeRun) {
			c := s.create("orders", 0)
			plan := s.acquire(c, offset.PlanTask)
			s.refused(c, offset.PlanTask, offset.ErrHeld)
			tasks, err := s.Tasks(s.ctx, "orders")
			s.ok(err)
			s.equal("tasks", taskIDs(tasks), upTo(0))
			// No change of the connector takes it away.
			c, err = s.Put(s.ctx, c, offset.Restart)
			s.ok(err)
			s.refused(c, offset.PlanTask, offset.ErrHeld)
			c, err = s.AlterOffsets(s.ctx, c, nil, true)
			s.ok(err)
			s.ok(s.Check(s.ctx, plan))
			s.ok(s.Renew(s.ctx, plan))
			s.ok(s.Release(s.ctx, plan, offset.Outcome{}))
			s.equal("epoch", s.acquire(c, offset.PlanTask).Epoch, plan.Epoch+1)
		}},
		{"OneOfManyRacersWins", race},
	}
}

func releaseOutcome(s *storeRun) {
	c := s.create("orders", 1)
	now := s.clock.Now()
	status := failedStatus(now)
	status.Worker = "fn:2"
	l := s.acquire(c, 0)
	s.ok(s.Release(s.ctx, l, offset.Outcome{NotBefore: now.Add(time.Hour), Status: &status, Done: offset.Done{In: 5, Out: 4}}))
	_, t := s.look("orders")
	s.equal("not before", t.NotBefore, now.Add(time.Hour))
	s.equal("status", t.Status, status)
	s.equal("count", t.Count, offset.Count{Done: offset.Done{In: 5, Out: 4}, Since: now})

	// An attempt that has nothing to say about the status leaves all of it but the worker.
	l = s.acquire(c, 0)
	s.ok(s.Release(s.ctx, l, offset.Outcome{}))
	_, t = s.look("orders")
	s.equal("not before", t.NotBefore, time.Time{})
	status.Worker = "fn:1"
	s.equal("status", t.Status, status)

	l = s.acquire(c, 0)
	s.ok(s.Release(s.ctx, l, offset.Outcome{Status: &offset.Status{State: offset.StateRunning}}))
	_, t = s.look("orders")
	s.equal("status", t.Status, offset.Status{State: offset.StateRunning})
}

// race lets 16 goroutines claim the same task at once, several times.
func race(s *storeRun) {
	c := s.create("orders", 1)
	for round := int64(1); round <= 5; round++ {
		claims := make([]offset.Claim, 16)
		for i := range claims {
			claims[i] = s.claim(c, 0)
		}
		var mu sync.Mutex
		var won []offset.Lease
		var all sync.WaitGroup
		for _, claim := range claims {
			all.Go(func() {
				t, err := s.Acquire(s.ctx, claim)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, lease(claim, t))
				} else if !errors.Is(err, offset.ErrHeld) {
					s.Errorf("claiming in round %d: %v", round, err)
				}
			})
		}
		all.Wait()
		if len(won) != 1 || won[0].Epoch != round {
			s.Fatalf("round %d was won by %+v", round, won)
		}
		s.ok(s.Check(s.ctx, won[0]))
		s.clock.Advance(storeTTL)
	}
}

func revokeTests() []storeTest {
	tests := []storeTest{
		{"StopKeepsStatusAndNotBefore", func(s *storeRun) {
			c := s.create("orders", 1)
			failTask(s, c, 0)
			c, err := s.Put(s.ctx, c, offset.Stop)
			s.ok(err)
			_, t := s.look("orders")
			s.equal("generation", t.Generation, c.Generation)
			s.equal("status", t.Status, failedStatus(s.clock.Now()))
			s.equal("not before", t.NotBefore, s.clock.Now().Add(time.Minute))
		}},
		{"RestartClearsFailuresAndNotBefore", func(s *storeRun) {
			c := s.create("orders", 1)
			failTask(s, c, 0)
			c, err := s.Put(s.ctx, c, offset.Restart)
			s.ok(err)
			_, t := s.look("orders")
			s.equal("generation", t.Generation, c.Generation)
			s.equal("status", t.Status, restarted(failedStatus(s.clock.Now())))
			s.equal("not before", t.NotBefore, time.Time{})

			l := s.acquire(c, 0)
			s.ok(s.Commit(s.ctx, l, offset.Commit{Status: &offset.Status{State: offset.StateRunning}}))
			_, err = s.Put(s.ctx, c, offset.Restart)
			s.ok(err)
			_, t = s.look("orders")
			s.equal("status", t.Status, offset.Status{State: offset.StateRunning})
		}},
		{"NeverProlongsALease", func(s *storeRun) {
			c := s.create("orders", 1)
			s.acquire(c, 0)
			s.clock.Advance(storeTTL - time.Second)
			c, err := s.Put(s.ctx, c, offset.Stop)
			s.ok(err)
			_, t := s.look("orders")
			s.equal("expiry", t.Expires, s.clock.Now().Add(time.Second))
			s.clock.Advance(time.Second)
			s.acquire(c, 0)
		}},
		{"TwiceDoesNotProlongTheGrace", func(s *storeRun) {
			c := s.create("orders", 1)
			s.acquire(c, 0)
			c, err := s.Put(s.ctx, c, offset.Stop)
			s.ok(err)
			s.clock.Advance(offset.Grace - time.Second)
			c, err = s.Put(s.ctx, c, offset.Restart)
			s.ok(err)
			s.refused(c, 0, offset.ErrHeld)
			s.clock.Advance(time.Second)
			l := s.acquire(c, 0)
			_, t := s.look("orders")
			s.equal("expiry", t.Expires, s.clock.Now().Add(storeTTL))
			s.ok(s.Renew(s.ctx, l))
		}},
		{"AReleasedLeaseWritesNoOutcome", func(s *storeRun) {
			c := s.create("orders", 1)
			l := s.acquire(c, 0)
			c, err := s.Put(s.ctx, c, offset.Restart)
			s.ok(err)
			status := failedStatus(s.clock.Now())
			s.ok(s.Release(s.ctx, l, offset.Outcome{
				NotBefore: s.clock.Now().Add(time.Hour), Status: &status, Done: offset.Done{In: 2},
			}))
			_, t := s.look("orders")
			s.equal("task", t, offset.Task{
				Connector: "orders", Settings: map[string]string{"task.id": "0"}, Generation: c.Generation, Epoch: l.Epoch,
				Status: offset.Status{Worker: "fn:1"}, Count: offset.Count{Done: offset.Done{In: 2}, Since: s.clock.Now()},
			})
			s.is(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(1, 1)}), offset.ErrFenced)
			s.acquire(c, 0)
		}},
	}
	for name, change := range map[string]func(s *storeRun, c offset.Connector) offset.Connector{
		"ByStop":    func(s *storeRun, c offset.Connector) offset.Connector { return put(s, c, offset.Stop) },
		"ByRestart": func(s *storeRun, c offset.Connector) offset.Connector { return put(s, c, offset.Restart) },
		"ByPublish": func(s *storeRun, c offset.Connector) offset.Connector { return s.publish(c, 2) },
	} {
		for _, n := range []int{2, 120} {
			tests = append(tests, storeTest{fmt.Sprintf("%sOf%dLetsTheHolderFinish", name, n), func(s *storeRun) {
				letsFinish(s, n, change)
			}})
		}
	}
	return tests
}

func put(s *storeRun, c offset.Connector, revoke offset.Revoke) offset.Connector {
	s.Helper()
	c, err := s.Put(s.ctx, c, revoke)
	s.ok(err)
	return c
}

// letsFinish checks the grace of a revoked lease from both sides.
func letsFinish(s *storeRun, n int, change func(*storeRun, offset.Connector) offset.Connector) {
	c := s.create("orders", n)
	l := s.acquire(c, 1)
	after := change(s, c)
	if after.Generation <= c.Generation || after.Gate {
		s.Fatalf("after %+v came %+v", c, after)
	}
	s.is(s.Check(s.ctx, l), offset.ErrRevoked)
	s.is(s.Renew(s.ctx, l), offset.ErrRevoked)
	_, tasks, err := s.Look(s.ctx, "orders", 2)
	s.ok(err)
	s.equal("owner", tasks[1].Owner, l.Nonce)
	s.equal("expiry", tasks[1].Expires, s.clock.Now().Add(offset.Grace))

	s.refused(c, 1, offset.ErrStale)
	s.refused(after, 1, offset.ErrHeld)
	s.clock.Advance(offset.Grace - time.Millisecond)
	s.refused(after, 1, offset.ErrHeld)
	s.ok(s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(2, 5)}))
	s.clock.Advance(time.Millisecond)

	next := s.acquire(after, 1)
	s.equal("epoch", next.Epoch, l.Epoch+1)
	for _, err := range []error{
		s.Check(s.ctx, l), s.Renew(s.ctx, l), s.Release(s.ctx, l, offset.Outcome{}),
		s.Commit(s.ctx, l, offset.Commit{Offsets: s.offsets(2, 4)}),
	} {
		s.is(err, offset.ErrFenced)
	}
	e, _ := s.entry("orders", s.partition("t000"))
	s.equal("offset", e.Offset.Fields(), map[string]any{"id": int64(5)})
	s.ok(s.Renew(s.ctx, next))
}

// failTask lets a task fail, not to be tried for a minute.
func failTask(s *storeRun, c offset.Connector, id int) {
	s.Helper()
	status := failedStatus(s.clock.Now())
	s.ok(s.Release(s.ctx, s.acquire(c, id), offset.Outcome{NotBefore: s.clock.Now().Add(time.Minute), Status: &status}))
}

func failedStatus(at time.Time) offset.Status {
	return offset.Status{
		State: offset.StateFailed, Trace: "org.apache.kafka.connect.errors.ConnectException: boom", Worker: "fn:1",
		Since: at.Add(-time.Hour), Success: at.Add(-2 * time.Hour), Failure: at, Attempts: 4, Next: at.Add(time.Minute),
	}
}

// restarted is what Restart leaves of a status.
func restarted(s offset.Status) offset.Status {
	s.State, s.Trace, s.Attempts, s.Next = "", "", 0, time.Time{}
	return s
}
