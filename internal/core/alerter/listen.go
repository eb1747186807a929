package alerter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// goneFor is how long a daemon that a forecast can do without, as the supervisor, is silent until what it said last counts no more.
const goneFor = 5 * time.Minute

// known returns all alerts that are known: of the others from the feed, our own from ourselves.
func (a *Alerter) known() []feed.Raised {
	all := slices.DeleteFunc(slices.Clone(a.mirror.Alerts()), func(r feed.Raised) bool { return r.Source == Name || r.Open() && a.gone(r.Source) })
	for _, own := range a.Alerts.All() {
		all = append(all, feed.Raised{Source: Name, Alert: own})
	}
	return all
}

// heard tells whether it is known what becomes of a daemon's alert: that it is not among the known ones means that it is over.
func (a *Alerter) heard(source, key string) bool {
	switch source {
	case Name:
		return a.well[key] || ofTheProcess(key)
	case feed.SourceManager:
		_, beats := a.mirror.Daemon(source)
		return beats && a.mirror.Counts().Snapshots > 0 && len(a.mirror.NeedSnapshot()) == 0
	}
	_, known := a.mirror.Daemon(source)
	return known || a.gone(source)
}

// ofTheProcess tells whether an alert of our own is not about what we watch: whoever runs us raises and ends it, and our process knows all of
// them. One of an earlier process is over with it: this one has read the configuration and opened the files itself.
func ofTheProcess(key string) bool {
	return key == kindNotReloaded || strings.HasPrefix(key, kindLogFile+" ")
}

// gone tells whether a daemon that need not be there is not.
func (a *Alerter) gone(source string) bool {
	if source == Name || a.needs.expects(a.mirror, source) {
		return false
	}
	now := a.Now()
	d, known := a.mirror.Daemon(source)
	if !known {
		return now.Sub(a.since) > goneFor
	}
	return d.SilentFor(now) > goneFor
}

// raise opens an alert of our own, once; if it is open, what is new about it is told.
func (a *Alerter) raise(key, kind, text string) {
	a.raiseAlert(engine.Alert{Key: key, Kind: kind, Message: text})
}

func (a *Alerter) raiseAlert(alert engine.Alert) {
	a.well[alert.Key] = false
	if old, open := a.Alerts.Open(alert.Key); open {
		if old.Message == alert.Message {
			return
		}
		alert.Time = old.Time // the same one, in other words
	}
	a.Alerts.Raise(alert)
	a.look = true
}

// end ends an alert of our own, also one that an earlier alerter raised.
func (a *Alerter) end(key, how string) {
	if !a.well[key] {
		a.well[key], a.look = true, true
		a.Alerts.End(key, how)
	}
}

// take takes what was found out about what we watch.
func (a *Alerter) take(all []finding) {
	for _, f := range all {
		if f.alert != nil {
			a.raiseAlert(*f.alert)
		} else {
			a.end(f.key, f.how)
		}
	}
}

// watch looks, each second, for what nobody can say of himself.
func (a *Alerter) watch() {
	now := a.Now()
	if now.Sub(a.ticked) > stalledFor {
		a.since = now // we were stopped, or this host was asleep: what others said meanwhile is still to be read
	}
	a.ticked = now
	a.take(daemons(a.mirror, a.needs, now, a.since, a.writer))
	step, found := a.clock.look(now, a.Elapsed(), a.writer)
	if found.key != "" {
		a.take([]finding{found})
	}
	if step < 0 {
		a.state.clockWasSet(now.UTC(), -step)
		a.changed = true
	}
	open := 0
	for _, r := range a.mirror.Alerts() {
		if r.Open() {
			open++
		}
	}
	if open > maxOpen {
		a.raise(keyMany, "too many alerts", fmt.Sprintf("more than %d alerts are open: the others become incidents when there is room", maxOpen))
	} else {
		a.end(keyMany, "there is room")
	}
	if a.Elapsed() > saidFor {
		a.end(keyDamaged, "an hour has passed")
	}
}

// ask asks the manager for a snapshot if the feed is not enough, and for the daily message.
func (a *Alerter) ask(ctx context.Context) {
	now := a.Now()
	date, due := dailyDue(a.config.AllWell, a.state.AllWell, a.state.Began, now, a.Zone)
	due = due && a.daily != date
	if a.asking || !due && (len(a.mirror.NeedSnapshot()) == 0 || a.Elapsed() < a.askAfter) {
		return
	}
	if due {
		a.daily = date
	}
	a.asking = true
	a.sending.Go(func() {
		patient, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		s, err := a.Snapshot(patient)
		a.asked <- answer{s, err, due} // has room for the one
	})
}

// answered takes what the manager said.
func (a *Alerter) answered(s answer) {
	a.asking, a.askAfter = false, a.Elapsed()+a.Tick
	var snapshot *feed.Snapshot
	if s.err == nil {
		if s.err = a.mirror.SetSnapshot(s.snapshot); s.err == nil {
			snapshot = &s.snapshot
		}
	}
	if s.err != nil {
		a.Log.Debug("the manager does not say what its alerts are", "err", s.err)
	}
	if !s.daily {
		return
	}
	now := a.Now()
	a.state.AllWell, a.changed = a.daily, true
	text := a.writer.daily(a.state, snapshot, now)
	for _, d := range a.destinations {
		if d.wantsDaily() {
			a.state.queue(d.name).add(note{Key: "all well " + a.Host + " " + a.daily, What: allWell, Time: now.UTC(), Text: text})
		}
	}
}
