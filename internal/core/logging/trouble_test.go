package logging

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFileIsAnAlertOnceAnHourHoweverOftenTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said, alerts []string
		x := &trouble{what: "log file x", say: func(_ int, text string) { said = append(said, text) }, alert: func(text string) { alerts = append(alerts, text) }}
		full := errors.New("no space left on device")
		for range 3 {
			x.report(full)
			x.report(full)
			x.report(nil)
			time.Sleep(25 * time.Minute)
		}
		if len(said) != 6 {
			t.Errorf("got %q, want a line at each beginning and each end", said)
		}
		x.report(full)
		text := "log file x cannot be written, so log records are missing from it: no space left on device"
		if want := []string{text, text}; !slices.Equal(alerts, want) {
			t.Errorf("got the alerts %q, want %q", alerts, want)
		}
	})
}
