package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/store"
	"nowcast/internal/faults"
)

var powerFaults = []fault{{12, "power cut: what was not synced is gone", 25, powerCut}}

// powerCut traces a manager under load, and then looks at what the disk would have had after a power cut between any two of its writes to
// the database: what it had synced, any sectors of the rest. Each acknowledged report must be there, and nothing may be damaged. What it
// does not prove: that the disk keeps what it says it has synced.
func powerCut(t *testing.T, r *rand.Rand, n int) *faults.Report {
	log := filepath.Join(t.TempDir(), "trace")
	w := newWorld(t, func(o *faults.Options) { traceManager(t, o, log) })
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Report(clients)
	w.Eventually("enough reports", func() bool { return w.Acked() > 60 })
	sent := w.StopClients()
	w.Settle()
	m.Stop() // which copies the log into the database
	events, err := faults.ReadDisk(log)
	if err != nil || len(events) < 100 {
		t.Fatalf("got %d events: %v", len(events), err)
	}
	report := w.Finish()
	for range n {
		cut := r.IntN(len(events) - 1)
		report.Kills++
		for _, problem := range afterPowerCut(t, events[:cut+1], r, ackedBefore(sent, events[cut+1].Time)) {
			report.Lost++
			report.Broken = append(report.Broken, fmt.Sprintf("power cut after write %d of %d (%s %s): %s", cut, len(events), events[cut].Op, filepath.Base(events[cut].Path), problem))
		}
	}
	return report
}

// traceManager has the manager run under the tracer, which looks at the files of its database.
func traceManager(t *testing.T, o *faults.Options, log string) {
	t.Helper()
	script := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = manager ] && exec '%s' '%s' '%s' '%s' \"$@\"\nexec '%s' \"$@\"\n",
		tracer(t), log, filepath.Join(o.Dir, ".nowcast", "state.db"), o.Nowcastd, o.Nowcastd)
	o.Nowcastd = filepath.Join(o.Dir, "traced")
	if err := os.WriteFile(o.Nowcastd, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

// tracer is the built package tracer.
func tracer(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tracer")
	if out, err := exec.Command("go", "build", "-o", file, "../../internal/faults/tracer").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

func ackedBefore(sent []faults.Sent, at time.Time) (acked []int) {
	for _, s := range sent {
		if s.Reply == message.Ack && s.Acked.Before(at) {
			acked = append(acked, s.Number)
		}
	}
	return acked
}

// afterPowerCut says what is wrong with what is left.
func afterPowerCut(t *testing.T, events []faults.DiskEvent, r *rand.Rand, acked []int) (broken []string) {
	dir := t.TempDir()
	if err := faults.PowerCut(events, dir, r); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "state.db-shm")) // it is only shared memory, and made anew
	file := filepath.Join(dir, "state.db")
	s, err := store.Open(context.Background(), file, store.Options{})
	if err != nil {
		return []string{err.Error()}
	}
	if salvage := s.Salvaged(); salvage != nil {
		broken = append(broken, salvage.String())
	}
	s.Close()
	kept, err := store.History(context.Background(), file, store.Query{Kinds: []string{store.KindMessage}, Limit: 1 << 30, Bodies: true})
	if err != nil {
		return append(broken, err.Error())
	}
	there := map[int]bool{}
	for _, k := range kept {
		if n, ok := faults.Number(k.Message); ok {
			there[n] = true
		}
	}
	for _, n := range acked {
		if !there[n] {
			broken = append(broken, fmt.Sprintf("report %d was acknowledged and is lost", n))
		}
	}
	return broken
}
