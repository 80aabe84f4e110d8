package secret

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options say where values come from.
type Options struct {
	// Properties are those of the worker, of which config.providers and what lies under it count.
	Properties map[string]string
	// LookupEnv reads the environment, also for the region, the endpoints and the credentials. Defaults to os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Client makes the requests to AWS. Defaults to one whose requests end after 3 seconds.
	Client *http.Client
	// Now is the time. Defaults to time.Now.
	Now func() time.Time
}

// How long one resolution may take, and the age from which a value counts as old after a failure.
const (
	resolveTime = 10 * time.Second
	staleAge    = 30 * time.Second
)

// Resolver resolves placeholders, and remembers the values so that it can hide them. It is safe for concurrent use.
type Resolver struct {
	providers map[string]provider
	now       func() time.Time

	mu     sync.Mutex
	cache  map[place]cached
	values map[string]string // by placeholder, as last resolved
	known  []known           // oldest first
	names  map[string]bool

	index atomic.Pointer[index] // of known
}

// place is what a provider loads at once.
type place struct{ provider, name string }

type cached struct {
	lookup lookup
	at     time.Time
}

// New returns a resolver. It opens nothing and makes no call; a provider that is declared wrongly fails when it is used.
func New(o Options) *Resolver {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Client == nil {
		o.Client = &http.Client{
			Timeout:       3 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Resolver{
		providers: providers(o), now: o.Now,
		cache: map[place]cached{}, values: map[string]string{}, names: map[string]bool{},
	}
}

// Resolve returns the settings with values instead of placeholders; settings itself if it has none. Several may stand in
// one value. Errors name the setting and the placeholder, and never a value.
func (r *Resolver) Resolve(ctx context.Context, settings map[string]string) (map[string]string, error) {
	if !anyPlaceholder(settings) {
		return settings, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, resolveTime, fmt.Errorf("no answer within %v", resolveTime))
	defer cancel()
	out := maps.Clone(settings)
	loaded := map[place]lookup{} // so that one resolution sees one state of a file
	found := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value, err := expand(settings[name], func(p placeholder) (string, bool, error) {
			value, ok, err := r.value(ctx, p, loaded)
			if err != nil {
				return "", false, fmt.Errorf("resolving %s of the setting %s: %w", p.text, name, err)
			}
			if ok {
				found[p.text] = value
			}
			return value, ok, nil
		})
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	r.learn(settings["name"], found)
	return out, nil
}

func anyPlaceholder(settings map[string]string) bool {
	for _, text := range settings {
		if has(text) {
			return true
		}
	}
	return false
}

// value is that of one placeholder. ok is false if nobody knows it.
func (r *Resolver) value(ctx context.Context, p placeholder, loaded map[place]lookup) (value string, ok bool, err error) {
	provider := r.providers[p.provider]
	if provider == nil {
		return "", false, nil
	}
	name, key := provider.locate(p.rest)
	at := place{p.provider, name}
	get := loaded[at]
	if get == nil {
		if get, err = r.load(ctx, provider, at); err != nil {
			return "", false, err
		}
		loaded[at] = get
	}
	return get(key)
}

// load asks the provider, or the cache if that is young enough. What was loaded before is better than nothing when the
// provider cannot be reached.
func (r *Resolver) load(ctx context.Context, p provider, at place) (lookup, error) {
	ttl, now := p.ttl(), r.now()
	r.mu.Lock()
	have, ok := r.cache[at]
	r.mu.Unlock()
	if ok && now.Sub(have.at) < ttl {
		return have.lookup, nil
	}
	get, err := p.load(ctx, at.name)
	if err != nil {
		if ok && isUnreachable(err) {
			return have.lookup, nil
		}
		return nil, err
	}
	if ttl > 0 {
		r.mu.Lock()
		r.cache[at] = cached{lookup: get, at: now}
		r.mu.Unlock()
	}
	return get, nil
}

// Renew makes what was loaded more than half a minute ago be loaded again when it is next wanted. It is for after a
// failure, whose cause may be a secret that was replaced.
func (r *Resolver) Renew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, c := range r.cache {
		if r.now().Sub(c.at) >= staleAge {
			c.at = time.Time{}
			r.cache[at] = c
		}
	}
}

// Restore returns settings with placeholders where values stand that came from them: raw are settings as they are stored,
// resolved is what Resolve made of them, and settings are what a plugin derived from that. Values are found as a setting
// of the same name, as any setting, and inside longer texts. It is an error if settings hold a value in a form that no
// placeholder can give, such as encoded for a URL.
func (r *Resolver) Restore(settings, raw, resolved map[string]string) (map[string]string, error) {
	ix, encoded := r.indexOf(raw, resolved)
	if ix == nil {
		return settings, nil
	}
	out := maps.Clone(settings)
	for name, text := range settings {
		if text == resolved[name] && has(raw[name]) {
			out[name] = raw[name]
			continue
		}
		text = ix.replace(text)
		if p, ok := encoded.find(text); ok {
			return nil, fmt.Errorf("restoring the setting %s: it holds the value of %s in another form, which would be stored in the clear", name, p)
		}
		out[name] = text
	}
	return out, nil
}

// indexOf returns what replaces the values in resolved by the placeholders of raw, nil if there are none, and an index of
// their other forms.
func (r *Resolver) indexOf(raw, resolved map[string]string) (plain, encoded *index) {
	var whole, forms []needle
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, text := range raw {
		rest, any := text, false
		for {
			at, p, ok := next(rest)
			if !ok {
				break
			}
			rest = rest[at+len(p.text):]
			if value, ok := r.values[p.text]; ok {
				any = true
				whole = append(whole, needle{value, p.text})
				for _, form := range encodings(value) {
					forms = append(forms, needle{form, p.text})
				}
			}
		}
		if any {
			whole = append(whole, needle{resolved[name], text})
		}
	}
	if whole == nil {
		return nil, nil
	}
	return newIndex(whole), newIndex(forms)
}
