package trigger

import (
	"context"
	"sync"
	"time"
)

// State is what a mapping is at, by AWS's names.
type State string

// The states of a mapping.
const (
	Creating  State = "Creating"
	Enabling  State = "Enabling"
	Enabled   State = "Enabled"
	Updating  State = "Updating"
	Disabling State = "Disabling"
	Disabled  State = "Disabled"
	Deleting  State = "Deleting"
	Deleted   State = "Deleted" // only Wait knows it
)

// wish is what a mapping shall be.
type wish struct {
	mapping Mapping
	version int  // rises with every Put
	gone    bool // delete it
	closing bool // the trigger is closing
}

// stopped tells whether it shall not read.
func (w *wish) stopped() bool { return w.mapping.Disabled || w.gone || w.closing }

// mapping is one mapping and the goroutine that makes it what it shall be.
type mapping struct {
	trigger *Trigger
	name    string
	ended   chan struct{} // closed when the supervisor has

	mu      sync.Mutex
	wish    wish
	wished  chan struct{} // closed and replaced when the wish changes
	state   State
	changed chan struct{} // closed and replaced when the state changes
	tally   tally
	pollers []*poller
}

func newMapping(t *Trigger, m Mapping) *mapping {
	s := &mapping{
		trigger: t, name: m.Name, ended: make(chan struct{}), wish: wish{mapping: m},
		wished: make(chan struct{}), changed: make(chan struct{}), state: Creating,
	}
	go s.supervise()
	return s
}

func (m *mapping) want(change func(*wish)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.wish)
	close(m.wished)
	m.wished = make(chan struct{})
}

func (m *mapping) wishes() (wish, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wish, m.wished
}

func (m *mapping) setState(s State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state != s {
		m.state = s
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

func (m *mapping) watchState() (State, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, m.changed
}

// supervise brings the mapping to what it shall be, one change after the other, until it is deleted or the trigger closes.
func (m *mapping) supervise() {
	defer close(m.ended)
	defer func() {
		m.trigger.forget(m)
		m.setState(Deleted)
	}()
	for {
		w, wished := m.wishes()
		switch {
		case w.gone || w.closing:
			return
		case w.stopped():
			m.setState(Disabled)
			<-wished
		default:
			m.setState(Enabling)
			m.pause(m.trigger.opts.EnableDelay)
			if w, _ = m.wishes(); !w.stopped() && m.read(w) {
				return
			}
		}
	}
}

// pause lets a delay go by, unless the trigger closes or the mapping is to be deleted.
func (m *mapping) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		w, wished := m.wishes()
		if w.gone || w.closing {
			return
		}
		select {
		case <-timer.C:
			return
		case <-wished:
		}
	}
}

// read runs pollers until the wish is another, and tells whether the mapping is at its end.
func (m *mapping) read(w wish) bool {
	ctx, stop := context.WithCancel(m.trigger.ctx)
	defer stop()
	r := &reading{mapping: m, Mapping: w.mapping, soft: ctx, hard: m.trigger.ctx}
	var probing sync.WaitGroup
	probing.Go(r.probe)
	m.setState(Enabled)
	last := m.awaitChange(w)
	switch {
	case last.closing:
	case last.gone:
		m.setState(Deleting)
	case last.stopped():
		m.setState(Disabling)
		m.pause(m.trigger.opts.DisableDelay) // it goes on reading meanwhile
	default:
		m.setState(Updating)
	}
	stop()
	probing.Wait() // first, because it starts pollers
	r.running.Wait()
	m.mu.Lock()
	m.pollers = nil
	m.tally.problems, m.tally.missing = nil, false
	m.mu.Unlock()
	return last.gone || last.closing
}

// awaitChange returns when the mapping shall be something else than w.
func (m *mapping) awaitChange(w wish) wish {
	for {
		now, wished := m.wishes()
		if now.stopped() || now.version != w.version {
			return now
		}
		<-wished
	}
}

// reading is a mapping while it reads: its settings do not change.
type reading struct {
	*mapping
	Mapping
	soft    context.Context //nolint:containedctx // ends with the reading, not with a call
	hard    context.Context //nolint:containedctx // ends with the reading, not with a call
	running sync.WaitGroup  // pollers
}
