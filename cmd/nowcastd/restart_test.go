package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

func TestWorkersSurviveTheManagerAndAreAdopted(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"stopped": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			s := newAny(t)
			s.start("broker")
			manager := s.start("manager")
			gate, open := s.gate("gate")
			other, openOther := s.gate("other")
			reporting := s.reachesState(s.launch("any", "sh", "-c", "cat "+gate+`; exec "$NOWCASTD" send "$NOWCAST_CONFIG" any success '{after: restart}'`).ID, launch.Running)
			meanwhile := s.reachesState(s.launch("any", "cat", other).ID, launch.Running)
			manager.Process.Signal(signal)
			manager.Wait()
			openOther() // ends while nobody watches
			s.eventually("the end of the other worker", func() bool { return syscall.Kill(meanwhile.PID, 0) != nil })
			s.start("manager")
			l := s.reaches(reporting.ID, "the same process, running", func(l launch.Launch) bool { return l.State == launch.Running })
			if l.PID != reporting.PID || !l.Started.Equal(*reporting.Started) {
				t.Errorf("got process %d, started %v, want %d, %v", l.PID, l.Started, reporting.PID, reporting.Started)
			}
			gone := s.reaches(meanwhile.ID, "over", func(l launch.Launch) bool { return l.State.Final() })
			if gone.State != launch.Lost || gone.Exit == nil || *gone.Exit != 0 {
				t.Errorf("got %s (%s) with status %v, want a launch that ended with status 0 and no report", gone.State, gone.Note, gone.Exit)
			}
			open()
			l = s.reachesState(reporting.ID, launch.Succeeded)
			if l.LastReport() != "success" || l.Reports[0].Guess {
				t.Errorf("got the reports %+v, want a success of this launch", l.Reports)
			}
			v, _ := mapping(t, s.must("checklist", s.config)).Get("any")
			if want := pyyaml.MapOf("after", "restart"); !pyyaml.Equal(v, want) {
				t.Errorf("got the checklist %s, want %s", pyyaml.Encode(v), pyyaml.Encode(want))
			}
		})
	}
}

func TestTheChecklistSurvivesTheManager(t *testing.T) {
	s := newAny(t)
	s.start("broker")
	manager := s.start("manager")
	r := s.requester()
	for i := range 20 {
		ask(t, r, message.Message{Source: "any", Type: "success", Payload: pyyaml.MapOf(fmt.Sprint("key ", i), int64(i))})
	}
	before := s.must("checklist", s.config)
	manager.Process.Kill()
	manager.Wait()
	s.start("manager")
	if got := s.must("checklist", s.config); got != before || strings.Count(got, "key ") != 20 {
		t.Errorf("got the checklist\n%s\nwant\n%s", got, before)
	}
}

func TestABrokerMayBeRestartedUnderARunningManager(t *testing.T) {
	s := newAny(t)
	broker := s.start("broker")
	s.start("log-aggregator")
	s.start("manager")
	r := s.requester()
	for i := range 3 {
		if got := ask(t, r, message.Message{Source: "any", Type: "success", Payload: int64(i)}); got.Type != message.Ack {
			t.Errorf("round %d: got %+v, want ack", i, got)
		}
		l := s.launch("any", "sh", "-c", `exec "$NOWCASTD" send "$NOWCAST_CONFIG" any success`)
		s.reachesState(l.ID, launch.Succeeded)
		if i == 1 {
			broker.Process.Kill()
			broker.Wait()
		} else {
			broker.stop()
		}
		if out, code := s.run("send", "--timeout", "100ms", s.config, "any", "success"); code != exitNobody {
			t.Errorf("send without a broker: got %d, %q, want %d", code, out, exitNobody)
		}
		broker = s.start("broker")
		s.eventually("an answer of the manager", func() bool { _, code := s.run("status", s.config); return code == 0 })
		s.eventually("an answer of the log aggregator", func() bool { _, code := s.run("logs", s.config); return code == 0 })
	}
}

var startedAs = regexp.MustCompile(`started (\S+) as process (\d+)`)

// children returns the process of each daemon that the supervisor started last.
func (d *child) children() map[string]int {
	pids := map[string]int{}
	for _, m := range startedAs.FindAllStringSubmatch(d.output.String(), -1) {
		pids[m[1]], _ = strconv.Atoi(m[2])
	}
	return pids
}

func TestUpStartsAKilledDaemonAgain(t *testing.T) {
	s := newAny(t)
	up := s.up()
	s.eventually("all daemons", func() bool { return strings.Contains(up.output.String(), "all daemons are up") })
	r := s.requester()
	gate, open := s.gate("gate")
	worker := s.reachesState(s.launch("any", "cat", gate).ID, launch.Running)
	for _, name := range []string{"manager", "broker", "log-aggregator"} {
		old := up.children()[name]
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatalf("kill %s, process %d: %v", name, old, err)
		}
		s.eventually("another "+name, func() bool { return up.children()[name] != old })
		if got := ask(t, r, message.Message{Source: "any", Type: "success", Payload: name}); got.Type != message.Ack {
			t.Errorf("after %s was killed: got %+v, want ack", name, got)
		}
		s.eventually("answers of manager and log aggregator", func() bool {
			_, status := s.run("status", s.config)
			_, logs := s.run("logs", s.config)
			return status == 0 && logs == 0
		})
		if !strings.Contains(up.output.String(), name+" ended (signal: killed); starting it again at once") {
			t.Errorf("got the output\n%s\nwant a line that %s was killed", up.output, name)
		}
	}
	s.reachesState(worker.ID, launch.Running)
	if err := up.stop(); err != nil {
		t.Errorf("up ended with %v, want exit status 0\n%s", err, up.output)
	}
	for name, pid := range up.children() {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("%s, process %d, is still there", name, pid)
		}
	}
	if left := processes(t, s.dir+"/"); !slices.Equal(left, []int{worker.PID}) {
		t.Errorf("got the processes %v, want only the worker, %d", left, worker.PID)
	}
	open()
}

// Barriers outlive a restart and an operator's edit of the checklist, but not another manager's day: they would hold back what its
// workers ask for.
func TestBarriersAreClosedAfterAnotherManager(t *testing.T) {
	edit := func(s *system) { s.write("checklist.yaml", "edited: true\n"+s.read("checklist.yaml")) }
	for _, c := range []struct {
		name   string
		change func(*system)
		args   []string
		closed bool
	}{
		{name: "a restart", change: func(*system) {}},
		{name: "an edit that leaves the last line", change: edit},
		{name: "another manager", change: func(s *system) { s.write("checklist.yaml", "other: {day: 2}\n") }, closed: true},
		{name: "--ignore-checklist", change: func(*system) {}, args: []string{"--ignore-checklist"}, closed: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newAny(t)
			s.write("next_workers.star", `
def after_any(msg, config, checklist):
    if msg.payload == "open":
        return [], ["any"]
    return []
`)
			s.start("broker")
			manager := s.start("manager")
			r := s.requester()
			ask(t, r, message.Message{Source: "any", Type: "success", Payload: "open"})
			if n := len(s.status().Barriers); n != 1 {
				t.Fatalf("got %d barriers, want 1", n)
			}
			manager.stop()
			c.change(s)
			before := len(s.read("nowcast.log"))
			s.start(append([]string{"manager"}, c.args...)...)
			status := s.status()
			closed := alerts(status, "barrier closed")
			if got := len(status.Barriers) == 0; got != c.closed || len(closed) == 1 != c.closed {
				t.Errorf("got %d barriers and the alerts %q, want closed: %v", len(status.Barriers), closed, c.closed)
			}
			if c.closed {
				s.logged(t, before, "WARNING [manager] barrier 1, opened by any: success at ", "waits for any and holds nothing; it is closed")
			} else {
				s.logged(t, before, "INFO [manager] open since before the start: barrier 1, opened by any: success at ")
			}
		})
	}
}
