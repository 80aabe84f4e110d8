package runtime

import (
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor is what a sink's process may hold before garbage is collected at once instead of at twice what is alive. An
// event of 6 MB needs about 15 MB; left alone, the collector would let a few of them pile up.
const heapFloor = 44 << 20

// heapLimit keeps the memory of a sink's process near what it needs, because memory is what Lambda is paid for.
type heapLimit struct{ bytes int64 }

func newHeapLimit() *heapLimit {
	debug.SetMemoryLimit(heapFloor)
	return &heapLimit{heapFloor}
}

// adapt raises the limit for a task that keeps much alive: a limit near to that would collect without end. It is called
// after each event.
func (h *heapLimit) adapt() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live := int64(sample[0].Value.Uint64()) //nolint:gosec // far below the sign bit
	if live+live/8 > h.bytes {
		h.bytes = live + live/2
		debug.SetMemoryLimit(h.bytes)
	}
}
