package alerter

import (
	"fmt"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// Keys of the alerter's own alerts, beside those of daemons, disks and destinations.
const (
	keyState = "alerts.json"
	keyClock = "clock"
	keyPing  = "ping"
	keyMany  = "too many"

	keyDamaged = "alerts.json damaged"
)

// finding is what was found out about one thing that the alerter watches. What could not be found out is no finding.
type finding struct {
	key   string
	alert *engine.Alert // nil: all is well
	how   string        // that it is
}

func fine(key, how string) finding { return finding{key: key, how: how} }

func bad(key, kind, text string, args ...any) finding {
	return finding{key: key, alert: &engine.Alert{Key: key, Kind: kind, Message: fmt.Sprintf(text, args...)}}
}

const (
	neverHeard  = 30 * time.Second // a daemon that has said nothing since we began is not there
	stoppedFor  = time.Minute      // a daemon that was stopped is away for less while it is restarted
	stalledFor  = 5 * time.Second  // if our own loop was away for so long, silence of others means nothing
	stepOfClock = time.Minute
	saidFor     = time.Hour // how long it stays an alert that the clock was set
)

// daemons looks for daemons that are not there. since is when we began to listen without a pause. Everything comes by way of the broker,
// and so do our own heartbeats: while these are missing, nothing is known of the others.
func daemons(m *feed.Mirror, needs Needs, now, since time.Time, zone writer) []finding {
	listening := now.Sub(since)
	own, known := m.Daemon(Name)
	if !known && listening > neverHeard || known && listening > 3*own.Every && own.Silent(now) {
		name := sourceBroker
		return []finding{bad(DaemonKey(name), "daemon down", "%s is not there: nothing comes through it since %s, not even what the alerter says itself. "+
			"No worker can report. nowcastd up starts it again by itself; else start it", name, zone.clock(later(own.Heard, since)))}
	}
	if !known {
		return nil
	}
	var all []finding
	for _, name := range watched {
		if !needs.expects(m, name) {
			all = append(all, fine(DaemonKey(name), "there is nothing for it to do"))
			continue
		}
		if f := daemonState(m, name, now, listening, zone); f.key != "" {
			all = append(all, f)
		}
	}
	return all
}

func daemonState(m *feed.Mirror, name string, now time.Time, listening time.Duration, zone writer) finding {
	d, known := m.Daemon(name)
	key := DaemonKey(name)
	switch {
	case name == feed.SourceManager && foreignManager(m):
		return fine(key, "a manager of another make is connected")
	case !known && listening > neverHeard:
		return bad(key, "daemon down", "%s does not run: it has not been heard of since the alerter began to listen. Start it, or nowcastd up, which runs all", name)
	case !known:
		return finding{}
	case d.Stopped && d.SilentFor(now) > stoppedFor:
		return withTime(bad(key, "daemon down", "%s was stopped at %s and has not been started again", name, zone.clock(d.Heard)), d.Heard)
	case d.Silent(now) && listening > 3*d.Every:
		return withTime(bad(key, "daemon down", "%s has not been heard of since %s (process %d on %s): it was killed, or hangs. "+
			"nowcastd up starts it again if it has ended; if it hangs, kill -9 %d", name, zone.clock(d.Heard), d.PID, d.Host, d.PID), d.Heard)
	case d.Stopped || d.Silent(now):
		return finding{} // not long enough to say so
	}
	return fine(key, "it is heard of again")
}

func withTime(f finding, since time.Time) finding {
	f.alert.Time = since.UTC()
	return f
}

// clock notices that the wall clock was set: it runs away from one that cannot be.
type clock struct {
	wall  time.Time
	run   time.Duration // of the clock that cannot be set
	until time.Duration // by which it is an alert
}

// look compares the clocks with those of last time. A step is returned once.
func (c *clock) look(wall time.Time, run time.Duration, zone writer) (step time.Duration, found finding) {
	wall = wall.Round(0) // the wall clock alone
	if !c.wall.IsZero() {
		step = wall.Sub(c.wall) - (run - c.run)
	}
	was := c.wall.Add(run - c.run)
	c.wall, c.run = wall, run
	if step.Abs() < stepOfClock {
		if run > c.until {
			found = fine(keyClock, "the clock has not been set for an hour")
		}
		return 0, found
	}
	c.until = run + saidFor
	how := "back by " + length(-step)
	if step > 0 {
		how = "forward by " + length(step) + ", or this host was asleep"
	}
	return step, bad(keyClock, "clock step", "the clock of this host was set %s: from %s to %s. Look at what was due, or launched twice, in between",
		how, zone.clock(was), zone.clock(wall))
}
