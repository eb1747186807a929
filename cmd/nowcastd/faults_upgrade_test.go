package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/faults"
)

var upgradeFaults = []fault{
	{23, "the state of the version before", 1, oldState},
	{23, "the program is replaced while workers run", 1, replaced},
}

// oldState starts this version on the state that the version before left (testdata/state-version-1: four reports, three launches that have
// succeeded, one that runs, an open barrier). The worker that runs has its process: it is adopted, and its end is seen.
func oldState(t *testing.T, r *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for range n {
		w := newWorld(t, nil)
		dir := filepath.Dir(w.StateFile("x"))
		if err := errors.Join(os.Mkdir(dir, 0o700), copyFile("testdata/state-version-1/state.db", w.StateFile("state.db")),
			copyFile("testdata/state-version-1/checklist.yaml", filepath.Join(filepath.Dir(w.Config), "checklist.yaml"))); err != nil {
			t.Fatal(err)
		}
		worker := exec.Command("sleep", "1000")
		worker.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
		if err := worker.Start(); err != nil {
			t.Fatal(err)
		}
		runs(t, w.StateFile("state.db"), 4, worker.Process.Pid)
		w.Write("starts", `{"number":"9001","launch":1,"pid":1}
{"number":"9002","launch":2,"pid":2}
{"number":"9003","launch":3,"pid":3}
`)
		w.Keep("broker", nil)
		m := w.Keep("manager", nil)
		w.Once()
		if l := launchNumber(w, 4); l.State != launch.Running || l.PID != worker.Process.Pid {
			t.Errorf("the worker that runs: got %s, process %d, want that it is adopted", l.State, l.PID)
		}
		if log := w.Read("nowcast.log"); !strings.Contains(log, "open since before the start: barrier 1, opened by reporter: success") || strings.Contains(log, "CRITICAL") {
			t.Errorf("got log\n%s\nwant the open barrier, and nothing lost", log)
		}
		worker.Process.Kill()
		worker.Wait()
		w.Eventually("its end", func() bool { return launchNumber(w, 4).State.Final() })
		report := w.Finish()
		report.Broken = append(report.Broken, ended(m)...)
		if good := report.States[launch.Succeeded]; good != 4 || report.Launches != 5 {
			report.Broken = append(report.Broken, fmt.Sprintf("got %d launches, %s; want 5, all but one succeeded", report.Launches, report.Outcomes()))
		}
		all.Add(report)
	}
	return all
}

// runs makes it so that the process of a launch in a database of version 1 is this one.
func runs(t *testing.T, file string, id int64, pid int) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	start := string(bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])[19])
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE launch SET record = json_set(record, '$.pid', ?, '$.pid_start', CAST(? AS INTEGER)) WHERE id = ?", pid, start, id); err != nil {
		t.Fatal(err)
	}
}

func launchNumber(w *faults.World, id int64) *launch.Launch {
	for _, l := range w.Launches() {
		if l.ID == id {
			return l
		}
	}
	return &launch.Launch{}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// replaced puts another file in the place of the program while everything runs, as a package manager does, and then has daemons end: one
// by one, and all with their supervisor. Workers that run meanwhile are adopted and succeed.
func replaced(t *testing.T, r *rand.Rand, n int) *faults.Report {
	var program string
	w := newWorld(t, func(o *faults.Options) {
		program = filepath.Join(o.Dir, "nowcastd")
		if err := copyFile(o.Nowcastd, program); err != nil {
			t.Fatal(err)
		}
		o.Nowcastd = program
	})
	up := w.Keep("up", nil)
	load := orphans                  // the broker ends, too
	load.Patience = 20 * time.Second // a supervisor stops all daemons before another one starts them
	load.Pause = 50 * time.Millisecond
	load.How = []any{"sleep", "1500ms"}
	w.Report(load)
	for range n {
		serves(w)
		time.Sleep(upTo(r, 200*time.Millisecond))
		if err := errors.Join(copyFile(built(t), program+".new"), os.Rename(program+".new", program)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"manager", "broker"} {
			for _, pid := range processes(t, program+"\x00"+name+"\x00") {
				syscall.Kill(pid, syscall.SIGTERM)
			}
			serves(w)
		}
		endings := len(up.Endings())
		up.Signal(syscall.SIGTERM)
		w.Eventually("another supervisor", func() bool { return len(up.Endings()) > endings && up.Running() })
		serves(w)
	}
	return insistentAnswered(w.Finish())
}
