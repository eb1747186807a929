package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/faults"
)

var stateFaults = []fault{
	{10, "the database is damaged while no manager runs", 5, damagedDatabase},
	{10, "the checklist file is damaged", 5, damagedChecklist},
}

// damage is something that happens to a file.
type damage struct {
	name string
	do   func(r *rand.Rand, file string) error
}

var damages = []damage{
	{"cut", func(r *rand.Rand, file string) error {
		return change(file, func(b []byte) []byte { return b[:r.IntN(len(b))] })
	}},
	{"a bit flipped", func(r *rand.Rand, file string) error {
		return change(file, func(b []byte) []byte { b[r.IntN(len(b))] ^= 1 << r.IntN(8); return b })
	}},
	{"a page zeroed", func(r *rand.Rand, file string) error {
		return change(file, func(b []byte) []byte {
			at := r.IntN(len(b))
			clear(b[at:min(at+4096, len(b))])
			return b
		})
	}},
	{"emptied", func(_ *rand.Rand, file string) error { return os.Truncate(file, 0) }},
	{"garbage", func(r *rand.Rand, file string) error {
		return change(file, func(b []byte) []byte {
			for i := range b {
				b[i] = byte(r.IntN(256))
			}
			return b
		})
	}},
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
		d := damages[i%len(damages)]
		w := newWorld(t, nil)
		w.Keep("broker", nil)
		m := w.Keep("manager", nil)
		for range 5 {
			w.Once()
		}
		w.Settle()
		m.Stop()
		if err := d.do(r, w.StateFile("state.db")); err != nil {
			t.Fatal(err)
		}
		w.Forget() // what was acknowledged before may be lost: the disk has lost it
		again := w.Keep("manager", nil)
		for range 3 {
			w.Once()
		}
		aside, _ := filepath.Glob(w.StateFile("state.db.damaged-*"))
		told := strings.Contains(w.Read("nowcast.log"), "CRITICAL [manager]")
		report := w.Finish()
		if len(aside) > 0 != told {
			report.Broken = append(report.Broken, fmt.Sprintf("state.db %s: put aside: %v; said in the log: %v", d.name, aside, told))
		}
		if len(again.Deaths())+len(again.Endings()) > 0 {
			report.Broken = append(report.Broken, fmt.Sprintf("state.db %s: the manager ended: %v", d.name, again.Endings()))
		}
		all.Add(report)
	}
	return all
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
