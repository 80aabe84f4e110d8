package registry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-connect/sluice/runtime/convert/registry"
)

// Several who want to know the same at once ask once; and who gives up takes nobody with him.
func TestMemory_AsksTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m registry.Memory
		times := 0
		asking := func(ctx context.Context) func() (registry.Registered, error) {
			return func() (registry.Registered, error) {
				times++
				select {
				case <-ctx.Done():
					return registry.Registered{}, context.Cause(ctx)
				case <-time.After(time.Second):
					return registry.Registered{ID: 7}, nil
				}
			}
		}
		first, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := m.Remembered(first, "k", asking(first))
			ended <- err
		}()
		synctest.Wait()
		found := make(chan int)
		for range 3 {
			go func() {
				r, err := m.Remembered(t.Context(), "k", asking(t.Context()))
				if err != nil {
					t.Error(err)
				}
				found <- r.ID
			}()
		}
		synctest.Wait()
		gone := errors.New("no more time")
		cancel(gone)
		if err := <-ended; !errors.Is(err, gone) {
			t.Errorf("who gave up got %v", err)
		}
		for range 3 {
			if id := <-found; id != 7 {
				t.Errorf("one of the others found %d, want 7", id)
			}
		}
		if times != 2 {
			t.Errorf("it was asked %d times, want 2", times)
		}
	})
}
