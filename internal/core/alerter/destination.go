package alerter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/fault"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/notify"
)

// destination is one of alerts: in the configuration, as the loop sees it.
type destination struct {
	config.Destination
	name   string
	outlet outlet // nil: it cannot be reached, which is an alert
	busy   bool   // an attempt is under way
}

// outlet makes attempts; see notify.Outlet.
type outlet interface {
	Send(ctx context.Context, a notify.Alarm) (notify.Attempt, error)
}

// wantsDaily tells whether the daily message is for the destination: not if that is for errors, or for some workers or kinds only.
func (d *destination) wantsDaily() bool {
	return d.Kind != config.ToSentry && d.Workers == nil && (d.Kinds == nil || slices.Contains(d.Kinds, allWell))
}

// result is what became of an attempt.
type result struct {
	to      string
	key     string
	told    string // what it said
	attempt notify.Attempt
	err     error
}

const failuresBeforeAlert = 3

// configure takes over the section alerts, and which disks are watched.
func (a *Alerter) configure(c config.Alerts, dirs []string, needs Needs) {
	select {
	case <-a.disks.jobs: // not taken yet
	default:
	}
	a.disks.jobs <- diskJob{dirs, c.DiskFree}
	busy := map[string]bool{}
	for _, d := range a.destinations {
		busy[d.name] = d.busy
	}
	a.config, a.needs, a.destinations = c, needs, nil
	for _, d := range c.Destinations {
		to := destination{Destination: d, name: d.Name(), busy: busy[d.Name()]}
		o, err := a.Outlet(d)
		if err != nil {
			a.Log.Warn(fmt.Sprintf("no alert is sent to %s: %v", to.name, err))
			a.raise("send "+to.name, "alert not sent", fmt.Sprintf("no alert is sent to %s: %v", to.name, err))
		} else {
			to.outlet = o
			if _, open := a.Alerts.Open("send " + to.name); open {
				a.end("send "+to.name, "it is configured now")
			}
		}
		a.destinations = append(a.destinations, to)
	}
	for name, q := range a.state.Queues {
		if slices.ContainsFunc(a.destinations, func(d destination) bool { return d.name == name }) {
			continue
		}
		if len(q.Notes) > 0 {
			a.Log.Warn(fmt.Sprintf("%d messages to %s are dropped: it is no destination of alerts: in the configuration any more", len(q.Notes), name))
		}
		delete(a.state.Queues, name)
		a.end("send "+name, "it is no destination any more")
	}
	a.changed = true
}

// job is an attempt that the loop has decided upon.
type job struct {
	to    *destination
	told  string // what it says: ended, if the note is of the beginning of what is over by now
	alarm notify.Alarm
}

// due returns the attempts to be made now, marked as tried: the state is to be durable before they are made.
func (a *Alerter) due() (jobs []job) {
	now := a.Now()
	for i := range a.destinations {
		d := &a.destinations[i]
		if d.busy || d.outlet == nil {
			continue
		}
		n := a.state.queue(d.name).take(now, a.config.Limit)
		if n == nil {
			continue
		}
		if !n.Tried {
			n.Tried, a.changed = true, true
		}
		told := n.What
		if r := a.state.find(n.Incident); r != nil && !r.Open() {
			told = ended
		}
		jobs = append(jobs, job{d, told, a.writer.alarm(a.state, n)})
	}
	return jobs
}

// start makes an attempt on a goroutine of its own; its end comes back to the loop. There is one for each destination.
func (a *Alerter) start(ctx context.Context, j job) {
	j.to.busy = true
	o, name := j.to.outlet, j.to.name
	a.sending.Go(func() {
		attempt, err := o.Send(ctx, j.alarm)
		if err == nil {
			fault.Point("alert sent")
		}
		select {
		case a.results <- result{name, j.alarm.Key, j.told, attempt, err}:
		case <-ctx.Done():
		}
	})
}

// finished takes what became of an attempt.
func (a *Alerter) finished(r result) {
	now := a.Now()
	for i := range a.destinations {
		if a.destinations[i].name == r.to {
			a.destinations[i].busy = false
		}
	}
	q := a.state.Queues[r.to]
	if q == nil {
		return // it is no destination any more
	}
	i := slices.IndexFunc(q.Notes, func(n note) bool { return n.Key == r.key })
	if i < 0 {
		return
	}
	a.changed = true
	n := q.Notes[i]
	if r.err == nil {
		q.delivered(n.Key, now)
		a.state.sent(&n, r.told, r.to, now, "")
		if n.short() {
			a.Log.Warn(fmt.Sprintf("%s took an alert in a few words only, not as it was", r.to), "what", n.What, "incident", n.Incident)
		}
		if !a.state.stuck(q, "send "+r.to) {
			a.end("send "+r.to, "it takes alerts again")
		}
		if r.attempt.Note != "" {
			a.Log.Warn(fmt.Sprintf("alert sent to %s, but not to all: %s", r.to, r.attempt.Note))
		}
		return
	}
	why := cut(r.err.Error(), longestWhy)
	if r.attempt.Final {
		why = "refused, and tried again in a few words: " + why
	}
	if q.failed(n.Key, now, r.attempt.Final, r.attempt.RetryAfter) {
		why = "given up: " + why
		a.Log.Error(fmt.Sprintf("alert not sent to %s, given up: %v", r.to, r.err), "what", n.What, "incident", n.Incident)
	}
	a.state.sent(&n, r.told, r.to, now, why)
	if q.Tries == 1 {
		a.Log.Warn(fmt.Sprintf("alert not sent to %s, tried again until it is: %v", r.to, r.err))
	}
	switch {
	case n.refused() && n.Failures+1 >= failuresBeforeAlert:
		a.raise("send "+r.to, "alert not sent", fmt.Sprintf("%s does not take an alert (%s, incident %d): %v", r.to, n.What, n.Incident, r.err))
	case q.Tries >= failuresBeforeAlert:
		a.raise("send "+r.to, "alert not sent", fmt.Sprintf("%s does not take alerts: %v", r.to, r.err))
	}
}

// stuck tells whether a message fails again and again, beside that which says so.
func (s *state) stuck(q *queue, saying string) bool {
	return slices.ContainsFunc(q.Notes, func(n note) bool {
		r := s.find(n.Incident)
		return n.Failures >= failuresBeforeAlert && (r == nil || r.Key != saying)
	})
}

// sent notes on incidents what became of telling a destination about them.
func (s *state) sent(n *note, told, to string, now time.Time, why string) {
	for _, r := range s.Incidents {
		if !n.about(r.ID) {
			continue
		}
		sent := feed.Sent{To: to, Time: now.UTC(), What: told, Short: n.short() && why == "", Note: why}
		i := slices.IndexFunc(r.Sent, func(old feed.Sent) bool { return old.To == to && old.Note != "" })
		if i >= 0 {
			r.Sent[i] = sent
			continue
		}
		r.Sent = append(r.Sent[max(0, len(r.Sent)-keepSent+1):len(r.Sent):len(r.Sent)], sent)
	}
}

const (
	keepSent   = 20 // of one incident
	longestWhy = 500
)
