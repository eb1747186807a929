package faults

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/fault"
)

// Daemon is a daemon of a World that is started again at once when it dies, as the supervisor does.
type Daemon struct {
	w    *World
	t    testing.TB
	name string
	args []string
	next func() string // where the next process is to die: NOWCAST_FAULT, "" nowhere

	stop chan struct{}
	done chan struct{}

	mu      sync.Mutex
	cmd     *exec.Cmd // guarded by mu, as are the others
	ready   time.Time // of the process that runs; zero while it is not
	running bool
	deaths  []Death     // by a signal
	endings []string    // of those that ended in another way
	output  syncedBytes // of all processes
}

// Death is one kill of a daemon.
type Death struct {
	Daemon string
	At     time.Time // the process was seen to be gone
	Back   time.Time // the next one was started
	Ready  time.Time // and said that it serves; zero: it has not
}

// Keep runs a daemon and waits until it serves. next, unless it is nil, says for each process where it is to die.
func (w *World) Keep(name string, next func() string) *Daemon {
	w.t.Helper()
	d := w.Begin(name, next)
	if name == "up" { // which says to nobody that it is ready
		w.Eventually(name, d.Running)
	} else {
		w.Eventually(name, d.Ready)
	}
	return d
}

// Begin is Keep for a daemon that need not serve soon.
func (w *World) Begin(name string, next func() string) *Daemon {
	if next == nil {
		next = func() string { return "" }
	}
	d := &Daemon{w: w, t: w.t, name: name, args: []string{name, w.Config}, next: next, stop: make(chan struct{}), done: make(chan struct{})}
	if name == "broker" && w.o.Behind != 0 {
		d.args[1] = filepath.Join(w.o.Dir, "broker.yaml")
	}
	go d.keep()
	w.mu.Lock()
	w.daemons = append(w.daemons, d)
	w.mu.Unlock()
	return d
}

func (d *Daemon) keep() {
	defer close(d.done)
	for pause := time.Duration(0); ; {
		cmd, err := d.run()
		select {
		case <-d.stop:
			return
		default:
		}
		d.mu.Lock()
		if status, ok := state(cmd); ok && status.Signaled() {
			d.deaths = append(d.deaths, Death{Daemon: d.name, At: time.Now()})
			pause = 0
		} else {
			how := "could not be started"
			if err != nil {
				how = err.Error()
			}
			d.endings = append(d.endings, how)
			pause = 200 * time.Millisecond // it has a reason that will not be gone at once
		}
		d.mu.Unlock()
		select {
		case <-d.stop:
			return
		case <-time.After(pause):
		}
	}
}

func state(cmd *exec.Cmd) (syscall.WaitStatus, bool) {
	if cmd == nil || cmd.ProcessState == nil {
		return 0, false
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status, ok
}

// run starts the daemon and waits for its end.
func (d *Daemon) run() (*exec.Cmd, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	argv := append([]string{d.w.o.Nowcastd}, d.args...)
	if d.w.o.Before != nil {
		argv = append(d.w.o.Before(d.name), argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = d.w.o.Dir, &d.output, &d.output, []*os.File{w}
	cmd.Env = append(os.Environ(), "NOWCAST_READY_FD=3", StartsVariable+"="+d.w.o.Dir+"/starts", fault.Variable+"="+d.next())
	cmd.Env = append(cmd.Env, d.w.o.Env...)
	began := time.Now()
	d.mu.Lock()
	err = cmd.Start()
	if n := len(d.deaths); n > 0 && d.deaths[n-1].Back.IsZero() {
		d.deaths[n-1].Back = began
	}
	d.cmd, d.running = cmd, err == nil
	d.mu.Unlock()
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	go d.awaitReady(r, cmd)
	err = cmd.Wait()
	d.mu.Lock()
	d.ready, d.running = time.Time{}, false
	d.mu.Unlock()
	return cmd, err
}

func (d *Daemon) awaitReady(r *os.File, cmd *exec.Cmd) {
	defer r.Close()
	first := make([]byte, 1)
	if r.Read(first); first[0] != '\n' {
		return // it ends; it may say why
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd != cmd || !d.running {
		return
	}
	d.ready = time.Now()
	if n := len(d.deaths); n > 0 && d.deaths[n-1].Ready.IsZero() {
		d.deaths[n-1].Ready = d.ready
	}
}

// Ready tells whether the daemon serves now.
func (d *Daemon) Ready() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.ready.IsZero()
}

// Running tells whether there is a process now. It is for those that say to nobody that they are ready.
func (d *Daemon) Running() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running
}

// Signal sends a signal to the process that runs now.
func (d *Daemon) Signal(s syscall.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd != nil && d.cmd.Process != nil {
		d.cmd.Process.Signal(s)
	}
}

// PID is that of the process that runs now.
func (d *Daemon) PID() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cmd.Process.Pid
}

// Kill kills the process that runs now. Another one is started.
func (d *Daemon) Kill() { d.Signal(syscall.SIGKILL) }

// Deaths returns those that a signal caused so far.
func (d *Daemon) Deaths() []Death {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Death(nil), d.deaths...)
}

// Endings returns how processes ended that no signal ended, though nobody had told them to.
func (d *Daemon) Endings() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.endings...)
}

// Stop ends the daemon for good, as an operator does.
func (d *Daemon) Stop() {
	select {
	case <-d.done:
		return
	default:
	}
	close(d.stop)
	var told *exec.Cmd // a second signal would end it at once
	for limit := time.After(20 * time.Second); ; {
		d.mu.Lock()
		if cmd := d.cmd; cmd != told && cmd != nil && cmd.Process != nil {
			cmd.Process.Signal(syscall.SIGCONT)
			cmd.Process.Signal(syscall.SIGTERM)
			told = cmd
		}
		d.mu.Unlock()
		select {
		case <-d.done:
			return
		case <-time.After(10 * time.Millisecond): // it may have been started this moment
		case <-limit:
			d.t.Errorf("%s did not stop within 20 s\n%s", d.name, d.output.String())
			d.Kill()
		}
	}
}

// Begone ends the daemon for good, as a power cut does.
func (d *Daemon) Begone() {
	select {
	case <-d.done:
		return
	default:
	}
	close(d.stop)
	for {
		d.Kill()
		select {
		case <-d.done:
			return
		case <-time.After(10 * time.Millisecond): // it may have been started this moment
		}
	}
}

// syncedBytes is what processes wrote.
type syncedBytes struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *syncedBytes) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncedBytes) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
