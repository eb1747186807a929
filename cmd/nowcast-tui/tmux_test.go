package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/broker"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// writeConfig writes a configuration whose state directory is dir.
func writeConfig(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "nowcast.yaml")
	text := fmt.Sprintf(`checklist file: %[1]s/checklist.yaml
state dir: %[1]s
zmq: {host: localhost, ports: {workers: 5555, manager: 5554}}
logging: {version: 1}
message registry:
  manager: {ack: acknowledged}
  next workers module: next_workers.star
  workers: {make_plots: {checklist key: PLOTS, success: done}}
`, dir)
	if err := os.WriteFile(filepath.Join(dir, "next_workers.star"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// played is a manager that a test plays, behind a real broker.
type played struct {
	t        *testing.T
	pub      *feed.Publisher
	do       chan func()
	launches []launch.Launch
}

// play starts broker and manager in dir; they end with the test.
func play(t *testing.T, dir string) *played {
	t.Helper()
	at := func(name string) string { return "ipc://" + filepath.Join(dir, name) }
	logger := slog.New(slog.DiscardHandler)
	b, err := broker.New(broker.Options{
		Logger: logger, Workers: "tcp://127.0.0.1:0", Manager: "tcp://127.0.0.1:0",
		FeedIn: at("feed-in.sock"), FeedOut: at("feed.sock"), ControlClients: at("control.sock"), ControlDaemons: at("control-daemons.sock"),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &played{t: t, do: make(chan func())}
	if p.pub, err = feed.NewPublisher(at("feed-in.sock"), "manager", feed.PublisherOptions{}); err != nil {
		t.Fatal(err)
	}
	server, err := control.NewServer(control.ServerOptions{Endpoint: at("control-daemons.sock"), Name: "manager", Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	server.Handle(control.CmdSnapshot, control.Typed(p.snapshot))
	server.Handle(control.CmdRelaunch, control.Typed(p.relaunch))

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, 3)
	for _, run := range []func(context.Context) error{b.Run, server.Run, p.run} {
		go func() {
			_ = run(ctx) // told to end by the context
			ended <- struct{}{}
		}()
	}
	t.Cleanup(func() {
		cancel()
		for range 3 {
			<-ended
		}
		_ = p.pub.Close()
		_ = server.Close()
	})
	return p
}

// run is the manager's loop: it owns launches.
func (p *played) run(ctx context.Context) error {
	started := time.Now()
	beat := time.NewTicker(200 * time.Millisecond)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-p.do:
			f()
		case <-beat.C:
			p.pub.Publish(feed.StreamDaemon, feed.Heartbeat{Name: "manager", Started: started, Every: 200 * time.Millisecond})
		}
	}
}

// in runs f in the loop and waits for it.
func (p *played) in(ctx context.Context, f func()) {
	done := make(chan struct{})
	select {
	case p.do <- func() { f(); close(done) }:
		<-done
	case <-ctx.Done():
	}
}

func (p *played) snapshot(ctx context.Context, _ control.Request, _ struct{}) (any, error) {
	s := feed.Snapshot{Source: "manager", Checklist: "PLOTS: {forecast: done}\n"}
	p.in(ctx, func() {
		s.Epoch, s.Seq = p.pub.Position()
		s.Launches = append(s.Launches, p.launches...)
	})
	return s, nil
}

func (p *played) relaunch(ctx context.Context, r control.Request, a control.RelaunchArgs) (any, error) {
	var l launch.Launch
	p.in(ctx, func() { l = p.put(launch.Running, "relaunch of "+fmt.Sprint(a.Launch)) })
	return l, nil
}

// put adds a launch; in the loop only.
func (p *played) put(state launch.State, cause string) launch.Launch {
	now := time.Now().UTC()
	l := launch.Launch{
		ID: int64(len(p.launches) + 1), NextWorker: launch.NextWorker{Module: "nowcast.workers.make_plots", Args: []string{"nemo", "forecast"}, Host: "localhost"},
		State: state, Cause: cause, Decided: now, Started: &now, PID: 4711,
	}
	p.launches = append(p.launches, l)
	p.pub.Publish(feed.StreamLaunch, []launch.Launch{l})
	p.pub.Log(feed.LogRecord{Time: now, Name: "manager", Message: "launching make_plots"})
	return l
}

// end ends the last launch; in the loop only.
func (p *played) end(state launch.State, note string) {
	now := time.Now().UTC()
	l := &p.launches[len(p.launches)-1]
	l.State, l.Note, l.Ended = state, note, &now
	p.pub.Publish(feed.StreamLaunch, []launch.Launch{*l})
}

// terminal is a tmux server of our own with one window.
type terminal struct {
	t      *testing.T
	socket string
}

func (s *terminal) tmux(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-u", "-f", "/dev/null", "-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// patience is how long a screen may take: the machine may be busy.
const patience = time.Minute

// sees waits until the screen has a text, and not another one if that is given.
func (s *terminal) sees(text string, not ...string) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for poll := time.NewTicker(50 * time.Millisecond); ; <-poll.C {
		screen := s.tmux("capture-pane", "-p", "-t", "console")
		if strings.Contains(screen, text) && (len(not) == 0 || !strings.Contains(screen, not[0])) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the screen does not have %q, or has %q:\n%s", text, not, screen)
		}
	}
}

func (s *terminal) press(keys ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys", "-t", "console"}, keys...)...)
}

// build builds programs into dir.
func build(t *testing.T, dir string, packages ...string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"build", "-o", dir + "/"}, packages...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
}

// open opens the console that was built into dir, in a terminal that ends with the test.
func open(t *testing.T, dir, config string, width, height int) *terminal {
	t.Helper()
	term := &terminal{t, filepath.Join(dir, "tmux")}
	term.tmux("new-session", "-d", "-s", "console", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height),
		filepath.Join(dir, "nowcast-tui")+" "+config+"; echo exit code $?; cat")
	t.Cleanup(func() { term.tmux("kill-server") })
	return term
}

// An operator's morning: the console is there before the daemons, sees a launch fail, reads its log, relaunches it, quits.
func TestTheConsoleInARealTerminal(t *testing.T) {
	dir, err := os.MkdirTemp("", "nc") // short: unix sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := writeConfig(t, dir)
	build(t, dir, "nowcast/cmd/nowcast-tui")
	term := open(t, dir, config, 100, 30)
	term.sees("not connected: ")
	term.sees("is `nowcastd up` running")

	manager := play(t, dir)
	term.sees("manager ok", "not connected")
	manager.in(t.Context(), func() { manager.put(launch.Running, "download_results: success") })
	term.sees("● running   make_plots")
	manager.in(t.Context(), func() { manager.end(launch.Crashed, "exited with status 1 and no report") })
	term.sees("✗ crashed   make_plots")
	term.sees("exited with status 1 and no report")

	term.press("3")
	term.sees("launching make_plots")
	term.press("/", "launching", "Enter")
	term.sees("log of all, INFO and above, /launching")

	term.press("1", "r")
	term.sees("Launch make_plots nemo forecast on localhost again?")
	term.press("y")
	term.sees("launched as 2: make_plots nemo forecast on localhost")
	term.press("2")
	term.sees("PLOTS")
	term.press("q")
	term.sees("exit code 0")
}
