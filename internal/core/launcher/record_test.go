package launcher

import (
	"os"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
)

func TestLineOfTheRecordCountsOnlyWhenItIsWhole(t *testing.T) {
	la := newLauncher(t)
	l := newLaunch(la, 1, "sh", "-c", "kill -TERM $$")
	if _, err := la.Start(l); err != nil {
		t.Fatal(err)
	}
	nextExit(t, la)
	text, err := os.ReadFile(la.recordFile(l))
	if err != nil {
		t.Fatal(err)
	}
	first := 0
	for text[first] != '\n' {
		first++
	}
	for n := range len(text) + 1 {
		r := &record{}
		r.parse(text[:n])
		if started, ended := n > first, n == len(text); (r.pid != 0) != started || (r.exit != nil) != ended {
			t.Errorf("%q: got %+v, want started %v and ended %v", text[:n], r, started, ended)
		}
	}
}

func TestRecordSaysWhatWasLast(t *testing.T) {
	const started, failed, ended = "started 17 99 shim 16 98 boot b at 5 6\n", "failed 2\n", "ended -1 signal 9 at 7 8 user 1000 system 2 rss 4096 left 1\n"
	for name, tt := range map[string]struct {
		text        string
		pid, status int // status 1: not known to have ended
	}{
		"nothing":                   {"", 0, 1},
		"cancelled":                 {"cancelled by 5\n", 0, 1},
		"started":                   {started, 17, 1},
		"exec failed":               {started + failed, 0, 1},
		"ended":                     {started + ended, 17, -1},
		"started when it failed":    {started + failed + started, 17, 1},
		"started when it ended":     {ended + "cancelled by 5\n" + started, 17, 1},
		"zeros after a power cut":   {"\x00\x00\x00\x00", 0, 1},
		"a line cut by a full disk": {"started 17 99 shim 1cancelled by 5\n", 0, 1},
	} {
		r := &record{}
		r.parse([]byte(tt.text))
		status := 1
		if r.exit != nil {
			status = r.exit.Status
			if want := (launch.Usage{User: time.Millisecond, System: 2 * time.Microsecond, MaxRSS: 4096}); *r.exit.Usage != want || r.exit.Signal != "killed" {
				t.Errorf("%s: got %+v, used %+v, want killed, and used %+v", name, r.exit, r.exit.Usage, want)
			}
		}
		if r.pid != tt.pid || status != tt.status || r.size != int64(len(tt.text)) {
			t.Errorf("%s: got %+v, want process %d and status %d", name, r, tt.pid, tt.status)
		}
	}
}

// As a full disk leaves it, of an attempt to start that came to nothing, and of the end.
func TestTheLineAfterOneThatWasCutOffCounts(t *testing.T) {
	la := newLauncher(t)
	l := newLaunch(la, 1, "sh", "-c", "read line < $0; exit 7", t.TempDir()+"/go")
	if err := syscall.Mkfifo(l.Argv[3], 0o600); err != nil {
		t.Fatal(err)
	}
	cut := func(line string) {
		f, err := os.OpenFile(la.recordFile(l), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	cut("started 17 99 shim 1")
	if s, err := la.Start(l); err != nil || s.PID == 0 {
		t.Fatalf("got %+v, %v, want it started", s, err)
	}
	cut("ended -1 sig")
	if err := os.WriteFile(l.Argv[3], []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	if e := nextExit(t, la); e.Status != 7 || e.Unseen {
		t.Errorf("got %+v, want its status", e)
	}
}
