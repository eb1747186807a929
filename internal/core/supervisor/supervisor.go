// Package supervisor keeps the daemons of `nowcastd up` running: it starts them in order, each when the one before says
// that it is ready, starts one that ends again after a wait that grows, and stops all in reverse order.
//
// Each child has a goroutine of its own, so that one which cannot stay up disturbs no other. A child learns from the
// environment variable NOWCAST_READY_FD which file descriptor to write a byte to when it is ready. If the supervisor
// is killed, the kernel sends its children SIGTERM.
package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// ReadyVariable is the environment variable that holds the number of the file descriptor for Ready.
const ReadyVariable = "NOWCAST_READY_FD"

// Ready tells the supervisor that this process serves. It does nothing in a process that has none. lookup is os.LookupEnv.
func Ready(lookup func(string) (string, bool)) {
	text, ok := lookup(ReadyVariable)
	if !ok {
		return
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), "ready")
	f.Write([]byte{'\n'}) // the other end may be gone; nobody waits then
	f.Close()
}

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

	Died func(child, how string) // is told of each that ended by itself; nil: nobody wants to know

	ReadyWithin time.Duration // how long the next child waits for one to be ready; 0: 10 s
	FirstWait   time.Duration // before a child that ended is started again; it doubles; 0: 200 ms
	LongestWait time.Duration // cap of that wait; 0: 30 s
	StopWithin  time.Duration // how long a child may take to stop before it is killed; 0: 15 s, longer than a rule may take
}

// Run keeps the children running until ctx ends, then stops them and returns.
func Run(ctx context.Context, o Options) error {
	orDefault(&o.ReadyWithin, 10*time.Second)
	orDefault(&o.FirstWait, 200*time.Millisecond)
	orDefault(&o.LongestWait, 30*time.Second)
	orDefault(&o.StopWithin, 15*time.Second)
	keepers := make([]*keeper, len(o.Children))
	for i, c := range o.Children {
		keepers[i] = &keeper{Child: c, o: o, stop: make(chan struct{}), done: make(chan struct{}), first: make(chan struct{})}
	}
	started, ready := 0, 0
	for _, k := range keepers {
		go k.keep()
		started++
		if k.awaitFirst(ctx) {
			ready++
		}
		if ctx.Err() != nil {
			break
		}
	}
	if ready == len(keepers) {
		o.Log.Info("all daemons are up")
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-o.Reload:
			for _, k := range keepers {
				k.signal(syscall.SIGHUP)
			}
		}
	}
	for i := started - 1; i >= 0; i-- {
		close(keepers[i].stop)
		<-keepers[i].done
	}
	return nil
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

// keeper keeps one child running.
type keeper struct {
	Child
	o     Options
	stop  chan struct{} // closed: stop the child and return
	done  chan struct{} // closed by keep
	first chan struct{} // closed when the child was ready for the first time
	once  sync.Once

	mu      sync.Mutex
	process *os.Process // guarded by mu; nil while there is none
}

// steady is how long a child must have lived to be started again without delay.
const steady = time.Minute

func (k *keeper) keep() {
	defer close(k.done)
	// The kernel's parent-death signal belongs to the thread that forked, not to the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wait := k.o.FirstWait
	for argv := slices.Concat(k.Argv, k.FirstArgs); ; argv = k.Argv {
		began := time.Now()
		err := k.runOnce(argv)
		select {
		case <-k.stop:
			return
		default:
		}
		if time.Since(began) > steady {
			wait = k.o.FirstWait
		}
		k.o.Log.Error(fmt.Sprintf("%s ended (%s); starting it again in %s", k.Name, ending(err), wait))
		if k.o.Died != nil {
			k.o.Died(k.Name, ending(err))
		}
		select {
		case <-k.stop:
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, k.o.LongestWait)
	}
}

func ending(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// runOnce starts the child and waits until it has ended, by itself or because of stop.
func (k *keeper) runOnce(argv []string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(os.Environ(), ReadyVariable+"=3")
	// A group of its own: Ctrl-C in the terminal reaches the supervisor only, which stops its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return err
	}
	k.set(cmd.Process)
	defer k.set(nil)
	k.o.Log.Info(fmt.Sprintf("started %s as process %d", k.Name, cmd.Process.Pid))
	go k.awaitReady(r)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-k.stop:
	}
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(k.o.StopWithin):
		k.o.Log.Error(fmt.Sprintf("%s did not stop within %s and is killed", k.Name, k.o.StopWithin))
		cmd.Process.Kill()
		return <-ended
	}
}

func (k *keeper) awaitReady(r *os.File) {
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		k.once.Do(func() { close(k.first) })
	}
}

func (k *keeper) set(p *os.Process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process = p
}

func (k *keeper) signal(s syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.process != nil {
		k.process.Signal(s)
	}
}
