package manager

import (
	"strings"
	"testing"
)

func TestLaunchesThatOnlyTheFilesKnowAreAnAlertAndTheirNumbersAreNotUsed(t *testing.T) {
	w := newWorld(t)
	w.options = func(o *Options) { o.LastLaunch = 12 } // of the database that was there before
	w.start(false)
	w.ask(report("sleep", nil))
	w.eventually("the launch", func() bool { return w.store.launch(13).ID == 13 })
	if a, ok := w.alert(stateDamaged); !ok || !strings.Contains(a.Message, "launches up to 0, but there are files of launches up to 12") {
		t.Errorf("got %+v", a)
	}
	w.stop()
	w.options = func(o *Options) { o.LastLaunch = 13 }
	w.start(false)
	w.ask(report("awaken", nil))
	if a, ok := w.alert(stateDamaged); ok {
		t.Errorf("got %+v, want it ended: the database knows launch 13", a)
	}
}
