package logging

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
)

func TestRolloverShiftsTheBackupsAndLeavesANewFileForTheGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	for name, text := range map[string]string{"": "now", ".1": "one", ".2": "two", ".3": "three"} {
		if err := os.WriteFile(path+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := (RotatingFile{path, 3}).Rollover(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"": "", ".1": "now", ".2": "one", ".3": "two"} {
		got, err := os.ReadFile(path + name)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "x.log"+name, string(got), text)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o664 {
		t.Errorf("got mode %04o, want 0664", got)
	}
}

func TestRolloverOfAFileThatIsNotThereMakesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	if err := (RotatingFile{path, 2}).Rollover(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestRolloverWithoutBackupsKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(path, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (RotatingFile{path, 0}).Rollover(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "file", string(got), "keep")
}

func TestADaemonWritesToTheNewFileAfterARollover(t *testing.T) {
	l := open(t, load(t, fileSection(classRotating, ", backupCount: 7")), "manager", Daemon, Options{})
	l.Logger("manager").Info("yesterday")
	files, err := RotatingFiles(l.tree.Load().c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]RotatingFile{{filepath.Join(l.dir, "x.log"), 7}}, files); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if err := files[0].Rollover(); err != nil {
		t.Fatal(err)
	}
	l.later(t, "today")
	want(t, "x.log.1", l.file(t, "x.log.1"), "yesterday\n")
	want(t, "x.log", l.file(t, "x.log"), "today\n")
}

// production returns the production configuration with its logs in dir.
func production(t *testing.T, dir string) *config.Config {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			t.Fatal("there is no go.mod above the working directory")
		}
	}
	c, err := config.Load(filepath.Join(root, "../shared/fixtures/salishsea/nowcast.yaml"), func(string) (string, bool) { return dir, true })
	if err != nil {
		t.Fatalf("the production configuration is needed beside the repository: %v", err)
	}
	return c
}

func TestTheProductionConfigurationRollsTheAggregatorsFilesAndTheChecklists(t *testing.T) {
	files, err := RotatingFiles(production(t, "/logs"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]RotatingFile{{"/logs/nowcast.log", 7}, {"/logs/nowcast.debug.log", 7}, {"/logs/checklist.log", 7}}, files); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheProductionConfigurationLogs(t *testing.T) {
	dir := t.TempDir()
	c := production(t, dir)
	l := open(t, c, "log_aggregator", Aggregator, Options{})
	l.Logger("log_aggregator").Debug("only in debug")
	l.Logger("log_aggregator").Info("in both")
	l.dir = dir
	if got := l.file(t, "nowcast.log"); len(got) < 24 || got[23:] != " INFO [log_aggregator] in both\n" {
		t.Errorf("got %q", got)
	}
	if got := l.file(t, "nowcast.debug.log"); len(got) < 24 || got[23:23+45] != " DEBUG [log_aggregator] only in debug\n"+got[61:68] {
		t.Errorf("got %q", got)
	}
	if _, err := parseSection(c, Worker); err != nil {
		t.Errorf("publisher: %v", err)
	}
	if want := []int{5556, 5556}; !cmp.Equal(publisherPorts(c, "run_NEMO", Worker), want) {
		t.Errorf("got ports %v of run_NEMO, want %v", publisherPorts(c, "run_NEMO", Worker), want)
	}
	if got := publisherPorts(c, "make_plots", Worker); len(got) != 28 || got[0] != 5562 {
		t.Errorf("got ports %v of a worker without an entry, want the 28 of workers", got)
	}
	if got := publisherPorts(c, "scheduler", Daemon); len(got) != 0 {
		t.Errorf("got ports %v of a daemon without an entry, want none", got)
	}
}
