package manager

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/policy"
)

// keepLaunched is how many times of launches are known of a worker: two days of one that is launched every ten minutes.
const keepLaunched = 400

// noteLaunch remembers when a worker was launched. One that is not registered may have any name, and has no rhythm.
func (m *Manager) noteLaunch(l *launch.Launch) {
	if _, registered := m.Config.Registry.Workers[l.Name()]; registered {
		times := m.policies.launched[l.Name()]
		m.policies.launched[l.Name()] = append(times[max(0, len(times)-keepLaunched+1):], l.Decided)
	}
}

func silentKey(worker string) string { return "silent " + worker }

// checkSilence says which workers that used to be launched regularly are not any more. A manager that has just started gives
// them a usual interval to come: while nothing ran, nothing could be launched.
func (m *Manager) checkSilence(t *turn, now time.Time) {
	for _, worker := range slices.Sorted(maps.Keys(m.policies.launched)) {
		if _, registered := m.Config.Registry.Workers[worker]; !registered {
			m.settle(t, silentKey(worker), "it is not registered any more")
			delete(m.policies.launched, worker)
			continue
		}
		times := m.policies.launched[worker]
		usual, silence, known := policy.Rhythm(times)
		if !known || m.openAlert(silentKey(worker)) != nil {
			continue
		}
		last := times[len(times)-1]
		due := later(last.Add(silence), m.policies.began.Add(usual))
		if now.Before(due) {
			m.wakeAt(due)
			continue
		}
		m.raise(t, engine.Alert{Key: silentKey(worker), Kind: "silent", Worker: worker,
			Message: fmt.Sprintf("%s was last launched %s ago; usually every %s; %s; if it is not to be launched any more, close this (nowcastd alerts close)",
				worker, config.Length(now.Sub(last).Round(time.Minute)), config.Length(usual.Round(time.Minute)), m.toLaunch(worker))})
	}
}
