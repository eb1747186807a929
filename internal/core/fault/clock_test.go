package fault

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAStepMovesTheWallClockAndNotTheOneThatNobodyCanSet(t *testing.T) {
	before := time.Now()
	for _, by := range []time.Duration{0, time.Hour, -time.Hour, 400 * 24 * time.Hour, -400 * 24 * time.Hour} {
		after := step(before, by)
		if got := after.Sub(before); got != 0 {
			t.Errorf("a step of %v: %v have passed, want none", by, got)
		}
		if got := after.Round(0).Sub(before.Round(0)); got != by {
			t.Errorf("a step of %v: the wall clock shows %v more", by, got)
		}
	}
}

func TestTheClockIsSetByAFile(t *testing.T) {
	o := offset{file: filepath.Join(t.TempDir(), "clock")}
	off := func() time.Duration { return o.now().Round(0).Sub(time.Now().Round(0)).Round(time.Second) }
	if got := off(); got != 0 {
		t.Errorf("without the file: off by %v", got)
	}
	for _, want := range []time.Duration{time.Hour, -time.Hour, 0} {
		if err := os.WriteFile(o.file, []byte(want.String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(look)
		if got := off(); got != want {
			t.Errorf("off by %v, want %v", got, want)
		}
	}
}
