package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this test binary be the child: NOWCAST_TEST_CHILD says what it does.
func TestMain(m *testing.M) {
	if what := os.Getenv("NOWCAST_TEST_CHILD"); what != "" {
		child(what, os.Args[len(os.Args)-2], os.Args[len(os.Args)-1])
	}
	os.Exit(m.Run())
}

// child appends what happens to it to a file.
func child(what, name, file string) {
	note := func(event string) {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(f, "%s %s\n", name, event)
		f.Close()
	}
	line := NewLine(os.LookupEnv)
	signals := make(chan os.Signal, 5)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	note("starts")
	switch _, locked := os.Stat(os.Getenv("NOWCAST_TEST_LOCK")); {
	case what == name+" ends", what == name+" locks" && locked == nil:
		os.Exit(3)
	case what == name+" leaves": // its end of the pipe stays open
		sleeper := exec.Command("sleep", "10")
		sleeper.ExtraFiles = []*os.File{os.NewFile(3, "ready")}
		sleeper.Start()
		os.Exit(3)
	case what == name+" fails":
		line.Ends("the port is taken:\n  by another\n")
		os.Exit(3)
	case what != name+" waits":
		line.Ready()
	}
	switch what {
	case name + " dies":
		os.Exit(4)
	case name + " fails later":
		line.Ends(strings.Repeat("x", 100_000))
		os.Exit(3)
	case name + " panics":
		panic("a mistake")
	}
	for s := range signals {
		note(s.String())
		if s == syscall.SIGTERM && what != name+" ignores" {
			os.Exit(0)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type family struct {
	t      *testing.T
	file   string
	log    lockedBuffer
	reload chan os.Signal
	stop   func()
}

func run(t *testing.T, what string, names ...string) *family {
	return runWith(t, what, func(*Options) {}, names...)
}

func runWith(t *testing.T, what string, change func(*Options), names ...string) *family {
	t.Setenv("NOWCAST_TEST_CHILD", what)
	f := &family{t: t, file: filepath.Join(t.TempDir(), "events"), reload: make(chan os.Signal)}
	o := Options{Log: slog.New(slog.NewTextHandler(&f.log, nil)), Reload: f.reload,
		FirstWait: 10 * time.Millisecond, LongestWait: 50 * time.Millisecond, StopWithin: 300 * time.Millisecond, ReadyWithin: 5 * time.Second}
	if strings.HasSuffix(what, "ends") {
		o.ReadyWithin = 100 * time.Millisecond
	}
	for _, n := range names {
		o.Children = append(o.Children, Child{Name: n, Essential: strings.HasSuffix(n, "!"), Argv: []string{os.Args[0], strings.TrimSuffix(n, "!"), f.file}})
	}
	change(&o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(f.stop)
	return f
}

func (f *family) events() string {
	b, _ := os.ReadFile(f.file)
	return string(b)
}

func (f *family) eventually(what string, ok func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s did not happen; events:\n%slog:\n%s", what, f.events(), f.log.String())
		}
	}
}

func TestChildrenAreStartedInOrderAndStoppedInReverse(t *testing.T) {
	f := run(t, "run", "one", "two", "three")
	f.eventually("all up", func() bool { return strings.Contains(f.log.String(), "all daemons are up") })
	f.stop()
	want := "one starts\ntwo starts\nthree starts\nthree terminated\ntwo terminated\none terminated\n"
	if got := f.events(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAChildThatCannotStayUpDisturbsNoOther(t *testing.T) {
	f := run(t, "one ends", "one", "two")
	f.eventually("three starts of one and one of two", func() bool {
		return strings.Count(f.events(), "one starts") >= 3 && strings.Count(f.events(), "two starts") == 1
	})
	if log := f.log.String(); !strings.Contains(log, "one ended (exit status 3); starting it again in 10ms") || !strings.Contains(log, "in 50ms") {
		f.eventually("the longest wait", func() bool { return strings.Contains(f.log.String(), "in 50ms") })
	}
	f.stop()
	if strings.Contains(f.events(), "one terminated") || !strings.Contains(f.events(), "two terminated") {
		t.Errorf("got events\n%s", f.events())
	}
}

func TestFirstArgumentsAreForTheFirstStartOnly(t *testing.T) {
	t.Setenv("NOWCAST_TEST_CHILD", "again ends")
	first, file := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "events")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	o := Options{Log: slog.New(slog.DiscardHandler), FirstWait: 10 * time.Millisecond, ReadyWithin: 10 * time.Millisecond,
		Children: []Child{{Name: "child", Argv: []string{os.Args[0], "again", file}, FirstArgs: []string{"again", first}}}}
	go func() { done <- Run(ctx, o) }()
	f := &family{t: t, file: file}
	defer func() {
		cancel()
		<-done
	}()
	f.eventually("a third start", func() bool { return strings.Count(f.events(), "again starts") >= 2 })
	if got, err := os.ReadFile(first); err != nil || string(got) != "again starts\n" {
		t.Errorf("got events of the first start %q, %v; want one start", got, err)
	}
}

func TestNothingIsStartedBeforeAnEssentialChildIsReady(t *testing.T) {
	// A manager without a broker of its own would talk to whoever has the port.
	f := run(t, "one ends", "one!", "two")
	f.eventually("the warning", func() bool { return strings.Contains(f.log.String(), "one! is not ready yet; the others wait for it") })
	f.stop()
	if strings.Contains(f.events(), "two starts") {
		t.Errorf("got events\n%s", f.events())
	}
}

func TestAChildThatIgnoresItsSignalIsKilled(t *testing.T) {
	f := run(t, "one ignores", "one")
	f.eventually("up", func() bool { return strings.Contains(f.log.String(), "all daemons are up") })
	f.stop()
	if log := f.log.String(); !strings.Contains(log, "one did not stop within 300ms and is killed") {
		t.Errorf("got log\n%s", log)
	}
}

func TestHangupIsPassedOn(t *testing.T) {
	f := run(t, "run", "one", "two")
	f.eventually("all up", func() bool { return strings.Contains(f.log.String(), "all daemons are up") })
	f.reload <- syscall.SIGHUP
	f.eventually("hangups", func() bool { return strings.Count(f.events(), "hangup") == 2 })
}

func TestWhyAChildEndedIsSaid(t *testing.T) {
	for what, want := range map[string]string{
		"one dies":        "exit status 4",
		"one fails":       "exit status 3: the port is taken:; by another",
		"one fails later": "exit status 3: " + strings.Repeat("x", longestWhy) + " ...",
		"one panics":      "exit status 2: panic: a mistake",
	} {
		t.Run(what, func(t *testing.T) {
			died := make(chan string, 1)
			f := runWith(t, what, func(o *Options) {
				o.Died = func(child, how string) {
					select {
					case died <- child + " " + how:
					default:
					}
				}
			}, "one")
			if got := <-died; got != "one "+want {
				t.Errorf("got %q, want %q", got, want)
			}
			f.eventually("its way into the log", func() bool { return strings.Contains(f.log.String(), "one ended ("+want+"); starting it again") })
		})
	}
}

func TestALineIsOnlyWhatTheVariableSaysAndAPipe(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, value := range map[string]string{"no variable": "", "no number": "x", "nothing open": "1000000", "a file of somebody": fmt.Sprint(file.Fd())} {
		l := NewLine(func(string) (string, bool) { return value, value != "" })
		l.Ready()
		l.Ends("because")
		if l != nil {
			t.Errorf("%s: got a line", name)
		}
	}
	if info, err := file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("got %v, %v: something was written", info, err)
	}
}
