package launcher

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestKeeperAndShimAreSmall(t *testing.T) {
	la := newLauncher(t)
	l := start(t, la, 1, "sleep", "60")
	r, err := la.read(l)
	if err != nil {
		t.Fatal(err)
	}
	for what, pid := range map[string]int{"keeper": la.keeper.pid(), "shim": r.shim} {
		rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			t.Fatal(err)
		}
		private := 0
		for line := range strings.Lines(string(rollup)) {
			var kB int
			if n, _ := fmt.Sscanf(line, "Private_Dirty: %d kB", &kB); n == 1 {
				private += kB
			}
		}
		t.Logf("%s: %d kB of its own", what, private)
		if private == 0 || private > 3000 {
			t.Errorf("%s: got %d kB of its own memory, want some, but less than 3 MB", what, private)
		}
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if !strings.HasPrefix(string(cmdline), "nowcast-"+what+" (") {
			t.Errorf("got %q as the name of the %s in ps", cmdline, what)
		}
		if what == "shim" && strings.Contains(string(cmdline), l.Name()) {
			t.Errorf("pgrep -f %s finds the shim: %q", l.Name(), cmdline)
		}
	}
	if _, err := la.Kill(l, "KILL"); err != nil {
		t.Error(err)
	}
	nextExit(t, la)
}
