// Package workers is the library for workers written in Go. A worker is a program that does one task of the forecast day,
// and tells the manager how it went:
//
//	func main() {
//		workers.Main(workers.Worker{
//			Name:        "make_plots",
//			Description: "Make the plots of a run.",
//			Flags: func(f *workers.Flags) {
//				f.Argument("run_type", "Type of run to plot.", "nowcast", "forecast")
//				f.Date("run-date", time.Now(), "Date of the run.")
//			},
//			Work: func(ctx context.Context, w *workers.Run) (any, error) {
//				w.Log.Info("plotting " + w.String("run_type"))
//				return map[string]any{w.String("run_type"): "plots.png"}, nil
//			},
//			Success: func(w *workers.Run) string { return "success " + w.String("run_type") },
//			Failure: func(w *workers.Run) string { return "failure " + w.String("run_type") },
//		})
//	}
//
// To the manager, to whoever starts it and to whoever reads the logs, it cannot be told from a worker that uses the Python
// package NEMO_Nowcast (specs: compat sections 2, 3 and 9), and it can be used with the Python manager.
//
// What happens, in order: the command line is read, the configuration is loaded, logging is set up as configured, Work is
// called. If Work returns without an error, what it returns is the payload of the success message, which updates the
// checklist. If it returns an error made by Errorf, the failure message is sent. Any other error, and a panic, is logged
// as CRITICAL and sent as a crash. On SIGINT or SIGTERM the context of Work ends, and no message is sent.
//
// Exit status, as in Python: 0 if the manager was told how it went (also of a failure or crash) or a signal came; 1 if it
// could not be told; 2 for mistakes in the command line. With --debug nothing is sent, and messages are logged instead.
package workers

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// LevelCritical is Python's CRITICAL, above slog.LevelError.
const LevelCritical = slog.Level(12)

// Worker describes a worker.
type Worker struct {
	Name        string // as in message registry: workers
	Description string // for --help

	// Flags declares arguments and options beyond those that every worker has; nil if there are none.
	Flags func(*Flags)

	// Work does the work and returns what goes into the checklist; nil if nothing does. When ctx ends, it should return soon:
	// after ten seconds the process ends without it.
	Work func(ctx context.Context, w *Run) (checklist any, err error)

	// Success and Failure return the type of the message that says how it went, after logging what is worth it. Their
	// defaults return "success" and "failure".
	Success, Failure func(w *Run) string

	check    func(*Run) error // before the work: an error means that it need not begin
	signaled func(os.Signal)  // told of each signal
}

// Process is what a worker gets from the operating system.
type Process struct {
	Program        string                      // for the usage message; "" is the worker's name
	Args           []string                    // the command line, without the program
	LookupEnv      func(string) (string, bool) // os.LookupEnv
	Stdout, Stderr io.Writer
	Signals        <-chan os.Signal // SIGINT, SIGTERM

	grace     time.Duration // how long Work has after its context has ended; 0 graceTime, below 0 until it returns
	warnEvery time.Duration // how often to say that the manager does not answer; 0 is once a minute
}

// graceTime is how long Work has after its context has ended.
const graceTime = 10 * time.Second

// Main runs a worker as this process and does not return.
func Main(w Worker) {
	os.Exit(w.Execute(NewProcess(filepath.Base(os.Args[0]), os.Args[1:])))
}

// NewProcess returns this process, with another name and command line. It takes over SIGINT and SIGTERM.
func NewProcess(program string, args []string) Process {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	return Process{Program: program, Args: args, LookupEnv: os.LookupEnv, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals}
}

// Errorf returns an error by which Work says that it failed in a way it knows about: it leads to the failure message and not
// to a crash. It wraps with %w as fmt.Errorf does.
func Errorf(format string, args ...any) error {
	return &workerError{fmt.Errorf(format, args...)}
}

type workerError struct{ err error }

func (w *workerError) Error() string { return w.err.Error() }
func (w *workerError) Unwrap() error { return w.err }
