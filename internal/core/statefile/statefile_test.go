package statefile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// step is what a sync has found: what it was called for, and what path has at that moment.
type step struct{ dir, found string }

func TestAFileIsReplacedInOneStepThatSurvivesAPowerCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := Replace(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	var steps []step
	err := replace(path, []byte("new"), func(f *os.File) error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		what := "the directory"
		if !info.IsDir() {
			written, err := os.ReadFile(f.Name())
			if err != nil {
				return err
			}
			what = "a file with " + string(written)
		}
		found, err := os.ReadFile(path)
		steps = append(steps, step{what, string(found)})
		return errors.Join(err, f.Sync())
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []step{{"a file with new", "old"}, {"the directory", "new"}}; !slices.Equal(steps, want) {
		t.Errorf("synced: got %q, want %q", steps, want)
	}
}

func TestAFailedSyncLeavesTheOldFileAndNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := Replace(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("I/O error")
	if err := replace(path, []byte("new"), func(*os.File) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want that it cannot be synced", err)
	}
	all, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if got, _ := os.ReadFile(path); string(got) != "old" || len(all) != 1 {
		t.Errorf("got %q, files %q", got, all)
	}
}

func TestWhatIsPutAsideOverwritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, text := range []string{"one", "two", "three"} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		aside, err := PutAside(path, now)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("until it is replaced: got %q, want it still there", got)
		}
		if again, err := PutAside(path, now.Add(time.Hour)); again != aside || err != nil {
			t.Errorf("by one who died before: put aside as %s once more (%v), want %s", again, err, aside)
		}
		if err := Replace(path, []byte("new")); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(aside); string(got) != text {
			t.Errorf("%s: got %q, want %q", aside, got, text)
		}
	}
	all, _ := filepath.Glob(path + ".damaged-20260102T030405Z*")
	if len(all) != 3 {
		t.Errorf("got %q, want three", all)
	}
}
