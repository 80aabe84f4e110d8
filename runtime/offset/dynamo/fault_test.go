package dynamo_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/connecttest/proxy"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// behind opens the table of a DynamoDB behind a proxy.
func behind(t *testing.T, url string, script proxy.Script, o dynamo.Options) (*dynamo.Store, *proxy.Proxy) {
	t.Helper()
	p, err := proxy.Start(url, nil)
	ok(t, err)
	t.Cleanup(func() { ok(t, p.Close()) })
	s := open(t, p.URL(), o)
	if script != nil {
		p.Script(script)
	}
	return s, p
}

// TestStore_IsAStoreOnABadNetwork checks that nothing of what a store promises depends on answers that arrive.
func TestStore_IsAStoreOnABadNetwork(t *testing.T) {
	t.Parallel()
	var seeds atomic.Uint64 // the suite's parts run side by side
	connecttest.Store(t, func(t *testing.T, now func() time.Time) offset.Store {
		s, _ := behind(t, endpoint(t), proxy.Random(seeds.Add(1), 0.08,
			proxy.Fault{Kind: proxy.Throttle}, proxy.Fault{Kind: proxy.Unavailable}, proxy.Fault{Kind: proxy.CutBefore},
			proxy.Fault{Kind: proxy.CutAfter}, proxy.Fault{Kind: proxy.CutInside},
		), dynamo.Options{Now: now, Patience: time.Minute})
		return s
	})
}

// faults are what can happen to the first attempt of a call.
var faults = map[string]proxy.Fault{
	"throttled":   {Kind: proxy.Throttle},
	"unavailable": {Kind: proxy.Unavailable},
	"cut before":  {Kind: proxy.CutBefore},
	"cut after":   {Kind: proxy.CutAfter},
	"cut inside":  {Kind: proxy.CutInside},
	"stall":       {Kind: proxy.Stall},
	"stall after": {Kind: proxy.StallAfter},
}

// scene is a connector with a task held by a holder, through a proxy that can be told what to do.
type scene struct {
	t     *testing.T
	url   string
	store *dynamo.Store
	proxy *proxy.Proxy
	clock *connecttest.Clock
	c     offset.Connector
	plan  offset.Lease
	lease offset.Lease
}

func newScene(t *testing.T, tasks int) *scene {
	t.Helper()
	sc := &scene{t: t, url: endpoint(t), clock: connecttest.NewClock()}
	sc.store, sc.proxy = behind(t, sc.url, nil, dynamo.Options{Now: sc.clock.Now, Attempt: 200 * time.Millisecond})
	var err error
	sc.c, err = sc.store.Put(t.Context(), offset.Connector{Name: "orders", Target: offset.Running}, offset.Keep)
	ok(t, err)
	sc.plan = claim(t, sc.store, sc.c, offset.PlanTask, "plan")
	sc.c, err = sc.store.Publish(t.Context(), sc.c, sc.plan, make([]map[string]string, tasks))
	ok(t, err)
	sc.lease = claim(t, sc.store, sc.c, 0, "holder")
	ok(t, sc.store.Commit(t.Context(), sc.lease, offset.Commit{Offsets: connect.Offsets{partition(t, "a"): connect.At("id", 1)}}))
	return sc
}

// calls are the methods that write, each with the operation that does it.
var calls = map[string]struct {
	operation string
	do        func(sc *scene) error
}{
	"Acquire": {"UpdateItem", func(sc *scene) error {
		got, err := sc.store.Acquire(sc.t.Context(), offset.Claim{
			Connector: "orders", Task: 1, Generation: sc.c.Generation, Nonce: "other", TTL: time.Minute,
		})
		if err == nil && (got.Epoch != 1 || got.Owner != "other") {
			err = fmt.Errorf("got %+v", got)
		}
		return err
	}},
	"Renew":   {"UpdateItem", func(sc *scene) error { return sc.store.Renew(sc.t.Context(), sc.lease) }},
	"Check":   {"GetItem", func(sc *scene) error { return sc.store.Check(sc.t.Context(), sc.lease) }},
	"Release": {"UpdateItem", func(sc *scene) error { return sc.store.Release(sc.t.Context(), sc.lease, offset.Outcome{}) }},
	"Commit": {"TransactWriteItems", func(sc *scene) error {
		status := offset.Status{State: offset.StateRunning}
		return sc.store.Commit(sc.t.Context(), sc.lease, offset.Commit{
			Offsets: connect.Offsets{partition(sc.t, "a"): connect.At("id", 2)}, Topics: []string{"t"}, Status: &status,
		})
	}},
	"Create": {"TransactWriteItems", func(sc *scene) error {
		_, err := sc.store.Put(sc.t.Context(), offset.Connector{Name: "new"}, offset.Keep)
		return err
	}},
	"Put": {"TransactWriteItems", func(sc *scene) error {
		_, err := sc.store.Put(sc.t.Context(), sc.c, offset.Restart)
		return err
	}},
	"Publish": {"TransactWriteItems", func(sc *scene) error {
		_, err := sc.store.Publish(sc.t.Context(), sc.c, sc.plan, make([]map[string]string, 3))
		return err
	}},
	"AlterOffsets": {"TransactWriteItems", func(sc *scene) error {
		_, err := sc.store.AlterOffsets(sc.t.Context(), sc.c, connect.Offsets{partition(sc.t, "a"): connect.At("id", 9)}, true)
		return err
	}},
	"Delete": {"TransactWriteItems", func(sc *scene) error { return sc.store.Delete(sc.t.Context(), sc.c) }},
	"PutMarker": {"UpdateItem", func(sc *scene) error {
		m, err := sc.store.PutMarker(sc.t.Context(), "orders", offset.Marker{Topic: "t", Offset: 1, First: sc.clock.Now(), Dead: []int64{1}})
		if err == nil && m.Version != 1 {
			err = fmt.Errorf("version %d", m.Version)
		}
		return err
	}},
	"PutState": {"UpdateItem", func(sc *scene) error {
		_, err := sc.store.PutState(sc.t.Context(), "orders", "t", 0, []byte("x"), 0)
		return err
	}},
	"PutTaskStatus": {"UpdateItem", func(sc *scene) error {
		return sc.store.PutTaskStatus(sc.t.Context(), "orders", 0, sc.c.Generation, offset.Status{State: offset.StateRunning}, offset.Done{})
	}},
	"PutGroup": {"UpdateItem", func(sc *scene) error {
		return sc.store.PutGroup(sc.t.Context(), "orders", "g", map[connect.TopicPartition]int64{{Topic: "t"}: 1})
	}},
	"Offsets": {"BatchGetItem", func(sc *scene) error {
		found, err := sc.store.Offsets(sc.t.Context(), "orders", []connect.Partition{partition(sc.t, "a")})
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("found %v", found)
		}
		return err
	}},
	"AllOffsets": {"Query", func(sc *scene) error { _, err := sc.store.AllOffsets(sc.t.Context(), "orders"); return err }},
}

// TestStore_SettlesAmbiguousAnswers does every call with every fault and wants what there is without: the same answer and
// the same items.
func TestStore_SettlesAmbiguousAnswers(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := calls[name]
			calm := newScene(t, 2)
			if err := call.do(calm); err != nil {
				t.Fatalf("without faults: %v", err)
			}
			want := string(dump(t, calm.url, tableName))
			for _, kind := range slices.Sorted(maps.Keys(faults)) {
				t.Run(kind, func(t *testing.T) {
					t.Parallel()
					sc := newScene(t, 2)
					sc.proxy.Script(proxy.Nth(call.operation, 1, faults[kind]))
					if err := call.do(sc); err != nil {
						t.Fatal(err)
					}
					if n := sc.proxy.Counts()[faults[kind].Kind]; n != 1 {
						t.Fatalf("%d faults", n)
					}
					if diff := cmp.Diff(want, string(dump(t, sc.url, tableName))); diff != "" {
						t.Errorf("items (-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}

// TestStore_LateAttemptsDoNothing lets an attempt arrive after another one did the work and was given back.
func TestStore_LateAttemptsDoNothing(t *testing.T) {
	t.Parallel()
	sc := newScene(t, 2)
	late := 600 * time.Millisecond
	sc.proxy.Script(proxy.Nth("UpdateItem", 1, proxy.Fault{Kind: proxy.Late, For: late}))
	begin := time.Now()
	other := claim(t, sc.store, sc.c, 1, "other")
	ok(t, sc.store.Release(t.Context(), other, offset.Outcome{}))
	if time.Since(begin) > late {
		t.Fatal("the late attempt was waited for")
	}
	sc.proxy.Script(proxy.Nth("TransactWriteItems", 1, proxy.Fault{Kind: proxy.Late, For: late}))
	for id := range int64(3) {
		ok(t, sc.store.Commit(t.Context(), sc.lease, offset.Commit{Offsets: connect.Offsets{partition(t, "a"): connect.At("id", 2+id)}}))
	}
	ok(t, sc.proxy.Close()) // ends when both have arrived
	direct := open(t, sc.url, dynamo.Options{Now: sc.clock.Now})
	_, tasks, err := direct.Look(t.Context(), "orders", 2)
	ok(t, err)
	if tasks[1].Owner != "" || tasks[1].Epoch != 1 {
		t.Errorf("after a late claim: %+v", tasks[1])
	}
	found, err := direct.Offsets(t.Context(), "orders", []connect.Partition{partition(t, "a")})
	ok(t, err)
	if at, _, err := found[partition(t, "a")].Offset.Int64("id"); at != 4 || err != nil {
		t.Errorf("after a late commit: %v", found)
	}
}

// TestStore_OutlivesABlackout loses all connections in the midst of work.
func TestStore_OutlivesABlackout(t *testing.T) {
	t.Parallel()
	sc := newScene(t, 2)
	for id := range int64(5) {
		sc.proxy.Blackout(60 * time.Millisecond)
		ok(t, sc.store.Commit(t.Context(), sc.lease, offset.Commit{Offsets: connect.Offsets{partition(t, "a"): connect.At("id", id)}}))
		ok(t, sc.store.Renew(t.Context(), sc.lease))
	}
}

// TestStore_GivesUp checks that a table out of reach is an error that names none of those callers act upon.
func TestStore_GivesUp(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]proxy.Kind{"throttled": proxy.Throttle, "cut": proxy.CutAfter, "silent": proxy.Stall} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := endpoint(t)
			s, p := behind(t, url, nil, dynamo.Options{Attempt: 50 * time.Millisecond, Patience: 200 * time.Millisecond})
			c, err := s.Put(t.Context(), offset.Connector{Name: "orders"}, offset.Keep)
			ok(t, err)
			plan := claim(t, s, c, offset.PlanTask, "plan")
			p.Script(proxy.Always(proxy.Fault{Kind: fault}))
			for _, err := range []error{
				s.Renew(t.Context(), plan), s.Check(t.Context(), plan), s.Release(t.Context(), plan, offset.Outcome{}),
				s.Commit(t.Context(), plan, offset.Commit{Topics: []string{"a"}}), s.Delete(t.Context(), c),
			} {
				if err == nil {
					t.Fatal("no error")
				}
				for _, known := range []error{offset.ErrFenced, offset.ErrStale, offset.ErrHeld, offset.ErrRevoked, offset.ErrNotFound} {
					if errors.Is(err, known) {
						t.Errorf("a table out of reach is %q", err)
					}
				}
			}
		})
	}
}
