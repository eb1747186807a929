package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFindNeedsOnlyThePlaces(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, text, state string
		mistakes, fails   bool
	}{
		{name: "a file with mistakes", text: "checklist file: $(NOWCAST.ENV.LOGS)/c.yaml\nzmq: 7\n", state: "/logs/.nowcast", mistakes: true},
		{name: "a file that is no YAML", text: "zmq: {host\nchecklist file: c.yaml\nstate dir: here # for now\n  - x\n", state: filepath.Join(dir, "here"), mistakes: true},
		{name: "a variable that is not set elsewhere", text: "state dir: /s\nchecklist file: c.yaml\npython: $(NOWCAST.ENV.NONE)/bin/python\n", state: "/s", mistakes: true},
		{name: "a variable that is not set in the place", text: "checklist file: $(NOWCAST.ENV.NONE)/c.yaml\n", fails: true},
		{name: "no checklist file", text: "zmq: 7\n", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(dir, "nowcast.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o666); err != nil {
				t.Fatal(err)
			}
			got, mistakes, err := Find(file, env(map[string]string{"LOGS": "/logs"}))
			if (err != nil) != c.fails {
				t.Fatalf("got the error %v, want one: %v", err, c.fails)
			}
			if err == nil && (got.StateDir != c.state || (mistakes != nil) != c.mistakes) {
				t.Errorf("got %s and the mistakes %v, want %s, mistakes: %v", got.StateDir, mistakes, c.state, c.mistakes)
			}
		})
	}
	if _, _, err := Find(filepath.Join(dir, "gone.yaml"), env(nil)); err == nil {
		t.Error("got no error for a file that is not there")
	}
}
