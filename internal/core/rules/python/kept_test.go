package python

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endHelper has the helper end as it waits for a message.
func (b *bench) endHelper() {
	b.t.Helper()
	pid := b.live.cmd.Process.Pid
	syscall.Kill(pid, syscall.SIGKILL)
	if !within(5*time.Second, func() bool { return !alive(pid) }) {
		b.t.Fatal("it does not end")
	}
}

const importing = "from nemo_nowcast import NextWorker\nfrom %.lib import days\n" +
	"def after_w(msg, config, checklist):\n    return NextWorker('m', [days.arg])\n" +
	"def after_a(msg, config, checklist):\n    from %.lib import late\n    return NextWorker('m', [late.arg])\n"

func TestANewHelperDoesWithoutTheFiles(t *testing.T) {
	for _, c := range []struct {
		name, module string
		remove       string // of the directory
		files        []string
	}{
		{"of a module", "next_workers", "next_workers.py", []string{"lib/__init__.py", "", "next_workers.py", strings.ReplaceAll(importing, "%.", "")}},
		{"of a module and what it imports", "next_workers", ".", []string{"lib/__init__.py", "", "next_workers.py", strings.ReplaceAll(importing, "%.", "")}},
		{"of a package", "nowcast.next_workers", ".", []string{"nowcast/__init__.py", "", "nowcast/lib/__init__.py", "", "nowcast/next_workers.py", strings.ReplaceAll(importing, "%", "nowcast")}},
		{"of a package without __init__.py", "nowcast.next_workers", ".", []string{"nowcast/next_workers.py", strings.ReplaceAll(importing, "%", "nowcast")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lib := filepath.Join(filepath.Dir(c.files[len(c.files)-2]), "lib")
			b := newBench(t, c.module, append(c.files, lib+"/days.py", "arg = 'one'\n", lib+"/late.py", "arg = 'late'\n")...)
			if err := b.open(); err != nil {
				t.Fatal(err)
			}
			if got := b.launches("a", nil); got != "late" {
				t.Errorf("got %q, want late", got)
			}
			if c.remove == "." {
				entries, _ := os.ReadDir(b.dir)
				for _, e := range entries {
					os.RemoveAll(filepath.Join(b.dir, e.Name()))
				}
			} else {
				os.Remove(filepath.Join(b.dir, c.remove))
			}
			if _, err := b.Refresh(); err == nil {
				t.Error("got no error for files that are gone")
			}
			for range 2 { // the second helper after the first that had no files
				b.endHelper()
				if got := b.launches("w", nil); got != "one" {
					t.Errorf("got %q, want one", got)
				}
				b.refreshes(false)
			}
			if got := b.launches("a", nil); got != "late" { // which this helper had not imported yet
				t.Errorf("got %q, want late", got)
			}
			b.write(append(c.files, lib+"/days.py", "arg = 'two'\n", lib+"/late.py", "arg = 'later'\n")...)
			b.refreshes(true)
			if got := b.launches("w", nil) + b.launches("a", nil); got != "twolater" {
				t.Errorf("got %q when the files were back, want twolater", got)
			}
		})
	}
}

func TestANewHelperDoesNotTakeAWorseVersion(t *testing.T) {
	b := newBench(t, "next_workers", "next_workers.py", strings.ReplaceAll(importing, "%.", ""), "lib/__init__.py", "", "lib/days.py", "arg = 'one'\n", "lib/late.py", "arg = 'late'\n")
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	b.launches("a", nil)
	b.write("lib/late.py", "arg = 1 // 0\n", "lib/days/__init__.py", "arg = 'another'\n", "next_workers.py", "import lib.late\n"+launching("two"))
	if _, err := b.Refresh(); err == nil {
		t.Error("got no error for a bad version")
	}
	b.endHelper()
	if got := b.launches("w", nil) + b.launches("a", nil); got != "onelate" {
		t.Errorf("got %q, want onelate of the version before", got)
	}
	b.refreshes(false)
	b.write("lib/late.py", "arg = 'good'\n")
	b.refreshes(true)
	if got := b.launches("w", nil); got != "two" {
		t.Errorf("got %q, want two", got)
	}
}

func TestABadVersionLeavesTheModulesThatWereThere(t *testing.T) {
	b := newBench(t, "next_workers", "lib.py", "arg = 'one'\n", "next_workers.py",
		"import lib\nfrom nemo_nowcast import NextWorker\ndef after_w(msg, config, checklist):\n    import lib\n    return NextWorker('m', [lib.arg])\n")
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	b.write("lib.py", "arg = 'two'\n", "next_workers.py", "import lib\ndef after_w(msg config):\n")
	if _, err := b.Refresh(); err == nil {
		t.Error("got no error for a bad version")
	}
	if got := b.launches("w", nil); got != "one" {
		t.Errorf("got %q, want one", got)
	}
}
