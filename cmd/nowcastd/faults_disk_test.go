package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/kind"
	"nowcast/internal/faults"
)

var diskFaults = []fault{
	{11, "the disk of the state is full for a while", 1, diskFull},
	{11, "the disk of the state gives errors for a while", 1, diskErrors},
	{11, "the disk of the state is read-only at the start", 1, diskReadOnly},
	{11, "the disk of the state is slow", 1, diskSlow},
	{11, "the state may not be read for a while", 1, stateForbidden},
}

// patient clients wait as long as no answer can be given.
var patient = faults.Load{Clients: 4, Insist: 2, Pause: 10 * time.Millisecond}

// smallDisk puts a file system of its own under the state directory, and returns false if this user may not.
func smallDisk(t *testing.T, w *faults.World, size string) bool {
	t.Helper()
	dir := filepath.Dir(w.StateFile("x"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := unix.Mount("nowcast-faults", dir, "tmpfs", 0, "mode=700,size="+size)
	if errors.Is(err, unix.EPERM) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Stop()
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return true
}

// diskFull fills the disk: nothing is acknowledged, the alert says why, and when there is room again everything goes on. Without the
// right to mount a small disk it is the limit on the size of files that is reached.
func diskFull(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	if !smallDisk(t, w, "16m") {
		t.Log("no right to mount a disk: with errors instead")
		return diskErrors(t, r, n)
	}
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	alerts := watchAlerts(t, w, kind.StateStore)
	w.Report(patient)
	for i := range n {
		serves(w)
		time.Sleep(upTo(r, 100*time.Millisecond))
		fill(t, w.StateFile("ballast"))
		w.Eventually("the alert", alerts.begun(i, "disk is full"))
		acked := w.Acked()
		time.Sleep(upTo(r, 500*time.Millisecond))
		if got := w.Acked(); got > acked+patient.Clients { // what was durable may still be on its way
			t.Errorf("%d reports were acknowledged while the disk was full", got-acked)
		}
		if err := os.Remove(w.StateFile("ballast")); err != nil {
			t.Fatal(err)
		}
		serves(w)
		w.Eventually("the end of the alert", alerts.over(i))
	}
	report := allAnswered(w.Finish())
	report.Broken = append(report.Broken, ended(m)...)
	return report
}

// fill writes until there is no room left.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("got %v, want a full disk", err)
	}
}

// diskErrors has each write to a file fail, by a limit on their size: the system call gives an error that no program expects, and a signal
// (SIGXFSZ) that ends a process which does nothing about it. The broker goes on without its journal, and says so.
func diskErrors(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	b := w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	alerts, journal := watchAlerts(t, w, kind.StateStore), watchAlerts(t, w, kind.Journal)
	w.Report(patient)
	for i := range n {
		serves(w)
		time.Sleep(upTo(r, 100*time.Millisecond))
		limitFiles(t, m, 1)
		w.Eventually("the alert", alerts.begun(i, "nothing is acknowledged"))
		time.Sleep(upTo(r, 500*time.Millisecond))
		limitFiles(t, m, unix.RLIM_INFINITY)
		serves(w)
		w.Eventually("the end of the alert", alerts.over(i))
		limitFiles(t, b, 1)
		w.Eventually("the alert about the journal", journal.last(true))
		serves(w)
		limitFiles(t, b, unix.RLIM_INFINITY)
		w.Eventually("the end of the alert about the journal", journal.last(false))
	}
	report := allAnswered(w.Finish())
	report.Broken = append(report.Broken, slices.Concat(ended(m), ended(b))...)
	return report
}

// limitFiles limits the size of the files that a daemon may write, while it runs.
func limitFiles(t *testing.T, d *faults.Daemon, size uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Prlimit(d.PID(), unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = min(size, limit.Max)
	if err := unix.Prlimit(d.PID(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}

// diskReadOnly starts daemons on a disk that is read-only, as after an error of the disk, while reports come. They serve as soon as it is not.
// (A disk in use becomes read-only only when it breaks, and then every write gives an error: see diskErrors.)
func diskReadOnly(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	if !smallDisk(t, w, "16m") {
		t.Log("no right to mount a disk: with errors instead")
		return diskErrors(t, r, n)
	}
	dir := filepath.Dir(w.StateFile("x"))
	b, m := w.Keep("broker", nil), w.Keep("manager", nil)
	load := patient
	load.Insist = load.Clients // the broker dies
	for range n {
		w.Report(load)
		serves(w)
		w.StopClients()
		w.Settle() // a worker that runs has files open
		m.Stop()
		b.Stop()
		remount(t, dir, syscall.MS_RDONLY)
		w.Report(load)
		b, m = w.Begin("broker", nil), w.Begin("manager", nil)
		w.Eventually("a manager that ends", func() bool { return len(m.Endings()) > 0 })
		if log := w.Read("nowcast.log"); !strings.Contains(log, "mount it for writing") {
			t.Errorf("got log\n%s\nwant what to do", log)
		}
		remount(t, dir, 0)
		w.Eventually("daemons that serve", func() bool { return b.Ready() && m.Ready() })
		serves(w)
	}
	serves(w)
	return insistentAnswered(w.Finish())
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := unix.Mount("nowcast-faults", dir, "tmpfs", unix.MS_REMOUNT|flags, "size=16m"); err != nil {
		t.Fatal(err)
	}
}

// ended says how often a daemon ended by itself, or died.
func ended(d *faults.Daemon) (broken []string) {
	if n := len(d.Deaths()); n > 0 {
		broken = append(broken, fmt.Sprintf("a process died %d times", n))
	}
	for _, how := range d.Endings() {
		broken = append(broken, "a process ended by itself: "+how)
	}
	return broken
}
