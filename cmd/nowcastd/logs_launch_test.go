package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nowcast/internal/core/launch"
)

// TestTheLogOfALaunchHasWhatAPythonWorkerPublishes: its records name no launch.
func TestTheLogOfALaunchHasWhatAPythonWorkerPublishes(t *testing.T) {
	t.Parallel()
	s := newMixedDistributed(t)
	s.start("broker")
	s.aggregator(ours)
	manager := s.start("manager")
	sign := filepath.Join(s.dir, "sign")
	id := s.launch("day.talks", sign).ID
	s.eventually("a record of the worker", func() bool { return strings.Contains(s.read("nowcast.debug.log"), "[talks] is anybody there?") })
	logs := func(args ...string) result {
		return s.execute("", append(append(words("logs --search level -n 1000 --launch"), args...), s.config)...)
	}

	follow := &child{Cmd: exec.Command(built(t), "logs", "-f", "--launch", fmt.Sprint(id), s.config), output: &output{}}
	follow.Env, follow.Stdout, follow.Stderr = s.environ(), follow.output, follow.output
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { follow.stop() })
	s.eventually("what the worker has said", func() bool { return strings.Contains(follow.output.String(), "[talks] is anybody there?") })
	s.write("sign", "")
	s.reachesState(id, launch.Succeeded)
	s.eventually("what it says at its end", func() bool { return strings.Contains(follow.output.String(), "[talks] shutting down") })
	s.eventually("the same in the history", func() bool { return strings.Contains(logs(fmt.Sprint(id)).stdout, "CRITICAL [talks] level 50\n") })
	if got := follow.output.String(); regexp.MustCompile(`(?m)^[^[]*\[manager\]`).MatchString(got) {
		t.Errorf("got records of the manager, too:\n%s", got)
	}

	if got := logs("99"); got.stdout != "" || !strings.Contains(got.stderr, "only records that have the launch's number are shown; ") || !strings.Contains(got.stderr, "the manager does not know launch 99") {
		t.Errorf("a launch that never was: got %+v, want no records and why", got)
	}
	manager.stop()
	if got := logs(fmt.Sprint(id)); got.code != 0 || strings.Contains(got.stdout, "[talks]") || !strings.Contains(got.stderr, "only records that have the launch's number are shown; ") {
		t.Errorf("without a manager: got %+v, want no records of the worker, and why", got)
	}
}
