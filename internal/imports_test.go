// Package internal_test keeps the architecture: who may import whom.
package internal_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed has, for each package, the packages of this module and the foreign modules that it may import beside the standard
// library. Adding to it is a decision. A row is named from the module's root; in it, the packages of internal/core go by
// their last names and the others of internal without it.
var allowed = map[string]string{
	// words
	"internal/core":           "",
	"internal/core/pyyaml":    "gopkg.in/yaml.v3",
	"internal/core/message":   "pyyaml",
	"internal/core/launch":    "",
	"internal/core/checklist": "pyyaml",
	"internal/core/config":    "kind pyyaml",
	"internal/core/kind":      "",
	"internal/core/fault":     "", // no word, but everybody's: where a test may have the process die
	"internal/core/statefile": "",
	"internal/core/process":   "", // what the kernel says of one
	// the decision
	"internal/core/engine": "config checklist launch message pyyaml",
	"internal/core/policy": "config launch",
	// edges
	"internal/core/wire":            "fault statefile github.com/pebbe/zmq4 golang.org/x/sys",
	"internal/core/wire/wirebench":  "github.com/pebbe/zmq4 golang.org/x/sys",
	"internal/core/broker":          "engine kind statefile wire",
	"internal/core/feed":            "checklist engine launch pyyaml wire",
	"internal/core/control":         "fault launch wire",
	"internal/core/launcher":        "config launch process golang.org/x/sys",
	"internal/core/logging":         "config feed pyyaml wire github.com/ncruces/go-strftime",
	"internal/core/rules":           "checklist config launch message pyyaml",
	"internal/core/rules/python":    "checklist config launch message pyyaml rules rules/watch golang.org/x/sys",
	"internal/core/rules/starlark":  "checklist config launch message pyyaml rules rules/watch go.starlark.net",
	"internal/core/rules/watch":     "",
	"internal/core/notify":          "config feed github.com/getsentry/sentry-go",
	"internal/core/store":           "checklist engine launch process github.com/pressly/goose/v3 modernc.org/sqlite github.com/jackc/pgx/v5 golang.org/x/sys",
	"internal/core/store/storetest": "checklist engine launch store github.com/google/go-cmp/cmp",
	// loops
	"internal/core/migrate":            "config pyyaml golang.org/x/sys",
	"internal/core/manager":            "checklist config control engine fault feed launch message pyyaml policy statefile wire",
	"internal/core/scheduler":          "config control daemon engine feed launch message statefile github.com/robfig/cron/v3",
	"internal/core/aggregator":         "engine feed logging wire",
	"internal/core/aggregator/history": "control feed golang.org/x/sys",
	"internal/core/alerter":            "config control daemon engine fault feed kind launch notify statefile golang.org/x/sys",
	"internal/core/daemon":             "engine feed",
	"internal/core/supervisor":         "",
	// console: a page knows no other page and not the network
	"internal/tui/theme":     "launch charm.land/lipgloss/v2",
	"internal/tui/widget":    "launch tui/theme charm.land/bubbles/v2 charm.land/bubbletea/v2 github.com/charmbracelet/x/ansi",
	"internal/tui/launches":  "launch tui/theme tui/widget charm.land/bubbles/v2 charm.land/bubbletea/v2",
	"internal/tui/checklist": "pyyaml tui/theme tui/widget charm.land/bubbles/v2 charm.land/bubbletea/v2",
	"internal/tui/schedule":  "launch tui/theme tui/widget charm.land/bubbles/v2 charm.land/bubbletea/v2",
	"internal/tui/alerts":    "engine feed tui/theme tui/widget charm.land/bubbles/v2 charm.land/bubbletea/v2", // of feed only the words
	"internal/tui/logs":      "tui/theme tui/widget charm.land/bubbles/v2 charm.land/bubbletea/v2",
	"internal/tui/link":      "control feed charm.land/bubbletea/v2",
	"internal/tui": "control engine feed launch tui/alerts tui/checklist tui/launches tui/link tui/logs tui/schedule tui/theme tui/widget " +
		"charm.land/bubbles/v2 charm.land/bubbletea/v2",
	// workers
	"workers":         "config feed logging message notify pyyaml wire golang.org/x/sys",
	"workers/builtin": "workers",
	"workers/standin": "demo launch workers",
	// what breaks it, for tests only
	"internal/faults":          "checklist engine fault feed launch message pyyaml store wire",
	"internal/faults/recorder": "faults workers",
	"internal/faults/tracer":   "faults golang.org/x/sys",
	// programs, and the recorded day
	"internal":      "",
	"internal/demo": "launch message pyyaml",
	"cmd/nowcastd": "aggregator aggregator/history alerter broker config control daemon demo engine fault feed launch launcher logging manager message migrate notify pyyaml rules scheduler " +
		"rules/python rules/starlark store supervisor wire workers workers/builtin github.com/coreos/go-systemd/v22 github.com/spf13/cobra",
	"cmd/nowcast-tui": "config tui tui/theme github.com/charmbracelet/x/term github.com/spf13/cobra",
}

func TestImportsRunOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Module", "../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(out))
	listed := map[string]bool{}
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
		listed[name] = true
		row, ok := allowed[name]
		if !ok {
			t.Errorf("%s is in no row: say what it may import", name)
			continue
		}
		for _, i := range p.Imports {
			if own, ok := strings.CutPrefix(i, p.Module.Path+"/"); ok {
				i = strings.TrimPrefix(strings.TrimPrefix(own, "internal/"), "core/")
			} else if first, _, _ := strings.Cut(i, "/"); !strings.Contains(first, ".") {
				continue // standard library
			}
			if !slices.ContainsFunc(strings.Fields(row), func(a string) bool { return i == a || strings.Contains(a, ".") && strings.HasPrefix(i, a+"/") }) {
				t.Errorf("%s imports %s; it may import: %s", name, i, row)
			}
		}
	}
	for name := range allowed {
		if !listed[name] {
			t.Errorf("there is a row for %s, but no such package", name)
		}
	}
}
