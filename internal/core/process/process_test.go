package process

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestReadTellsOfAProcess(t *testing.T) {
	s, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if s.Parent != os.Getppid() || s.Group != syscall.Getpgrp() || s.Dead() || s.Start == 0 || !strings.HasPrefix("process.test", s.Name) {
		t.Errorf("got %+v of this process, a child of %d in group %d", s, os.Getppid(), syscall.Getpgrp())
	}
	found := false
	All(func(pid int, of Stat) bool {
		found = pid == os.Getpid() && of.Start == s.Start
		return !found
	})
	if !found {
		t.Error("this process is not among all")
	}
}

func TestAProcessThatHasEndedIsDeadAndThenNotThere(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		s, err := Read(pid)
		if err != nil {
			t.Fatal(err)
		}
		if s.Dead() {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v of one that has ended", s)
		}
	}
	cmd.Wait()
	if _, err := Read(pid); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v of one that was waited for", err)
	}
}

func TestParse(t *testing.T) {
	const rest = " S 17 18 19 0 -1 4194560 126 0 0 0 1 2 0 0 20 0 1 0 123456 8929280 847 18446744073709551615\n"
	want := Stat{Name: "a) R (b", State: 'S', Parent: 17, Group: 18, Session: 19, Start: 123456}
	if got, err := parse([]byte("42 (a) R (b)" + rest)); err != nil || got != want {
		t.Errorf("got %+v and %v, want %+v", got, err, want)
	}
	for text, why := range map[string]string{
		"":                             "no name",
		"42 )a(" + rest:                "no name",
		"42 (a) S 17 18 19":            "4 fields",
		"42 (a) S x 18 19" + rest[11:]: "invalid syntax",
		"42 (a) S 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 -1": "invalid syntax",
	} {
		if _, err := parse([]byte(text)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: got the error %v, want one with %q", text, err, why)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("42 (a) R (b) S 17 18 19 0 -1 4194560 126 0 0 0 1 2 0 0 20 0 1 0 123456 8929280\n"))
	f.Add([]byte(")("))
	f.Fuzz(func(t *testing.T, data []byte) { parse(data) })
}

func TestBootIsTheSameEachTime(t *testing.T) {
	a, err := Boot()
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := Boot(); len(a) != 36 || a != b {
		t.Errorf("got %q, then %q", a, b)
	}
}
