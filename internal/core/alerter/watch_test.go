package alerter

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

func TestTheDailyMessageIsDueOnceADayWhateverTheClockDoes(t *testing.T) {
	zone, err := time.LoadLocation("America/Vancouver")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	for _, c := range []struct {
		name     string
		at       config.ClockTime
		from, to time.Time
		want     []string // local times, if it is looked every minute
	}{
		{"on a usual day", config.ClockTime{Hour: 8}, time.Date(2026, 7, 1, 0, 0, 0, 0, zone), time.Date(2026, 7, 3, 0, 0, 0, 0, zone), []string{"07-01 08:00", "07-02 08:00"}},
		{"at a time that does not exist", config.ClockTime{Hour: 2, Minute: 30}, time.Date(2026, 3, 7, 0, 0, 0, 0, zone), time.Date(2026, 3, 10, 0, 0, 0, 0, zone),
			[]string{"03-07 02:30", "03-08 03:00", "03-09 02:30"}},
		{"at a time that exists twice", config.ClockTime{Hour: 1, Minute: 30}, time.Date(2026, 10, 31, 0, 0, 0, 0, zone), time.Date(2026, 11, 3, 0, 0, 0, 0, zone),
			[]string{"10-31 01:30", "11-01 01:30", "11-02 01:30"}},
		{"that passed while nobody looked", config.ClockTime{Hour: 8}, time.Date(2026, 7, 1, 9, 17, 0, 0, zone), time.Date(2026, 7, 2, 0, 0, 0, 0, zone), []string{"07-01 09:17"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			last := ""
			for now := c.from; now.Before(c.to); now = now.Add(time.Minute) {
				if date, due := dailyDue(&c.at, last, began, now, zone); due {
					last = date
					got = append(got, now.In(zone).Format("01-02 15:04"))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	now := time.Date(2026, 7, 1, 9, 0, 0, 0, zone)
	eight := &config.ClockTime{Hour: 8}
	if _, due := dailyDue(eight, "2031-01-01", began, now, zone); !due {
		t.Error("a clock that was years ahead keeps it from being sent")
	}
	if _, due := dailyDue(eight, "2026-07-01", began, now.Add(-24*time.Hour), zone); due {
		t.Error("the clock was set back a day, and it is sent again")
	}
	if _, due := dailyDue(eight, "", now.Add(-time.Minute), now, zone); due {
		t.Error("it is sent on the day on which the alerter first runs, though the time has passed")
	}
	if _, due := dailyDue(nil, "", began, now, zone); due {
		t.Error("it is sent though nobody wants it")
	}
}

func TestAClockThatIsSetIsAnAlertForAnHour(t *testing.T) {
	w := writer{zone: time.UTC}
	wall, run := time.Date(2026, 11, 22, 5, 40, 0, 0, time.UTC), time.Duration(0)
	var c clock
	look := func(d, step time.Duration) finding {
		wall, run = wall.Add(d+step), run+d
		got, f := c.look(wall, run, w)
		if f.alert != nil && got != step {
			t.Errorf("got a step of %v, want %v", got, step)
		}
		return f
	}
	look(time.Second, 0)
	if f := look(time.Second, 50*time.Second); f.alert != nil {
		t.Errorf("NTP's small steps are said: %+v", f.alert)
	}
	f := look(time.Second, -time.Hour)
	if f.alert == nil || !strings.HasPrefix(f.alert.Message, "the clock of this host was set back by 1h0m: from Sun 22 Nov 05:40:53 UTC to Sun 22 Nov 04:40:53 UTC") {
		t.Errorf("got %+v", f.alert)
	}
	if f := look(59*time.Minute, 0); f.key != "" {
		t.Errorf("it is over after 59 minutes: %+v", f)
	}
	if f := look(2*time.Minute, 0); f.key != keyClock || f.alert != nil {
		t.Errorf("it is not over after an hour: %+v", f)
	}
	if f := look(time.Second, 2*time.Hour); f.alert == nil || !strings.Contains(f.alert.Message, "forward by 2h0m, or this host was asleep") {
		t.Errorf("got %+v", f.alert)
	}
}

func TestAfterAClockIsSetBackNothingWaitsForHours(t *testing.T) {
	now := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	s := newState(now)
	later := now.Add(time.Hour)
	a := trouble(1)
	a.Time = later
	s.observe(later, raised(a), func(string, string) bool { return true })
	s.queue("x").add(note{Key: "k"})
	s.queue("x").Next = later
	s.clockWasSet(now, time.Hour)
	if _, at := s.Incidents[0].next(timing{grace: grace}); at.After(now.Add(grace)) {
		t.Errorf("it is told at %v, not within the grace", at)
	}
	if s.queue("x").take(now, 30) == nil {
		t.Error("the queue waits")
	}
}

func TestAClockThatIsSetBackNeitherDelaysNorDoublesAnAlarm(t *testing.T) {
	for _, down := range []bool{true, false} {
		bubble(t, fmt.Sprintf("while the alerter is down: %t", down), func(t *testing.T, w *world) {
			back := atomic.Int64{}
			began := time.Now()
			w.o.Now = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
			w.o.Elapsed = func() time.Duration { return time.Since(began) }
			w.start()
			w.pass(2 * time.Hour)
			told := trouble(1)
			told.ID = 0 // as another daemon's: only its times tell it from others
			w.set(func() { w.others["scheduler"] = []engine.Alert{told} })
			w.managers(trouble(2), false)
			w.pass(time.Minute)
			w.managers(over(trouble(2), "it is well"), false)
			w.set(func() { w.others["scheduler"] = []engine.Alert{over(told, "it is well")} })
			w.managers(trouble(3), false)
			w.pass(time.Minute)
			if got := w.got(); len(got) != 5 {
				t.Fatalf("got %q", got)
			}
			w.managers(trouble(6), false)
			w.pass(time.Second) // not told yet
			if down {
				w.stop()
			}
			back.Store(int64(time.Hour))
			if down {
				w.start()
			}
			w.pass(15 * time.Second)
			want := []string{"begun worker crashed: run_NEMO 6ns"} // and nothing old
			if !down {
				want = append(want, "begun clock step")
			}
			w.wants(want...)
			a := trouble(4)
			a.Time = w.o.Now()
			w.managers(a, false)
			w.pass(15 * time.Second)
			w.wants("begun worker crashed: run_NEMO 4ns")
			w.pass(40 * time.Second)
			a.Ended = new(time.Time)
			*a.Ended = w.o.Now()
			w.managers(a, false)
			w.pass(15 * time.Second)
			w.wants("ended over: worker crashed: run_NEMO 4ns")
			short := trouble(5)
			short.Time, short.Ended = w.o.Now(), a.Ended
			w.managers(short, false)
			w.pass(15 * time.Second)
			w.wants("begun was and is over: worker crashed: run_NEMO 5ns")
		})
	}
}

func TestADiskThatIsNearlyFull(t *testing.T) {
	const free = 2_000_000_000
	for _, c := range []struct {
		name                   string
		left, files, filesLeft int64
		want                   string // beginning of the alert; "fine"; or "" neither
	}{
		{"is told", free - 1, 0, 0, "the disk of /d has only 2.0 GB of 50 GB left (disk free: 2.0 GB)"},
		{"is not fine again at once", free + 1, 0, 0, ""},
		{"is fine again with a tenth more", free + free/10 + 1, 1e6, 5e5, "fine"},
		{"has few files left", 40e9, 1e6, 999, "the disk of /d has room for only 999 more files"},
		{"is small", 40e9, 100, 50, "fine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			for _, f := range diskFinding("/d", c.left, 50e9, c.files, c.filesLeft, free) {
				if got = "fine"; f.alert != nil {
					got = f.alert.Message
				}
			}
			if !strings.HasPrefix(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	dir := t.TempDir()
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	if all := lookAtDisks(diskJob{[]string{dir, sub, filepath.Join(dir, "none")}, 1 << 62}); len(all) != 1 || all[0].alert == nil {
		t.Errorf("got %+v, want one alert for the one disk", all)
	}
}

func TestADiskThatHangsIsToldAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		w := diskWatch{jobs: make(chan diskJob, 1), look: func(diskJob) []finding { <-hang; return nil }}
		found := make(chan []finding)
		go w.run(t.Context(), found)
		w.jobs <- diskJob{dirs: []string{"/net"}}
		if all := <-found; len(all) != 1 || all[0].alert == nil || all[0].alert.Kind != "disk hangs" {
			t.Errorf("got %+v", all)
		}
		close(hang)
		if all := <-found; len(all) != 1 || all[0].alert != nil || all[0].key != keyDisks {
			t.Errorf("got %+v, want that it answers again", all)
		}
	})
}

func TestADiskThatTakesForeverToWriteIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var writes atomic.Int64
		s := saver{write: func(string, []byte) error { writes.Add(1); <-hang; return nil }}
		if err := s.save(nil); err != errHangs {
			t.Errorf("got %v", err)
		}
		if err := s.save(nil); err != errHangs || writes.Load() != 1 {
			t.Errorf("got %v and %d writes at once, want 1", err, writes.Load())
		}
		close(hang)
		synctest.Wait()
		if err := s.save(nil); err != nil || writes.Load() != 2 {
			t.Errorf("got %v after it answers again", err)
		}
	})
}

func TestWhatFollowsFromWhat(t *testing.T) {
	alert := func(source, key, kind, because, message string) feed.Raised {
		return feed.Raised{Source: source, Alert: engine.Alert{Key: key, Kind: kind, Because: because, Message: message}}
	}
	silent := alert(Name, DaemonKey("manager"), "daemon down", "", "")
	died := alert(sourceSupervisor, DaemonKey("manager"), "daemon died", "", "")
	waiting := alert(sourceBroker, "x", kindNoManager, "", "")
	store := alert("manager", "state store", kindStateStore, engine.DiskFull, "nothing is acknowledged: database or disk is full (13)")
	disk := alert(Name, "disk /d", kindDiskLow, "", "")
	for _, c := range []struct {
		name string
		open []feed.Raised
		want []int
	}{
		{"nothing from nothing", []feed.Raised{silent, disk}, []int{0, 1}},
		{"silence from death", []feed.Raised{silent, died}, []int{1, 1}},
		{"a chain", []feed.Raised{waiting, silent, died}, []int{2, 2, 2}},
		{"waiting from the store from the disk", []feed.Raised{waiting, store, disk}, []int{2, 2, 2}},
		{"what it names, of its own daemon", []feed.Raised{alert("manager", "b", "", "a", ""), alert("scheduler", "a", "", "", ""), alert("manager", "a", "", "", "")}, []int{2, 1, 2}},
		{"what a full disk does to the others", []feed.Raised{alert(sourceBroker, "j", kindJournal, engine.DiskFull, ""), alert("manager", "log file x", kindLogFile, "", "x cannot be written: no space left on device"), disk}, []int{2, 2, 2}},
		{"a request that is held", []feed.Raised{alert(sourceBroker, "u", kindUnanswered, "", ""), alert("manager", "c", kindClearWaits, "", "")}, []int{1, 1}},
		{"a full disk that nobody watches", []feed.Raised{store, waiting}, []int{0, 0}},
		{"what it names is not open", []feed.Raised{alert("manager", "b", "", "a", "")}, []int{0}},
		{"one reload, refused by all", []feed.Raised{alert("scheduler", "not reloaded", kindNotReloaded, "", ""), alert("manager", "not reloaded", kindNotReloaded, "", "")}, []int{1, 1}},
	} {
		if got := roots(c.open); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	circle := roots([]feed.Raised{alert("m", "a", "", "b", ""), alert("m", "b", "", "a", "")})
	if len(circle) != 2 {
		t.Errorf("got %v", circle)
	}
}

func TestATextSaysWhatHappenedAndWhatToDo(t *testing.T) {
	w := writer{host: "salish", config: "/sys/nowcast.yaml", zone: time.UTC}
	began, last := time.Date(2026, 11, 22, 5, 31, 0, 0, time.UTC), time.Date(2026, 11, 22, 5, 40, 1, 0, time.UTC)
	r := &record{Incident: feed.Incident{ID: 12, Source: "manager", Alert: engine.Alert{Time: began, Kind: "worker crashed", Launch: 17, Count: 3, Last: &last,
		Message: "run_NEMO forecast: exit status 1\nTraceback", Offer: "kill", Args: []byte(`{"launch":17}`)}},
		Followers: []feed.Raised{{Alert: engine.Alert{Kind: "barrier waits", Message: "for run_NEMO"}}}}
	subject, text := w.incident(begun, r)
	want := `Worker crashed: run_NEMO forecast: exit status 1
Traceback
host salish, manager, since Sun 22 Nov 05:31:00 UTC, 3 times, last Sun 22 Nov 05:40:01 UTC
- so: barrier waits: for run_NEMO
to do: nowcastd kill /sys/nowcast.yaml 17; nowcastd logs --launch 17 /sys/nowcast.yaml
I take care of it: nowcastd alerts ack /sys/nowcast.yaml 12
`
	if subject != "worker crashed: run_NEMO forecast: exit status 1" || text != want {
		t.Errorf("got %q\n%s\nwant\n%s", subject, text, want)
	}
}
