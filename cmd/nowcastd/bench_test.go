package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
	"nowcast/internal/core/wire/wirebench"
)

const benchWorkers = `
    bench: {checklist key: bench, success: done}
    big: {checklist key: big, success: done}
    sleep: {checklist key: sleepyhead, success: done, failure: failed, crash: crashed}
`

const benchRules = `
def after_bench(msg, config, checklist):
    return []

def after_big(msg, config, checklist):
    return []

def after_sleep(msg, config, checklist):
    if msg.payload == None:
        return [NextWorker("nemo_nowcast.workers.sleep", ["--sleep-time", "0"])]
    return []
`

// three updates three keys of the checklist, as most workers do.
func three(client, i int) []byte {
	return message.Message{Source: "bench", Type: "success", Payload: pyyaml.MapOf(
		fmt.Sprintf("run %d", client), int64(i), "run date", "2031-05-17", "file", "/results/forcing/atmospheric/20310517.nc")}.Encode()
}

// load is how many requests one measurement makes, and rounds how often the baseline and ours are measured in turn. The
// medians are compared: what else the machine does hits both.
const (
	load   = 20_000
	rounds = 5
)

func measure(b *testing.B, endpoint string) wirebench.Result {
	b.Helper()
	if _, err := wirebench.Load(endpoint, 64, load/10, three); err != nil { // warm up
		b.Fatal(err)
	}
	r, err := wirebench.Load(endpoint, 64, load, three)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// measureBare measures a bare libzmq proxy and a constant reply.
func measureBare(b *testing.B) wirebench.Result {
	b.Helper()
	front, back, stop, err := wirebench.BareProxy()
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	stopReply, err := wirebench.ConstantReply(back, message.Message{Source: "manager", Type: "ack"}.Encode())
	if err != nil {
		b.Fatal(err)
	}
	defer stopReply()
	return measure(b, front)
}

// median returns the result with the median rate.
func median(rs []wirebench.Result) wirebench.Result {
	slices.SortFunc(rs, func(a, b wirebench.Result) int { return cmp.Compare(a.Rate(), b.Rate()) })
	return rs[len(rs)/2]
}

// BenchmarkMessages compares 64 REQ clients, each updating three checklist keys a message, through broker and manager with a
// durable commit, with the same clients on a bare libzmq proxy and a constant reply.
func BenchmarkMessages(b *testing.B) {
	for b.Loop() {
		s := newSystem(b, benchWorkers, benchRules)
		broker, manager := s.start("broker"), s.start("manager")
		endpoint := wire.TCP("127.0.0.1", s.port)
		before := []time.Duration{cpu(b, broker.Process.Pid), cpu(b, manager.Process.Pid)}
		var bares, smalls, bigs []wirebench.Result
		for range rounds {
			bares = append(bares, measureBare(b))
			smalls = append(smalls, measure(b, endpoint))
		}
		const messages = 1.1 * load * rounds
		b.ReportMetric(float64((cpu(b, broker.Process.Pid)-before[0]).Microseconds())/messages, "broker-µs/msg")
		b.ReportMetric(float64((cpu(b, manager.Process.Pid)-before[1]).Microseconds())/messages, "manager-µs/msg")
		r := s.requester()
		for i := range 100 { // 10 MB in 100 keys of 1000 entries
			m := pyyaml.NewMap(1000)
			for j := range 1000 {
				m.Set(fmt.Sprintf("file %d of part %d", j, i), strings.Repeat("x", 75))
			}
			ask(b, r, message.Message{Source: "big", Type: "success", Payload: pyyaml.MapOf(fmt.Sprint("part ", i), m)})
		}
		for range rounds {
			bigs = append(bigs, measure(b, endpoint))
		}
		bare, small, big := median(bares), median(smalls), median(bigs)
		share, steady := 100*small.Rate()/bare.Rate(), 100*big.Rate()/small.Rate()
		logClaims(b,
			claim{"messages, 64 clients", "40 % of baseline", fmt.Sprintf("%.0f/s, %.0f %%", small.Rate(), share), fmt.Sprintf("bare proxy %.0f/s", bare.Rate()), share >= 40},
			claim{"the same, 10 MB checklist", "within 15 %", fmt.Sprintf("%.0f/s, %.0f %%", big.Rate(), steady), fmt.Sprintf("small checklist %.0f/s", small.Rate()), steady >= 85},
		)
		b.Logf("bare proxy: %v", bare)
		b.Logf("nowcast:    %v", small)
		b.Logf("10 MB:      %v", big)
		b.ReportMetric(bare.Rate(), "bare/s")
		b.ReportMetric(small.Rate(), "nowcast/s")
		b.ReportMetric(big.Rate(), "nowcast10MB/s")
		b.ReportMetric(share, "%ofBare")
		b.ReportMetric(steady, "%of10MB")
	}
}

// BenchmarkLaunch measures what a worker that is launched because another reports success waits: that other one is a worker of ours, whose
// messages say which launch it is, or somebody's who runs it by hand, for which the manager looks through the processes of this host.
func BenchmarkLaunch(b *testing.B) {
	for b.Loop() {
		s := newSystem(b, benchWorkers, benchRules)
		s.start("broker")
		s.start("log-aggregator")
		s.start("manager")
		running := s.launch("sleep", "--sleep-time", "600")
		byLaunch, logged := s.nextWorkers(b, running.ID)
		byHand, _ := s.nextWorkers(b, 0)
		bare := fmt.Sprintf("start of a process %.1f ms", ms(bareStart(b)))
		start, hand, log := ms(percentile(byLaunch, 50)), ms(percentile(byHand, 50)), ms(percentile(logged, 50))
		logClaims(b,
			claim{"success to next process, p50", "3 ms", fmt.Sprintf("%.1f ms", start), bare, start <= 3},
			claim{"the same, reported by hand, p50", "5 ms", fmt.Sprintf("%.1f ms", hand), bare, hand <= 5},
			claim{"success to its first log line, p50", "25 ms", fmt.Sprintf("%.1f ms", log), bare, log <= 25},
		)
		b.ReportMetric(start, "ms-to-start-p50")
		b.ReportMetric(ms(percentile(byLaunch, 99)), "ms-to-start-p99")
		b.ReportMetric(ms(percentile(byHand, 99)), "ms-to-start-by-hand-p99")
		b.ReportMetric(ms(percentile(logged, 99)), "ms-to-first-log-p99")
		s.must("kill", s.config, fmt.Sprint(running.ID))
	}
}

// nextWorkers reports a success n times, each time that the worker launched because of the last has ended, and returns how long each took
// to start and to log its first line.
func (s *system) nextWorkers(b *testing.B, reporter int64) (started, logged []time.Duration) {
	const n = 30
	r := s.requester()
	before := len(s.status().Launches)
	var sent []time.Time
	for i := range n {
		sent = append(sent, time.Now())
		ask(b, r, message.Message{Source: "sleep", Type: "success", Launch: reporter})
		s.eventually("the end of the launch", func() bool {
			all := s.status().Launches
			return len(all) == before+i+1 && all[before+i].State == launch.Succeeded
		})
	}
	records := s.records("sleep")
	for i, l := range s.status().Launches[before:] {
		started = append(started, l.Started.Sub(sent[i]))
		first := slices.IndexFunc(records, func(r feed.LogRecord) bool { return r.Launch == l.ID })
		if first < 0 {
			b.Fatalf("launch %d logged nothing", l.ID)
		}
		logged = append(logged, records[first].Time.Sub(sent[i]))
	}
	return started, logged
}

// bareStart is the median time that starting /bin/true takes here, without any of ours.
func bareStart(b *testing.B) time.Duration {
	var took []time.Duration
	for range 50 {
		c := exec.Command("/bin/true")
		began := time.Now()
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
		if err := c.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	return percentile(took, 50)
}

// claim is a line of the table that a benchmark ends with.
type claim struct {
	claim, target, measured, baseline string
	holds                             bool
}

func logClaims(b *testing.B, claims ...claim) {
	const line = "%-36s %-20s %-18s %-26s %s\n"
	text := fmt.Sprintf("\n"+line, "claim", "target", "measured", "baseline", "")
	for _, c := range claims {
		verdict := "holds"
		if !c.holds {
			verdict = "MISSED"
		}
		text += fmt.Sprintf(line, c.claim, c.target, c.measured, c.baseline, verdict)
	}
	b.Log(strings.TrimSuffix(text, "\n")) // package testing cuts what is longer than ten lines
}

func percentile(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return d[min(len(d)-1, len(d)*p/100)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkIdle measures how soon each daemon is ready, and what it costs when nothing happens.
func BenchmarkIdle(b *testing.B) {
	const idle = 10 * time.Second
	for b.Loop() {
		s := newSystem(b, benchWorkers, benchRules)
		names := []string{"broker", "log-aggregator", "manager", "scheduler"}
		daemons := map[string]*child{}
		for _, name := range names {
			daemons[name] = s.start(name)
		}
		<-time.After(time.Second) // start-up is over
		before := map[string]time.Duration{}
		for name, d := range daemons {
			before[name] = cpu(b, d.Process.Pid)
		}
		<-time.After(idle)
		var claims []claim
		for _, name := range names {
			d := daemons[name]
			used := cpu(b, d.Process.Pid) - before[name]
			b.ReportMetric(ms(d.ready), name+"-ms-ready")
			b.ReportMetric(rss(b, d.Process.Pid), name+"-MB")
			busy := 100 * used.Seconds() / idle.Seconds()
			b.ReportMetric(busy, name+"-%cpu")
			mb := rss(b, d.Process.Pid)
			claims = append(claims,
				claim{name + " ready", "150 ms", fmt.Sprintf("%.0f ms", ms(d.ready)), "", d.ready <= 150*time.Millisecond},
				claim{name + " idle", "30 MB, 0.5 % CPU", fmt.Sprintf("%.0f MB, %.1f %%", mb, busy), "", mb < 30 && busy <= 0.5})
		}
		logClaims(b, claims...)
	}
}

// cpu returns the processor time of a process.
func cpu(b *testing.B, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// rss returns the resident memory of a process in MB.
func rss(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kb, _ := strconv.ParseFloat(strings.Fields(after)[0], 64)
	return kb / 1024
}
