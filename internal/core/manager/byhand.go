package manager

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// reportKey is the key of the alert about a failure that no launch of this manager has reported.
func reportKey(worker string) string { return "report " + worker }

// byHand is called with what a process has reported that is no launch of this manager, as somebody's who runs the worker by hand. A failure
// is an alert like any other. A success makes good what failed: what it was run with is not known, and whoever ran it has seen to it. And
// should the launch that runs end well without a word of its own, this was its word: what it is started by may be seen to be another
// process (a container, systemd-run). One that names a launch which is forgotten is that one's word, and makes good only what such have reported.
func (m *Manager) byHand(t *turn, msg message.Message, now time.Time) {
	kind, who := "", "no launch of this manager sent it"
	forgotten := m.forgotten(msg.Launch)
	if forgotten {
		who = fmt.Sprintf("launch %d sent it, of which this manager knows nothing any more", msg.Launch)
	}
	switch {
	case strings.HasPrefix(msg.Type, "success"):
		silent := slices.DeleteFunc(slices.Clone(m.active[msg.Source]), func(l *launch.Launch) bool { return l.State != launch.Running || l.Reported() })
		if len(silent) > 0 && msg.Launch == 0 { // one that names another launch is that one's, also if that is forgotten
			l := likeliest(silent, msg.Type)
			l.Unclaimed = &launch.Report{Time: now, Type: strings.Clone(msg.Type), Guess: true, Message: m.lastMessage}
			t.changed[l.ID] = l
		}
		how := msg.Source + " reported success, by a process that is no launch of ours" // when is in the alert
		for i := range m.alerts {
			a := &m.alerts[i]
			if forgotten && a.Key != reportKey(msg.Source) {
				continue
			}
			if a.Open() && a.Worker == msg.Source && (a.Kind == "worker failed" || a.Kind == "worker crashed") {
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
		Message: fmt.Sprintf("%s: reported %s; %s. Run it again, or close this (nowcastd alerts close)", msg.Source, msg.Type, who)})
}

// afterEnd is called with what a process has reported that a launch has left behind when it ended. It is the same trouble as the launch's own,
// or its end.
func (m *Manager) afterEnd(t *turn, l *launch.Launch, typ string) {
	how := fmt.Sprintf("reported %s after launch %d had ended", typ, l.ID)
	switch {
	case strings.HasPrefix(typ, "success"):
		m.settle(t, launchKey(l), how)
	case strings.HasPrefix(typ, "failure"), strings.HasPrefix(typ, "crash"):
		a := engine.Alert{Key: launchKey(l), Kind: "worker failed", Worker: l.Name(), Launch: l.ID, Message: l.NextWorker.String() + ": " + how,
			Offer: control.CmdRelaunch, Args: relaunchArgs(l.ID)}
		if strings.HasPrefix(typ, "crash") {
			a.Kind = "worker crashed"
		}
		m.raise(t, a)
	}
}
