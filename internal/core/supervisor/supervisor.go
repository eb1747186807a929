// Package supervisor keeps the daemons of `nowcastd up` running: it starts them in order, each when the one before says
// that it is ready, starts one that ends again, and stops all in reverse order.
//
// A child that has served is started again at once: what it was asked meanwhile waits. Only one that ends again soon waits
// before it is, longer each time. Each child has a goroutine of its own (keeper.go), and so has the start in order, so that one which
// cannot stay up disturbs no other, and signals are heard meanwhile.
//
// A child learns from the environment variable NOWCAST_READY_FD to which file descriptor it writes when it is ready, and why it ends
// (line.go). If the supervisor is killed, the kernel sends its children SIGTERM. Those of the next supervisor may meet them while they
// finish what they have in hand: they find a port taken, or the state in use, end, and are started again until it is free.
package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"
)

// Child is a daemon to keep running.
type Child struct {
	Name      string
	Argv      []string
	FirstArgs []string // more arguments, at the first start only
	Essential bool     // no child behind it is started before it was ready once, however long that takes
}

// Options say what to run and how patiently.
type Options struct {
	Children []Child // in start order
	Log      *slog.Logger
	Reload   <-chan os.Signal // each value is passed on to all children as SIGHUP

	Died  func(child, how string) // is told of each that ended by itself; nil: nobody wants to know
	Up    func()                  // is told once, when all have been started; nil: nobody wants to know
	Alive <-chan time.Time        // whenever it has a value and the loop still turns, Beat is called
	Beat  func()                  // it must not wait. nil: nobody wants to know

	ReadyWithin time.Duration // how long the next child waits for one to be ready; 0: 10 s
	Steady      time.Duration // a child that has served for so long is started again at once; 0: 5 s
	FirstWait   time.Duration // before one that has not; it doubles; 0: 200 ms
	LongestWait time.Duration // cap of that wait; 0: 30 s
	StopWithin  time.Duration // how long a child may take to stop before it is killed; 0: 15 s, longer than a rule may take
}

// Run keeps the children running until ctx ends, then stops them and returns.
func Run(ctx context.Context, o Options) error {
	orDefault(&o.ReadyWithin, 10*time.Second)
	orDefault(&o.Steady, 5*time.Second)
	orDefault(&o.FirstWait, 200*time.Millisecond)
	orDefault(&o.LongestWait, 30*time.Second)
	orDefault(&o.StopWithin, 15*time.Second)
	keepers := make([]*keeper, len(o.Children))
	for i, c := range o.Children {
		keepers[i] = newKeeper(c, o)
	}
	started := make(chan int, 1)
	go func() { started <- startInOrder(ctx, keepers, o) }()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-o.Alive:
			if o.Beat != nil {
				o.Beat()
			}
		case <-o.Reload:
			for _, k := range keepers {
				k.signal(syscall.SIGHUP)
			}
		}
	}
	for i := <-started - 1; i >= 0; i-- {
		close(keepers[i].stop)
		<-keepers[i].done
	}
	return nil
}

// startInOrder starts the children, and returns how many it has started when that is all of them or ctx ends.
func startInOrder(ctx context.Context, keepers []*keeper, o Options) (started int) {
	ready := 0
	for _, k := range keepers {
		if ctx.Err() != nil {
			return started
		}
		go k.keep()
		started++
		if k.awaitFirst(ctx) {
			ready++
		}
	}
	if ready == len(keepers) {
		o.Log.Info("all daemons are up")
	}
	if o.Up != nil && ctx.Err() == nil {
		o.Up()
	}
	return started
}

// awaitFirst waits until the child was ready once, and tells whether it was. It gives up after ReadyWithin unless the
// others cannot do without it.
func (k *keeper) awaitFirst(ctx context.Context) bool {
	for {
		select {
		case <-k.first:
			return true
		case <-ctx.Done():
			return false
		case <-time.After(k.o.ReadyWithin):
		}
		if !k.Essential {
			k.o.Log.Warn(fmt.Sprintf("%s is not ready after %s; starting the others", k.Name, k.o.ReadyWithin))
			return false
		}
		k.o.Log.Warn(fmt.Sprintf("%s is not ready yet; the others wait for it", k.Name))
	}
}

func orDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}
