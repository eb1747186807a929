package broker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/kind"
	"nowcast/internal/core/wire"
)

// watch tells the operator when requests wait for longer than they should, and why.
type watch struct {
	logger *slog.Logger
	alerts Alerts
	start  string

	open     map[string]time.Time // since when what is wrong; run's own
	answered int                  // requests, when it last was another number, and when that was; run's own
	since    time.Time
	oldest   time.Time // when the oldest request was accepted, perhaps by a broker before, and since when it is the oldest; run's own
	seen     time.Time
	rivals   time.Time // since when several managers are connected; zero: they are not; run's own
	away     int       // connections that were turned away, and when that was last another number; run's own
	awayAt   time.Time
}

const (
	// watchEvery is the time between two looks.
	watchEvery = time.Second
	// withoutManager is how long a request may wait for a manager to be there: longer than one takes to restart.
	withoutManager = 5 * time.Second
	// withoutAnswer is how long a manager may take for a request while it answers no other: longer than a rule may run.
	withoutAnswer = 30 * time.Second
	// withTwoManagers is how long two may be connected: longer than the connection of one stays whose machine has vanished.
	withTwoManagers = managerSilent + watchEvery
	// withoutTurningAway is how long no connection was turned away when descriptors are enough again. Peers try again after less.
	withoutTurningAway = 10 * time.Second
)

// What an alert is about.
const (
	keyNoManager  = kind.NoManager
	keyNoAnswer   = kind.NoAnswer
	keyWaits      = kind.Unanswered
	keyJournal    = kind.Journal
	keyTurnedAway = kind.TurnedAway
	keyRivals     = kind.TwoManagers
)

func newWatch(o Options) *watch {
	w := &watch{logger: o.Logger, alerts: o.Alerts, start: o.Start, open: map[string]time.Time{}}
	if w.alerts == nil {
		w.alerts = nobody{}
	}
	return w
}

// nobody is told.
type nobody struct{}

func (nobody) Raise(engine.Alert) {}
func (nobody) End(string, string) {}

// run looks regularly until ctx ends.
func (w *watch) run(ctx context.Context, waiting func() wire.Waiting) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			w.look(now, waiting())
		}
	}
}

// look compares how the requests are doing now with how they should.
func (w *watch) look(now time.Time, is wire.Waiting) {
	if is.Answered != w.answered || is.Requests == 0 || is.Peers == 0 || is.Rivals != "" || w.since.IsZero() {
		w.answered, w.since = is.Answered, now
	}
	if !is.Since.Equal(w.oldest) || is.Peers == 0 || is.Rivals != "" || w.seen.IsZero() {
		w.oldest, w.seen = is.Since, now
	}
	since := is.Since.Local().Format("15:04:05")
	w.is(keyNoManager, is.Requests > 0 && is.Peers == 0 && now.Sub(is.Since) > withoutManager, is.Since,
		fmt.Sprintf("%s for a manager since %s: start it with %s. If one runs, its log says why it is not connected (a database that does not answer)",
			wait(is.Requests), since, w.start), "the requests are with a manager, or answered")
	w.lookForRivals(now, is.Rivals)
	hangs := is.Requests > 0 && is.Peers > 0 && is.Rivals == "" && now.Sub(w.since) > withoutAnswer
	w.is(keyNoAnswer, hangs, w.since,
		fmt.Sprintf("%s since %s, and the manager that is connected has answered none for %v: look at its log, restart it if it hangs",
			wait(is.Requests), since, now.Sub(w.since).Truncate(10*time.Second)), "it answers again, or has gone")
	w.is(keyWaits, !hangs && is.Requests > 0 && is.Peers > 0 && is.Rivals == "" && now.Sub(w.seen) > withoutAnswer, is.Since,
		fmt.Sprintf("a request of %s has no answer yet, though the manager answers others: its worker waits. The manager may hold it (clear checklist, while launches run); "+
			"else look at the manager's log", since), "it is answered, or other things are wrong")
	if is.TurnedAway != w.away {
		w.away, w.awayAt = is.TurnedAway, now
	}
	w.is(keyTurnedAway, w.away > 0 && now.Sub(w.awayAt) < withoutTurningAway, w.awayAt,
		fmt.Sprintf("the broker has no descriptor left for new connections: %d were turned away so far, and try again; those that it has go on. Find out who has so many "+
			"(ss -tnp), or raise its limit (ulimit -n; LimitNOFILE= of a systemd unit) and restart it", w.away), "none was turned away for 10 s")
}

func wait(requests int) string {
	if requests == 1 {
		return "1 request waits"
	}
	return fmt.Sprintf("%d requests wait", requests)
}

// is raises an alert, corrects it while the trouble lasts, and ends it.
func (w *watch) is(key string, trouble bool, since time.Time, text, how string) {
	began, open := w.open[key]
	switch {
	case trouble:
		if !open {
			w.logger.Warn(text)
			began = since.UTC()
			w.open[key] = began
		}
		w.alerts.Raise(engine.Alert{Time: began, Key: key, Kind: key, Message: text})
	case open:
		delete(w.open, key)
		w.logger.Info("over: " + key + ": " + how)
		w.alerts.End(key, how)
	}
}

// journal is told when the journal cannot be written, and when it can again.
func (w *watch) journal(err error) {
	if err == nil {
		w.logger.Info("requests are written to the journal again")
		w.alerts.End(keyJournal, "it can be written again")
		return
	}
	text := "requests are passed on without being written to the journal: if the broker dies now, those without an answer are lost; make room on the disk, or repair it: " + err.Error()
	w.logger.Log(context.Background(), engine.LevelCritical, text)
	w.alerts.Raise(engine.Alert{Key: keyJournal, Kind: keyJournal, Because: engine.BecauseOf(err), Message: text})
}
