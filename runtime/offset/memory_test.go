package offset_test

import (
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/offset"
)

func TestMemory_IsAStore(t *testing.T) {
	t.Parallel()
	connecttest.Store(t, func(_ *testing.T, now func() time.Time) offset.Store { return offset.NewMemory(now) })
}
