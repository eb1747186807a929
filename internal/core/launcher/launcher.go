// Package launcher turns a launch into a process, and the end of that process into an event.
//
// The manager decides and records; then it calls Start, which returns as soon as the process exists, and later takes the
// Exit from Exits. After a restart it calls Recover for launches whose record says that they were being started, and Adopt for
// those that were running.
//
// Guarantees:
//   - A launch is started at most once, whatever is killed and whenever. A file beside its output says whether it was (record.go).
//   - A process outlives the manager: it leads a session of its own, its standard input is /dev/null, and its standard output
//     and error go to a file of its own that it holds open itself.
//   - How it ended is known although no manager was running: a small process that started it waits for it (keeper.go).
//   - Every Start without an error is followed by exactly one Exit (until Close), within milliseconds of the death of the process,
//     whatever its own children still hold open. So is every Adopt.
//   - A process is PID, start time and start of the machine. A signal is never sent to somebody else who got the same PID.
//   - There are no zombies: each process is waited for. There is a parked goroutine, but no thread, per process.
package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
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
	boot    string
	fresh   bool // the output directory was not there: nothing in it tells of former launches
	keeper  *keeper
	left    sessions
	looking sync.Once
	before  map[string]int // by looking: processes of launches that ran before, by output file
	exits   chan launch.Exit
	closed  chan struct{}
	waiting sync.WaitGroup

	mu      sync.Mutex
	watched map[int64]*watch // of each process that has not ended, by launch; nil after Close
}

// exitQueue is how many ends wait for the manager. When it is full, watchers wait, and nothing is lost.
const exitQueue = 256

// New makes the output directory and starts the keeper. It fails on a kernel without pidfd_open (Linux before 5.3).
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
	_, err = os.Stat(o.OutputDir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(o.OutputDir, 0o750); err != nil {
		return nil, fmt.Errorf("make the directory for the output of launches: %w", err)
	}
	la := &Launcher{
		options: o,
		fresh:   fresh,
		keeper:  &keeper{env: o.Env, logger: o.Logger},
		exits:   make(chan launch.Exit, exitQueue),
		closed:  make(chan struct{}),
		watched: map[int64]*watch{},
	}
	if la.boot, err = process.Boot(); err != nil {
		return nil, err
	}
	return la, la.keeper.start()
}

// Exits is where the ends of processes arrive. It is never closed.
func (la *Launcher) Exits() <-chan launch.Exit { return la.exits }

// Argv returns the command line that starts n; see the function Argv.
func (la *Launcher) Argv(cfg *config.Config, n launch.NextWorker) ([]string, error) {
	return Argv(cfg, la.options.Self, n)
}

// Start starts l.Argv in the directory of the manager with the environment Options.Env and, in addition, NOWCAST_LAUNCH (the
// id of the launch), NOWCAST_OUTPUT (the file its output goes to) and NOWCAST_CONFIG. It returns when the program runs. The error
// says why there is no process, to the operator; then no Exit follows.
//
// A launch, which is its id and when it was decided, is started once: if it was before, that process is returned, and followed.
func (la *Launcher) Start(l *launch.Launch) (launch.Started, error) {
	path := la.OutputFile(l)
	if la.isClosed() {
		return launch.Started{Output: path}, errors.New("the launcher is closed")
	}
	out, err := la.openOutput(path)
	if err != nil { // the file is named also if there will be no process
		return launch.Started{Output: path}, fmt.Errorf("open the output file of %s: %w: %w", l.Name(), launch.ErrNoOutput, err)
	}
	defer out.Close()
	r, err := la.spawn(l, out)
	if err != nil {
		err = fmt.Errorf("%s could not be started: %w", l.Name(), err)
		fmt.Fprintln(out, "nowcast:", err) // who looks into the file should not find it empty
		return launch.Started{Output: path}, err
	}
	c := l.Clone()
	c.PID, c.PIDStart, c.Boot, c.Output = r.pid, r.start, r.boot, path
	la.follow(c, r)
	return r.started(path), nil
}

// OutputFile returns the file with the output of a launch. Where it is has been recorded once it is about to be started, as another manager
// of this machine may have another directory.
func (la *Launcher) OutputFile(l *launch.Launch) string {
	if l.Output != "" {
		return l.Output
	}
	return filepath.Join(la.options.OutputDir, strconv.FormatInt(l.ID, 10)+".log")
}

// openOutput makes the directory again if somebody has removed it. The directory above it, which has the state, is not made: a new
// one would only hide that the state is gone.
func (la *Launcher) openOutput(path string) (*os.File, error) {
	open := func() (*os.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640) }
	out, err := open()
	if !errors.Is(err, fs.ErrNotExist) {
		return out, err
	}
	if err := os.Mkdir(la.options.OutputDir, 0o750); err != nil {
		return nil, err
	}
	la.options.Logger.Error("the directory for the output of launches was removed; it is made again, and what it had about earlier launches is gone", "directory", la.options.OutputDir)
	return open()
}

func (la *Launcher) isClosed() bool {
	la.mu.Lock()
	defer la.mu.Unlock()
	return la.watched == nil
}

// attempts is how often the keeper, or the shim, may be killed while it starts a launch.
const attempts = 20

// spawn has the keeper start a launch and returns its record, in which there is a process.
func (la *Launcher) spawn(l *launch.Launch, out *os.File) (*record, error) {
	if len(l.Argv) == 0 {
		return nil, errors.New("the command line is empty")
	}
	program, err := findProgram(l.Argv[0], la.options.Env)
	if err != nil {
		return nil, err
	}
	r, err := la.read(l)
	for range attempts {
		if err != nil || r.pid != 0 {
			return r, err
		}
		// The worker's name is not in the shim's: pgrep -f WORKER is to find the worker, and pkill -f to end no shim.
		request, err := encode(r, la.boot, fmt.Sprintf("(waits for launch %d)", l.ID), program, l.Argv, la.environment(l, out.Name()))
		if err != nil {
			return nil, err
		}
		if err := la.keeper.ask(request, out); errors.Is(err, fs.ErrNotExist) { // the directory was removed while the output file was open
			return nil, fmt.Errorf("%w: %w", launch.ErrNoOutput, err)
		} else if err != nil {
			return nil, err
		}
		before := r.size
		if r, err = la.read(l); err == nil && r.failed != 0 && r.size != before {
			return nil, explain(program, r.failed)
		}
		if err == nil && r.pid == 0 {
			r, err = la.cancel(l)
		}
	}
	return nil, fmt.Errorf("%d attempts to make its process came to nothing: the keeper was killed each time, or descriptors ran out", attempts)
}

// environment returns the variables of a launch.
func (la *Launcher) environment(l *launch.Launch, output string) []string {
	set := []string{"NOWCAST_LAUNCH=" + strconv.FormatInt(l.ID, 10), "NOWCAST_OUTPUT=" + output}
	if la.options.ConfigFile != "" {
		set = append(set, "NOWCAST_CONFIG="+la.options.ConfigFile)
	}
	if throughSSH(l) {
		set = append(set, "SSH_ASKPASS_REQUIRE=never") // without a terminal, too, a question fails at once instead of waiting for ever
	}
	return withVariables(la.options.Env, set...)
}

// Close stops watching and waits for the watchers. Processes live on, and so do their shims; who reads their records can Adopt
// them later.
func (la *Launcher) Close() {
	la.mu.Lock()
	watched := la.watched
	la.watched = nil
	la.mu.Unlock()
	if watched == nil {
		return
	}
	close(la.closed)
	for _, w := range watched {
		w.close()
	}
	la.waiting.Wait()
	la.keeper.close()
}
