package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/faults"
)

var stateFaults = slices.Concat([]fault{
	{10, "the database is damaged while no manager runs", 5, damagedDatabase},
	{10, "its log (-wal) is damaged after a SIGKILL", 4, damagedLog},
	{10, "the database cannot be used, and is good again later", 2, unusableDatabase},
	{10, "the database is damaged under a manager of up", 1, damagedWhileRunning},
	{10, "the checklist file is damaged", 5, damagedChecklist},
	{10, "the files of the other daemons are damaged", 1, damagedFiles},
}, diskFaults, powerFaults, upgradeFaults)

// damage is something that happens to a file.
type damage struct {
	name string
	do   func(r *rand.Rand, file string) error
}

var damages = []damage{
	{"a page zeroed", func(r *rand.Rand, file string) error {
		return change(file, func(b []byte) []byte {
			at := r.IntN(len(b))
			clear(b[at:min(at+4096, len(b))])
			return b
		})
	}},
	{"cut", func(r *rand.Rand, file string) error {
		return change(file, func(b []byte) []byte { return b[:r.IntN(len(b))] })
	}},
	{"a bit flipped", func(r *rand.Rand, file string) error {
		return change(file, func(b []byte) []byte { b[r.IntN(len(b))] ^= 1 << r.IntN(8); return b })
	}},
	{"garbage", func(r *rand.Rand, file string) error {
		return change(file, func(b []byte) []byte {
			for i := range b {
				b[i] = byte(r.IntN(256))
			}
			return b
		})
	}},
	{"emptied", func(_ *rand.Rand, file string) error { return os.Truncate(file, 0) }},
}

func change(file string, how func([]byte) []byte) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, how(b), 0o600)
}

// damagedDatabase damages the database between two managers. The next one must come up and serve; what was lost, it must say. What
// is acknowledged after that is kept as always.
func damagedDatabase(t *testing.T, r *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for i := range n {
		all.Add(damaged(t, "state.db", func(m *faults.Daemon) { m.Stop() }, func(file string) error { return damages[i%len(damages)].do(r, file) }))
	}
	return all
}

// damagedLog is the same with what a killed manager leaves: most of the state is in the log then.
func damagedLog(t *testing.T, r *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for i := range n {
		all.Add(damaged(t, "state.db-wal", func(m *faults.Daemon) {
			m.Begone()
		}, func(file string) error { return damages[i%len(damages)].do(r, file) }))
	}
	return all
}

func damaged(t *testing.T, name string, end func(*faults.Daemon), do func(file string) error) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	for range 5 {
		w.Once()
	}
	w.Settle()
	before := lastNumbers(w)
	end(m)
	if err := do(w.StateFile(name)); err != nil {
		t.Fatal(err)
	}
	w.Forget() // what was acknowledged before may be lost: the disk has lost it
	again := w.Keep("manager", nil)
	for range 3 {
		w.Once()
	}
	w.Settle()
	w.Eventually("a manager that serves", again.Ready)
	aside, _ := filepath.Glob(w.StateFile("state.db.damaged-*"))
	log := w.Read("nowcast.log")
	told := strings.Contains(log, "CRITICAL [manager]")
	// SQLite takes a log that breaks off for one that ends there: then only the files of launches tell that something is gone.
	forgotten := strings.Contains(log, "there are files of launches up to")
	report := w.Finish()
	if (len(aside) > 0 || forgotten) != told {
		report.Broken = append(report.Broken, fmt.Sprintf("%s: put aside: %v; launches forgotten: %v; said in the log: %v", name, aside, forgotten, told))
	}
	// Damage of an index is met only when that is used: the manager ends then, and the next one repairs it.
	if met := min(1, len(aside)); len(again.Deaths()) > 0 || len(again.Endings()) > met {
		report.Broken = append(report.Broken, fmt.Sprintf("%s: the manager ended: %v", name, again.Endings()))
	}
	// Numbers of messages are known to have been given only to a salvage; those of launches from their files, too.
	if told {
		if len(aside) == 0 {
			before.message = 0
		}
		report.Broken = append(report.Broken, givenTwice(w, before)...)
	}
	return report
}

// numbers are of the newest message and launch.
type numbers struct{ message, launch int64 }

func lastNumbers(w *faults.World) (n numbers) {
	for _, m := range w.Messages() {
		n.message = max(n.message, m.ID)
	}
	for _, l := range w.Launches() {
		n.launch = max(n.launch, l.ID)
	}
	return n
}

// givenTwice returns what has a number that something else had before: in the same world three more were launched since, with
// reports of their own.
func givenTwice(w *faults.World, before numbers) (broken []string) {
	after := lastNumbers(w)
	if after.launch < before.launch+3 {
		broken = append(broken, fmt.Sprintf("launches have numbers up to %d again, after %d: output and history of two are one", after.launch, before.launch))
	}
	if after.message < before.message+3 {
		broken = append(broken, fmt.Sprintf("messages have numbers up to %d again, after %d", after.message, before.message))
	}
	return broken
}

// unusableDatabase has a database that a manager must not touch: of a newer version, or something that cannot be opened. The manager says
// so, and nothing is lost when it is as it was.
func unusableDatabase(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	file := w.StateFile("state.db")
	for i := range n {
		w.Once()
		w.Settle()
		m.Stop()
		if err := os.Rename(file, file+".good"); err != nil {
			t.Fatal(err)
		}
		want := "version 77"
		if i%2 == 0 {
			want = "this user may write to it"
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
		} else if err := newerDatabase(file, file+".good"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out, err := exec.CommandContext(ctx, built(t), "manager", w.Config).CombinedOutput()
		cancel()
		if err == nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), file) {
			t.Errorf("got %v\n%s\nwant that it is refused, with %q", err, out, want)
		}
		if err := errors.Join(os.RemoveAll(file), os.Rename(file+".good", file)); err != nil {
			t.Fatal(err)
		}
		m = w.Keep("manager", nil)
	}
	w.Once()
	return allSucceeded(w.Finish())
}

// newerDatabase makes a copy that a later version of this program has used.
func newerDatabase(file, of string) error {
	b, err := os.ReadFile(of)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (77, 1); DROP TABLE head") // whose columns it does not know
	return errors.Join(err, db.Close())
}

// damagedWhileRunning damages the database under a running manager: as soon as it meets the damage it ends, and the supervisor has
// started another one, which has repaired it, within a second.
func damagedWhileRunning(t *testing.T, r *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for range n {
		w := newWorld(t, nil)
		w.Keep("up", nil)
		for range 3 {
			w.Once()
		}
		w.Settle()
		w.Forget()                                                                  // the disk has lost what it likes
		for _, name := range []string{"state.db-shm", "state.db-wal", "state.db"} { // in place: it has them open
			if err := overwrite(w.StateFile(name), r); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		w.Once()
		took := time.Since(began)
		aside, _ := filepath.Glob(w.StateFile("state.db.damaged-*"))
		report := w.Finish()
		if len(aside) == 0 {
			report.Broken = append(report.Broken, "the damage was not met")
		}
		if tooSlow(took, 2*time.Second) {
			report.Broken = append(report.Broken, fmt.Sprintf("after damage it took %s until a report was acknowledged, and not 1 s", took))
		}
		all.Add(report)
	}
	return all
}

func overwrite(file string, r *rand.Rand) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	garbage := make([]byte, info.Size())
	for i := range garbage {
		garbage[i] = byte(r.IntN(256))
	}
	_, err = f.WriteAt(garbage, 0)
	return errors.Join(err, f.Close())
}

// damagedFiles damages what broker, scheduler and alerter keep, while nothing runs: each comes up, says so, and puts the file aside.
func damagedFiles(t *testing.T, r *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for range n {
		ways := append(damages[1:len(damages):len(damages)], damage{"a directory in its place", func(_ *rand.Rand, file string) error {
			return errors.Join(os.Remove(file), os.Mkdir(file, 0o700))
		}}) // a page zeroed may hit nothing
		for _, way := range ways {
			all.Add(damagedFilesBy(t, r, way))
		}
	}
	return all
}

func damagedFilesBy(t *testing.T, r *rand.Rand, way damage) *faults.Report {
	w := newWorld(t, func(o *faults.Options) {
		o.MoreSettings = "scheduled workers:\n  - recorder: {every: day, at: '23:59', args: ['7']}\n"
	})
	b := w.Keep("broker", nil)
	more := []*faults.Daemon{w.Keep("manager", nil), w.Keep("scheduler", nil), w.Keep("alerter", nil)}
	w.Once()
	files := []string{"requests.journal", "schedule.json", "alerts.json"}
	for _, file := range files {
		w.Eventually(file, func() bool { info, err := os.Stat(w.StateFile(file)); return err == nil && info.Size() > 0 })
	}
	b.Begone()
	for _, d := range more {
		d.Begone()
	}
	for _, file := range files {
		if err := way.do(r, w.StateFile(file)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"broker", "manager", "scheduler", "alerter"} {
		w.Keep(name, nil)
	}
	w.Once()
	report := allSucceeded(w.Finish())
	log := w.Read("nowcast.log")
	for _, file := range files {
		aside, _ := filepath.Glob(w.StateFile(file + ".damaged*"))
		if said := strings.Contains(log, file+".damaged"); said != (len(aside) > 0) {
			report.Broken = append(report.Broken, fmt.Sprintf("%s, %s: put aside: %v; said in the log: %v", file, way.name, aside, said))
		}
		if len(aside) == 0 && way.name == "garbage" {
			report.Broken = append(report.Broken, file+" was garbage, and nobody has met it")
		}
	}
	return report
}

// damagedChecklist damages the checklist file between two managers: nothing is lost, the database has it.
func damagedChecklist(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	file := filepath.Join(filepath.Dir(w.Config), "checklist.yaml")
	w.Once()
	for i := range n {
		w.Settle()
		m.Stop()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cut := map[int][]byte{0: b[:len(b)/2+r.IntN(len(b)/4)], 1: {}, 2: make([]byte, len(b)), 3: []byte("[\x00"), 4: nil}[i%5]
		if cut == nil {
			err = os.Remove(file)
		} else {
			err = os.WriteFile(file, cut, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		m = w.Keep("manager", nil)
		w.Once()
	}
	return allSucceeded(w.Finish())
}
