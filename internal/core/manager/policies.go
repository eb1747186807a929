package manager

import (
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// judge is called with a launch that has just ended. What did not go well is an alert, unless the worker reported it itself: then the
// rule for that report is the one to act.
func (m *Manager) judge(t *turn, l *launch.Launch) {
	if l.State.Bad() && l.KilledBy == "" && !l.Reported() {
		m.Log.Error("launch of "+l.Name()+" "+string(l.State)+": "+l.Note, "launch", l.ID)
		m.raise(t, engine.Alert{Key: "launch " + l.NextWorker.String(), Kind: "worker " + string(l.State), Worker: l.Name(), Launch: l.ID,
			Message: l.NextWorker.String() + ": " + l.Note, Offer: control.CmdRelaunch, Args: relaunchArgs(l.ID)})
	}
}
