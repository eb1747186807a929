package manager

import (
	"encoding/json"
	"fmt"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

func barrierKey(id int64) string { return fmt.Sprint("barrier ", id) }

// barrierWaits raises the alert about a barrier, which ends when it opens.
func (m *Manager) barrierWaits(t *turn, b engine.Barrier, because, why string) {
	a := engine.Alert{Key: barrierKey(b.ID), Kind: "barrier waits", Because: because, Message: describeBarrier(b) + ": " + why, Offer: control.CmdRelease}
	a.Args, _ = json.Marshal(control.ReleaseArgs{Barrier: b.ID}) // always encodable
	m.raise(t, a)
}

// checkBarriers says which barriers are open for longer than the configuration finds right.
func (m *Manager) checkBarriers(t *turn, now time.Time) {
	if m.Config.Barrier == 0 {
		return
	}
	for _, b := range m.barriers {
		left := m.Config.Barrier - now.Sub(b.Opened)
		switch {
		case left > 0:
			m.wake(left)
		case m.openAlert(barrierKey(b.ID)) == nil:
			m.barrierWaits(t, b, "", "it is open for longer than "+config.Length(m.Config.Barrier))
		}
	}
}

// missedByBarriers says which barriers wait for a launch that has ended without a report, if too few others are left that could report
// in its place.
func (m *Manager) missedByBarriers(t *turn, l *launch.Launch) {
	if l.Reported() {
		return
	}
	for _, b := range m.barriers {
		if b.Awaits(l.Name(), l.Args, l.ID) < 0 {
			continue
		}
		missing, left := 0, 0
		for _, element := range b.Missing {
			if name, _ := launch.Awaited(element); name == l.Name() {
				missing++
			}
		}
		for _, other := range m.active[l.Name()] {
			if b.Awaits(other.Name(), other.Args, other.ID) >= 0 {
				left++
			}
		}
		if left >= missing {
			continue
		}
		because := ""
		if m.openAlert(launchKey(l)) != nil {
			because = launchKey(l)
		}
		m.barrierWaits(t, b, because, fmt.Sprintf(
			"launch %d of %s ended without a report, so it will not open by itself unless that is launched again", l.ID, l.Name()))
	}
}

// arguments returns those of a launch, nil if it is not known.
func (m *Manager) arguments(id int64) []string {
	if l := m.launches[id]; l != nil {
		return l.Args
	}
	return nil
}
