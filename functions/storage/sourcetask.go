package storage

import (
	"context"
	"maps"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// SourceTask is what the source tasks of all stores have in common. A store's task embeds it and gives it Make before it is
// used; whether it commits is the store's own affair.
type SourceTask struct {
	// Make makes the core from the settings. It makes no call.
	Make func() (*Source, error)
	// Source is the core, nil until the task is opened.
	Source *Source
}

// Open makes the client. It makes no call.
func (t *SourceTask) Open(_ context.Context, a connect.Assignment) error {
	source, err := t.Make()
	if err != nil {
		return err
	}
	source.Open(a)
	t.Source = source
	return nil
}

// Check lists a file.
func (t *SourceTask) Check(ctx context.Context) error {
	source, err := t.Make()
	if err != nil {
		return err
	}
	return source.Check(ctx)
}

// Poll returns the next records.
func (t *SourceTask) Poll(ctx context.Context) ([]connect.Record, error) { return t.Source.Poll(ctx) }

// Position says where to go on.
func (t *SourceTask) Position() connect.Offsets { return t.Source.Position() }

// NotBefore is when files are listed next.
func (t *SourceTask) NotBefore() time.Time { return t.Source.NotBefore() }

// Close closes what is open.
func (t *SourceTask) Close(context.Context) error {
	if t.Source == nil {
		return nil
	}
	return t.Source.Close()
}

// PlanAlike gives every task the same settings: which files are its own follows from its number.
func PlanAlike(settings map[string]string, tasks int) []map[string]string {
	plan := make([]map[string]string, tasks)
	for i := range plan {
		plan[i] = maps.Clone(settings)
	}
	return plan
}
