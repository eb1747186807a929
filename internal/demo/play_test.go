package demo

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/launcher"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
)

// playSpeed makes the day last about six seconds.
const playSpeed = 3000

// stage is where a day is played with real processes: the manager of rules_test.go on a real socket.
type stage struct {
	*manager
	cfg      *config.Config
	running  []*exec.Cmd
	launches []launch.Launch
	count    int // messages
}

// TestTheDayPlaysItself starts a stand-in for each launch, on this host and through the played ssh, and answers what they
// send, from the first message to the last.
func TestTheDayPlaysItself(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "standin"), "../../workers/standin").CombinedOutput(); err != nil {
		t.Fatalf("build the stand-in: %v\n%s", err, out)
	}
	file, env, err := Prepare(dir, testdata, bin, playSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range env {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{manager: newManager(t, cfg), cfg: cfg}
	conn, err := wire.Open(wire.Options{Kind: wire.Router, Bind: []string{wire.TCP("127.0.0.1", cfg.ZMQ.WorkersPort)}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer s.stop()
	day := load(t).Day
	s.handle(day.First())
	s.serve(conn, len(day.Steps))
	if differences := Compare(day, s.launches, now); len(differences) > 0 {
		t.Errorf("got these differences: %v", differences)
	}
	s.silentOnesStopQuietly()
}

// serve answers until all messages of the day have come.
func (s *stage) serve(conn *wire.Conn, want int) {
	deadline := time.After(2 * time.Minute)
	for s.count < want {
		select {
		case batch := <-conn.Receive():
			for _, frames := range batch {
				m, err := message.Decode(frames[2], message.DefaultLimit)
				if err != nil {
					s.t.Fatal(err)
				}
				reply := message.Message{Source: message.ManagerName, Type: s.handle(m)}
				if err := conn.Send(wire.Frames{frames[0], frames[1], reply.Encode()}); err != nil {
					s.t.Fatal(err)
				}
			}
		case <-deadline:
			s.t.Fatalf("got %d messages in time, want %d", s.count, want)
		}
	}
}

func (s *stage) handle(m message.Message) (reply string) {
	s.count++
	reply, next := s.receive(m)
	for _, n := range next {
		argv, err := launcher.Argv(s.cfg, "", n)
		if err != nil {
			s.t.Fatal(err)
		}
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		s.running = append(s.running, cmd)
		s.launches = append(s.launches, launch.Launch{NextWorker: n})
	}
	return reply
}

// silentOnesStopQuietly sends the stand-ins that have nothing to report the signal by which a system is stopped.
func (s *stage) silentOnesStopQuietly() {
	for i, cmd := range s.running {
		_ = cmd.Process.Signal(syscall.SIGTERM) // those that reported have ended, or are about to
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		stop()
		cancel()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
			continue // told before it listened, or while it was going
		}
		if err != nil {
			s.t.Errorf("%v: got %v, want exit status 0", s.launches[i].NextWorker, err)
		}
	}
}

func (s *stage) stop() {
	for _, cmd := range s.running {
		if cmd.ProcessState == nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		}
	}
}
