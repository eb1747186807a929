package alerter

import (
	"context"
	"fmt"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// Incidents answers control.CmdIncidents.
func (a *Alerter) Incidents(ctx context.Context, _ control.Request, _ struct{}) (any, error) {
	var all []feed.Incident
	err := a.do(ctx, func() error {
		all = a.state.shown()
		return nil
	})
	return all, err
}

// Acknowledge answers control.CmdAcknowledge: somebody takes care of the incident, so only its end is told.
func (a *Alerter) Acknowledge(ctx context.Context, r control.Request, args control.IncidentArgs) (any, error) {
	return a.mark(ctx, args.Incident, func(i *record) {
		if i.Acknowledged == nil { // else who was first stays
			i.Acknowledged = &feed.Mark{Author: r.Author, Time: a.Now().UTC(), Note: args.Note}
			a.Log.Info(fmt.Sprintf("%s acknowledged incident %d: %s: %s", r.Author, i.ID, i.Kind, i.Message), "note", args.Note)
		}
	})
}

// Snooze answers control.CmdSnooze: nothing is told about the incident for a time.
func (a *Alerter) Snooze(ctx context.Context, r control.Request, args control.SnoozeArgs) (any, error) {
	if args.For < 0 {
		return nil, fmt.Errorf("incidents are snoozed for a time, or for 0 to end that; not for %s", args.For)
	}
	return a.mark(ctx, args.Incident, func(i *record) {
		if args.For == 0 {
			i.Snoozed = nil
			a.Log.Info(fmt.Sprintf("%s ended the snooze of incident %d", r.Author, i.ID))
			return
		}
		now := a.Now().UTC()
		i.Snoozed = &feed.Mark{Author: r.Author, Time: now, Until: now.Add(args.For), Note: args.Note}
		a.Log.Info(fmt.Sprintf("%s snoozed incident %d for %s: %s: %s", r.Author, i.ID, length(args.For), i.Kind, i.Message), "note", args.Note)
	})
}

// Close answers control.CmdClose: the operator knows that an incident is over, though its daemon does not. Its alert, and those that were
// folded under it, begin none again; the next trouble of the same kind does.
func (a *Alerter) Close(ctx context.Context, r control.Request, args control.IncidentArgs) (any, error) {
	return a.mark(ctx, args.Incident, func(i *record) {
		now := a.Now().UTC()
		i.Closed = &feed.Mark{Author: r.Author, Time: now, Note: args.Note}
		i.Ended, i.End = &now, "closed by "+r.Author
		if args.Note != "" {
			i.End += ": " + args.Note
		}
		i.shut(a.known())
		a.Log.Info(fmt.Sprintf("%s closed incident %d: %s: %s", r.Author, i.ID, i.Kind, i.Message), "note", args.Note)
	})
}

// mark changes an open incident and returns it. It is durable then.
func (a *Alerter) mark(ctx context.Context, id int64, change func(*record)) (any, error) {
	var shown feed.Incident
	err := a.do(ctx, func() error {
		r := a.state.find(id)
		switch {
		case r == nil:
			return fmt.Errorf("there is no incident %d: open are %s", id, a.state.numbers())
		case !r.Open():
			return fmt.Errorf("incident %d has ended at %s: %s", id, a.writer.clock(*r.Ended), r.End)
		}
		change(r)
		a.changed = true
		if a.keep(); a.unsaved != nil {
			return fmt.Errorf("it is so now, but forgotten if the alerter is restarted: %w", a.unsaved)
		}
		shown = r.show()
		return nil
	})
	return shown, err
}

// numbers lists the open incidents.
func (s *state) numbers() string {
	var all []string
	for _, r := range s.Incidents {
		if !r.Open() {
			continue
		}
		if len(all) == listed {
			all = append(all, "...")
			break
		}
		all = append(all, fmt.Sprint(r.ID))
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// Reload takes over another configuration.
func (a *Alerter) Reload(ctx context.Context, c config.Alerts, dirs []string, needs Needs) error {
	return a.do(ctx, func() error {
		a.configure(c, dirs, needs)
		return nil
	})
}

// do has Run's goroutine execute f and waits until it has.
func (a *Alerter) do(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	select {
	case a.calls <- func() { done <- f() }:
		return <-done
	case <-ctx.Done():
		return fmt.Errorf("the alerter is stopping: %w", ctx.Err())
	}
}

// Ping tells whether the loop answers.
func (a *Alerter) Ping(ctx context.Context) error { return a.do(ctx, func() error { return nil }) }
