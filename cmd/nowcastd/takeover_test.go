package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/store/storetest"
)

// A standby with a directory of its own was started with --ignore-checklist, long ago, and has the checklist of another manager there.
func TestAStandbyThatTakesOverGoesOnWithTheRunningDay(t *testing.T) {
	active := newAny(t)
	active.write("nowcast.yaml", active.read("nowcast.yaml")+"state: "+storetest.Postgres(t, false).Database()+"\n")
	active.start("broker")
	first := active.start("manager")
	standby := *active
	standby.dir = shortDir(t)
	standby.config = filepath.Join(standby.dir, "nowcast.yaml")
	for _, file := range []string{"nowcast.yaml", "next_workers.star"} {
		standby.write(file, active.read(file))
	}
	standby.write("checklist.yaml", "forecast of March: {day: 2026-03-01}\n")
	standby.start("manager", "--ignore-checklist")
	standby.logged(t, 0, "standing by for ")
	active.must("send", active.config, "any", "success", "{day: 2031-05-17}")
	first.Process.Kill()
	first.Wait()
	active.must("send", active.config, "any", "success", "{tide: high}") // answered by the one that has taken over
	want := mapping(t, "any: {day: 2031-05-17, tide: high}")
	standby.eventually("the checklist of the day", func() bool {
		got, err := pyyaml.Decode([]byte(standby.read("checklist.yaml")))
		return err == nil && pyyaml.Equal(got, want)
	})
	standby.logged(t, 0, "WARNING [manager] --ignore-checklist is not done: this manager stood by for ")
	kept, _ := filepath.Glob(filepath.Join(standby.dir, "checklist.yaml.replaced-*"))
	if len(kept) != 1 {
		t.Fatalf("kept: %q, want one", kept)
	}
	standby.logged(t, 0, "WARNING [manager] the checklist file ", "1 key (forecast of March) new", "kept as "+kept[0])
}

// What was forgotten with the state directory is an alert that also the next start of the daemons does not end, and no launch gets the number
// of one that is forgotten and may run.
func TestAStateDirectoryThatWasMovedAwayIsAnAlert(t *testing.T) {
	s := newSystem(t, operateWorkers, operateRules)
	up := s.up()
	if l := s.launch("sleep", "--sleep-time", "0"); l.ID != 1 {
		t.Fatalf("got launch %d, want 1", l.ID)
	}
	s.must("send", s.config, "any", "success", "{tide: high}")
	s.reachesState(1, launch.Succeeded)
	if err := os.Rename(filepath.Join(s.dir, ".nowcast"), filepath.Join(s.dir, "moved")); err != nil {
		t.Fatal(err)
	}
	s.must("send", s.config, "any", "success", "{tide: low}") // the manager finds out and is started again
	if err := up.stop(); err != nil {
		t.Fatalf("up: %v\n%s", err, up.output)
	}
	s.up()
	told := alerts(s.status(), "state damaged")
	if len(told) != 1 || !strings.Contains(told[0], "but the state database knows messages up to 0 only") {
		t.Errorf("got the alerts %q, want one about the messages that are forgotten", told)
	}
	if l := s.launch("sleep", "--sleep-time", "0"); l.ID < 1000 {
		t.Errorf("got launch %d, want a number that cannot have been given", l.ID)
	}
	if got, want := mapping(t, s.must("checklist", s.config)), "low"; !strings.Contains(pyyaml.Repr(got), want) {
		t.Errorf("got the checklist %s, want %s in it", pyyaml.Repr(got), want)
	}
}
