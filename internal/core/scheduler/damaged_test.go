package scheduler

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// openAlert returns the text of the open alert with a key; "" if there is none.
func (w *world) openAlert(key string) string {
	a, _ := w.Alerts.Open(key)
	return a.Message
}

// damage is what becomes of a file.
func damage(t *testing.T, file string, do func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, do(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

var damages = map[string]func([]byte) []byte{
	"cut":   func(b []byte) []byte { return b[:len(b)/2] },
	"empty": func([]byte) []byte { return nil },
	"zeros": func(b []byte) []byte { return make([]byte, len(b)) },
	"a flipped bit in the word that says what is held": func(b []byte) []byte { return bytes.Replace(b, []byte(`"held"`), []byte(`"hele"`), 1) },
	"a flipped bit in the sum":                         func(b []byte) []byte { b[len(sumBegins)] ^= 1; return b },
	"a flipped bit before the sum":                     func(b []byte) []byte { b[3] ^= 1; return b },
}

func TestAHoldSurvivesADamagedFile(t *testing.T) {
	for name, do := range damages {
		bubble(t, name, func(t *testing.T, w *world) {
			w.start(daily, hourly)
			w.hold("sleep", true)
			w.stop()
			damage(t, w.file, do)
			w.start(daily, hourly)
			if !w.entry("sleep").Held || w.entry("sleep#2").Held {
				t.Error("want the first entry held, as before, and the other one not")
			}
			if got, want := w.openAlert(stateAlert), w.file+".damaged-20000101T000000Z"; !strings.Contains(got, want) {
				t.Errorf("got the alert %q, want one that names %s", got, want)
			}
			w.until("05:16:00")
			for _, l := range w.manager.launches() {
				if strings.HasPrefix(l, "05:15") {
					t.Errorf("what was held was launched: %s", l)
				}
			}
			if n := len(w.manager.launches()); n != 5 {
				t.Errorf("got %d launches of what is not held, want 5", n)
			}
		})
	}
	bubble(t, "a second damage overwrites nothing", func(t *testing.T, w *world) {
		for range 2 {
			w.start(daily)
			w.stop()
			damage(t, w.file, damages["cut"])
		}
		w.start(daily)
		for _, aside := range []string{".damaged-20000101T000000Z", ".damaged-20000101T000000Z-2"} {
			if _, err := os.Stat(w.file + aside); err != nil {
				t.Error(err)
			}
		}
	})
	bubble(t, "the file of a former version, without a sum, is none", func(t *testing.T, w *world) {
		w.start(daily)
		w.hold("sleep", true)
		w.stop()
		damage(t, w.file, func(b []byte) []byte { return append([]byte("{"), b[len(sumBegins)+sumDigits+len(sumEnds):]...) })
		os.Remove(copyOf(w.file))
		w.start(daily)
		if !w.entry("sleep").Held || w.openAlert(stateAlert) != "" {
			t.Errorf("held: %v, alert %q", w.entry("sleep").Held, w.openAlert(stateAlert))
		}
	})
	bubble(t, "removed", func(t *testing.T, w *world) {
		w.start(daily)
		w.hold("sleep", true)
		w.stop()
		os.Remove(w.file)
		w.start(daily)
		if !w.entry("sleep").Held || !strings.Contains(w.openAlert(stateAlert), "schedule.json is gone: its copy is used") {
			t.Errorf("held: %v, alert %q", w.entry("sleep").Held, w.openAlert(stateAlert))
		}
	})
}

func TestWhenNobodyKnowsWhatWasHeldAllIsUntilAnOperatorSaysSo(t *testing.T) {
	bubble(t, "the file and its copy are damaged", func(t *testing.T, w *world) {
		w.start(daily, hourly)
		w.hold("sleep", true)
		w.stop()
		damage(t, w.file, damages["cut"])
		damage(t, copyOf(w.file), damages["zeros"])
		w.start(daily, hourly)
		told := w.openAlert(stateAlert)
		for _, want := range []string{w.file + ".damaged-", copyOf(w.file) + ".damaged-", "NOTHING is launched", "sleep, sleep#2"} {
			if !strings.Contains(told, want) {
				t.Errorf("got the alert %q, want %q in it", told, want)
			}
		}
		w.until("00:31:00")
		w.launched()
		missed := missedAlert + " " + w.find("sleep#2").Key
		if got := w.openAlert(missed); !strings.Contains(got, "schedule resume CONFIG sleep#2") {
			t.Errorf("a due time passed by: got the alert %q", got)
		}
		w.pass(29 * time.Hour)
		if w.openAlert(stateAlert) == "" {
			t.Error("after a day: the alert is over, and nothing is launched still")
		}
		w.stop()
		w.start(daily, hourly)
		if !w.entry("sleep").Held || !w.entry("sleep#2").Held || w.openAlert(stateAlert) == "" {
			t.Error("after a restart: want all held, and the alert")
		}
		w.hold("sleep#2", false)
		if w.openAlert(stateAlert) == "" {
			t.Error("one entry is held still: the alert is over")
		}
		w.hold("sleep", true)
		if got := w.openAlert(stateAlert); got != "" {
			t.Errorf("all is said: got the alert %q", got)
		}
		before := len(w.manager.launches())
		w.pass(time.Hour)
		if n := len(w.manager.launches()) - before; n != 1 {
			t.Errorf("got %d launches, want that of sleep#2", n)
		}
	})
	bubble(t, "a first start is none of that", func(t *testing.T, w *world) {
		w.start(daily)
		if w.entry("sleep").Held || w.openAlert(stateAlert) != "" {
			t.Error("want nothing held")
		}
	})
}

// unwritable has a file that no file can take the name of, and returns what makes it one that can be written again.
func unwritable(t *testing.T, file string) (again func()) {
	t.Helper()
	if err := os.MkdirAll(file+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	return func() { os.Remove(file + ".new") }
}

func TestWhatIsDamagedStaysSoUntilItIsReplaced(t *testing.T) {
	bubble(t, "all is held, and that cannot be written", func(t *testing.T, w *world) {
		w.start(daily, hourly)
		w.hold("sleep", true)
		w.stop()
		damage(t, w.file, damages["cut"])
		damage(t, copyOf(w.file), damages["zeros"])
		again := unwritable(t, w.file)
		for range 2 {
			w.start(daily, hourly)
			if !w.entry("sleep").Held || !w.entry("sleep#2").Held || !strings.HasPrefix(w.openAlert(stateAlert), "NOTHING is launched by the schedule") {
				t.Errorf("held: %v and %v, alert %q", w.entry("sleep").Held, w.entry("sleep#2").Held, w.openAlert(stateAlert))
			}
			w.stop()
		}
		again()
		w.start(daily, hourly)
		w.stop()
		w.start(daily, hourly)
		if !w.entry("sleep").Held || w.openAlert(stateAlert) == "" {
			t.Error("once it is written: want it held still, and the alert")
		}
	})
	bubble(t, "killed before anything was written", func(t *testing.T, w *world) {
		w.start(daily)
		w.hold("sleep", true)
		w.stop()
		damage(t, w.file, damages["cut"])
		damage(t, copyOf(w.file), damages["cut"])
		for range 2 {
			if l := load(w.file, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); !l.forgotten || l.damage == nil {
				t.Errorf("got forgotten %v, damage %v", l.forgotten, l.damage)
			}
		}
	})
}

func TestAHoldThatCannotBeWrittenIsSaidAndTriedAgain(t *testing.T) {
	bubble(t, "", func(t *testing.T, w *world) {
		w.start(daily, hourly)
		again := unwritable(t, w.file)
		for range 2 { // the second time nothing changes
			if err := w.holds("sleep", true); err == nil || !strings.Contains(err.Error(), "a restart of the scheduler forgets") {
				t.Errorf("got error %v, want that it is not written", err)
			}
		}
		if !w.entry("sleep").Held || !strings.Contains(w.openAlert(unwrittenAlert), w.file) {
			t.Errorf("held: %v, alert %q", w.entry("sleep").Held, w.openAlert(unwrittenAlert))
		}
		again()
		w.pass(time.Minute)
		if got := w.openAlert(unwrittenAlert); got != "" {
			t.Errorf("it can be written again: got the alert %q", got)
		}
		w.stop()
		w.start(daily, hourly)
		if !w.entry("sleep").Held {
			t.Error("after a restart it is not held")
		}
	})
}

func TestThatTheCopyWasUsedIsSaidWhateverOperatorsDo(t *testing.T) {
	bubble(t, "", func(t *testing.T, w *world) {
		w.start(daily, hourly)
		w.stop()
		damage(t, w.file, damages["cut"])
		w.start(daily, hourly)
		w.hold("sleep", true)
		w.reload(daily, hourly)
		if w.openAlert(stateAlert) == "" {
			t.Error("the alert is over, and nobody has dealt with the damage")
		}
		w.pass(25 * time.Hour)
		if got := w.openAlert(stateAlert); got != "" {
			t.Errorf("after a day: got the alert %q", got)
		}
	})
}
