package connecttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

func modelTests() []storeTest {
	var tests []storeTest
	for seed := range uint64(4) {
		tests = append(tests, storeTest{fmt.Sprintf("LikeMemory%d", seed), func(s *storeRun) { likeMemory(s, seed, 250) }})
	}
	return tests
}

// model does the same random things to a store and to memory, and wants the same answers and the same contents.
// Generations and versions may rise by different steps, so each side goes by its own.
type model struct {
	*storeRun
	random *rand.Rand
	sides  [2]*side
	log    []string
	// released are the leases, by number, that were tried to be released.
	released map[int]bool
}

// side is one of the two stores and what its users hold of it, some of it out of date.
type side struct {
	store  offset.Store
	read   map[string][]offset.Connector
	leases []offset.Lease
	marker offset.Marker
}

var modelConnectors = []string{"orders", "invoices"}

func likeMemory(s *storeRun, seed uint64, steps int) {
	m := &model{storeRun: s, random: rand.New(rand.NewPCG(seed, 1)), released: map[int]bool{}}
	for i, store := range []offset.Store{s.Store, offset.NewMemory(s.clock.Now)} {
		m.sides[i] = &side{store: store, read: map[string][]offset.Connector{}}
	}
	for range steps {
		m.step()
		if s.Failed() {
			return
		}
	}
}

// step does one random thing on both sides and compares.
func (m *model) step() {
	m.Helper()
	what, do := m.choose()
	m.log = append(m.log, what)
	var answers [2]string
	for i, side := range m.sides {
		answers[i] = do(side)
	}
	if answers[0] != answers[1] {
		m.Fatalf("%s: %s, want %s; after\n%q", what, answers[0], answers[1], m.log)
	}
	if len(m.log)%4 != 0 {
		return
	}
	for _, name := range modelConnectors {
		got, want := m.dump(m.sides[0].store, name), m.dump(m.sides[1].store, name)
		if diff := same(got, want); diff != "" {
			m.Fatalf("%s or the three before it leaves (-want +got):\n%s\nafter\n%q", what, diff, m.log)
		}
	}
}

func (m *model) choose() (string, func(*side) string) {
	name := modelConnectors[m.random.IntN(len(modelConnectors))]
	old := m.random.IntN(6) == 0 // go by something read earlier
	switch p := m.random.IntN(100); {
	case p < 12:
		d := []time.Duration{time.Millisecond, time.Second, offset.Grace, storeTTL}[m.random.IntN(4)]
		m.clock.Advance(d)
		return "advance " + d.String(), func(*side) string { return "" }
	case p < 20:
		return m.put(name, old)
	case p < 28:
		return m.plan(name, old)
	case p < 30:
		return fmt.Sprintf("delete %s old=%t", name, old), func(s *side) string {
			return answer(s.store.Delete(m.ctx, s.pick(name, old)))
		}
	case p < 34:
		return m.alter(name, old)
	case p < 54:
		claim := m.claim(offset.Connector{Name: name}, m.random.IntN(4)-1)
		return fmt.Sprintf("acquire %s/%d old=%t", name, claim.Task, old), func(s *side) string {
			claim.Generation = s.pick(name, old).Generation
			t, err := s.store.Acquire(m.ctx, claim)
			if err == nil {
				s.leases = append(s.leases, lease(claim, t))
			}
			return answer(err) + fmt.Sprint(t.Epoch, t.Owner, t.Expires, t.NotBefore, t.Status)
		}
	case p < 96:
		return m.holder()
	}
	return m.mark(name)
}

// holder does something a holder does, with a recent lease or an old one.
func (m *model) holder() (string, func(*side) string) {
	n := len(m.sides[1].leases)
	if n == 0 {
		return "no lease", func(*side) string { return "" }
	}
	i := max(0, n-1-m.random.IntN(6))
	switch m.random.IntN(5) {
	case 0:
		return fmt.Sprintf("renew %d", i), func(s *side) string { return answer(s.store.Renew(m.ctx, s.leases[i])) }
	case 1:
		return fmt.Sprintf("check %d", i), func(s *side) string { return answer(s.store.Check(m.ctx, s.leases[i])) }
	case 2:
		o := offset.Outcome{Status: m.status(), Done: offset.Done{In: m.random.Int64N(3), Out: m.random.Int64N(2)}}
		if m.random.IntN(2) == 0 {
			o.NotBefore = m.clock.Now().Add(time.Minute)
		}
		if m.released[i] {
			break // a lease that its holder gave back may be given back again
		}
		m.released[i] = true
		return fmt.Sprintf("release %d", i), func(s *side) string { return answer(s.store.Release(m.ctx, s.leases[i], o)) }
	}
	c := offset.Commit{Offsets: m.positions(), Resume: m.positions(), Status: m.status()}
	if m.random.IntN(4) == 0 {
		c.Topics = []string{fmt.Sprint("t", m.random.IntN(5))}
	}
	return fmt.Sprintf("commit %d", i), func(s *side) string { return answer(s.store.Commit(m.ctx, s.leases[i], c)) }
}

func (m *model) put(name string, old bool) (string, func(*side) string) {
	revoke := offset.Revoke(m.random.IntN(3))
	value, status := fmt.Sprint(m.random.IntN(10)), m.status()
	return fmt.Sprintf("put %s revoke=%d old=%t", name, revoke, old), func(s *side) string {
		c := s.pick(name, old)
		c.Config, c.Stale = map[string]string{"v": value}, value > "4"
		if status != nil {
			c.Status = *status
		}
		c, err := s.store.Put(m.ctx, c, revoke)
		return s.changed(c, err)
	}
}

func (m *model) plan(name string, old bool) (string, func(*side) string) {
	n := m.random.IntN(4)
	claim := m.claim(offset.Connector{Name: name}, offset.PlanTask)
	return fmt.Sprintf("plan %s %d old=%t", name, n, old), func(s *side) string {
		t, err := s.store.Acquire(m.ctx, claim)
		if err != nil {
			return answer(err)
		}
		c, err := s.store.Publish(m.ctx, s.pick(name, old), lease(claim, t), taskSettings(n))
		if released := s.store.Release(m.ctx, lease(claim, t), offset.Outcome{}); released != nil {
			return answer(released)
		}
		return s.changed(c, err)
	}
}

func (m *model) alter(name string, old bool) (string, func(*side) string) {
	o, all := m.positions(), m.random.IntN(3) == 0
	if m.random.IntN(3) == 0 {
		o[m.partition("p0")] = connect.Position{}
	}
	return fmt.Sprintf("alter %s all=%t old=%t", name, all, old), func(s *side) string {
		return s.changed(s.store.AlterOffsets(m.ctx, s.pick(name, old), o, all))
	}
}

func (m *model) mark(name string) (string, func(*side) string) {
	at := int64(len(m.log)) // never the same twice
	again := m.random.IntN(3) > 0
	return fmt.Sprintf("mark %s again=%t", name, again), func(s *side) string {
		if again {
			var err error
			if s.marker, err = s.store.Marker(m.ctx, name, "t", 0); err != nil {
				return answer(err)
			}
		}
		next := s.marker
		next.Topic, next.Offset, next.Attempts, next.Dead = "t", at, next.Attempts+1, append(slices.Clone(next.Dead), at)
		written, err := s.store.PutMarker(m.ctx, name, next)
		return answer(err) + fmt.Sprint(written)
	}
}

func (m *model) status() *offset.Status {
	switch m.random.IntN(4) {
	case 0:
		s := failedStatus(m.clock.Now())
		return &s
	case 1:
		return &offset.Status{State: offset.StateRunning, Worker: "fn:2", Since: m.clock.Now(), Success: m.clock.Now()}
	}
	return nil
}

func (m *model) positions() connect.Offsets {
	o := connect.Offsets{}
	for range m.random.IntN(3) {
		o[m.partition(fmt.Sprint("p", m.random.IntN(4)))] = connect.At("id", m.random.Int64N(100))
	}
	return o
}

// pick returns the connector as it was last seen, or an older reading of it; if it was never seen, its name alone.
func (s *side) pick(name string, old bool) offset.Connector {
	read := s.read[name]
	if len(read) == 0 || old && len(read) == 1 {
		return offset.Connector{Name: name}
	}
	if old {
		return read[len(read)-2]
	}
	return read[len(read)-1]
}

func (s *side) changed(c offset.Connector, err error) string {
	if err != nil {
		return answer(err)
	}
	s.read[c.Name] = append(s.read[c.Name], c)
	c.Version, c.Generation = 0, 0
	return fmt.Sprint(c)
}

// answer names an error that callers tell apart.
func answer(err error) string {
	for _, known := range []error{
		offset.ErrNotFound, offset.ErrHeld, offset.ErrFenced, offset.ErrRevoked, offset.ErrStale, connect.ErrConflict,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return fmt.Sprint(err)
}

// dump is all that is to be read of a connector.
func (m *model) dump(store offset.Store, name string) map[string]any {
	m.Helper()
	read := func(do func(ctx context.Context) error) {
		if err := do(m.ctx); err != nil && !errors.Is(err, offset.ErrNotFound) {
			m.Fatalf("reading: %v", err)
		}
	}
	var (
		current    offset.Connector
		connectors []offset.Connector
		tasks      []offset.Task
		entries    []offset.Entry
		topics     []string
		marker     offset.Marker
		fits       []bool // whether each task has the connector's generation
	)
	read(func(ctx context.Context) (err error) { current, _, err = store.Look(ctx, name, 0); return err })
	read(func(ctx context.Context) (err error) { connectors, err = store.List(ctx); return err })
	read(func(ctx context.Context) (err error) { tasks, err = store.Tasks(ctx, name); return err })
	read(func(ctx context.Context) (err error) { entries, err = store.AllOffsets(ctx, name); return err })
	read(func(ctx context.Context) (err error) { topics, err = store.Topics(ctx, name); return err })
	read(func(ctx context.Context) (err error) { marker, err = store.Marker(ctx, name, "t", 0); return err })
	for i := range connectors {
		connectors[i].Version, connectors[i].Generation = 0, 0
	}
	for i := range tasks {
		fits = append(fits, tasks[i].Generation == current.Generation)
		tasks[i].Generation = 0
	}
	return map[string]any{
		"connectors": connectors, "tasks": tasks, "fits": fits, "offsets": entries, "topics": topics, "marker": marker,
	}
}
