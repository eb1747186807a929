package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
	"nowcast/internal/core/wire/wirebench"
)

// fsyncAlone returns the median time of an append of 200 bytes and its fdatasync, which is the least that a durable
// acknowledgement takes in that directory.
func fsyncAlone(b *testing.B, dir string) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took []time.Duration
	for range 200 {
		began := time.Now()
		_, err := f.Write(make([]byte, 200))
		if err == nil {
			err = syscall.Fdatasync(int(f.Fd()))
		}
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return percentile(took, 50)
}

// BenchmarkDurable compares acknowledged messages through broker and manager, each in the broker's journal before it is passed
// on and in the manager's store, synced, before it is acknowledged, with the bare libzmq proxy and a constant reply, and with
// one fsync alone. All three take turns, because what else the machine does should hit all.
func BenchmarkDurable(b *testing.B) {
	for b.Loop() {
		s := newSystem(b, benchWorkers, benchRules)
		s.start("broker")
		s.start("manager")
		front, back, stop, err := wirebench.BareProxy()
		if err != nil {
			b.Fatal(err)
		}
		stopReply, err := wirebench.ConstantReply(back, message.Message{Source: "manager", Type: "ack"}.Encode())
		if err != nil {
			b.Fatal(err)
		}
		var claims []claim
		for _, clients := range []int{1, 8, 64, 512} {
			requests := min(1000*clients, load)
			measured := func(endpoint string) wirebench.Result {
				r, err := wirebench.Load(endpoint, clients, requests, three)
				if err != nil {
					b.Fatal(err)
				}
				return r
			}
			var bares, durables []wirebench.Result
			var syncs []time.Duration
			for range rounds {
				bares = append(bares, measured(front))
				durables = append(durables, measured(wire.TCP("127.0.0.1", s.port)))
				syncs = append(syncs, fsyncAlone(b, s.dir))
			}
			bare, durable, sync := median(bares), median(durables), percentile(syncs, 50)
			share, beyond := 100*durable.Rate()/bare.Rate(), durable.P50-sync
			c := claim{fmt.Sprintf("durable, %d clients", clients), "", fmt.Sprintf("%.0f/s, %.0f %%", durable.Rate(), share),
				fmt.Sprintf("bare proxy %.0f/s", bare.Rate()), true}
			switch clients {
			case 1:
				c.target, c.holds = "an fsync + 1.5 ms", beyond <= 1500*time.Microsecond
				c.measured = fmt.Sprintf("%.2f ms", ms(durable.P50))
				c.baseline = fmt.Sprintf("fsync %.2f ms", ms(sync))
			case 64:
				c.target, c.holds = "40 % of baseline", share >= 40
			}
			claims = append(claims, c)
			b.ReportMetric(durable.Rate(), fmt.Sprintf("durable/s-%d", clients))
			b.ReportMetric(ms(durable.P50), fmt.Sprintf("ms-p50-%d", clients))
			b.ReportMetric(ms(durable.P99), fmt.Sprintf("ms-p99-%d", clients))
		}
		stop()
		stopReply()
		logClaims(b, claims...)
	}
}

// BenchmarkMillion looks whether the daemons' memory grows with the number of messages. With -short it makes a fifth of them.
func BenchmarkMillion(b *testing.B) {
	messages := 1_000_000
	if testing.Short() {
		messages = 200_000
	}
	for b.Loop() {
		s := newSystem(b, benchWorkers, benchRules)
		daemons := map[string]*child{"broker": s.start("broker"), "manager": s.start("manager")}
		endpoint, tenth := wire.TCP("127.0.0.1", s.port), messages/10
		early, late := map[string]float64{}, map[string]float64{}
		for i := range 10 {
			if _, err := wirebench.Load(endpoint, 64, tenth, three); err != nil {
				b.Fatal(err)
			}
			for name, d := range daemons {
				now := rss(b, d.Process.Pid)
				switch { // the most of the first three and of the last three tenths: between two collections memory goes up and down
				case i < 3:
					early[name] = max(early[name], now)
				case i >= 7:
					late[name] = max(late[name], now)
				}
			}
		}
		var claims []claim
		for name := range daemons {
			grown := late[name] - early[name]
			claims = append(claims, claim{fmt.Sprintf("%s after %d messages", name, messages), "within 15 %, or 8 MB",
				fmt.Sprintf("%.0f MB", late[name]), fmt.Sprintf("%.0f MB before", early[name]), grown <= max(8, 0.15*early[name])})
			b.ReportMetric(late[name], name+"-MB")
		}
		logClaims(b, claims...)
	}
}
