package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"nowcast/internal/faults"
)

var schedulerFaults = []fault{
	{15, "who is needed is down at the due time", 4, downWhenDue},
}

// Numbers of the launches of entries, by what is to be done about due times that were missed.
var missed = map[string]int{"run": 9_000_001, "skip": 9_000_002, "report": 9_000_003}

// downWhenDue has three entries fall due while the scheduler, the manager, the broker or all of them are down. What nobody could look
// after is done about as the entry says; what the scheduler knew of is launched, once, when the others are back.
func downWhenDue(t *testing.T, r *rand.Rand, n int) *faults.Report {
	var entries strings.Builder
	entries.WriteString("scheduled workers:\n")
	for what, number := range missed {
		entries.WriteString(scheduled(number, "every: day, at: '05:15', missed: "+what))
	}
	due := time.Date(2026, 7, 1, 5, 15, 0, 0, time.UTC)
	all := &faults.Report{}
	for i := range n {
		s := newTimed(t, time.Until(due.Add(-time.Hour)), "UTC", entries.String())
		b, m := s.Keep("broker", nil), s.Keep("manager", nil)
		launches := 3
		switch i % 4 {
		case 0, 1: // the scheduler; all
			sch := s.Keep("scheduler", nil)
			s.Once()
			sch.Stop()
			if i%4 == 1 {
				m.Stop()
				b.Stop()
			}
			s.set(time.Until(due) + time.Second + upTo(r, 10*time.Minute))
			if i%4 == 1 {
				s.Keep("broker", nil)
				s.Keep("manager", nil)
			}
			s.Keep("scheduler", nil)
			launches = 1
		case 2, 3: // the manager; the broker
			s.Once()
			down, name := m, "manager"
			if i%4 == 3 {
				down, name = b, "broker"
			}
			down.Stop()
			s.set(time.Until(due) - 3*time.Second) // the scheduler is to be there by then
			s.Keep("scheduler", nil)
			s.Eventually("the due time", func() bool { return strings.Contains(s.Read(".nowcast/schedule.json"), `"pending"`) })
			time.Sleep(upTo(r, 300*time.Millisecond))
			s.Keep(name, nil)
		}
		all.Add(wasDown(s, launches))
	}
	return all
}

// wasDown says whether what was due has led to that many launches, and the others to what their entries say.
func wasDown(s *timed, launches int) *faults.Report {
	s.Eventually("the launches", func() bool {
		n := 0
		for _, number := range missed {
			n += len(launched(s.World, number))
		}
		return n >= launches
	})
	s.Once()
	report := s.Finish()
	for what, number := range missed {
		want := 1
		if launches == 1 && what != "run" {
			want = 0
		}
		if got := len(launched(s.World, number)); got != want {
			report.Broken = append(report.Broken, fmt.Sprintf("missed: %s: got %d launches, want %d\n%s", what, got, want, s.Read(".nowcast/schedule.json")))
		}
	}
	// I8: what nobody has launched and nobody has said to leave out, an operator is told, with the offer to launch it.
	if told := strings.Contains(s.Read(".nowcast/schedule.json"), `"schedule missed"`); told != (launches == 1) {
		report.Broken = append(report.Broken, fmt.Sprintf("I8: an alert about a missed launch: got %v, want %v", told, launches == 1))
	}
	return report
}
