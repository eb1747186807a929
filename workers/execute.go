package workers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/notify"
)

// Execute runs the worker and returns its exit status. It is Main without os.Exit, for programs that contain several workers.
func (w Worker) Execute(p Process) int {
	if p.grace == 0 {
		p.grace = graceTime
	}
	if p.Program == "" {
		p.Program = w.Name
	}
	flags := newFlags(p.Program, w.Description)
	if w.Flags != nil {
		w.Flags(flags)
	}
	help, err := flags.parse(p.Args)
	switch {
	case help:
		fmt.Fprint(p.Stdout, flags.help())
		return 0
	case err != nil:
		fmt.Fprintf(p.Stderr, "%s%s: error: %v\n", flags.usage(), p.Program, err)
		return 2
	}
	r, err := open(w.Name, value[string](flags, configFileArgument), value[bool](flags, debugOption), p)
	if err != nil {
		fmt.Fprintf(p.Stderr, "%s: %v\n", p.Program, err)
		return 1
	}
	r.flags = flags
	defer r.close()
	if w.check != nil {
		if err := w.check(r); err != nil {
			r.Critical(err.Error())
			fmt.Fprintf(p.Stderr, "%s: %v\n", p.Program, err)
			return 1
		}
	}
	return w.live(r, p)
}

// live is the life of a worker from its first log line to its last.
func (w Worker) live(r *Run, p Process) int {
	r.logs.Announce()
	r.connect()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done := make(chan bool, 1)
	go func() { done <- w.work(ctx, r) }()
	told, interrupted := false, false
	select {
	case told = <-done:
	case s := <-p.Signals:
		interrupted = true
		r.Log.Info(signalLine(s))
		w.signal(s)
		cancel(errors.New(s.String() + " signal received"))
		w.await(r, done, p)
	}
	r.Log.Debug("shutting down")
	if !told && !interrupted {
		return 1
	}
	return 0
}

// await gives Work its time to end after a signal.
func (w Worker) await(r *Run, done <-chan bool, p Process) {
	var late <-chan time.Time
	if p.grace > 0 {
		late = time.After(p.grace)
	}
	for {
		select {
		case <-done:
			return
		case <-late:
			r.Log.Warn(fmt.Sprintf("%s is still at work %v after the signal; it is abandoned", w.Name, p.grace))
			return
		case s := <-p.Signals: // again: it is ending already
			w.signal(s)
		}
	}
}

func (w Worker) signal(s os.Signal) {
	if w.signaled != nil {
		w.signaled(s)
	}
}

func signalLine(s os.Signal) string {
	switch s {
	case syscall.SIGINT:
		return "interrupt signal (SIGINT or Ctrl-C) received; shutting down"
	case syscall.SIGTERM:
		return "termination signal (SIGTERM) received; shutting down"
	}
	return s.String() + " signal received; shutting down"
}

// work calls Work and tells the manager how it went. It returns whether the manager knows.
func (w Worker) work(ctx context.Context, r *Run) (told bool) {
	r.ctx = ctx
	err := w.attempt(ctx, r)
	if ctx.Err() != nil {
		return false // a signal ended it: no message
	}
	var failure *workerError
	if errors.As(err, &failure) {
		if text := err.Error(); text != "" {
			r.Log.Error(text)
		}
		err = protect(func() error {
			_, err := r.tell(ctx, messageType(w.Failure, "failure", r), nil)
			return err
		})
		if errors.As(err, &failure) {
			// Nothing is registered that could say it. Python dies here with a traceback.
			r.Critical(err.Error())
			return false
		}
	}
	if err == nil {
		return true
	}
	if ctx.Err() != nil {
		return false
	}
	r.Log.LogAttrs(ctx, LevelCritical, "unhandled exception:", logging.Exc(traceback(err)))
	if _, err := r.tell(ctx, "crash", nil); err != nil {
		if ctx.Err() == nil {
			r.Critical(err.Error())
		}
		return false
	}
	return true
}

// attempt is what must go well for a success.
func (w Worker) attempt(ctx context.Context, r *Run) error {
	return protect(func() error {
		checklist, err := w.Work(ctx, r)
		if err != nil || ctx.Err() != nil {
			return err
		}
		_, err = r.tell(ctx, messageType(w.Success, "success", r), checklist)
		return err
	})
}

func messageType(of func(*Run) string, usual string, r *Run) string {
	if of == nil {
		return usual
	}
	return of(r)
}

// panicked is a panic of the worker's own code.
type panicked struct {
	value any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// protect turns a panic into an error. f has a goroutine of its own, because runtime.Goexit (t.FailNow, for one) ends the
// goroutine and not only f.
func protect(f func() error) error {
	result := make(chan error, 1)
	go func() {
		err := errors.New("the worker called runtime.Goexit")
		defer func() {
			if v := recover(); v != nil {
				err = &panicked{v, string(debug.Stack())}
			}
			result <- err
		}()
		err = f()
	}()
	return <-result
}

// traceback is what follows the line unhandled exception.
func traceback(err error) string {
	var p *panicked
	if errors.As(err, &p) {
		return p.Error() + "\n" + strings.TrimRight(p.stack, "\n")
	}
	return fmt.Sprintf("%T: %v", err, err)
}

// open loads the configuration and sets up logging.
func open(name, file string, debug bool, p Process) (*Run, error) {
	cfg, err := config.Load(file, p.LookupEnv)
	if err != nil {
		return nil, err
	}
	r := &Run{Name: name, cfg: cfg, debug: debug, warnEvery: p.warnEvery, launch: launchID(p.LookupEnv), stderr: p.Stderr, names: newNames()}
	if r.warnEvery == 0 {
		r.warnEvery = time.Minute
	}
	r.sleep = sleepFor
	o := logging.Options{Launch: r.launch, Debug: debug, Stdout: p.Stdout, Stderr: p.Stderr}
	if !debug {
		if r.feed, err = openFeed(cfg, name); err != nil {
			fmt.Fprintf(p.Stderr, "%s: log records will not be on the console: %v\n", name, err)
		}
		if r.feed != nil {
			o.Feed = r.feed.Log
		}
		dsn, _ := p.LookupEnv("SENTRY_DSN")
		if r.sentry, err = notify.NewSentry(dsn, name, p.Stderr); err != nil {
			fmt.Fprintf(p.Stderr, "%s: %v\n", name, err)
		} else if r.sentry != nil {
			o.Show = r.sentry.Log
		}
	}
	if r.logs, err = logging.Open(cfg, name, logging.Worker, o); err != nil {
		r.sentry.Close()
		if r.feed != nil {
			err = errors.Join(err, r.feed.Close())
		}
		return nil, err
	}
	r.Log = r.logs.Logger(name)
	return r, nil
}
