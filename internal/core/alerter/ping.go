package alerter

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/notify"
)

// pings is the dead-man's switch: a URL is fetched regularly, and whoever serves it complains when that stops.
type pings struct {
	next     time.Duration // by the clock that cannot be set
	busy     bool
	failures int
}

const pingAgain = 30 * time.Second // after one that failed

// ping begins a ping if it is due.
func (a *Alerter) ping(ctx context.Context) {
	if a.config.Ping == "" || a.pings.busy || a.Elapsed() < a.pings.next {
		return
	}
	if _, known := a.mirror.Daemon(feed.SourceManager); !known && a.Now().Sub(a.since) < neverHeard {
		return // it is too early to say anything
	}
	to, err := notify.URL(a.config.Ping, a.LookupEnv)
	if err != nil {
		a.pings.next = a.Elapsed() + a.config.PingEvery
		a.raise(keyPing, "ping", "nothing is pinged: "+err.Error())
		return
	}
	well, why := a.health()
	if !well {
		a.Log.Warn("the ping says that all is not well: " + why)
		to = failing(to)
	}
	a.pings.busy, a.pings.next = true, a.Elapsed()+a.config.PingEvery
	a.sending.Go(func() { a.pinged <- a.Fetch(ctx, to) }) // has room for the one
}

// failing returns where bad news go, as healthchecks.io has it.
func failing(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	return u.JoinPath("fail").String()
}

// health tells whether the manager is there and what it and we are told can be made durable; if not, why.
func (a *Alerter) health() (well bool, why string) {
	if d, known := a.mirror.Daemon(feed.SourceManager); (!known || d.Stopped || d.Silent(a.Now())) && !foreignManager(a.mirror) {
		return false, "the manager is not heard of"
	}
	for _, r := range a.mirror.Alerts() {
		if r.Open() && (r.Kind == kindStateStore || r.Source == sourceBroker && (r.Kind == kindNoManager || r.Kind == kindNoAnswer)) {
			return false, r.Message
		}
	}
	if a.unsaved != nil {
		return false, a.unsaved.Error()
	}
	return true, ""
}

// pingEnded takes what became of a ping.
func (a *Alerter) pingEnded(err error) {
	a.pings.busy = false
	if err == nil {
		a.pings.failures = 0
		a.end(keyPing, "the ping is answered again")
		return
	}
	a.pings.failures++
	a.pings.next = min(a.pings.next, a.Elapsed()+pingAgain)
	if a.pings.failures >= failuresBeforeAlert {
		a.raise(keyPing, "ping", fmt.Sprintf("the URL of ping: cannot be reached, so the other side will say that we are dead: %v", err))
	}
}
