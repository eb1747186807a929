package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

// prepare prepares a directory and returns its configuration and the environment to use it in.
func prepare(t *testing.T) (*config.Config, []string) {
	t.Helper()
	file, env, err := Prepare(t.TempDir(), testdata, t.TempDir(), 2000)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, func(name string) (string, bool) {
		for _, setting := range env {
			if v, ok := strings.CutPrefix(setting, name+"="); ok {
				return v, true
			}
		}
		return "", false
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg, env
}

func TestAPreparedDirectoryIsComplete(t *testing.T) {
	cfg, _ := prepare(t)
	dir := filepath.Dir(cfg.File)
	if cfg.ZMQ.WorkersPort == 15555 || cfg.ZMQ.ManagerPort == 15554 || cfg.ZMQ.ManagerPort == cfg.ZMQ.WorkersPort {
		t.Errorf("ports: got %d and %d, want two free ones", cfg.ZMQ.WorkersPort, cfg.ZMQ.ManagerPort)
	}
	if len(cfg.Warnings) > 0 {
		t.Errorf("the configuration has warnings: %v", cfg.Warnings)
	}
	h := cfg.Hosts["arbutus.cloud-nowcast"]
	for _, file := range []string{cfg.Registry.NextWorkers, h.ConfigFile, h.EnvVars, filepath.Join(dir, "day.json")} {
		if _, err := os.Stat(file); err != nil || !strings.HasPrefix(file, dir) {
			t.Errorf("%s: %v, want it to be there, below %s", file, err, dir)
		}
	}
	if got, want := h.Python, cfg.Python; got != want {
		t.Errorf("the stand-in of the remote host: got %s, want that of this one, %s", got, want)
	}
}

func TestThePlayedSSHRunsTheCommandWithTheRemoteEnvironmentOnly(t *testing.T) {
	cfg, env := prepare(t)
	h := cfg.Hosts["arbutus.cloud-nowcast"]
	cmd := exec.Command("ssh", h.Name, "source", h.EnvVars, ";", "echo", "-m", "$NOWCAST_DEMO_SPEED", "[$SECRET]", "a  b")
	cmd.Env = append(os.Environ(), append(env, "SECRET=x")...)
	cmd.Path = filepath.Join(filepath.Dir(cfg.File), "bin", "ssh")
	out, err := cmd.CombinedOutput()
	if got, want := string(out), "-m 2000 [] a b\n"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestADirectoryThatARemoteShellWouldMisreadIsRefused(t *testing.T) {
	_, _, err := Prepare(filepath.Join(t.TempDir(), "my demo"), testdata, t.TempDir(), 100)
	if err == nil || !strings.Contains(err.Error(), "my demo") {
		t.Errorf("got %v, want an error that names the directory", err)
	}
}

func TestLaunchesThatAreAlikeClaimOneScriptEach(t *testing.T) {
	c, err := OpenClaims(filepath.Join(t.TempDir(), "claims"))
	if err != nil {
		t.Fatal(err)
	}
	taken := make([]int, 20)
	var all sync.WaitGroup
	for range taken {
		all.Go(func() {
			k, err := c.Take("nowcast.workers.ping_erddap", []string{"weather"})
			if err != nil || k >= len(taken) {
				t.Errorf("got %d, %v", k, err)
				return
			}
			taken[k]++ // no two goroutines have the same k, or the race detector and the check below say so
		})
	}
	all.Wait()
	for k, n := range taken {
		if n != 1 {
			t.Errorf("script %d was claimed %d times, want once", k, n)
		}
	}
	if k, _ := c.Take("nowcast.workers.ping_erddap", []string{"other"}); k != 0 {
		t.Errorf("other arguments: got script %d, want 0", k)
	}
}

func TestTheDayBeginsOnce(t *testing.T) {
	c, err := OpenClaims(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2031, 5, 17, 1, 2, 3, 400, time.UTC)
	if err := c.Begin(first); err != nil {
		t.Fatal(err)
	}
	got, err := c.Started(first.Add(time.Hour))
	if !got.Equal(first) || err != nil {
		t.Errorf("got %v, %v, want %v", got, err, first)
	}
	r := Report{At: 100 * time.Minute}
	if got, want := r.Due(first, 100, first), first.Add(time.Minute); !got.Equal(want) {
		t.Errorf("due: got %v, want %v", got, want)
	}
	late := first.Add(time.Hour)
	if got := r.Due(first, 100, late); !got.Equal(late) {
		t.Errorf("due of one that was launched late: got %v, want %v", got, late)
	}
}

func TestCompareNamesWhatIsMissingAndWhatIsExtra(t *testing.T) {
	d := load(t).Day
	var all []launch.Launch
	for _, s := range d.Steps {
		for _, n := range s.Launches {
			all = append(all, launch.Launch{NextWorker: Resolve(n, now), Decided: now})
		}
	}
	if got := Compare(d, all, now); len(got) > 0 {
		t.Errorf("the day itself: got %v, want no difference", got)
	}
	midnight := time.Date(2031, 5, 18, 0, 0, 1, 0, time.Local) // the rule looked at its clock a second before
	atMidnight := launch.Launch{NextWorker: Resolve(all[7].NextWorker, now), Decided: midnight}
	all = append(append(all[:7:7], atMidnight), all[8:]...)
	if got := Compare(d, all, now); len(got) > 0 {
		t.Errorf("a launch around midnight: got %v, want no difference", got)
	}
	changed := append([]launch.Launch(nil), all[1:]...)
	changed[40].Host = "elsewhere"
	changed = append(changed, all[5])
	got := strings.Join(Compare(d, changed, now), "\n")
	for _, want := range []string{"missing: nowcast.workers.download_weather 00 1km", "not in the recorded day: " + changed[40].NextWorker.String(),
		"not in the recorded day: " + all[5].NextWorker.String()} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant in it %q", got, want)
		}
	}
}
