package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrNotFound is the error for a name that was not put.
var ErrNotFound = errors.New("no such mapping")

// Trigger keeps mappings. Its methods may be called from several goroutines, and none of them waits for a function: what they ask for happens by itself,
// and Status and Wait tell when it has.
type Trigger struct {
	opts   Options
	ctx    context.Context //nolint:containedctx // ends when invocations are to be abandoned
	cancel context.CancelFunc

	mu       sync.Mutex
	mappings map[string]*mapping
	closed   bool
}

// New makes a trigger without mappings.
func New(opts Options) *Trigger {
	if opts.RetryMin == 0 {
		opts.RetryMin = 100 * time.Millisecond
	}
	if opts.RetryMax == 0 {
		opts.RetryMax = 5 * time.Second
	}
	t := &Trigger{opts: opts, mappings: map[string]*mapping{}}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// Put adds a mapping or replaces the one of its name. A replaced one finishes the invocation it is at; its group goes on where it was.
func (t *Trigger) Put(m Mapping) error {
	m.withDefaults()
	if err := m.validate(); err != nil {
		return fmt.Errorf("putting mapping %s: %w", m.Name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return fmt.Errorf("putting mapping %s: the trigger is closed", m.Name)
	}
	if existing := t.mappings[m.Name]; existing != nil {
		existing.want(func(w *wish) { w.mapping, w.version = m, w.version+1 })
		return nil
	}
	t.mappings[m.Name] = newMapping(t, m)
	return nil
}

// Enable lets a mapping read.
func (t *Trigger) Enable(name string) error { return t.set(name, false) }

// Disable stops a mapping. The invocation under way finishes and is committed; until then, and for DisableDelay, its state is Disabling. The group's
// offsets stay.
func (t *Trigger) Disable(name string) error { return t.set(name, true) }

func (t *Trigger) set(name string, disabled bool) error {
	m, err := t.find(name)
	if err != nil {
		return err
	}
	m.want(func(w *wish) { w.mapping.Disabled = disabled })
	return nil
}

// Delete stops a mapping and forgets it, when the invocation under way has finished. Its group's offsets stay. Unknown names are fine.
func (t *Trigger) Delete(name string) {
	if m, err := t.find(name); err == nil {
		m.want(func(w *wish) { w.gone = true })
	}
}

func (t *Trigger) find(name string) (*mapping, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := t.mappings[name]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("mapping %s: %w", name, ErrNotFound)
}

// forget drops a mapping that has stopped.
func (t *Trigger) forget(m *mapping) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mappings[m.name] == m {
		delete(t.mappings, m.name)
	}
}

// Status tells how a mapping fares.
func (t *Trigger) Status(name string) (Status, error) {
	m, err := t.find(name)
	if err != nil {
		return Status{}, err
	}
	return m.status(), nil
}

// List tells how all mappings fare, by name.
func (t *Trigger) List() []Status {
	var list []Status
	for _, m := range t.all() {
		list = append(list, m.status())
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (t *Trigger) all() []*mapping {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*mapping
	for _, m := range t.mappings {
		all = append(all, m)
	}
	return all
}

// Wait returns when a mapping is in a state; a mapping that was deleted is in Deleted.
func (t *Trigger) Wait(ctx context.Context, name string, state State) error {
	for {
		m, err := t.find(name)
		if err != nil {
			if state == Deleted {
				return nil
			}
			return err
		}
		now, changed := m.watchState()
		if now == state {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for mapping %s, which is %s, to be %s: %w", name, now, state, ctx.Err())
		}
	}
}

// Close stops all mappings. Invocations under way may finish until ctx ends; then they are abandoned, and come again with the next start.
func (t *Trigger) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	all := t.all()
	for _, m := range all {
		m.want(func(w *wish) { w.closing = true })
	}
	stop := context.AfterFunc(ctx, t.cancel)
	defer stop()
	for _, m := range all {
		<-m.ended
	}
	t.cancel()
	return nil
}
