package starlark

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
)

// FuzzRules says that whatever stands in a rules file, loading it and calling its rules ends, in a result or in an error
// that has a place.
func FuzzRules(f *testing.F) {
	for _, name := range []string{"errors.star", "values.star"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		for chunk := range strings.SplitSeq(string(text), "---\n") {
			f.Add(chunk)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "*") || strings.Contains(text, "<<") {
			return // one multiplication may take any time and memory, as the package says
		}
		file := filepath.Join(t.TempDir(), "chunk.star")
		write(t, file, text)
		r, err := Open(Options{File: file, Logger: quiet(), Config: pyyaml.NewMap(0), Limits: Limits{Steps: 20_000, Time: time.Second, Lines: 1}})
		mustHavePlace(t, err)
		if err != nil {
			return
		}
		for _, worker := range r.Functions() {
			_, err := r.After(context.Background(), message.Message{Source: worker, Type: "success"}, pyyaml.MapOf("a", int64(1)))
			mustHavePlace(t, err)
			for _, a := range []rules.Assumption{rules.Everything, rules.Nothing} {
				_, err := r.Probe(context.Background(), worker, "success", a)
				mustHavePlace(t, err)
			}
		}
	})
}

func mustHavePlace(t *testing.T, err error) {
	t.Helper()
	var e *rules.Error
	if err != nil && (!errors.As(err, &e) || e.File == "") {
		t.Errorf("got %v, want an error with a place", err)
	}
	if err != nil && strings.Contains(err.Error(), "panic") {
		t.Errorf("got %v, want no panic", err)
	}
}
