package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// good is the evidence of a world in which three reports were acknowledged and acted upon.
func good() *Evidence {
	e := &Evidence{Stored: pyyaml.NewMap(0)}
	cl := checklist.New(e.Stored)
	at := time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC)
	for n := 1; n <= 3; n++ {
		payload := pyyaml.MapOf("n", int64(n))
		body := message.Message{Source: "reporter", Type: "success", Payload: payload}.Encode()
		e.Messages = append(e.Messages, engine.Message{ID: int64(n), Source: "reporter", Type: "success", Reply: message.Ack, Op: checklist.Update, Key: "reporter", Body: body})
		cl.Apply(checklist.Change{Op: checklist.Update, Key: "reporter", Value: payload})
		e.Launches = append(e.Launches, &launch.Launch{ID: int64(10 + n), NextWorker: launch.NextWorker{Module: "recorder", Args: []string{fmt.Sprint(n)}}, State: launch.Succeeded, Message: int64(n), PID: 100 + n})
		e.Starts = append(e.Starts, Start{Number: fmt.Sprint(n), Launch: int64(10 + n), PID: 100 + n})
		e.Sent = append(e.Sent, Sent{Number: n, At: at, Acked: at.Add(time.Duration(n) * time.Second), Reply: message.Ack})
	}
	e.Stored = cl.Map()
	e.File = string(pyyaml.Encode(e.Stored))
	e.Deaths = []Death{{Daemon: "manager", At: at.Add(1500 * time.Millisecond), Back: at.Add(1600 * time.Millisecond)}}
	e.Gone = map[int64]time.Time{12: at}
	e.Seen = map[int64]time.Time{12: at.Add(7 * time.Millisecond)}
	e.Alerts = []engine.Alert{{Key: "launch recorder 11", Kind: "worker lost"}, {Key: "late launch 12", Kind: "late"},
		{Key: "barrier 1", Kind: "barrier waits", Because: "launch recorder 11"}}
	for i, a := range e.Alerts[:2] {
		e.Told = append(e.Told, Told{Key: fmt.Sprint("k", i), What: "begun", Incident: &feed.Incident{ID: int64(i), Source: "manager", Alert: a}})
	}
	e.Told = append(e.Told, e.Told[0]) // it comes again, with its key
	return e
}

// lateReport adds a report of launch 13, after 14 has taken its place.
func lateReport(e *Evidence, op checklist.Op) {
	next := *e.Launches[2]
	next.ID, next.Attempt, next.Parent, next.Decided = 14, 2, 13, time.Date(2031, 5, 17, 5, 41, 0, 0, time.UTC)
	e.Launches[2].Superseded = 14
	e.Launches = append(e.Launches, &next)
	e.Starts = append(e.Starts, Start{Number: "3", Launch: 14, PID: 114})
	payload := pyyaml.MapOf("launch", int64(13))
	e.Messages = append(e.Messages, engine.Message{ID: 4, Time: next.Decided.Add(time.Second), Source: "recorder", Type: "success", Reply: message.Ack, Op: op, Key: "recorder",
		Body: message.Message{Source: "recorder", Type: "success", Payload: payload}.Encode()})
	if op != "" {
		e.Stored.Set("recorder", payload)
		e.File = string(pyyaml.Encode(e.Stored))
	}
}

func TestALateReportThatChangesNothingIsRight(t *testing.T) {
	e := good()
	lateReport(e, "")
	if r := Check(*e); len(r.Broken) > 0 || r.Late != 1 {
		t.Errorf("got %+v, want one late report and nothing broken", r)
	}
}

func TestKeptPromisesAreFoundKept(t *testing.T) {
	r := Check(*good())
	if len(r.Broken) > 0 {
		t.Errorf("got %q, want nothing broken", r.Broken)
	}
	if r.Acked != 3 || r.Launches != 3 || r.Kills != 1 || r.Lost+r.Duplicated+r.InDoubt+r.Unanswered != 0 {
		t.Errorf("got %+v", r)
	}
	if len(r.Recovery) != 1 || r.Recovery[0] != 500*time.Millisecond {
		t.Errorf("got recovery %v, want 0.5 s: the first answer after the new process began", r.Recovery)
	}
	if len(r.Detection) != 1 || r.Detection[0] != 7*time.Millisecond {
		t.Errorf("got detection %v, want 7 ms", r.Detection)
	}
}

func TestEachBrokenPromiseIsFound(t *testing.T) {
	for name, tc := range map[string]struct {
		forge            func(*Evidence)
		want             string
		lost, duplicated int
	}{
		"an acknowledged report is not in the store": {
			forge: func(e *Evidence) {
				e.Sent = append(e.Sent, Sent{Number: 9, Reply: message.Ack, Acked: time.Now()})
			}, want: "I1: report 9 was acknowledged and is not in the store", lost: 1,
		},
		"a report is stored twice": {
			forge: func(e *Evidence) {
				twice := e.Messages[1]
				twice.ID = 7
				again := *e.Launches[1]
				again.ID, again.Message = 17, 7
				e.Messages, e.Launches = append(e.Messages, twice), append(e.Launches, &again)
				e.Starts = append(e.Starts, Start{Number: "2", Launch: 17, PID: 107})
			}, want: "I1: report 2 is in the store 2 times, as messages [2 7]", duplicated: 1,
		},
		"a report has launched nothing": {
			forge: func(e *Evidence) { e.Launches, e.Starts = e.Launches[:2], e.Starts[:2] },
			want:  "I1: report 3, message 3, has launched nothing", lost: 1,
		},
		"an answer that never came is no loss, but what was stored must be acted upon": {
			forge: func(e *Evidence) {
				e.Sent[2].Reply, e.Sent[2].Acked = "", time.Time{}
				e.Launches, e.Starts = e.Launches[:2], e.Starts[:2]
			}, want: "I1: report 3, message 3, has launched nothing", lost: 1,
		},
		"a report has two launches": {
			forge: func(e *Evidence) {
				again := *e.Launches[0]
				again.ID = 20
				e.Launches = append(e.Launches, &again)
				e.Starts = append(e.Starts, Start{Number: "1", Launch: 20, PID: 120})
			}, want: "I2: report 1, message 1, has launched 2 workers", duplicated: 2, // of the report, and of the worker
		},
		"a launch has two processes": {
			forge: func(e *Evidence) { e.Starts = append(e.Starts, Start{Number: "1", Launch: 11, PID: 999}) },
			want:  "I2: launch 11 had 2 processes: [101 999]", duplicated: 1,
		},
		"a process has no record": {
			forge: func(e *Evidence) { e.Starts = append(e.Starts, Start{Number: "1", Launch: 77, PID: 999}) },
			want:  "I2: process 999 ran for launch 77, which is not in the store", duplicated: 1,
		},
		"a process had the arguments of another": {
			forge: func(e *Evidence) { e.Starts[0].Number = "3" },
			want:  "I2: process 101 of launch 11 had the number 3",
		},
		"a launch with the wrong number": {
			forge: func(e *Evidence) { e.Launches[0].Args = []string{"8"}; e.Starts[0].Number = "8" },
			want:  "I2: report 1 has launched recorder 8",
		},
		"a success without a process": {
			forge: func(e *Evidence) { e.Starts = e.Starts[1:] },
			want:  "I2: launch 11 succeeded and no process of it began",
		},
		"a launch that does not end": {
			forge: func(e *Evidence) { e.Launches[0].State = launch.Running },
			want:  "I3: launch 11 (recorder 1 on ) is running",
		},
		"a barrier that released twice": {
			forge: func(e *Evidence) {
				for id := range int64(2) {
					e.Launches = append(e.Launches, &launch.Launch{ID: 30 + id, NextWorker: launch.NextWorker{Module: "released", Host: launch.Localhost}, State: launch.Succeeded, Message: 40})
				}
			}, want: "I5: launches 30 and 31 are both released because of message 40", duplicated: 1,
		},
		"a checklist that is not what was acknowledged": {
			forge: func(e *Evidence) { e.Stored = pyyaml.MapOf("reporter", pyyaml.MapOf("n", int64(2))) },
			want:  "I6: the messages make the checklist",
		},
		"a file that is behind": {
			forge: func(e *Evidence) { e.File = "reporter:\n  n: 2\n" },
			want:  "I6: the checklist file has",
		},
		"a file that is cut": {
			forge: func(e *Evidence) { e.File = "reporter: {n: " },
			want:  "I6: the checklist file: ",
		},
		"a worker whose death nobody was told": {
			forge: func(e *Evidence) { delete(e.Seen, 12) },
			want:  "I3: nobody was told that launch 12 is over",
		},
		"a late report changes the checklist": {
			forge: func(e *Evidence) { lateReport(e, checklist.Update) },
			want:  `I4: message 4 came from launch 13 after launch 14 had taken its place, and has changed "recorder" in the checklist`,
		},
		"a late report launches something": {
			forge: func(e *Evidence) {
				lateReport(e, "")
				e.Launches = append(e.Launches, &launch.Launch{ID: 15, NextWorker: launch.NextWorker{Module: "after"}, State: launch.Succeeded, Message: 4})
			}, want: "I4: message 4 came from launch 13 after launch 14 had taken its place, and has launched 15, after",
		},
		"nobody was told of an alert": {
			forge: func(e *Evidence) { e.Told = append(e.Told[:1], e.Told[2:]...) },
			want:  `I8: nobody was told of the alert "late" about late launch 12`, lost: 1,
		},
		"somebody was told twice": {
			forge: func(e *Evidence) { again := e.Told[0]; again.Key = "k9"; e.Told = append(e.Told, again) },
			want:  "I8: begun manager launch recorder 11 was told 2 times, with different keys", duplicated: 1,
		},
		"a report that was refused": {
			forge: func(e *Evidence) { e.Sent[0].Reply = "unregistered worker" },
			want:  `report 1 was answered with "unregistered worker"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := good()
			tc.forge(e)
			r := Check(*e)
			if got := strings.Join(r.Broken, "\n"); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if r.Lost != tc.lost || r.Duplicated != tc.duplicated {
				t.Errorf("got %d lost and %d duplicated, want %d and %d: %q", r.Lost, r.Duplicated, tc.lost, tc.duplicated, r.Broken)
			}
		})
	}
}

func TestWhatIsInDoubtIsCountedAndNotBroken(t *testing.T) {
	e := good()
	e.Launches[0].State, e.Launches[0].PID = launch.Lost, 0
	e.Starts = e.Starts[1:]
	if r := Check(*e); r.InDoubt != 1 || len(r.Broken) > 0 {
		t.Errorf("got %+v, want one in doubt", r)
	}
}

func TestARetryIsNoSecondLaunch(t *testing.T) {
	e := good()
	again := *e.Launches[0]
	again.ID, again.Attempt, again.Parent = 20, 2, 11
	e.Launches = append(e.Launches, &again)
	e.Starts = append(e.Starts, Start{Number: "1", Launch: 20, PID: 120})
	if r := Check(*e); len(r.Broken) > 0 {
		t.Errorf("got %q, want nothing broken", r.Broken)
	}
}

func TestQuantiles(t *testing.T) {
	var all []time.Duration
	for n := 100; n > 0; n-- {
		all = append(all, time.Duration(n)*time.Millisecond)
	}
	if p50, p99, none := quantile(all, 0.5), quantile(all, 0.99), quantile(nil, 0.5); p50 != "51ms" || p99 != "100ms" || none != "-" {
		t.Errorf("got %s, %s, %s", p50, p99, none)
	}
}
