// Package internal_test keeps the architecture: who may import whom.
package internal_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed has, for each package, the packages of this module and the foreign modules that it may import beside the standard
// library. Adding to it is a decision. Packages are named from the module's root.
var allowed = map[string]string{
	// words
	"internal/core":           "",
	"internal/core/pyyaml":    "gopkg.in/yaml.v3",
	"internal/core/message":   "pyyaml",
	"internal/core/launch":    "",
	"internal/core/checklist": "pyyaml",
	"internal/core/config":    "pyyaml",
	// the decision
	"internal/core/engine": "config checklist launch message pyyaml",
	// edges
	"internal/core/wire":           "github.com/pebbe/zmq4",
	"internal/core/wire/wirebench": "github.com/pebbe/zmq4",
	"internal/core/broker":         "wire",
	"internal/core/feed":           "checklist engine launch pyyaml wire",
	"internal/core/control":        "launch wire",
	"internal/core/launcher":       "config launch golang.org/x/sys",
	"internal/core/logging":        "config feed pyyaml wire",
	"internal/core/rules":          "config launch message pyyaml",
	"internal/core/rules/starlark": "config launch message pyyaml rules go.starlark.net",
	"internal/core/store":          "checklist engine launch github.com/pressly/goose/v3 modernc.org/sqlite golang.org/x/sys",
	// loops
	"internal/core/manager":    "checklist config control engine feed launch message pyyaml wire",
	"internal/core/aggregator": "control feed",
	"internal/core/daemon":     "feed",
	"internal/core/supervisor": "",
	// console
	"internal/tui/theme":     "charm.land/lipgloss/v2",
	"internal/tui/widget":    "",
	"internal/tui/link":      "",
	"internal/tui/launches":  "",
	"internal/tui/checklist": "",
	"internal/tui/logs":      "",
	"internal/tui":           "",
}

func TestImportsRunOneWay(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Module", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(out)))
	for d.More() {
		var p struct {
			ImportPath string
			Imports    []string
			Module     struct{ Path string }
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")
		row, ok := allowed[name]
		if !ok {
			t.Errorf("%s is in no row: say what it may import", name)
			continue
		}
		for _, i := range p.Imports {
			if own, ok := strings.CutPrefix(i, p.Module.Path+"/"); ok {
				i = strings.TrimPrefix(own, "internal/core/")
			} else if first, _, _ := strings.Cut(i, "/"); !strings.Contains(first, ".") {
				continue // standard library
			}
			if !slices.ContainsFunc(strings.Fields(row), func(a string) bool { return i == a || strings.Contains(a, ".") && strings.HasPrefix(i, a+"/") }) {
				t.Errorf("%s imports %s; it may import: %s", name, i, row)
			}
		}
	}
}
