package starlark

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// bigChecklist has about 10 MB of values.
func bigChecklist() *pyyaml.Map {
	inner := pyyaml.NewMap(100_000)
	for i := range 100_000 {
		inner.Set(fmt.Sprintf("key %d", i), strings.Repeat("x", 100))
	}
	return pyyaml.MapOf("big", inner, "NEMO run", pyyaml.MapOf("nowcast", pyyaml.MapOf("run date", "2031-05-17", "host", "salish")))
}

func BenchmarkAfter(b *testing.B) {
	r := mustOpen(b, `
def after_w(msg, config, checklist):
    if not msg.type.startswith("success"):
        return []
    run = checklist["NEMO run"]["nowcast"]
    if "key 5" not in checklist["big"]:
        fail("lost")
    return [NextWorker("nowcast.workers.make_plots", args=["nemo", msg.payload["host"], "--run-date", run["run date"]])]
`)
	m := message.Message{Source: "w", Type: "success nowcast", Payload: pyyaml.MapOf("host", "salish")}
	checklist := bigChecklist()
	before := processorTime(b)
	for b.Loop() {
		if _, err := r.Refresh(); err != nil {
			b.Fatal(err)
		}
		if _, err := r.After(context.Background(), m, checklist); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(b.N)/(processorTime(b)-before).Seconds(), "calls/cpu-s")
}

// processorTime is what this process has used, which other processes on the machine do not disturb.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
