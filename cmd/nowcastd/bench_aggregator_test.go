package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/wire"
	"nowcast/internal/core/wire/wirebench"
)

// What BenchmarkAggregator sends.
const (
	floodPublishers = 16
	floodRate       = 200_000
	floodTime       = 10 * time.Second
)

// floodLine is a line of some 100 bytes.
const floodLine = "checklist updated with [WWATCH3 run] items from make_ww3_wind_file worker, and so on and on %09d"

// floodVariable tells the test binary to be the load and nothing else: publishers must be a process of their own.
const floodVariable = "NOWCAST_TEST_FLOOD"

// TestFlood is the load of BenchmarkAggregator when that runs it, and otherwise nothing.
func TestFlood(t *testing.T) {
	kind := os.Getenv(floodVariable)
	if kind == "" {
		return
	}
	var sent int
	var took time.Duration
	var err error
	if kind == "ours" {
		sent, took, err = floodByLogging(t, os.Getenv("NOWCAST_TEST_CONFIG"))
	} else {
		f := wirebench.Flood{PerSecond: floodRate, For: floodTime, Endpoints: strings.Fields(os.Getenv("NOWCAST_TEST_ENDPOINTS"))}
		f.Message = func(p, i int) (string, []byte) {
			return floodNames[p] + ".INFO", fmt.Appendf(nil, floodLine+"\n", i)
		}
		sent, took, err = f.Publish()
	}
	if err != nil {
		t.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(flooded{sent, took})
}

type flooded struct {
	Sent int
	Took time.Duration
}

var floodNames = func() (names [floodPublishers]string) {
	for p := range names {
		names[p] = fmt.Sprintf("flood%02d", p)
	}
	return names
}()

// floodByLogging logs as our own processes do.
func floodByLogging(t *testing.T, file string) (sent int, took time.Duration, err error) {
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		return 0, 0, err
	}
	var logs []*logging.Log
	for _, name := range floodNames {
		l, err := logging.Open(cfg, name, logging.Worker, logging.Options{})
		if err != nil {
			return 0, 0, err
		}
		defer l.Close()
		logs = append(logs, l)
	}
	time.Sleep(2 * time.Second) // the aggregator finds them
	began := time.Now()
	for time.Since(began) < floodTime {
		for due := int(time.Since(began).Seconds() * floodRate); sent < due; sent++ {
			p := sent % floodPublishers
			logs[p].Logger(floodNames[p]).Info(fmt.Sprintf(floodLine, sent))
		}
		time.Sleep(5 * time.Millisecond)
	}
	return sent, time.Since(began), nil
}

// flood runs the load program.
func flood(b *testing.B, env ...string) flooded {
	b.Helper()
	c := exec.Command(os.Args[0], "-test.run", "^TestFlood$")
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	var f flooded
	if err == nil {
		err = json.Unmarshal(bytes.SplitN(out, []byte("\n"), 2)[0], &f)
	}
	if err != nil {
		b.Fatalf("the load: %v\n%s", err, out)
	}
	return f
}

var admitted = regexp.MustCompile(`(?m)^.* WARNING \[\S+\] (\d+) log records of \S+ were (?:lost|dropped)`)

// BenchmarkAggregator has 16 publishers send 200,000 lines a second in all for 10 s into two files. The baseline is a bare SUB that
// writes nothing.
func BenchmarkAggregator(b *testing.B) {
	for b.Loop() {
		var endpoints []string
		for range floodPublishers {
			endpoints = append(endpoints, wire.TCP("127.0.0.1", freePort(b)))
		}
		drained := make(chan int)
		go func() {
			n, err := wirebench.Drain(endpoints)
			if err != nil {
				b.Error(err)
			}
			drained <- n
		}()
		bare := flood(b, floodVariable+"=raw", "NOWCAST_TEST_ENDPOINTS="+strings.Join(endpoints, " "))
		baseline := fmt.Sprintf("bare SUB: %d of %d", <-drained, bare.Sent)
		var claims []claim
		for _, kind := range []string{"raw", "ours"} {
			claims = append(claims, aggregate(b, kind, baseline)...)
		}
		logClaims(b, claims...)
	}
}

// aggregate floods a log aggregator.
func aggregate(b *testing.B, kind, baseline string) []claim {
	b.Helper()
	var ports strings.Builder
	var endpoints []string
	var registry strings.Builder
	for _, name := range floodNames {
		port := freePort(b)
		fmt.Fprintf(&ports, "      %s: %d\n", name, port)
		fmt.Fprintf(&registry, "    %s: {checklist key: x, success: done}\n", name)
		endpoints = append(endpoints, wire.TCP("127.0.0.1", port))
	}
	s := newPublishing(b, ports.String())
	s.write("nowcast.yaml", strings.Replace(s.read("nowcast.yaml"), "\n    peer:\n", "\n"+registry.String()+"    peer:\n", 1))
	s.start("broker")
	aggregator := s.start("log-aggregator")
	before := cpu(b, aggregator.Process.Pid)
	f := flood(b, floodVariable+"="+kind, "NOWCAST_TEST_ENDPOINTS="+strings.Join(endpoints, " "), "NOWCAST_TEST_CONFIG="+s.config, "NOWCAST_LOGS="+s.dir)
	var written [2]int
	settled := time.Now()
	for n := -1; written[0] != n || time.Since(settled) < 2*time.Second; time.Sleep(200 * time.Millisecond) {
		n = written[0]
		for i, file := range []string{"nowcast.debug.log", "nowcast.log"} {
			written[i] = countFlood(b, filepath.Join(s.dir, file))
		}
		if n != written[0] {
			settled = time.Now()
		}
	}
	said := 0
	for _, m := range admitted.FindAllStringSubmatch(s.read("nowcast.log"), -1) {
		n, _ := strconv.Atoi(m[1])
		said += n
	}
	used := cpu(b, aggregator.Process.Pid) - before
	lost := f.Sent - written[0]
	what := map[string]string{"raw": "PUB sockets as Python's", "ours": "our own publishers"}[kind]
	b.Logf("%s: sent %d in %v, written %v, lost %d, of which said %d; the aggregator used %v of processor time and has %.0f MB",
		what, f.Sent, f.Took, written, lost, said, used, rss(b, aggregator.Process.Pid))
	rate := float64(f.Sent) / f.Took.Seconds()
	b.ReportMetric(rate, kind+"-lines/s")
	b.ReportMetric(float64(lost), kind+"-lost")
	return []claim{
		{"log lines, " + what, "200,000/s, none lost", fmt.Sprintf("%.0f/s, %d lost", rate, lost), baseline, rate > 0.99*floodRate && lost == 0 && written[0] == written[1]},
		{"lost lines that are said", "all", fmt.Sprintf("%d of %d", said, lost), "", said == lost},
	}
}

// countFlood counts the lines of the load in a log file.
func countFlood(b *testing.B, file string) int {
	b.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Count(text, []byte("] "+strings.Split(floodLine, "%")[0]))
}
