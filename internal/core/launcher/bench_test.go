package launcher

import (
	"testing"
)

// BenchmarkStart measures a whole short process: from Start to its Exit.
func BenchmarkStart(b *testing.B) {
	la := newLauncher(b)
	var id int64
	for b.Loop() {
		id++
		start(b, la, id, "/bin/true")
		nextExit(b, la)
	}
}

// BenchmarkStartReturns measures how long the manager's loop is held up by one launch.
func BenchmarkStartReturns(b *testing.B) {
	la := newLauncher(b)
	heap := make([]byte, 64<<20) // a manager with state must not be slower to start processes
	for i := range heap {
		heap[i] = 1
	}
	var id int64
	for b.Loop() {
		id++
		start(b, la, id, "/bin/true")
		b.StopTimer()
		nextExit(b, la)
		b.StartTimer()
	}
}
