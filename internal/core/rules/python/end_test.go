package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// escape has the rule start a program that leaves the helper's group and keeps its stdout and stderr open.
func (b *bench) escape() {
	b.t.Helper()
	pid, err := strconv.Atoi(b.launches("w", "os.getpid = subprocess.Popen(['sleep', '1000'], start_new_session=True).pid.__int__"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
}

func TestAProgramThatLeftTheGroupIsNotWaitedFor(t *testing.T) {
	b := opened(t, evil)
	b.escape()
	answered := make(chan error, 1)
	go func() {
		_, err := b.report("w", "os._exit(3)")
		answered <- err
	}()
	select {
	case err := <-answered:
		failed(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("the manager waits for a program that the rule started")
	}
	b.launches("w", nil)
}

func TestAHelperThatEndsBeforeItHasTheMessageCostsNone(t *testing.T) {
	b := opened(t, evil)
	b.escape() // so that its end, which shows in the pipe of requests at once, is taken note of a second later
	helper := b.live.cmd.Process.Pid
	b.endHelper()
	if got := b.launches("w", nil); got == strconv.Itoa(helper) {
		t.Error("got an answer from a dead helper")
	}
}

const managerDirectory = "NOWCAST_TEST_MANAGER_DIRECTORY"

// TestMain is the manager that TestABusyHelperEndsWithTheManager kills, if it is asked to be.
func TestMain(m *testing.M) {
	dir, isManager := os.LookupEnv(managerDirectory)
	if !isManager {
		os.Exit(m.Run())
	}
	testing.Benchmark(func(t *testing.B) {
		b := opened(t, "import os\ndef after_w(msg, config, checklist):\n    with open('"+dir+"/part', 'w') as f: f.write(str(os.getpid()))\n"+
			"    os.rename('"+dir+"/part', '"+dir+"/busy')\n    while True: pass\n")
		b.report("w", nil)
	})
}

func TestABusyHelperEndsWithTheManager(t *testing.T) {
	dir := t.TempDir()
	manager := exec.Command(os.Args[0])
	manager.Env = append(os.Environ(), managerDirectory+"="+dir, "TMPDIR="+dir)
	if err := manager.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { manager.Wait() })
	helper := 0
	if !within(20*time.Second, func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "busy"))
		helper, _ = strconv.Atoi(string(text))
		return err == nil
	}) {
		manager.Process.Kill()
		t.Fatal("the rule is not called")
	}
	manager.Process.Kill()
	if !within(5*time.Second, func() bool { return !alive(helper) }) {
		t.Error("the helper goes on when the manager is gone")
		syscall.Kill(helper, syscall.SIGKILL)
	}
}
