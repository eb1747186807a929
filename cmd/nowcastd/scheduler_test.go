package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
)

// newScheduled is a system that has not written its schedule yet.
func newScheduled(t *testing.T) (s *system, schedule func(entries ...string)) {
	t.Helper()
	s = newAny(t)
	base := s.read("nowcast.yaml")
	return s, func(entries ...string) {
		s.write("nowcast.yaml", base+"scheduled workers:\n  - "+strings.Join(entries, "\n  - ")+"\n")
	}
}

// soon is a second of the minute some seconds ahead, as an entry has it.
func soon(in time.Duration) (at string, due time.Time) {
	due = time.Now().Add(in).Truncate(time.Second)
	return due.Format(":05"), due
}

func every(minuteAt, args string) string {
	return fmt.Sprintf("any: {every: minute, at: %q, cmd line opts: %q}", minuteAt, args)
}

// entry is what the scheduler says about an entry, empty if it does not answer.
func (s *system) entry(id string) (found feed.ScheduleEntry) {
	s.t.Helper()
	out, code := s.run("schedule", "--json", s.config)
	if code != 0 {
		return found
	}
	var all []feed.ScheduleEntry
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		s.t.Fatal(err)
	}
	for _, e := range all {
		if e.ID == id {
			found = e
		}
	}
	return found
}

// ran waits until an entry has a run for a due time, and returns it.
func (s *system) ran(id string, due time.Time) (run feed.ScheduleRun) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("a run of %s, due at %v", id, due), func() bool {
		runs := s.entry(id).Runs
		i := slices.IndexFunc(runs, func(r feed.ScheduleRun) bool { return r.Due.Equal(due) })
		if i >= 0 {
			run = runs[i]
		}
		return i >= 0
	})
	return run
}

func (s *system) launchedAt(due time.Time) (all []launch.Launch) {
	for _, l := range s.status().Launches {
		if !l.Decided.Before(due) && l.Decided.Before(due.Add(50*time.Second)) {
			all = append(all, l)
		}
	}
	return all
}

func TestAScheduledWorkerIsLaunchedWhenItIsDue(t *testing.T) {
	s, schedule := newScheduled(t)
	at, due := soon(3 * time.Second)
	schedule(every(at, "echo one"), every(at, "echo two"))
	s.start("broker")
	s.start("manager")
	s.start("scheduler")
	first, second := s.ran("any", due), s.ran("any#2", due)
	l := s.reaches(first.Launch, "over", func(l launch.Launch) bool { return l.State.Final() })
	if l.Cause != "launch by scheduler" || !slices.Equal(l.Args, []string{"echo", "one"}) || second.Launch != first.Launch+1 {
		t.Errorf("got launch %+v and then %d, want the first and the second entry, one after the other", l, second.Launch)
	}
	if late := l.Started.Sub(due); late < 0 || late > 2*time.Second {
		t.Errorf("started %v after it was due", late)
	}
	s.logged(t, 0, "INFO [scheduler] running in process ")
	s.logged(t, 0, fmt.Sprintf("INFO [scheduler] any is launched as launch %d", first.Launch))
	if got := s.must("schedule", s.config); !strings.HasPrefix(got, "ENTRY  WHEN ") || !strings.Contains(got, "\nany#2  every minute at "+at+" ") {
		t.Errorf("got the schedule\n%s", got)
	}
}

func TestAManagerThatIsDownAtTheDueTimeLaunchesOnceWhenItIsBack(t *testing.T) {
	s, schedule := newScheduled(t)
	s.start("broker")
	manager := s.start("manager")
	manager.Process.Kill()
	manager.Wait()
	at, due := soon(3 * time.Second)
	schedule(every(at, "true"))
	s.start("scheduler")
	s.eventually("the wait for the manager", func() bool { return strings.Contains(s.entry("any").Problem, "waits for the manager") })
	s.logged(t, 0, "WARNING [scheduler] any is launched late, as soon as the manager answers")
	s.start("manager")
	run := s.ran("any", due)
	if run.Launch == 0 || !strings.Contains(run.Note, "the manager did not answer until ") {
		t.Errorf("got the run %+v, want a launch with a note", run)
	}
	if all := s.launchedAt(due); len(all) != 1 {
		t.Errorf("got %d launches, want one: %+v", len(all), all)
	}
	if got := s.entry("any").Problem; got != "" {
		t.Errorf("got the problem %q after the launch", got)
	}
}

func TestASchedulerThatIsKilledBetweenAskingAndRecordingLaunchesOnce(t *testing.T) {
	s, schedule := newScheduled(t)
	s.start("broker")
	manager := s.start("manager")
	at, due := soon(3 * time.Second)
	schedule(every(at, "true"))
	scheduler := s.start("scheduler")
	t.Cleanup(func() { manager.Process.Signal(syscall.SIGCONT) }) // or it could not be stopped
	manager.Process.Signal(syscall.SIGSTOP)                       // it takes the question and answers when nobody is there to hear it
	s.eventually("the intention on disk", func() bool { return strings.Contains(s.read(".nowcast/schedule.json"), `"pending"`) })
	scheduler.Process.Kill()
	scheduler.Wait()
	manager.Process.Signal(syscall.SIGCONT)
	s.status()
	s.start("scheduler")
	run := s.ran("any", due)
	if run.Launch == 0 || !strings.Contains(run.Note, "asked again after a restart of the scheduler") {
		t.Errorf("got the run %+v, want a launch, asked for again", run)
	}
	if all := s.launchedAt(due); len(all) != 1 || all[0].ID != run.Launch {
		t.Errorf("got the launches %+v, want %d only", all, run.Launch)
	}
}

func TestWhatFellDueWhileTheSchedulerWasDown(t *testing.T) {
	s, schedule := newScheduled(t)
	at, due := soon(3 * time.Second)
	missed := func(what string) string {
		return strings.Replace(every(at, "echo "+what), "}", ", missed: "+what+"}", 1)
	}
	schedule(missed("run"), missed("skip"), missed("report"))
	s.start("broker")
	s.start("manager")
	s.start("scheduler").stop()
	s.eventually("the due time", func() bool { return time.Now().After(due) })
	s.start("scheduler")
	if run := s.ran("any", due); run.Launch == 0 || run.Note != "the scheduler was down" {
		t.Errorf("missed: run: got %+v, want a launch", run)
	}
	for id, note := range map[string]string{"any#2": "the scheduler was down", "any#3": "the scheduler was down; reported"} {
		if run := s.ran(id, due); run.Launch != 0 || run.Note != note {
			t.Errorf("%s: got %+v, want no launch and the note %q", id, run, note)
		}
	}
	s.logged(t, 0, "INFO [scheduler] 1 due time of any#2 passed while the scheduler was down", "left out")
	s.logged(t, 0, "WARNING [scheduler] 1 due time of any#3 passed while the scheduler was down", "nowcastd schedule run CONFIG any#3")
	if all := s.launchedAt(due); len(all) != 1 || all[0].Args[1] != "run" {
		t.Errorf("got the launches %+v, want that of missed: run", all)
	}
}

func TestAnOperatorHoldsAndRunsEntriesAndAReloadChangesThem(t *testing.T) {
	s, schedule := newScheduled(t)
	at, due := soon(5 * time.Second)
	schedule(every(at, "echo held"), "late: {every: fortnight}", "any: {cron: 15 5 * * *, timezone: America/Vancouver, cmd line opts: echo now}")
	up := s.up()
	s.eventually("the scheduler", func() bool { return s.entry("any").ID != "" })
	s.try(t, example{args: words("schedule hold CONFIG any"), stdout: "any is held\n"})
	s.try(t, example{args: words("schedule run CONFIG any#2"), stdout: "launch 1 of any echo now was requested\n"})
	s.try(t, example{args: words("schedule run CONFIG nobody"), code: exitFailed, stderr: `the schedule has no entry "nobody": it has any, late, any#2`})
	s.try(t, example{args: words("schedule run CONFIG"), code: exitUsage, stderr: "usage: nowcastd schedule run "})
	got := s.try(t, example{args: words("schedule CONFIG"), stdout: `late: CONFIG:`})
	for _, text := range []string{`every: is "fortnight", which is no unit`, "cron 15 5 * * * America/Vancouver", " held ", "asked for by "} {
		if !strings.Contains(got.stdout, text) {
			t.Errorf("got the schedule\n%s\nwant it to contain %q", got.stdout, text)
		}
	}
	if l := s.reaches(1, "known", func(launch.Launch) bool { return true }); !strings.HasPrefix(l.Cause, "launch by ") || strings.HasSuffix(l.Cause, "scheduler") {
		t.Errorf("got the cause %q, want the operator", l.Cause)
	}
	if run := s.ran("any", due); run.Launch != 0 || !strings.HasPrefix(run.Note, "held by ") {
		t.Errorf("got the run %+v, want none, held", run)
	}
	s.try(t, example{args: words("schedule resume CONFIG any"), stdout: "any is due next at "})

	before := len(s.read("nowcast.log"))
	at, due = soon(4 * time.Second)
	schedule("late: {every: day, at: '05:15'}", every(at, "echo new"))
	up.Process.Signal(syscall.SIGHUP)
	if run := s.ran("any", due); run.Launch != 2 {
		t.Errorf("got the run %+v, want launch 2", run)
	}
	if e := s.entry("late"); e.Problem != "" || e.Next.IsZero() {
		t.Errorf("got %+v, want an entry without a problem", e)
	}
	if e := s.entry("any#2"); e.ID != "" {
		t.Errorf("got %+v, which is not in the configuration any more", e)
	}
	s.logged(t, before, "INFO [scheduler] schedule: any#2 is gone")
	before = len(s.read("nowcast.log"))
	good := s.read("nowcast.yaml")
	schedule("late: [")
	up.Process.Signal(syscall.SIGHUP)
	s.logged(t, before, "ERROR [scheduler] the configuration in use stays in use")
	s.write("nowcast.yaml", good) // commands read it too
	if s.entry("any").ID == "" {
		t.Error("the schedule is gone after a configuration that cannot be read")
	}
}

func TestAHoldSurvivesAKillAndEditsOfTheSchedule(t *testing.T) {
	s, schedule := newScheduled(t)
	var entries []string
	for i, what := range []string{"first", "SECOND", "third"} {
		entries = append(entries, fmt.Sprintf("any: {every: day, at: '0%d:00', cmd line opts: echo %s}", i+1, what))
	}
	schedule(entries...)
	s.start("broker")
	scheduler := s.start("scheduler")
	held := func(id, want string) {
		t.Helper()
		s.eventually(fmt.Sprintf("%s, the only one that is held, as %s", want, id), func() bool {
			var all []feed.ScheduleEntry
			out, code := s.run("schedule", "--json", s.config)
			if code != 0 || json.Unmarshal([]byte(out), &all) != nil {
				return false
			}
			var got []string
			for _, e := range all {
				if e.Held {
					got = append(got, e.ID+" "+e.Worker.Args[1])
				}
			}
			return slices.Equal(got, []string{id + " " + want})
		})
	}
	s.eventually("the scheduler", func() bool { return s.entry("any").ID != "" })
	s.must("schedule", "hold", s.config, "any#2")
	scheduler.Process.Kill()
	scheduler.Wait()
	scheduler = s.start("scheduler")
	held("any#2", "SECOND")

	schedule(entries[1:]...)
	scheduler.Process.Signal(syscall.SIGHUP)
	held("any", "SECOND")
	scheduler.stop()
	schedule(entries...)
	scheduler = s.start("scheduler")
	held("any#2", "SECOND")

	schedule(entries[0], entries[2])
	scheduler.Process.Signal(syscall.SIGHUP)
	s.logged(t, 0, "WARNING [scheduler] the hold by ", " of any#2 (any echo SECOND, every day at 02:00) has ended")
	if e := s.entry("any#2"); e.Held || e.Worker.Args[1] != "third" {
		t.Errorf("got %+v, want third, not held", e)
	}
}
