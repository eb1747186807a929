package python

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/config"
)

var errLimit = errors.New("it took too long")

// helper is one process that runs the user's rules. All but kill belongs to the goroutine of its Rules.
type helper struct {
	cmd      *exec.Cmd
	requests *os.File
	answers  chan *reply // at most one, for the request at hand
	speech   *speech
	config   *config.Config // what it was given last
	follows  bool           // it has the checklist, and is told of changes

	gone   chan struct{} // closed when it has ended and all it said was taken
	ending string        // how it ended; not before gone

	mu        sync.Mutex
	reaped    bool       // guarded by mu: its number may be another's
	complaint string     // guarded by mu: why we killed it; "": we did not
	number    int64      // guarded by mu: of the last request
	waiting   bool       // guarded by mu: its answer has not come yet
	read      []fileSeen // guarded by mu until it is gone: files of modules that it has read for that request
}

// pipe is one pipe between us and a helper.
type pipe struct{ ours, theirs *os.File }

// openPipes makes the four pipes: requests, answers, stdout, stderr.
func openPipes() (p [4]pipe, err error) {
	for i := range p {
		var r, w *os.File
		if r, w, err = os.Pipe(); err != nil {
			closePipes(p)
			return p, err
		}
		if p[i] = (pipe{r, w}); i == 0 {
			p[i] = pipe{w, r}
		}
	}
	return p, nil
}

func closePipes(p [4]pipe) {
	for _, p := range p {
		p.ours.Close() // nil is no harm
		p.theirs.Close()
	}
}

// start starts a helper. Its modules are not loaded yet.
func start(python string, env []string, module string, s *speech) (*helper, error) {
	p, err := openPipes()
	if err != nil {
		return nil, err
	}
	h := &helper{requests: p[0].ours, answers: make(chan *reply, 1), speech: s, gone: make(chan struct{})}
	h.cmd = exec.Command(python, "-c", bootstrap, "rules of nowcast:", module)
	h.cmd.Env = env
	h.cmd.ExtraFiles = []*os.File{p[0].theirs, p[1].theirs}
	h.cmd.Stdout, h.cmd.Stderr = p[2].theirs, p[3].theirs
	// A group of its own, so that it ends with all it has started, and Ctrl-C ends the manager first. When the manager is killed,
	// a helper that waits for a request sees the end of its pipe; one that is busy is killed by the kernel.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go h.live(p, started)
	if err := <-started; err != nil {
		return nil, err
	}
	if err := h.send(scriptFrame(), startLimit); err != nil && !ended(err) { // the end is seen when the answer is awaited
		h.kill("it does not read: " + err.Error())
	}
	return h, nil
}

// live starts the process and stays until all is over.
func (h *helper) live(p [4]pipe, started chan<- error) {
	// The kernel's parent-death signal belongs to the thread that forked, not to the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := h.cmd.Start()
	for _, p := range p {
		p.theirs.Close()
	}
	if err != nil {
		closePipes(p)
		started <- err
		return
	}
	var readers sync.WaitGroup
	readers.Go(func() { h.readAnswers(p[1].ours) })
	readers.Go(func() { eachLine(p[2].ours, h.speech.stdout) })
	readers.Go(func() { eachLine(p[3].ours, h.speech.stderr) })
	started <- nil
	h.reap()
	// What it has written is there. A program that left its group may keep the pipes open and is not waited for.
	for _, p := range p[1:] {
		p.ours.SetReadDeadline(time.Now().Add(time.Second))
	}
	readers.Wait()
	closePipes(p)
	close(h.gone)
}

// reap waits for the end of the process, ends the rest of its group and notes how it ended.
func (h *helper) reap() {
	for {
		// It stays a zombie, so that the number of the group is not another's yet.
		if err := unix.Waitid(unix.P_PID, h.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reaped = true
	syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL)
	if err := h.cmd.Wait(); err != nil {
		h.ending = err.Error()
	} else {
		h.ending = "exit status 0"
	}
	if h.complaint != "" {
		h.ending = h.complaint
	}
}

// kill ends the helper and its group. because is "" if the caller says why.
func (h *helper) kill(because string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.reaped {
		h.complaint = because
		syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// lost tells whether the helper has ended or is about to, because we killed it.
func (h *helper) lost() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reaped || h.complaint != ""
}

// signal sends a signal to the helper alone.
func (h *helper) signal(s syscall.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.reaped {
		syscall.Kill(h.cmd.Process.Pid, s)
	}
}

// closing is how long a helper may take to end by itself.
const closing = 2 * time.Second

// close has the helper end.
func (h *helper) close() {
	h.requests.Close()
	select {
	case <-h.gone:
	case <-time.After(closing):
		h.kill("")
		<-h.gone
	}
}
