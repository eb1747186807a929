package faults

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPowerCutKeepsWhatWasSyncedAndAnyPartOfTheRest(t *testing.T) {
	write := func(path string, offset int64, text string) DiskEvent {
		return DiskEvent{Op: DiskWrite, Path: path, Offset: offset, Data: []byte(text)}
	}
	events := []DiskEvent{
		{Op: DiskCreate, Path: "/d/a"}, write("/d/a", 0, "old"), {Op: DiskSync, Path: "/d/a"}, {Op: DiskSync, Path: "/d"},
		write("/d/a", 0, strings.Repeat("x", sector+1)), {Op: DiskCreate, Path: "/d/b"}, write("/d/b", 0, "b"), {Op: DiskRemove, Path: "/d/a"},
	}
	seen := map[string]bool{}
	for seed := range uint64(200) {
		dir := t.TempDir()
		if err := PowerCut(events, dir, rand.New(rand.NewPCG(seed, 1))); err != nil {
			t.Fatal(err)
		}
		a, err := os.ReadFile(filepath.Join(dir, "a"))
		b, none := os.ReadFile(filepath.Join(dir, "b"))
		switch text := string(a); {
		case err != nil:
			seen["a is gone"] = true
			if none != nil {
				t.Fatal("a was removed after b was made, and neither is there")
			}
		case text == "old", text == strings.Repeat("x", sector), text == strings.Repeat("x", sector+1):
			seen[text[:1]+text[len(text)-1:]] = true
		case text == "old"+strings.Repeat("\x00", sector-3)+"x":
			seen["only the last sector"] = true
		default:
			t.Fatalf("got %q", text)
		}
		if none == nil {
			seen["b "+string(b)] = true
		}
	}
	for _, want := range []string{"a is gone", "od", "xx", "only the last sector", "b ", "b b"} {
		if !seen[want] {
			t.Errorf("never seen: %s; got %v", want, seen)
		}
	}
}
