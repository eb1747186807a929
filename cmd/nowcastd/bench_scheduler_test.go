package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/feed"
)

// BenchmarkScheduler measures how late workers start that are due at a second: 200 due times, three at a time, through scheduler,
// broker and manager, with all that is made durable on the way. The reference looks once a minute, so it is up to 60 s late.
func BenchmarkScheduler(b *testing.B) {
	for b.Loop() {
		s := newSystem(b, strings.ReplaceAll(anyWorkers, "./any.sh", "/bin/true"), anyRules)
		var entries strings.Builder
		const abreast, minute, atLeast = 3, 60, 200
		for second := range minute {
			for range abreast {
				fmt.Fprintf(&entries, "  - any: {every: minute, at: ':%02d'}\n", second)
			}
		}
		s.write("nowcast.yaml", s.read("nowcast.yaml")+"scheduled workers:\n"+entries.String())
		s.start("broker")
		s.start("manager")
		began := time.Now()
		scheduler := s.start("scheduler")
		s.waits(b, began.Add((atLeast/abreast+3)*time.Second))
		if err := scheduler.stop(); err != nil {
			b.Fatal(err)
		}
		s.measureLateness(b, atLeast)
	}
}

// waits waits for a time, which is what is measured here.
func (s *system) waits(b *testing.B, until time.Time) {
	b.Helper()
	<-time.After(time.Until(until))
}

func (s *system) measureLateness(b *testing.B, atLeast int) {
	b.Helper()
	var started, asked []time.Duration
	due := map[int64]time.Time{}
	text, err := os.ReadFile(filepath.Join(s.dir, ".nowcast/schedule.json"))
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range runsOf(b, text) {
		due[r.Launch] = r.Due
	}
	for _, l := range s.status().Launches {
		when, ok := due[l.ID]
		if !ok || l.Started == nil {
			b.Fatalf("launch %+v belongs to no due time, or has no process", l)
		}
		started, asked = append(started, l.Started.Sub(when)), append(asked, l.Decided.Sub(when))
	}
	if len(started) < atLeast {
		b.Fatalf("got %d launches, want %d", len(started), atLeast)
	}
	p99 := ms(percentile(started, 99))
	logClaims(b, claim{fmt.Sprintf("%d due times, p99 late", len(started)), "20 ms",
		fmt.Sprintf("%.1f ms", p99), "the reference: 60 s", p99 < 20})
	b.ReportMetric(ms(percentile(asked, 50)), "ms-asked-p50")
	b.ReportMetric(ms(percentile(asked, 99)), "ms-asked-p99")
	b.ReportMetric(ms(percentile(started, 50)), "ms-late-p50")
	b.ReportMetric(p99, "ms-late-p99")
	b.ReportMetric(ms(percentile(started, 100)), "ms-late-max")
}

// runsOf returns the runs that the scheduler's state has.
func runsOf(b *testing.B, text []byte) (all []feed.ScheduleRun) {
	b.Helper()
	var state struct {
		Entries []struct{ Runs []feed.ScheduleRun }
	}
	if err := json.Unmarshal(text, &state); err != nil {
		b.Fatal(err)
	}
	for _, e := range state.Entries {
		all = append(all, e.Runs...)
	}
	return all
}
