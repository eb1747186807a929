package logging

import (
	"errors"
	"slices"
	"testing"
)

func TestAFileIsAnAlertFromTheFirstRecordThatIsLostToTheFirstThatIsNot(t *testing.T) {
	var said, alerts []string
	x := &trouble{
		what: "log file x", say: func(_ int, text string) { said = append(said, text) },
		alert:  func(text string) { alerts = append(alerts, text) },
		settle: func(how string) { alerts = append(alerts, how) },
	}
	full := errors.New("no space left on device")
	for range 2 {
		x.report(full)
		x.report(full)
		x.report(nil)
		x.report(nil)
	}
	x.report(full)
	x.end()
	begun := "log file x cannot be written, so log records are missing from it: no space left on device"
	ended := "it can be written again; 2 records are not in it"
	if want := []string{begun, ended, begun, ended, begun, "it is closed: nothing is logged to it any more"}; !slices.Equal(alerts, want) {
		t.Errorf("got the alerts %q, want %q", alerts, want)
	}
	if len(said) != 6 {
		t.Errorf("got %q, want a line at each beginning and each end", said)
	}
}
