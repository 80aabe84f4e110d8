package worker

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Secrets puts values in the place of placeholders such as ${file:/run/db.properties:password}.
type Secrets interface {
	// Resolve returns the settings with values instead of placeholders; settings itself if there are none. Its errors
	// hold no value.
	Resolve(ctx context.Context, settings map[string]string) (map[string]string, error)
	// Restore puts the placeholders of raw back into settings that were derived from resolved.
	Restore(settings, raw, resolved map[string]string) (map[string]string, error)
	// Scrub returns text without any value that was ever resolved.
	Scrub(text string) string
}

// withoutPlaceholders are the properties that need nobody to resolve them.
func withoutPlaceholders(properties map[string]string) map[string]string {
	plain := maps.Clone(properties)
	maps.DeleteFunc(plain, func(_, value string) bool { return strings.Contains(value, "${") })
	return plain
}

func (e *Env) resolve(ctx context.Context, settings map[string]string) (map[string]string, error) {
	if e.Secrets == nil {
		return settings, nil
	}
	return e.Secrets.Resolve(ctx, settings)
}

// resolved is the environment with values instead of the placeholders in the worker's own properties. It is asked for
// whenever a task starts, so that secrets may change while the process lives.
func (e *Env) resolved(ctx context.Context) (Env, error) {
	env := *e
	if e.properties == nil {
		return env, nil
	}
	properties, err := e.resolve(ctx, e.properties)
	if err != nil {
		return env, fmt.Errorf("reading the worker's settings: %w", err)
	}
	read, err := readEnv(properties, e.Plugins)
	if err != nil {
		return env, fmt.Errorf("reading the worker's settings: %w", connector.ConcealError(err, e.properties, properties))
	}
	env.Settings, env.Client, env.Producer = read.Settings, read.Client, read.Producer
	return env, nil
}

// Resolved returns a connector's configuration with values instead of placeholders, and the environment likewise. What
// comes of them must not be shown without Scrub, and errors about them not without connector.ConcealError.
func (e *Env) Resolved(ctx context.Context, config map[string]string) (Env, map[string]string, error) {
	env, err := e.resolved(ctx)
	if err != nil {
		return env, nil, err
	}
	resolved, err := e.resolve(ctx, config)
	return env, resolved, err
}

// restored puts placeholders into the settings of tasks that were planned with values, before they are stored:
// Invariant 6.
func (e *Env) restored(tasks []map[string]string, c offset.Connector, resolved map[string]string) ([]map[string]string, error) {
	if e.Secrets == nil {
		return tasks, nil
	}
	for i, settings := range tasks {
		restored, err := e.Secrets.Restore(settings, c.Config, resolved)
		if err != nil {
			return nil, fmt.Errorf("planning task %d: %w", i, err)
		}
		tasks[i] = restored
	}
	return tasks, nil
}

// ScrubText takes resolved values out of what is shown: Invariant 6.
func (e *Env) ScrubText(text string) string {
	if e.Secrets == nil {
		return text
	}
	return e.Secrets.Scrub(text)
}

// Scrub takes resolved values out of an error's text: Invariant 6. It can still be told apart by errors.Is and As.
func (e *Env) Scrub(err error) error {
	if err == nil || e.Secrets == nil {
		return err
	}
	text := err.Error()
	clean := e.Secrets.Scrub(text)
	if clean == text {
		return err
	}
	return &scrubbedError{text: clean, err: err}
}

// failed is what becomes of the error an invocation ended with: the secrets may have been replaced, so that the next one
// should ask for them anew.
func (e *Env) failed(err error) error {
	if r, ok := e.Secrets.(renewer); ok && err != nil {
		r.Renew()
	}
	return e.Scrub(err)
}

// renewer is what Secrets are that keep values for later resolutions.
type renewer interface {
	// Renew says that a value may be out of date.
	Renew()
}

// scrubbedError is an error whose text has lost the secrets in it.
type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string { return e.text }
func (e *scrubbedError) Unwrap() error { return e.err }
