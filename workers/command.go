package workers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is any program that is to be a worker.
type Command struct {
	Name       string   // the worker it is
	ConfigFile string   // configuration file
	Argv       []string // program and arguments
	Type       string   // what follows success or failure in its message types, e.g. "forecast"; "" if nothing does
	Debug      bool     // as --debug of every worker
	Stdin      *os.File // what the program reads; nil is nothing, and so is a terminal
}

// Exit statuses of RunCommand that are not the command's own, as in shells and env(1).
const (
	statusNotRun      = 125 // it was not started, or the manager could not be told of its success
	statusNotProgram  = 126
	statusNotFound    = 127
	statusSignalAfter = 128 // plus the number of the signal that ended it
)

// outputTime is how long the output stays open after the end of the command for what it has left in the background.
const outputTime = 2 * time.Second

// RunCommand runs a command as a worker, with the log lines and messages of one, and returns its exit status. Status 0 is a
// success, anything else a failure. What it writes to standard output is logged line by line as INFO, what it writes to standard
// error as WARNING, and both are passed on. If the last line of its standard output is a mapping in YAML or JSON, it
// is the payload of the success message. Signals are passed on to its process group, and no message is sent after one.
func RunCommand(c Command, p Process) int {
	job := &commandRun{Command: c, process: p}
	w := Worker{
		Name:     c.Name,
		Work:     job.work,
		Success:  func(*Run) string { return job.success },
		Failure:  func(*Run) string { return job.failure },
		check:    job.findTypes,
		signaled: job.forward,
	}
	p.Args = []string{"--", c.ConfigFile}
	if c.Debug {
		p.Args = slices.Insert(p.Args, 0, "--"+debugOption)
	}
	p.grace = -1 // a command has the time it needs; who is impatient sends KILL
	told := w.Execute(p)
	if job.ended && job.status != 0 {
		return job.status
	}
	if told != 0 || !job.ended {
		return statusNotRun
	}
	return 0
}

// commandRun is a command on its way.
type commandRun struct {
	Command
	process          Process
	success, failure string // types of its messages

	ended  bool // status is known
	status int

	mu    sync.Mutex
	group int       // guarded by mu: the command's process group; 0 before it runs and after
	early os.Signal // guarded by mu: came before it ran
}

// findTypes chooses the message types among those registered, before the command has run for hours.
func (c *commandRun) findTypes(r *Run) error {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return errors.New("there is no command to run")
	}
	worker, ok := r.cfg.Registry.Workers[c.Name]
	if !ok {
		return fmt.Errorf("worker not found in %s message registry: %s", r.cfg.File, c.Name)
	}
	types := make([]string, 0, len(worker.Types))
	for t := range worker.Types {
		types = append(types, t)
	}
	slices.Sort(types)
	var errs [2]error
	c.success, errs[0] = chooseType("success", c.Type, types)
	c.failure, errs[1] = chooseType("failure", c.Type, types)
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("worker %s in %s message registry: %w", c.Name, r.cfg.File, err)
		}
	}
	return nil
}

func chooseType(outcome, suffix string, types []string) (string, error) {
	var candidates []string
	for _, t := range types {
		if t == outcome || strings.HasPrefix(t, outcome+" ") {
			candidates = append(candidates, t)
		}
	}
	listed := strings.Join(candidates, ", ")
	switch {
	case len(candidates) == 0:
		return "", fmt.Errorf("no message type %s is registered", outcome)
	case suffix != "" && slices.Contains(candidates, outcome+" "+suffix):
		return outcome + " " + suffix, nil
	case suffix != "" && outcome == "success":
		return "", fmt.Errorf("there is no message type %q, only: %s", outcome+" "+suffix, listed)
	case slices.Contains(candidates, outcome):
		return outcome, nil
	case len(candidates) == 1:
		return candidates[0], nil
	}
	return "", fmt.Errorf("there are several types of %s; choose one with --type: %s", outcome, listed)
}

func (c *commandRun) work(_ context.Context, r *Run) (any, error) {
	out := &lineWriter{pass: c.process.Stdout, limit: r.cfg.MessageLimit, log: func(line string) { r.Log.Info(line) }}
	errOut := &lineWriter{pass: c.process.Stderr, limit: r.cfg.MessageLimit, log: func(line string) { r.Log.Warn(line) }}
	if c.Debug { // the log is on the console already
		out.pass, errOut.pass = nil, nil
	}
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	if c.Stdin != nil && !isTerminal(c.Stdin) {
		cmd.Stdin = c.Stdin
	}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, errOut, outputTime
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.start(cmd); err != nil {
		return nil, Errorf("start %s: %w", c.Argv[0], err)
	}
	err := cmd.Wait()
	c.forget()
	out.flush()
	errOut.flush()
	c.ended = true
	state := cmd.ProcessState
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		c.status = statusSignalAfter + int(ws.Signal())
		return nil, Errorf("%s was ended by signal: %v", c.Argv[0], ws.Signal())
	}
	if c.status = state.ExitCode(); c.status != 0 {
		return nil, Errorf("%s exited with status %d", c.Argv[0], c.status)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		r.Log.Warn(fmt.Sprintf("%s has left something in the background that holds its output open; what that writes is lost", c.Argv[0]))
	}
	return payloadOf(out.last), nil
}

// isTerminal tells whether a file is a terminal. A process group of its own is in the background of a terminal, and would be
// stopped as soon as it reads.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// start starts the command and lets signals through to it.
func (c *commandRun) start(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.early != nil {
		return errors.New("a signal came first")
	}
	err := cmd.Start()
	if err == nil {
		c.group = cmd.Process.Pid
		return nil
	}
	c.ended, c.status = true, statusNotProgram
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		c.status = statusNotFound
	}
	return err
}

// forward passes a signal on to the command's process group.
func (c *commandRun) forward(s os.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	number, ok := s.(syscall.Signal)
	if c.group == 0 || !ok {
		c.early = s
		return
	}
	// The group's number is not given to anybody else before forget, because its leader is not yet waited for or only just.
	_ = syscall.Kill(-c.group, number)
}

func (c *commandRun) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.group = 0
}
