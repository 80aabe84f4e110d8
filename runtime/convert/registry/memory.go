package registry

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// memory asks a registry patiently and remembers what it said: every schema, and for a moment that something is not there.
// It asks once when several want to know the same. The zero memory never asks twice.
type memory struct {
	retries int
	wait    time.Duration // before the first repetition; it doubles
	most    time.Duration
	size    int // how many answers are remembered; 0: mostAnswers

	asking singleflight.Group
	mu     sync.Mutex
	known  map[string]answer
}

// answer is something the registry said.
type answer struct {
	registered Registered
	err        error
	until      time.Time // zero: for ever
}

const (
	// negative is how long the registry is believed that it does not have something.
	negative = 5 * time.Second
	// mostAnswers is how many answers are remembered.
	mostAnswers = 10_000
)

// remembered returns what is known under a key, or asks and remembers. Errors are remembered when they say that something is
// not there.
func (m *memory) remembered(ctx context.Context, key string, ttl time.Duration, ask func() (Registered, error)) (Registered, error) {
	now := time.Now()
	m.mu.Lock()
	known, ok := m.known[key]
	m.mu.Unlock()
	if ok && (known.until.IsZero() || now.Before(known.until)) {
		return known.registered, known.err
	}
	v, err, shared := m.asking.Do(key, func() (any, error) {
		r, err := m.ask(ctx, key, ttl, ask)
		return asked{r, err != nil && ctx.Err() != nil}, err
	})
	found, _ := v.(asked)
	if shared && found.gaveUp && ctx.Err() == nil {
		return m.remembered(ctx, key, ttl, ask) // who asked first had no more time; we have
	}
	return found.Registered, err
}

// asked is what came of a question that several had.
type asked struct {
	Registered
	gaveUp bool // it was not answered, because who asked it ended
}

func (m *memory) ask(ctx context.Context, key string, ttl time.Duration, ask func() (Registered, error)) (Registered, error) {
	now := time.Now()
	r, err := m.patient(ctx, ask)
	a := answer{registered: r, err: err}
	refused, isRefusal := errors.AsType[*RefusedError](err)
	switch {
	case err != nil && (!isRefusal || !refused.NotFound()):
		return r, err
	case err != nil:
		a.until = now.Add(negative)
	case ttl >= 0:
		a.until = now.Add(ttl)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= cmp.Or(m.size, mostAnswers) {
		m.known = map[string]answer{}
	}
	m.known[key] = a
	return r, err
}

// patient repeats what failed because the registry could not be asked.
func (m *memory) patient(ctx context.Context, ask func() (Registered, error)) (Registered, error) {
	wait := m.wait
	for n := 0; ; n++ {
		r, err := ask()
		if _, retry := errors.AsType[*connect.RetryError](err); !retry || n >= m.retries {
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, context.Cause(ctx)
		case <-time.After(wait/2 + rand.N(wait/2+1)):
		}
		wait = min(2*wait, m.most)
	}
}

// forget drops an answer, because it was made untrue.
func (m *memory) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, key)
}
