package wire

import (
	"runtime"

	zmq "github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// startThreads has libzmq start its threads, which it does with the first socket of a context. They inherit how the thread that makes it is
// scheduled, and shall not interrupt a thread of ours each time it hands them a message: that is a switch for each message of a batch.
// Where the system does not allow it they are as usual.
func startThreads(context *zmq.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if usual, err := unix.SchedGetAttr(0, 0); err == nil && usual.Policy == unix.SCHED_NORMAL {
		batch := *usual
		batch.Policy = unix.SCHED_BATCH
		if unix.SchedSetAttr(0, &batch, 0) == nil {
			defer unix.SchedSetAttr(0, usual, 0)
		}
	}
	if first, err := context.NewSocket(zmq.PAIR); err == nil { // else the next one says why
		_ = first.Close()
	}
}
