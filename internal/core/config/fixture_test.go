package config

import (
	"os"
	"path/filepath"
	"testing"
)

// repositoryRoot returns the directory of go.mod.
func repositoryRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above the working directory")
		}
	}
}

func productionFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(repositoryRoot(t), "../shared/fixtures/salishsea/nowcast.yaml")
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("the production configuration is needed beside the repository: %v", err)
	}
	return file
}

func TestTheProductionConfigurationLoads(t *testing.T) {
	c, err := Load(productionFile(t), env(map[string]string{"NOWCAST_LOGS": "/logs", "NOWCAST_ENV": "/venv"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(c.Registry.Workers); got != 41 {
		t.Errorf("got %d workers, want 41", got)
	}
	if got := c.Registry.Workers["collect_weather"].Types["success 2.5km 00"]; got != "00 2.5km weather forecast ready" {
		t.Errorf("got words %q", got)
	}
	if c.ChecklistFile != "/logs/nowcast_checklist.yaml" || c.Python != "/venv/bin/python" || c.StateDir != "/logs/.nowcast" {
		t.Errorf("got checklist %s, python %s, state %s", c.ChecklistFile, c.Python, c.StateDir)
	}
	if c.ZMQ.Host != "skookum.eos.ubc.ca" || c.ZMQ.ManagerPort != 5554 || c.ZMQ.WorkersPort != 5555 {
		t.Errorf("got %+v", c.ZMQ)
	}
	if got := c.ZMQ.LoggingPorts["run_NEMO"]; len(got) != 2 || got[0] != "salish.eos.ubc.ca:5556" {
		t.Errorf("got logging ports %v of run_NEMO", got)
	}
	if got := c.Hosts["arbutus.cloud-nowcast"].EnvVars; got != "/nemoShare/MEOPAR/nowcast-sys/SalishSeaNowcast/.env" {
		t.Errorf("got envvars %q", got)
	}
	wantPaths(t, c.Values, map[string]any{
		"logging/aggregator/handlers/info_text/filename": "/logs/nowcast.log",
		"rivers/usgs params/parameterCd":                 "00060",
	})
	for _, w := range c.Warnings {
		t.Logf("warning: %v", w)
	}
}

func TestTheProductionConfigurationNamesTheVariablesThatAreNotSet(t *testing.T) {
	_, err := Load(productionFile(t), env(map[string]string{"NOWCAST_ENV": "/venv"}))
	errs, ok := err.(Errors)
	if !ok || len(errs) != 6 {
		t.Fatalf("got %v, want 6 errors: the checklist file and 5 log files", err)
	}
	if errs[0].Line != 4 || errs[0].Key != "checklist file" {
		t.Errorf("got %v, want checklist file in line 4", errs[0])
	}
}
