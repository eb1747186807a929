package alerter

import (
	"testing"
	"time"

	"nowcast/internal/core/engine"
)

// The alerter's process has troubles as every daemon has, which are not about what the alerter watches.
func TestAnAlertOfTheAlertersOwnProcessEnds(t *testing.T) {
	for _, alert := range []engine.Alert{
		{Key: kindNotReloaded, Kind: kindNotReloaded, Message: "alerter: nowcast.yaml:3: no duration"},
		{Key: kindLogFile + " nowcast.log", Kind: kindLogFile, Message: "alerter: nowcast.log: no space left on device"},
	} {
		begun := "begun " + alert.Kind
		bubble(t, alert.Key+": with its cause", func(t *testing.T, w *world) {
			w.start()
			w.Alerts.Raise(alert)
			w.pass(time.Minute)
			w.wants(begun)
			w.Alerts.End(alert.Key, "it is in order again")
			w.pass(time.Minute)
			w.wants("ended over: " + alert.Kind)
			if open := w.open(); len(open) != 0 {
				t.Errorf("open are %q", open)
			}
		})
		bubble(t, alert.Key+": with its process", func(t *testing.T, w *world) {
			w.start()
			w.Alerts.Raise(alert)
			w.pass(time.Minute)
			w.wants(begun)
			w.stop()
			w.start()
			w.pass(time.Minute)
			w.wants("ended over: " + alert.Kind)
		})
	}
}
