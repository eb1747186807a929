package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// systemdSocket listens as systemd does, and returns where and what it is told.
func systemdSocket(t *testing.T, dir string) (path string, told <-chan string) {
	t.Helper()
	path = filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	all := make(chan string, 1000)
	go func() {
		defer close(all)
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			all <- strings.TrimSpace(string(b[:n]))
		}
	}()
	return path, all
}

// hears waits until systemd is told something that begins so, and fails if it is told one of the others before.
func hears(t *testing.T, told <-chan string, want string, not ...string) {
	t.Helper()
	for deadline := time.After(60 * time.Second); ; {
		select {
		case text := <-told:
			if strings.HasPrefix(text, want) {
				return
			}
			for _, n := range not {
				if strings.HasPrefix(text, n) {
					t.Fatalf("systemd is told %q, want %s first", text, want)
				}
			}
		case <-deadline:
			t.Fatalf("systemd is not told %s", want)
		}
	}
}

func TestEachDaemonTellsSystemdHowItIs(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	for _, name := range []string{"broker", "log-aggregator", "manager", "scheduler", "up"} {
		t.Run(name, func(t *testing.T) {
			s := s
			if name == "broker" || name == "up" {
				s = newAny(t)
			}
			path, told := systemdSocket(t, shortDir(t))
			mine := *s
			mine.env = append(mine.env, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=300000")
			var d *child
			if name == "up" {
				d = mine.up()
			} else {
				d = mine.start(name)
			}
			hears(t, told, "READY=1", "STOPPING", "RELOADING")
			for range 3 {
				hears(t, told, "WATCHDOG=1", "STOPPING")
			}
			if name != "up" { // which has nothing of its own to reload
				d.Process.Signal(syscall.SIGHUP)
				hears(t, told, "RELOADING=1\nMONOTONIC_USEC=", "READY")
				hears(t, told, "READY=1", "STOPPING")
			}
			d.Process.Signal(syscall.SIGTERM)
			hears(t, told, "STOPPING=1", "READY")
			if err := d.Wait(); err != nil {
				t.Errorf("got %v\n%s", err, d.output)
			}
		})
	}
}

func TestADaemonWhoseLoopHangsDoesNotSayThatItWorks(t *testing.T) {
	path, told := systemdSocket(t, t.TempDir())
	t.Setenv("NOTIFY_SOCKET", path)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var hangs atomic.Bool
	asked := make(chan bool)
	alive := func(context.Context) error {
		if asked <- true; hangs.Load() {
			return errors.New("it hangs")
		}
		return nil
	}
	go watchdog(ctx, slog.New(slog.DiscardHandler), time.Millisecond, alive)
	<-asked
	hears(t, told, "WATCHDOG=1")
	hangs.Store(true)
	<-asked // may have looked before
	<-asked
	for len(told) > 0 {
		<-told
	}
	for range 5 {
		<-asked
	}
	if n := len(told); n > 0 {
		t.Errorf("systemd was told %d times that a loop works which does not answer", n)
	}
}

func TestWorkersAreNotTheDaemonForSystemd(t *testing.T) {
	s := newAny(t)
	path, _ := systemdSocket(t, s.dir)
	s.env = append(s.env, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=60000000")
	s.up()
	s.launch("any", "sh", "-c", "env > environment.tmp; mv environment.tmp environment")
	s.eventually("the worker's environment", func() bool { return s.read("environment") != "" })
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "NOWCAST_READY_FD"} {
		if env := s.read("environment"); strings.Contains(env, fmt.Sprint("\n", name, "=")) {
			t.Errorf("the worker has %s\n%s", name, env)
		}
	}
}
