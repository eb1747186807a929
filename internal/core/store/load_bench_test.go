package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"nowcast/internal/core/store/storetest"
)

// BenchmarkLoad is a start with a past of 1,000,000 messages and 200,000 launches: less than a second is promised.
func BenchmarkLoad(b *testing.B) {
	file := filepath.Join(b.TempDir(), "state.db")
	s := storetest.Open(b, file)
	storetest.Fill(b, s, 1_000_000)
	s.Close()
	for b.Loop() {
		s := storetest.Open(b, file)
		storetest.Load(b, s)
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}

// BenchmarkPrune is one step of pruning there.
func BenchmarkPrune(b *testing.B) {
	s := storetest.Open(b, filepath.Join(b.TempDir(), "state.db"))
	storetest.Fill(b, s, 300_000)
	steps := 0
	for b.Loop() {
		if more, err := s.Prune(context.Background(), storetest.Day.Add(10_000*time.Hour), 1<<40, 100); err != nil {
			b.Fatal(err)
		} else if more {
			steps++
		}
	}
	b.ReportMetric(float64(steps)/float64(b.N), "useful")
}
