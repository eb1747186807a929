package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nowcast/internal/faults"
)

// fault is one way to break the system. run injects it about n times and returns what became of the promises.
type fault struct {
	number int // of the battery
	name   string
	short  int // how often in the short form
	run    func(t *testing.T, r *rand.Rand, n int) *faults.Report
}

// battery is all of them; those of alone change the environment of this process, which all daemons get.
var battery = slices.Concat(alone, killFaults, workerFaults, messageFaults, barrierFaults, ruleFaults, sshFaults, pidFaults, alarmFaults, stormFaults, stateFaults, supervisorFaults, networkFaults, clockFaults, schedulerFaults, limitFaults, stopFaults, postgresFaults)

// perWorld is how many faults one world sees at most: what is checked stays small.
const perWorld = 25

// TestFaults runs the battery: the short form with fixed seeds, or, with FAULTS_N (make faults N=1000), each fault so many times.
// FAULTS=1,2 picks some; FAULTS_SEED gives the seed that a run has printed.
func TestFaults(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("FAULTS_N"))
	seed := uint64(1)
	if n > 0 {
		seed = uint64(time.Now().UnixNano())
	}
	if s, err := strconv.ParseUint(os.Getenv("FAULTS_SEED"), 10, 64); err == nil {
		seed = s
	}
	wanted := strings.FieldsFunc(os.Getenv("FAULTS"), func(r rune) bool { return r == ',' || r == ' ' })
	rows := make([]string, len(battery))
	run := func(i int) {
		f := battery[i]
		if len(wanted) > 0 && !slices.Contains(wanted, strconv.Itoa(f.number)) {
			return
		}
		all := &faults.Report{}
		name := fmt.Sprintf("%d %s", f.number, f.name)
		times := f.short
		if n > 0 {
			times = n
		}
		for done := 0; done < times; done += perWorld {
			t.Run(name, func(t *testing.T) {
				own := seed + uint64(done)
				report := f.run(t, rand.New(rand.NewPCG(own, uint64(f.number))), min(perWorld, times-done))
				all.Add(report)
				for i, b := range report.Broken {
					if i == 10 {
						t.Errorf("and %d more", len(report.Broken)-i)
						break
					}
					t.Error(b)
				}
				if t.Failed() {
					t.Logf("again: make faults FAULT=%d N=%d SEED=%d", f.number, min(perWorld, times-done), own)
				}
			})
		}
		rows[i] = all.Row(name) + "  " + all.Outcomes() + "\n"
	}
	// The short form has several at once, which mostly wait. The long one has one at a time: its times mean something.
	lanes := 1
	if n == 0 {
		lanes = 4
	}
	for i := range alone {
		run(i)
	}
	var next atomic.Int64
	var all sync.WaitGroup
	next.Store(int64(len(alone)))
	for range lanes {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(battery)); i = next.Add(1) - 1 {
				run(int(i))
			}
		})
	}
	all.Wait()
	if t.Failed() && n == 0 {
		return // what is broken stands above, and is not to be pushed out of sight
	}
	t.Logf("seed %d\n%s\n%s", seed, faults.Head(), strings.Join(rows, ""))
}

// recorder is the built recording worker.
var recorder = sync.OnceValues(func() (string, error) {
	if _, err := nowcastd(); err != nil { // it makes bin
		return "", err
	}
	file := filepath.Join(bin, "recorder")
	out, err := exec.Command("go", "build", "-o", file, "../../internal/faults/recorder").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

// newWorld returns a world without daemons.
func newWorld(t *testing.T, change func(*faults.Options)) *faults.World {
	t.Helper()
	worker, err := recorder()
	if err != nil {
		t.Fatal(err)
	}
	o := faults.Options{Dir: shortDir(t), Nowcastd: built(t), Recorder: worker, Workers: freePort(t), Manager: freePort(t)}
	if change != nil {
		change(&o)
	}
	return faults.NewWorld(t, o)
}

// tooSlow judges a time. Only the long form does: the short one runs beside other tests on a machine that may be busy.
func tooSlow(took, limit time.Duration) bool { return os.Getenv("FAULTS_N") != "" && took > limit }

// upTo returns a random duration up to d.
func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
