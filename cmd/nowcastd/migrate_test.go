package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/migrate"
)

// newInstallation is one of NEMO_Nowcast: configuration, rules and nemo_nowcast itself, with a supervisord.ini.
func newInstallation(t *testing.T) *system {
	t.Helper()
	s := newMixed(t, mixedLocalLogging)
	s.write("supervisord.ini", "[program:manager]\ncommand=/usr/bin/python3 -m nemo_nowcast.manager "+s.config+"\ndirectory="+s.dir+"\n")
	if err := os.Mkdir(filepath.Join(s.dir, "nemo_nowcast"), 0o777); err != nil {
		t.Fatal(err)
	}
	s.write("nemo_nowcast/__init__.py", `
class NextWorker:
    def __init__(self, module, args=[], host="localhost"):
        self.module, self.args, self.host = module, args, host
`)
	s.write("checklist.yaml", "weather: {06: ready}\n")
	return s
}

func TestCheckFromNEMOGroupsWhatItFindsAndCountsWhatMustBeDone(t *testing.T) {
	s := newInstallation(t)
	s.write("nowcast.yaml", s.read("nowcast.yaml")+"scheduled workers:\n  - day.download:\n      every: day\n      at: 5:15\n")
	got := s.execute("", "check", "--from-nemo", "--supervisord", filepath.Join(s.dir, "supervisord.ini"), s.config)
	if got.code != exitUsage {
		t.Errorf("got exit code %d, want %d\n%s%s", got.code, exitUsage, got.stdout, got.stderr)
	}
	at := 0
	for _, want := range []string{
		"MUST BE DONE BEFORE (",
		`scheduled workers: item 1: day.download: at: is the number 315 to YAML, not a time of day: quote it: at: "05:15"`,
		"MOVING OVER (2)\n- supervisord.ini:2: [program:manager] runs nemo_nowcast.manager\n  > replace this line by\n        command=" + built(t) + " manager " + s.config + "\n    and keep all others\n",
		"[program:alerter]\n        command=" + built(t) + " alerter " + s.config + "\n",
		"WILL BE DIFFERENT (",
		"is this machine only: ports are bound to loopback",
		"WORTH A LOOK (",
		"no function after_unruled, but unruled is in the message registry; its reports are answered with",
		"THE SAME (",
		"supervisorctl status, start, stop and restart",
		"checklist.yaml is loaded, 1 keys",
	} {
		i := strings.Index(got.stdout[at:], want)
		if i < 0 {
			t.Fatalf("got\n%s\nwant in it, in this order:\n%s", got.stdout, want)
		}
		at += i
	}
	if want := "things must be done before moving over"; !strings.Contains(got.stderr, want) {
		t.Errorf("got %s, want %s", got.stderr, want)
	}
}

func TestCheckFromNEMOAsJSON(t *testing.T) {
	s := newInstallation(t)
	got := s.execute("", "check", "--from-nemo", "--json", s.config)
	var out struct{ Findings []migrate.Finding }
	if err := json.Unmarshal([]byte(got.stdout), &out); err != nil {
		t.Fatalf("%v\n%s", err, got.stdout)
	}
	groups := map[migrate.Group]int{}
	for _, f := range out.Findings {
		groups[f.Group]++
		if f.Group == migrate.Must {
			t.Errorf("got %+v, want nothing that must be done", f)
		}
	}
	if got.code != 0 || groups[migrate.Differ] == 0 || groups[migrate.Same] == 0 {
		t.Errorf("got exit code %d and %v, want 0 and something in both\n%s", got.code, groups, got.stderr)
	}
}

func TestCheckFromNEMOReadsTheProductionConfiguration(t *testing.T) {
	production, err := filepath.Abs("../../../shared/fixtures/salishsea/nowcast.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(production); err != nil {
		t.Fatalf("the production configuration is needed beside the repository: %v", err)
	}
	s := newAny(t)
	if err := os.MkdirAll(filepath.Join(s.dir, "venv/bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/bin/python3", filepath.Join(s.dir, "venv/bin/python")); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "NOWCAST_LOGS="+s.dir, "NOWCAST_ENV="+s.dir+"/venv")
	got := s.execute("", "check", "--from-nemo", production)
	for _, want := range []string{
		"nowcast.yaml:988: zmq: host: skookum.eos.ubc.ca ", // another machine, or one that cannot be found
		"nowcast.yaml:1036: message registry: next workers module: is nowcast.next_workers, which " + s.dir + "/venv/bin/python does not find",
		"SLACK_SSC_DAILY_PROGRESS is not set, so nothing goes to this channel",
		"41 workers with their message types, checklist keys and command lines; those on other hosts are started with the same ssh commands: arbutus.cloud-nowcast\n",
		"so nothing is launched there, as today; they belong to the workers: optimum-hindcast, orcinus-nowcast-agrif, robot.nibi, salish-nowcast\n",
		"log files: names, lines and rotation by rotate_logs, of 5 handlers",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("got\n%s%s\nwant in it\n%s", got.stdout, got.stderr, want)
		}
	}
	if got.code != exitUsage {
		t.Errorf("got exit code %d, want %d: there is no nowcast.next_workers here", got.code, exitUsage)
	}
}

func TestSupervisordIsForFromNEMOOnly(t *testing.T) {
	s := newAny(t)
	got := s.execute("", "check", "--supervisord", "x.ini", s.config)
	if got.code != exitUsage || !strings.Contains(got.stderr, "--supervisord is for check --from-nemo") {
		t.Errorf("got %+v", got)
	}
	got = s.execute("", "check", "--from-nemo", "--supervisord", "gone.ini", s.config)
	if got.code != exitUsage || !strings.Contains(got.stderr, "read the services: open gone.ini: no such file") {
		t.Errorf("got %+v", got)
	}
}
