package launcher

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nowcast/internal/core/launch"
)

// noteSyncs takes the place of the C library's function and writes down which file is synced.
const noteSyncs = `
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int fdatasync(int fd)
{
	char link[64], name[4096] = "";
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (readlink(link, name, sizeof name - 1) > 0) {
		FILE *f = fopen(getenv("TEST_SYNCED"), "a");
		if (f) {
			fprintf(f, "%s\n", name);
			fclose(f);
		}
	}
	return syscall(SYS_fdatasync, fd);
}
`

// Without a manager the record of the shim is all that is known of the end, so it must outlive a power cut.
func TestTheEndOfAWorkerWithoutAManagerIsSynced(t *testing.T) {
	dir := t.TempDir()
	library, synced, goOn := filepath.Join(dir, "note.so"), filepath.Join(dir, "synced"), filepath.Join(dir, "go on")
	cc := exec.Command("cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-")
	cc.Stdin = strings.NewReader(noteSyncs)
	if said, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	worker := fmt.Sprintf("while [ ! -e '%s' ]; do sleep 0.01; done; exit 7", goOn)
	text, err := earlierManager(t, filepath.Join(dir, "output"), worker, "LD_PRELOAD="+library, "TEST_SYNCED="+synced).Output()
	if err != nil {
		t.Fatal(err)
	}
	l := &launch.Launch{}
	if err := json.Unmarshal(text, l); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	t.Cleanup(func() { syscall.Kill(-l.PID, syscall.SIGKILL) })
	la := newLauncherIn(t, besides(l))
	r, err := la.read(l)
	if err != nil {
		t.Fatal(err)
	}
	// The keeper, which is the shim's parent, ends soon after its manager.
	waitFor(t, "the end of the keeper", func() bool { return parentName(t, r.shim) != "nowcast-keeper" })
	if err := os.WriteFile(goOn, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the end of the worker and its shim", func() bool {
		r, err := la.read(l)
		return err == nil && r.exit != nil && !running(r.shim, r.shimStart)
	})
	got, _ := os.ReadFile(synced)
	if want := la.recordFile(l) + "\n"; string(got) != want {
		t.Errorf("synced: got %q, want %q", got, want)
	}
}

// parentName returns the name of a process's parent.
func parentName(t *testing.T, pid int) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var parent int
	_, after, _ := strings.Cut(string(status), "\nPPid:")
	if _, err := fmt.Sscan(after, &parent); err != nil {
		t.Fatal(err)
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if err != nil {
		return "" // it has ended at this moment
	}
	return strings.TrimSpace(string(name))
}
