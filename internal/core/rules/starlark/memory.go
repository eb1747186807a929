package starlark

import (
	"fmt"
	"runtime/metrics"
	"sync"
	"time"

	"go.starlark.net/starlark"
)

// look is how often the heap is looked at while a rule runs. Most rules are over before the first look.
const look = 5 * time.Millisecond

// memoryWatch stops a rule that eats the memory. What one step takes it cannot prevent: at most 2^30 elements, by the interpreter.
type memoryWatch struct {
	mu    sync.Mutex
	timer *time.Timer // nil after stop
}

func watchMemory(t *starlark.Thread, limit uint64) *memoryWatch {
	w := &memoryWatch{}
	began := uint64(0)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(look, func() {
		now := heap()
		if began == 0 {
			began = now
		}
		if now > began+limit {
			t.Cancel(fmt.Sprintf("it needs more memory than the limit of %d MiB", limit>>20))
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.timer != nil {
			w.timer.Reset(look)
		}
	})
	return w
}

func (w *memoryWatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.timer = nil
}

// heap returns how many bytes the heap has, garbage included.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
