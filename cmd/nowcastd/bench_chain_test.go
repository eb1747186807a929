package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/launch"
)

// links is how many Python workers follow each other.
const links = 20

const chainRules = `
def after_chain(msg, config, checklist):
    n = msg.payload["link"] + 1
    return [NextWorker("chain", [str(n)])] if n < %d else []
`

// BenchmarkPythonChain compares a chain of Python workers, each launched because the one before has reported, with the same
// program run as often in a row and without a manager.
func BenchmarkPythonChain(b *testing.B) {
	for b.Loop() {
		s := newSystem(b, "    chain: {checklist key: chain, success: done}", fmt.Sprintf(chainRules, links))
		modules, err := filepath.Abs("../../testdata/python")
		if err != nil {
			b.Fatal(err)
		}
		s.env = append(s.env, "PYTHONPATH="+modules)
		s.write("nowcast.yaml", "python: /usr/bin/python3\n"+s.read("nowcast.yaml"))
		s.start("broker")
		s.start("manager")
		var bares, chains []time.Duration
		for range 3 { // in turn: what else the machine does hits both
			began := time.Now()
			for n := range links {
				c := exec.Command("/usr/bin/python3", "-m", "chain", s.config, strconv.Itoa(n), "--debug")
				c.Dir, c.Env = s.dir, s.environ()
				if out, err := c.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
			bares = append(bares, time.Since(began))
			chains = append(chains, s.chain(b))
		}
		bare, chain := percentile(bares, 50), percentile(chains, 50)
		share := 100 * chain.Seconds() / bare.Seconds()
		logClaims(b, claim{fmt.Sprintf("chain of %d Python workers", links), "110 % of baseline",
			fmt.Sprintf("%.0f ms, %.0f %%", ms(chain), share), fmt.Sprintf("in a row: %.0f ms", ms(bare)), share <= 110})
		b.ReportMetric(share, "%-of-interpreter")
	}
}

// chain launches the first worker of the chain and returns how long it took from its decision to the end of the last.
func (s *system) chain(b *testing.B) time.Duration {
	os.Remove(filepath.Join(s.dir, "checklist.yaml"))
	first := s.launch("chain", "0")
	// The file is looked at first: asking the manager all the time would take the processor from the workers.
	s.eventually("the last report", func() bool { return strings.Contains(s.read("checklist.yaml"), fmt.Sprintf("link: %d\n", links-1)) })
	last := s.reaches(first.ID+links-1, "succeeded", func(l launch.Launch) bool { return l.State == launch.Succeeded })
	return last.Ended.Sub(first.Decided)
}
