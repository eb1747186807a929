package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
	"nowcast/internal/core/wire/wirebench"
)

const benchPython = `
import datetime
from nemo_nowcast import NextWorker

def after_bench(msg, config, checklist):
    run_date = datetime.date.fromisoformat(msg.payload["run date"])
    if checklist["big"]["part 0"]["file 0"] and run_date < datetime.date(2000, 1, 1):
        return [NextWorker("bench", args=[str(run_date)])]
    return []

def after_big(msg, config, checklist):
    return []
`

// echo is a Python process that sends back what it gets, and does nothing else.
const echo = `
import struct, sys
while True:
    header = sys.stdin.buffer.read(4)
    if not header: break
    sys.stdout.buffer.write(header + sys.stdin.buffer.read(*struct.unpack("<I", header)))
    sys.stdout.buffer.flush()
`

// roundTrips returns how many requests a second such a process answers, one after the other, when nothing is to be done.
func roundTrips(b *testing.B) float64 {
	b.Helper()
	c := exec.Command("/usr/bin/python3", "-c", echo)
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	defer c.Wait()
	defer in.Close()
	frame := append(binary.LittleEndian.AppendUint32(nil, 200), make([]byte, 200)...)
	began := time.Now()
	for range load {
		if _, err := in.Write(frame); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(out, frame); err != nil {
			b.Fatal(err)
		}
	}
	return load / time.Since(began).Seconds()
}

// BenchmarkPythonRules measures messages that a Python rule decides, with a checklist of 10 MB: 64 clients through broker, manager
// and the process that runs the rules, beside what one client gets from a Python process that only echoes.
func BenchmarkPythonRules(b *testing.B) {
	for b.Loop() {
		s := newSystem(b, benchWorkers, "")
		s.write("nowcast.yaml", strings.Replace(s.read("nowcast.yaml"), "next_workers.star", "next_workers", 1)+"python: /usr/bin/python3\n")
		s.write("next_workers.py", benchPython)
		s.start("broker")
		manager := s.start("manager")
		endpoint := wire.TCP("127.0.0.1", s.port)
		r := s.requester()
		for i := range 100 { // 10 MB in 100 keys of 1000 entries
			m := pyyaml.NewMap(1000)
			for j := range 1000 {
				m.Set(fmt.Sprintf("file %d", j), strings.Repeat("x", 75))
			}
			ask(b, r, message.Message{Source: "big", Type: "success", Payload: pyyaml.MapOf(fmt.Sprint("part ", i), m)})
		}
		before := cpu(b, manager.Process.Pid)
		var results []wirebench.Result
		var bare []float64
		for range rounds {
			bare = append(bare, roundTrips(b))
			results = append(results, measure(b, endpoint))
		}
		used := cpu(b, manager.Process.Pid) - before
		through := median(results)
		slices.Sort(bare)
		echoes := bare[len(bare)/2]
		first := firstAfterRestart(b, s, r)
		logClaims(b,
			claim{"Python rules, 10 MB checklist", "3000/s", fmt.Sprintf("%.0f/s", through.Rate()), fmt.Sprintf("bare round trips %.0f/s", echoes), through.Rate() >= 3000},
			claim{"first message of a new helper", "1 s", fmt.Sprintf("%.0f ms", ms(first)), "start, import, 10 MB", first <= time.Second})
		b.Logf("through broker and manager: %v", through)
		b.ReportMetric(through.Rate(), "rules/s")
		b.ReportMetric(echoes, "bare/s")
		b.ReportMetric(float64(used.Microseconds())/(1.1*load*rounds), "manager-µs/msg")
	}
}

// firstAfterRestart measures a message whose helper must be started before it is decided, and given the whole checklist.
func firstAfterRestart(b *testing.B, s *system, r *wire.Requester) time.Duration {
	b.Helper()
	pids := processes(b, "rules of nowcast:\x00next_workers")
	for _, pid := range pids {
		if wd, err := filepath.EvalSymlinks(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && wd == s.dir {
			exec.Command("kill", "-9", strconv.Itoa(pid)).Run()
			s.eventually("its end", func() bool { return !running(pid) })
		}
	}
	began := time.Now()
	ask(b, r, message.Message{Source: "bench", Type: "success", Payload: pyyaml.MapOf("run date", "2031-05-17")})
	return time.Since(began)
}
