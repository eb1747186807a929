package history

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// asideNiceness is how far questions stand back.
const asideNiceness = 10

// aside does something on a thread of low priority, and waits for it. Searching keeps a processor busy for seconds; the threads that
// take records from the network must not wait for that, because a publisher in Python drops what is not taken from it within
// some 100 ms.
func aside(do func()) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		runtime.LockOSThread() // for ever: the thread ends with this goroutine, since its priority cannot be raised again
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), asideNiceness)
		do()
	}()
	if p := <-done; p != nil {
		panic(p) // where it is caught and told
	}
}
