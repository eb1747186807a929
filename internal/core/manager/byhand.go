package manager

import (
	"fmt"
	"strings"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/message"
)

// reportKey is the key of the alert about a failure that no launch of this manager has reported.
func reportKey(worker string) string { return "report " + worker }

// byHand is called with what a process has reported that is no launch of this manager, as somebody's who runs the worker by hand. A failure
// is an alert like any other. A success makes good what failed: what it was run with is not known, and whoever ran it has seen to it.
func (m *Manager) byHand(t *turn, msg message.Message) {
	kind := ""
	switch {
	case strings.HasPrefix(msg.Type, "success"):
		how := msg.Source + " reported success, by a process that is no launch of ours" // when is in the alert
		for i := range m.alerts {
			if a := &m.alerts[i]; a.Open() && a.Worker == msg.Source && (a.Kind == "worker failed" || a.Kind == "worker crashed") {
				m.settle(t, a.Key, how)
			}
		}
		return
	case strings.HasPrefix(msg.Type, "failure"):
		kind = "worker failed"
	case strings.HasPrefix(msg.Type, "crash"):
		kind = "worker crashed"
	default:
		return
	}
	m.raise(t, engine.Alert{Key: reportKey(msg.Source), Kind: kind, Worker: strings.Clone(msg.Source),
		Message: fmt.Sprintf("%s: reported %s; no launch of this manager sent it. Run it again, or close this (nowcastd alerts close)", msg.Source, msg.Type)})
}
