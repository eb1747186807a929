package scheduler

import (
	"slices"
	"strings"

	"nowcast/internal/core/engine"
)

// heldByDamage holds entries of which nobody knows whether an operator did: what was forbidden is not launched, and what passes by is an
// alert each time, until an operator has said that the entry is to go on.
const heldByDamage = "the scheduler, which has lost what operators held"

// stateAlert is the kind and the key of the alert that the state was damaged.
const stateAlert = "schedule state"

// tellDamage says what was found at the start, and holds all if it is not known what was held.
func (s *Scheduler) tellDamage(l loaded) {
	if l.damage == nil {
		return
	}
	text := l.damage.Error()
	if l.forgotten {
		var ids []string
		for _, e := range s.entries {
			e.Held = heldByDamage
			ids = append(ids, e.ID)
		}
		text = "NOTHING is launched by the schedule: what operators held is lost. Say of each entry (" + orNone(strings.Join(ids, ", ")) +
			"): nowcastd schedule resume CONFIG ENTRY, or nowcastd schedule hold CONFIG ENTRY. Due times count from now; last runs are forgotten. " + text
	}
	s.Log.Error(text)
	s.raise(engine.Alert{Key: stateAlert, Kind: stateAlert, Message: text})
}

// passBy says that a due time passes by an entry that is held only because its hold is not known.
func (s *Scheduler) passBy(e *entry, what string) {
	if e.Held == heldByDamage {
		s.alert(missedAlert, e, what+": "+e.worker.String()+"; it is held by "+e.Held+". If it is to go on: nowcastd schedule resume CONFIG "+e.ID)
	}
}

// settleDamage ends the alert when an operator has said of the last entry what shall become of it; before tells whether there was one
// of which none had.
func (s *Scheduler) settleDamage(before bool) {
	if before && !s.anyHeldByDamage() {
		s.settleAlerts("operators have said of each entry whether it is to go on", func(a *engine.Alert) bool { return a.Key == stateAlert })
	}
}

func (s *Scheduler) anyHeldByDamage() bool {
	return slices.ContainsFunc(s.entries, func(e *entry) bool { return e.Held == heldByDamage })
}
