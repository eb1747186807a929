package config

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzLoad: any bytes are a Config or Errors, each with a file and a problem, and never a panic.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/complete.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	vars := env(map[string]string{"LOGS": "/logs", "VENV": "/venv"})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse("f.yaml", "/f.yaml", data, vars)
		if (c == nil) == (err == nil) {
			t.Fatalf("got config %v and error %v, want one of them", c, err)
		}
		if err == nil {
			if !filepath.IsAbs(c.ChecklistFile) || !filepath.IsAbs(c.StateDir) || c.ZMQ.Host == "" || c.Registry.NextWorkers == "" || c.MessageLimit <= 0 {
				t.Errorf("got an incomplete configuration %+v", c)
			}
			err = c.Warnings
		}
		errs, ok := err.(Errors)
		if !ok {
			t.Fatalf("got %T %v, want Errors", err, err)
		}
		for _, e := range errs {
			if e.File == "" || e.Problem == "" || e.Remedy == "" || e.Line < 0 {
				t.Errorf("got %#v, want file, problem and remedy", e)
			}
		}
	})
}
