package config

import (
	"strings"
	"testing"
	"time"
)

const small = `
checklist file: c.yaml
zmq: {host: localhost, ports: {manager: 1, workers: 2}}
message registry: {next workers module: rules.star, workers: {a: {checklist key: a, success: done}}}
`

func TestStateAndHistoryAreRead(t *testing.T) {
	for text, want := range map[string]struct {
		state   string
		history History
		warning string
	}{
		"": {history: History{90 * 24 * time.Hour, 2_000_000_000}},
		"state: $(NOWCAST.ENV.DB)\nhistory: {keep: 30 days, size: 500 MB}": {state: "postgres://ann@db/now", history: History{30 * 24 * time.Hour, 500_000_000}},
		"state: postgresql:///now\nhistory: {keep: 12 h}":                  {state: "postgresql:///now", history: History{12 * time.Hour, 2_000_000_000}},
		"state: postgres://ann:secret@db/now\nhistory: {kept: 3}":          {state: "postgres://ann:secret@db/now", history: History{90 * 24 * time.Hour, 2_000_000_000}, warning: "~/.pgpass"},
	} {
		c, err := parse("n.yaml", "/sys/n.yaml", []byte(small+text), env(map[string]string{"DB": "postgres://ann@db/now"}))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if c.State != want.state || c.History != want.history {
			t.Errorf("%q: got %q and %+v, want %q and %+v", text, c.State, c.History, want.state, want.history)
		}
		warnings := c.Warnings.Error()
		if !strings.Contains(warnings, want.warning) || want.warning == "" && warnings != "" || strings.Contains(warnings, "secret") {
			t.Errorf("%q: got warnings %q, want %q and not the password", text, warnings, want.warning)
		}
	}
}
