package launcher

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"nowcast/internal/core/launch"
)

func TestAnOutputDirectoryThatWasRemovedIsMadeAgain(t *testing.T) {
	la := newLauncher(t)
	start(t, la, 1, "true")
	nextExit(t, la)
	if err := os.RemoveAll(la.options.OutputDir); err != nil {
		t.Fatal(err)
	}
	l := start(t, la, 2, "echo", "here")
	if e := nextExit(t, la); e.ID != 2 || e.Status != 0 {
		t.Errorf("got %+v, want the end of launch 2", e)
	}
	if got := output(t, l); got != "here\n" {
		t.Errorf("got the output %q", got)
	}
}

func TestWithoutADirectoryForOutputNothingIsStartedUntilThereIsOne(t *testing.T) {
	la := newLauncher(t)
	above := filepath.Dir(la.options.OutputDir)
	if err := os.RemoveAll(above); err != nil {
		t.Fatal(err)
	}
	l := &launch.Launch{ID: 1, NextWorker: launch.NextWorker{Module: "test.worker", Host: launch.Localhost}, Argv: []string{"true"}}
	if _, err := la.Start(l); !errors.Is(err, launch.ErrNoOutput) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no directory", err)
	}
	if _, err := os.Stat(above); err == nil {
		t.Error("the directory of the state was made anew: nobody sees that the state is gone")
	}
	if err := os.Mkdir(above, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, la, 1, "true")
	if e := nextExit(t, la); e.ID != 1 || e.Status != 0 {
		t.Errorf("got %+v, want the end of launch 1", e)
	}
}
