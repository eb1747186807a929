package launcher

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

func sampleConfig() *config.Config {
	return &config.Config{
		File:   "/etc/nowcast/nowcast.yaml",
		Python: "/env/bin/python",
		Registry: config.Registry{Workers: map[string]config.Worker{
			"make_plots":   {Name: "make_plots"},
			"sleep":        {Name: "sleep"},
			"fetch_tides":  {Name: "fetch_tides", Command: []string{"bin/fetch", "--quiet"}},
			"fetch_levels": {Name: "fetch_levels", Command: []string{"fetch-levels"}},
			"run_model":    {Name: "run_model", Command: []string{"/opt/run model"}},
		}},
		Hosts: map[string]config.Host{
			"cluster":   {Name: "cluster", EnvVars: "/c/.env", Python: "/c/bin/python", ConfigFile: "/c/nowcast.yaml"},
			"no-python": {Name: "no-python", EnvVars: "/c/.env", ConfigFile: "/c/nowcast.yaml"},
			"no-env":    {Name: "no-env", Python: "/c/bin/python", ConfigFile: "/c/nowcast.yaml"},
			"no-config": {Name: "no-config", EnvVars: "/c/.env", Python: "/c/bin/python"},
		},
	}
}

func TestArgv(t *testing.T) {
	withoutPython := func(c *config.Config) { c.Python = "" }
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		next   launch.NextWorker
		want   []string
	}{
		{"a Python worker on this machine",
			nil, launch.NextWorker{Module: "nowcast.workers.make_plots", Args: []string{"nemo", "--run-date", "2031-05-17"}, Host: "localhost"},
			[]string{"/env/bin/python", "-m", "nowcast.workers.make_plots", "/etc/nowcast/nowcast.yaml", "nemo", "--run-date", "2031-05-17"}},
		{"without arguments",
			nil, launch.NextWorker{Module: "nowcast.workers.make_plots", Host: "localhost"},
			[]string{"/env/bin/python", "-m", "nowcast.workers.make_plots", "/etc/nowcast/nowcast.yaml"}},
		{"no host means this machine",
			nil, launch.NextWorker{Module: "nowcast.workers.make_plots"},
			[]string{"/env/bin/python", "-m", "nowcast.workers.make_plots", "/etc/nowcast/nowcast.yaml"}},
		{"a module that is not registered is still Python's business",
			nil, launch.NextWorker{Module: "other.thing", Host: "localhost"},
			[]string{"/env/bin/python", "-m", "other.thing", "/etc/nowcast/nowcast.yaml"}},
		{"an argument with spaces stays one argument",
			nil, launch.NextWorker{Module: "w.make_plots", Args: []string{"a b", ""}, Host: "localhost"},
			[]string{"/env/bin/python", "-m", "w.make_plots", "/etc/nowcast/nowcast.yaml", "a b", ""}},
		{"a built-in worker's name goes to Python when there is a Python",
			nil, launch.NextWorker{Module: "nemo_nowcast.workers.sleep", Host: "localhost"},
			[]string{"/env/bin/python", "-m", "nemo_nowcast.workers.sleep", "/etc/nowcast/nowcast.yaml"}},
		{"a built-in worker when there is none",
			withoutPython, launch.NextWorker{Module: "nemo_nowcast.workers.sleep", Args: []string{"--sleep-time", "3"}, Host: "localhost"},
			[]string{"/usr/bin/nowcastd", "worker", "sleep", "/etc/nowcast/nowcast.yaml", "--sleep-time", "3"}},
		{"a built-in worker by its plain name",
			withoutPython, launch.NextWorker{Module: "rotate_logs", Host: "localhost"},
			[]string{"/usr/bin/nowcastd", "worker", "rotate_logs", "/etc/nowcast/nowcast.yaml"}},
		{"a command with a relative path is beside the configuration file",
			nil, launch.NextWorker{Module: "nowcast.workers.fetch_tides", Args: []string{"x"}, Host: "localhost"},
			[]string{"/etc/nowcast/bin/fetch", "--quiet", "/etc/nowcast/nowcast.yaml", "x"}},
		{"a command that is a bare name is found in PATH",
			withoutPython, launch.NextWorker{Module: "fetch_levels", Host: "localhost"},
			[]string{"fetch-levels", "/etc/nowcast/nowcast.yaml"}},
		{"a command with an absolute path and a space",
			nil, launch.NextWorker{Module: "run_model", Host: "localhost"},
			[]string{"/opt/run model", "/etc/nowcast/nowcast.yaml"}},
		{"a Python worker on another host",
			nil, launch.NextWorker{Module: "nowcast.workers.run_NEMO", Args: []string{"cluster", "forecast"}, Host: "cluster"},
			[]string{"ssh", "cluster", "source", "/c/.env", ";", "/c/bin/python", "-m", "nowcast.workers.run_NEMO", "/c/nowcast.yaml", "cluster", "forecast"}},
		{"another host needs no Python here",
			withoutPython, launch.NextWorker{Module: "nowcast.workers.run_NEMO", Host: "cluster"},
			[]string{"ssh", "cluster", "source", "/c/.env", ";", "/c/bin/python", "-m", "nowcast.workers.run_NEMO", "/c/nowcast.yaml"}},
		{"a command on another host takes the place of its Python",
			nil, launch.NextWorker{Module: "fetch_tides", Args: []string{"x"}, Host: "no-python"},
			[]string{"ssh", "no-python", "source", "/c/.env", ";", "bin/fetch", "--quiet", "/c/nowcast.yaml", "x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := sampleConfig()
			if tt.change != nil {
				tt.change(cfg)
			}
			got, err := Argv(cfg, "/usr/bin/nowcastd", tt.next)
			if err != nil {
				t.Fatalf("got error %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("argv (-want +got):\n%s", diff)
			}
			if command := cfg.Registry.Workers["fetch_tides"].Command; command[0] != "bin/fetch" {
				t.Errorf("the configuration was changed: got %q", command)
			}
		})
	}
}

func TestArgvErrorsNameTheRemedy(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		next   launch.NextWorker
		want   []string
	}{
		{"a host that is not enabled", nil, launch.NextWorker{Module: "w.make_plots", Host: "moon"},
			[]string{"make_plots", "host moon is not in run: enabled hosts of /etc/nowcast/nowcast.yaml"}},
		{"a host without python", nil, launch.NextWorker{Module: "w.make_plots", Host: "no-python"},
			[]string{"make_plots", "enabled hosts: no-python of /etc/nowcast/nowcast.yaml has no python:"}},
		{"a host without envvars", nil, launch.NextWorker{Module: "w.make_plots", Host: "no-env"}, []string{"has no envvars:"}},
		{"a host without config file", nil, launch.NextWorker{Module: "w.make_plots", Host: "no-config"}, []string{"has no config file:"}},
		{"nothing to run it with", func(c *config.Config) { c.Python = "" }, launch.NextWorker{Module: "w.make_plots", Host: "localhost"},
			[]string{"make_plots", "no python: and no command: in message registry: workers: make_plots", "sleep"}},
		{"no name", nil, launch.NextWorker{Module: "nowcast.", Host: "localhost"}, []string{`"nowcast."`, "no worker name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := sampleConfig()
			if tt.change != nil {
				tt.change(cfg)
			}
			argv, err := Argv(cfg, "/usr/bin/nowcastd", tt.next)
			if err == nil {
				t.Fatalf("got %q, want an error", argv)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %q, want it to contain %q", err, want)
				}
			}
		})
	}
}
