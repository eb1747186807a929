// Package launcher turns a launch into a process, and the end of that process into an event.
//
// The manager decides and records; then it calls Start, which returns as soon as the process exists, and later takes the
// Exit from Exits. After a restart it calls Adopt for launches whose record says that they were running.
//
// Guarantees:
//   - A process outlives the manager: it leads a session of its own, its standard input is /dev/null, and its standard output
//     and error go to a file of its own that it holds open itself.
//   - Every Start without an error is followed by exactly one Exit (until Close), within milliseconds of the death of the process,
//     whatever its own children still hold open. So is every Adopt.
//   - A process is PID and start time. A signal is never sent to somebody else who got the same PID.
//   - There are no zombies: each process is waited for. There is a parked goroutine, but no thread, per process.
package launcher

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

// Options say where output goes and with what the launcher is connected.
type Options struct {
	OutputDir  string           // for one file per launch, ID.log; made if it does not exist
	Self       string           // nowcastd, which contains the built-in workers
	Env        []string         // the environment of workers, apart from what Start adds; PATH in it finds their programs
	ConfigFile string           // becomes NOWCAST_CONFIG in every worker; "" leaves it out
	Logger     *slog.Logger     // for what should not happen
	Now        func() time.Time // nil: time.Now
}

// Launcher starts and watches processes. Its methods are safe for concurrent use.
type Launcher struct {
	options Options
	null    *os.File
	exits   chan launch.Exit
	closed  chan struct{}
	waiting sync.WaitGroup

	mu      sync.Mutex
	watched map[int64]*os.File // pidfd of each process that has not ended, by launch; nil after Close
}

// exitQueue is how many ends wait for the manager. When it is full, watchers wait, and nothing is lost.
const exitQueue = 256

// New makes the output directory. It fails on a kernel without pidfd_open (Linux before 5.3).
func New(o Options) (*Launcher, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return nil, fmt.Errorf("watch processes with pidfd_open, which needs Linux 5.3 or newer: %w", err)
	}
	unix.Close(fd)
	if o.OutputDir, err = filepath.Abs(o.OutputDir); err != nil {
		return nil, fmt.Errorf("output directory of launches: %w", err)
	}
	if err := os.MkdirAll(o.OutputDir, 0o750); err != nil {
		return nil, fmt.Errorf("make the directory for the output of launches: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	return &Launcher{
		options: o,
		null:    null,
		exits:   make(chan launch.Exit, exitQueue),
		closed:  make(chan struct{}),
		watched: map[int64]*os.File{},
	}, nil
}

// Exits is where the ends of processes arrive. It is never closed.
func (la *Launcher) Exits() <-chan launch.Exit { return la.exits }

// Argv returns the command line that starts n; see the function Argv.
func (la *Launcher) Argv(cfg *config.Config, n launch.NextWorker) ([]string, error) {
	return Argv(cfg, la.options.Self, n)
}

// Start starts l.Argv in the directory of the manager with the environment Options.Env and, in addition, NOWCAST_LAUNCH (the
// id of the launch), NOWCAST_OUTPUT (the file its output goes to) and NOWCAST_CONFIG. The error says why there is no process,
// to the operator; then no Exit follows.
func (la *Launcher) Start(l *launch.Launch) (launch.Started, error) {
	path := filepath.Join(la.options.OutputDir, strconv.FormatInt(l.ID, 10)+".log")
	started := launch.Started{Output: path} // named also if there will be no process
	if la.isClosed() {
		return started, errors.New("the launcher is closed")
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return started, fmt.Errorf("open the output file of %s: %w", l.Name(), err)
	}
	defer out.Close()
	process, pidfd, err := la.spawn(l, out)
	if err != nil {
		err = fmt.Errorf("%s could not be started: %w", l.Name(), err)
		fmt.Fprintln(out, "nowcast:", err) // who looks into the file should not find it empty
		return started, err
	}
	// Read before it can be waited for: until then even a dead process keeps its entry in /proc.
	started.PID, started.Time = process.Pid, la.options.Now().UTC()
	if started.PIDStart, err = startTime(process.Pid); err != nil {
		la.options.Logger.Error("cannot read the start time of a new process; it cannot be signalled", "worker", l.Name(), "launch", l.ID, "err", err)
	}
	la.watch(l.ID, pidfd, func() launch.Exit { return reap(l.ID, process) })
	return started, nil
}

func (la *Launcher) isClosed() bool {
	la.mu.Lock()
	defer la.mu.Unlock()
	return la.watched == nil
}

func (la *Launcher) spawn(l *launch.Launch, out *os.File) (*os.Process, int, error) {
	if len(l.Argv) == 0 {
		return nil, 0, errors.New("the command line is empty")
	}
	program, err := findProgram(l.Argv[0], la.options.Env)
	if err != nil {
		return nil, 0, err
	}
	set := []string{"NOWCAST_LAUNCH=" + strconv.FormatInt(l.ID, 10), "NOWCAST_OUTPUT=" + out.Name()}
	if la.options.ConfigFile != "" {
		set = append(set, "NOWCAST_CONFIG="+la.options.ConfigFile)
	}
	pidfd := -1
	process, err := os.StartProcess(program, l.Argv, &os.ProcAttr{
		Env:   withVariables(la.options.Env, set...),
		Files: []*os.File{la.null, out, out},
		// A session of its own: Ctrl-C on the manager's terminal does not reach it, and one signal reaches all it started.
		Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	})
	if err != nil {
		return nil, 0, explain(program, err)
	}
	return process, pidfd, nil
}

// Close stops watching and waits for the watchers. Processes live on; who reads their records can Adopt them later.
func (la *Launcher) Close() {
	la.mu.Lock()
	files := la.watched
	la.watched = nil
	la.mu.Unlock()
	if files == nil {
		return
	}
	close(la.closed)
	for _, f := range files {
		f.Close()
	}
	la.waiting.Wait()
	la.null.Close()
}
