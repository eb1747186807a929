package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// keeper keeps one child running.
type keeper struct {
	Child
	o     Options
	wait  waits
	stop  chan struct{} // closed: stop the child and return
	done  chan struct{} // closed by keep
	first chan struct{} // closed when the child was ready for the first time
	once  sync.Once

	mu      sync.Mutex
	process *os.Process // guarded by mu; nil while there is none
}

func newKeeper(c Child, o Options) *keeper {
	w := waits{first: o.FirstWait, longest: o.LongestWait, steady: o.Steady}
	return &keeper{Child: c, o: o, wait: w, stop: make(chan struct{}), done: make(chan struct{}), first: make(chan struct{})}
}

// waits says how long to wait before a child is started again.
type waits struct {
	first, longest, steady time.Duration
	served                 bool          // it was ready once since it was last steady, and has had its start at once
	last                   time.Duration // the wait before; 0: there was none
}

// next is asked when a child has ended that served for a time, 0 if it was never ready. The first end of a child that was ready
// costs no wait: it has shown that it can serve, and whoever asks it meanwhile waits for it.
func (w *waits) next(ready bool, served time.Duration) time.Duration {
	if served >= w.steady {
		w.served, w.last = false, 0
	}
	if ready && !w.served {
		w.served, w.last = true, 0
		return 0
	}
	w.last = min(max(2*w.last, w.first), w.longest)
	return w.last
}

func (k *keeper) keep() {
	defer close(k.done)
	// The kernel's parent-death signal belongs to the thread that forked, not to the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for argv := slices.Concat(k.Argv, k.FirstArgs); ; argv = k.Argv {
		ready, served, how := k.runOnce(argv)
		select {
		case <-k.stop:
			return
		default:
		}
		wait := k.wait.next(ready, served)
		again := "at once"
		if wait > 0 {
			again = "in " + wait.String()
		}
		k.o.Log.Error(fmt.Sprintf("%s ended (%s); starting it again %s", k.Name, how, again))
		if k.o.Died != nil {
			k.o.Died(k.Name, how)
		}
		select {
		case <-k.stop:
			return
		case <-time.After(wait):
		}
	}
}

// runOnce starts the child and waits until it has ended, by itself or because of stop. It tells whether the child was ready, for how
// long, and how it ended.
func (k *keeper) runOnce(argv []string) (ready bool, served time.Duration, how string) {
	r, w, err := os.Pipe()
	if err != nil {
		return false, 0, err.Error()
	}
	defer r.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(WithoutNotices(os.Environ()), LineVariable+"=3")
	// A group of its own: Ctrl-C in the terminal reaches the supervisor only, which stops its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return false, 0, err.Error()
	}
	k.set(cmd.Process)
	defer k.set(nil)
	k.o.Log.Info(fmt.Sprintf("started %s as process %d", k.Name, cmd.Process.Pid))
	said := make(chan heard, 1)
	go func() { said <- hear(r, func() { k.once.Do(func() { close(k.first) }) }) }()
	how = "exit status 0"
	if err := k.await(cmd); err != nil {
		how = err.Error()
	}
	ended := time.Now()
	// What a child has started may have inherited the other end: do not wait for that.
	r.SetReadDeadline(ended.Add(100 * time.Millisecond))
	h := <-said
	if h.why != "" {
		how += ": " + h.why
	}
	if h.ready.IsZero() {
		return false, 0, how
	}
	return true, ended.Sub(h.ready), how
}

// await waits until a child has ended, and stops it when that is wanted.
func (k *keeper) await(cmd *exec.Cmd) error {
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
