package scheduler

import (
	"fmt"
	"testing"
	"time"

	"nowcast/internal/core/daemon"
	"nowcast/internal/core/engine"
)

func TestAnAlertThatIsNotKeptAnyMoreIsEndedAndSaysWhy(t *testing.T) {
	s := &Scheduler{Options: Options{Now: time.Now, Alerts: daemon.NewAlerts(func(string, any) {}, time.Now)}}
	for i := range mostOpen + 1 {
		s.raise(engine.Alert{Key: fmt.Sprint(i), Kind: missedAlert})
	}
	all := s.Alerts.All()
	if len(all) != mostOpen+1 || len(s.alerts) != mostOpen {
		t.Fatalf("%d are told and %d kept, want %d and %d", len(all), len(s.alerts), mostOpen+1, mostOpen)
	}
	for i, a := range all {
		if first := i == 0; a.Open() == first || first && a.End != engine.EndTooMany {
			t.Errorf("%s: open is %t, ended because %q", a.Key, a.Open(), a.End)
		}
	}
}
