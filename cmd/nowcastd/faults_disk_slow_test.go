package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/kind"
	"nowcast/internal/faults"
)

// diskSlow has each fsync of the database take a second or more, and one longer than the manager finds right: acknowledgements come late,
// questions are answered meanwhile, an alert says why, and nothing is lost. It is the tracer that holds up the thread that syncs.
func diskSlow(t *testing.T, r *rand.Rand, n int) *faults.Report {
	log := filepath.Join(t.TempDir(), "trace")
	w := newWorld(t, func(o *faults.Options) { traceManager(t, o, log) })
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	alerts := watchAlerts(t, w, kind.StateStore)
	w.Report(patient)
	becomes := func(sync time.Duration) {
		t.Helper()
		if err := os.WriteFile(log+".new", []byte(sync.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(log+".new", log+".slow"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		serves(w)
		sync := 200 * time.Millisecond
		if os.Getenv("FAULTS_N") != "" {
			sync = time.Second + upTo(r, 2*time.Second)
		}
		becomes(sync)
		time.Sleep(100 * time.Millisecond) // what is on its way is through: from now on an acknowledgement takes a sync
		serves(w)
		acked, asked := w.Acked(), time.Now()
		w.Eventually("acknowledgements that were waited for", func() bool { return w.Acked() > acked+patient.Clients })
		if took := time.Since(asked); took < sync/2 {
			t.Errorf("acknowledged after %v, while a sync takes %v", took, sync)
		}
		becomes(5500 * time.Millisecond)
		w.Eventually("the alert", alerts.begun(i, "has not answered for 5 s"))
		asked = time.Now()
		if out, err := exec.Command(built(t), "status", "--json", w.Config).CombinedOutput(); err != nil || tooSlow(time.Since(asked), 4*time.Second) {
			t.Errorf("a question while the disk is slow took %v: %v\n%s", time.Since(asked), err, out)
		}
		becomes(0)
		w.Eventually("the end of the alert", alerts.over(i))
	}
	serves(w)
	report := allAnswered(w.Finish())
	report.Broken = append(report.Broken, ended(m)...)
	return report
}

// stateForbidden has somebody take away the right to read the state. The next manager says so, takes it for no damage and changes nothing;
// it serves as soon as it may.
func stateForbidden(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	w, _ := newNobodysWorld(t)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Report(patient)
	file := w.StateFile("state.db")
	for range n {
		serves(w)
		if err := os.Chmod(file, 0); err != nil {
			t.Fatal(err)
		}
		before := len(m.Endings())
		m.Kill()
		w.Eventually("a manager that ends", func() bool { return len(m.Endings()) > before })
		if log := w.Read("nowcast.log"); !strings.Contains(log, file+": ") || !strings.Contains(log, "check that the directory exists, and that this user may write to it and to the file") {
			t.Errorf("got log\n%s\nwant the file and what to do", log[max(0, len(log)-2000):])
		}
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		w.Eventually("a manager that serves", m.Ready)
		serves(w)
	}
	if aside, _ := filepath.Glob(file + ".damaged-*"); len(aside) > 0 {
		t.Errorf("the state was put aside as damaged: %v", aside)
	}
	return allAnswered(w.Finish())
}
