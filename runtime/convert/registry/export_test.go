package registry

import (
	"context"
	"time"
)

// Memory is a client's memory, which remembers for ever.
type Memory struct{ memory }

// Remembered returns what is known under a key, or asks.
func (m *Memory) Remembered(ctx context.Context, key string, ask func() (Registered, error)) (Registered, error) {
	return m.remembered(ctx, key, -time.Second, ask)
}
