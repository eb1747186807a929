package manager

import (
	"testing"

	"nowcast/internal/core/control"
	"nowcast/internal/core/launch"
)

// Were the signal sent first and the manager killed, the next one would find a worker that somebody ended, and repeat it.
func TestWhoKillsIsDurableBeforeTheSignal(t *testing.T) {
	w := newWorld(t)
	w.start(false)
	if r := w.do(control.CmdLaunch, `{"module":"w.awaken"}`); !r.OK {
		t.Fatal(r.Error)
	}
	w.eventually("the start", w.launchIs(1, launch.Running))
	w.processes.kill = func() {
		if by := w.store.launch(1).KilledBy; by != "sue@host" {
			t.Errorf("at the signal the store has it killed by %q, want sue@host", by)
		}
	}
	if r := w.do(control.CmdKill, `{"launch":1,"signal":"TERM"}`); !r.OK {
		t.Fatal(r.Error)
	}
	if w.count("kill 1001 TERM") != 1 {
		t.Error("no signal was sent")
	}
	w.store.mu.Lock()
	w.store.fail = 2
	w.store.mu.Unlock()
	if r := w.do(control.CmdKill, `{"launch":1,"signal":"KILL"}`); r.OK {
		t.Error("a kill that could not be recorded was carried out")
	}
	if w.count("kill 1001 KILL") != 0 {
		t.Error("a signal was sent though it could not be recorded who asked for it")
	}
}
