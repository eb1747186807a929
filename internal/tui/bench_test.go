package tui

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/theme"
)

// busy is a console with 5000 launches, 20,000 log lines and a checklist of 20,000 entries.
func busy(b *testing.B) *Model {
	b.Helper()
	m := NewModel(link.New(b.Context(), nil, &callee{}), "nowcast.yaml on salish", theme.Options{}, zone)
	m.Update(tea.WindowSizeMsg{Width: 200, Height: 50})
	m.Update(link.Frame{Now: dawn})
	snap := feed.Snapshot{Source: link.Manager, Epoch: "one", Seq: map[string]uint64{}}
	for i := range 5000 {
		snap.Launches = append(snap.Launches, launch.Launch{
			ID: int64(i + 1), NextWorker: launch.NextWorker{Module: "nowcast.workers.make_plots", Args: []string{"nemo", "forecast", "publish"}, Host: "localhost"},
			State: launch.Succeeded, Cause: "download_results: success forecast2", Decided: *at(i - 6000), Started: at(i - 6000), Ended: at(i - 5900),
		})
	}
	for i := range 20_000 {
		snap.Checklist += fmt.Sprintf("key %05d: {name: value, other: 2}\n", i)
	}
	m.Update(link.Snapshot{Source: link.Manager, Snapshot: snap})
	m.Update(link.History{Records: lines(20_000, 0)})
	return m
}

func lines(n, from int) []feed.LogRecord {
	out := make([]feed.LogRecord, n)
	for i := range out {
		out[i] = feed.LogRecord{
			Time: dawn.Add(time.Duration(from+i) * time.Millisecond), Level: slog.LevelInfo, Name: "make_plots",
			Message: fmt.Sprintf("line %d: plots for 2031-05-17 written to /results/nowcast-sys/figures/forecast", from+i),
		}
	}
	return out
}

func BenchmarkView(b *testing.B) {
	m := busy(b)
	for p := range pages {
		b.Run(p.String(), func(b *testing.B) {
			m.Update(press(string(rune('1' + int(p)))))
			b.ReportAllocs()
			for b.Loop() {
				m.View()
			}
		})
	}
}

// A frame with a launch event, 1000 log lines and a checklist change, on each page.
func BenchmarkFrame(b *testing.B) {
	m := busy(b)
	s := &scene{seq: map[string]uint64{}, epoch: "one", now: dawn}
	for p := range pages {
		b.Run(p.String(), func(b *testing.B) {
			m.Update(press(string(rune('1' + int(p)))))
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				n++
				l := launch.Launch{ID: int64(5000 + n), NextWorker: launch.NextWorker{Module: "w.x", Host: "localhost"}, State: launch.Running, Decided: dawn}
				s.t = &testing.T{}
				events := []feed.Event{
					s.event(feed.StreamLaunch, []launch.Launch{l}),
					s.event(feed.StreamLog, lines(1000, 20_000+1000*n)),
					s.event(feed.StreamChecklist, []feed.ChecklistChange{{Op: "update", Author: "w", YAML: "key 00001: {name: other}\n"}}),
				}
				b.StartTimer()
				m.Update(link.Frame{Now: dawn.Add(time.Duration(n) * time.Second), Events: events})
			}
		})
	}
}

func BenchmarkKey(b *testing.B) {
	m := busy(b)
	for b.Loop() {
		m.Update(press("down"))
		m.View()
	}
}
