package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/store"
)

// standing is how things stand: what `status --json` prints.
type standing struct {
	feed.Snapshot
	Incidents []feed.Incident  `json:"incidents"`            // all that are open and the newest that ended
	NoAlerter string           `json:"no_alerter,omitempty"` // why the incidents are not known
	Daemons   []feed.Heartbeat `json:"daemons,omitempty"`    // that were heard; only if the manager does not answer, or the alerter and it was not asked for JSON alone
}

func (p *program) status() *cobra.Command {
	var asJSON, all, check bool
	c := &cobra.Command{
		Use:   "status CONFIG",
		Short: "Show launches, open barriers and alerts",
		Long: `Show how things stand: launches (the unfinished and the newest 20; --all for all the manager
remembers), open barriers with who is missing, and the alerts that last, as the alerter tells
them: who has acknowledged each, what follows from it, and what has not arrived where it was sent.
nowcastd alerts --all --json has who was told, and when. Times are local.

If the manager does not answer, it shows which daemons are heard, how many requests of workers
wait, and whether a manager stands by; exit code 3.

With --check the exit code is 1 if something is open that nobody has acknowledged, or if there is no
alerter: nobody is told of troubles then.`,
		Example: "  nowcastd status nowcast.yaml\n  nowcastd status --check nowcast.yaml >/dev/null || mail -s 'nowcast: look' ops@example.org </dev/null\n" +
			"  nowcastd status --json nowcast.yaml | jq '.launches[] | select(.state == \"failed\")'",
		Args: configArg(0),
	}
	c.Flags().BoolVar(&all, "all", false, "show all launches the manager remembers")
	c.Flags().BoolVar(&check, "check", false, "exit code 1 if an alert is open that nobody has acknowledged, or if there is no alerter")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := p.find(args[0])
		if err != nil {
			return err
		}
		s, err := p.standing(c.Context(), cfg)
		now := time.Now()
		switch {
		case errors.Is(err, control.ErrNoAnswer):
			s.Daemons = p.heard(c.Context(), cfg)
			err = served(c.Context(), cfg, s.Daemons, blame(s.Daemons, err))
		case err == nil && s.NoAlerter != "" && (check || !asJSON): // who reads JSON sees no_alerter at once, and asks often
			s.Daemons = p.heard(c.Context(), cfg)
			if slices.ContainsFunc(s.Daemons, func(d feed.Heartbeat) bool { return d.Name == feed.SourceAlerter && !d.Stopped }) { // it was only slow
				s.ask(c.Context(), p, cfg)
			}
		}
		switch {
		case asJSON:
			err = errors.Join(err, p.json(s))
		case err != nil:
			p.printDaemons(s.Daemons, now)
			p.printAlerts(s, now)
		default:
			if !all {
				s.Launches = newest(s.Launches, 20)
			}
			p.printStatus(&s.Snapshot, now)
			p.printAlerts(s, now)
		}
		if err == nil && check && (s.NoAlerter != "" || s.unacknowledged() > 0) {
			return failure{code: exitFailed}
		}
		return err
	}
	return jsonFlag(c, &asJSON)
}

// alerterWithin is how much longer than the manager the alerter may take: it is there or it is not.
const alerterWithin = 300 * time.Millisecond

// standing asks manager and alerter at once. Its error is the manager's.
func (p *program) standing(ctx context.Context, cfg *config.Config) (*standing, error) {
	s := &standing{Incidents: []feed.Incident{}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() {
		s.ask(ctx, p, cfg)
	})
	err := p.call(ctx, cfg, message.ManagerName, control.CmdSnapshot, struct{}{}, &s.Snapshot)
	late := time.AfterFunc(alerterWithin, cancel)
	asking.Wait()
	late.Stop()
	return s, err
}

// ask asks the alerter.
func (s *standing) ask(ctx context.Context, p *program, cfg *config.Config) {
	s.NoAlerter = ""
	if err := p.call(ctx, cfg, feed.SourceAlerter, control.CmdIncidents, struct{}{}, &s.Incidents); err != nil {
		s.NoAlerter = err.Error()
	}
}

// listen is how long heartbeats are waited for: longer than one takes to come.
const listen = 2500 * time.Millisecond

// heard returns the last heartbeat of each daemon that is heard within listen. It is asked only if the manager or the alerter does not answer.
func (p *program) heard(ctx context.Context, cfg *config.Config) []feed.Heartbeat {
	endpoint, err := socket(cfg, config.SocketFeed)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, listen)
	defer cancel()
	events, err := feed.Subscribe(ctx, endpoint, []string{feed.StreamDaemon})
	if err != nil {
		return nil
	}
	mirror := feed.NewMirror(feed.MirrorOptions{})
	for batch := range events {
		mirror.Apply(batch)
	}
	var all []feed.Heartbeat
	for _, d := range mirror.Daemons() {
		all = append(all, d.Heartbeat)
	}
	return all
}

// blame says who is to blame that the manager does not answer, if those who are heard tell more than the broker, or its silence.
func blame(daemons []feed.Heartbeat, why error) error {
	up := slices.ContainsFunc(daemons, func(d feed.Heartbeat) bool { return d.Name == "supervisor" && !d.Stopped })
	switch text := why.Error(); {
	case len(daemons) == 0 && strings.Contains(text, "the broker is running"):
		return &blamed{fmt.Sprintf("nothing came through the message broker for %s: it hangs; kill -9 it (pgrep -f 'nowcastd broker' shows its process), nowcastd up starts it again", listen), why}
	case up && strings.Contains(text, "no manager is connected"):
		return &blamed{"it is not running; nowcastd up starts it again, and why it ended is in its log: nowcastd logs --name manager --level ERROR, or what nowcastd up printed", why}
	}
	return why
}

// blamed is the error of a manager that does not answer, with what was found out about it.
type blamed struct {
	what string
	why  error
}

func (e *blamed) Error() string { return "no answer from manager: " + e.what }

func (e *blamed) Unwrap() error { return e.why }

// served says where the manager is that has the state, if it is on another machine: there is nothing to start here then.
func served(ctx context.Context, cfg *config.Config, daemons []feed.Heartbeat, why error) error {
	if !errors.Is(why, control.ErrNoAnswer) {
		return why
	}
	for _, d := range daemons {
		if d.Standby != "" && !d.Stopped {
			return &servedBy{d.Standby, why}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, listen)
	defer cancel()
	if by := store.Elsewhere(ctx, statePlace(cfg)); by != "" {
		return &servedBy{by, why}
	}
	return why
}

// servedBy is the error of a manager that does not answer here because another one, which has the state, serves elsewhere.
type servedBy struct {
	who string
	why error
}

func (e *servedBy) Error() string {
	return fmt.Sprintf("no answer from manager: %s has the state and serves from there: ask it on that machine", e.who)
}

func (e *servedBy) Unwrap() error { return e.why }

// unacknowledged counts what is open and nobody has acknowledged; without an alerter nobody has.
func (s *standing) unacknowledged() (n int) {
	for _, in := range s.Incidents {
		if in.Open() && in.Acknowledged == nil {
			n++
		}
	}
	for _, a := range s.Alerts {
		if s.NoAlerter != "" && a.Open() {
			n++
		}
	}
	return n
}

// newest returns the unfinished launches and the last n, in order.
func newest(launches []launch.Launch, n int) []launch.Launch {
	cut := len(launches) - n
	kept := make([]launch.Launch, 0, n)
	for i, l := range launches {
		if i >= cut || !l.State.Final() {
			kept = append(kept, l)
		}
	}
	return kept
}

// printStatus shows launches and barriers.
func (p *program) printStatus(s *feed.Snapshot, now time.Time) {
	w := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tWORKER\tARGUMENTS\tHOST\tSTARTED\tTOOK\tBECAUSE OF\tNOTE")
	for i := range s.Launches {
		l := &s.Launches[i]
		started, took := "-", "-"
		if l.Started != nil {
			started, took = shortTime(*l.Started), launch.Length(l.Duration(now))
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.State, short(l.Name()), short(strings.Join(l.Args, " ")), short(l.Host), started, took, short(l.Cause), short(note(l, now)))
	}
	w.Flush()
	for _, b := range s.Barriers {
		fmt.Fprintf(p.Stdout, "\nbarrier %d, open since %s because of %s, waits for %s; held: %d\n", b.ID, shortTime(b.Opened), short(b.Cause), short(strings.Join(b.Missing, ", ")), len(b.Held))
	}
}

// note says why a launch stands as it does, or what keeps it from starting.
func note(l *launch.Launch, now time.Time) string {
	switch {
	case l.Superseded != 0 && l.Note == "":
		return fmt.Sprintf("launch %d is in its place", l.Superseded)
	case l.Superseded != 0: // in front: it must not be what is cut off
		return fmt.Sprintf("launch %d is in its place; %s", l.Superseded, l.Note)
	case l.State != launch.Decided:
		return l.Note
	case l.NotBefore != nil && l.NotBefore.After(now):
		return "starts at " + shortTime(*l.NotBefore)
	case l.Waits != "":
		return "waits: " + l.Waits
	}
	return l.Note
}

// lately is how long what has ended is shown.
const lately = 24 * time.Hour

// printAlerts shows the incidents, or without an alerter the daemons' alerts.
func (p *program) printAlerts(s *standing, now time.Time) {
	if s.NoAlerter != "" {
		for i := range s.Alerts {
			p.printAlert("alert", &s.Alerts[i], now)
		}
		for _, d := range s.Daemons {
			for i := range d.Alerts {
				if !d.Stopped {
					p.printAlert("alert", &d.Alerts[i], now)
				}
			}
		}
		fmt.Fprintf(p.Stdout, "\nnobody outside is told of alerts: %s\n", printable(s.NoAlerter))
		return
	}
	for i := range s.Incidents {
		in := &s.Incidents[i]
		if !p.printAlert(fmt.Sprint("incident ", in.ID), &in.Alert, now) {
			continue
		}
		p.printHands(in, now)
		for c := range in.Consequences {
			fmt.Fprintf(p.Stdout, "  follows: %s: %s\n", printable(in.Consequences[c].Kind), oneLine(in.Consequences[c].Message))
		}
		for _, sent := range in.Sent {
			if sent.Note != "" {
				fmt.Fprintf(p.Stdout, "  %s has not arrived at %s: %s\n", printable(sent.What), printable(sent.To), oneLine(sent.Note))
			}
		}
	}
}

// printAlert shows an alert in a line, and tells whether it lasts. What has ended is shown for a day.
func (p *program) printAlert(what string, a *engine.Alert, now time.Time) (open bool) {
	text := fmt.Sprintf("%s %s: %s", shortTime(a.Time), printable(a.Kind), oneLine(a.Message))
	if a.Count > 1 {
		text = fmt.Sprintf("%s %s, %d times: %s", shortTime(a.Time), printable(a.Kind), a.Count, oneLine(a.Message))
	}
	if a.Open() {
		fmt.Fprintf(p.Stdout, "\n%s %s\n", what, text)
		return true
	}
	if now.Sub(*a.Ended) < lately {
		fmt.Fprintf(p.Stdout, "\n%s, ended %s %s: %s\n", what, shortTime(*a.Ended), oneLine(a.End), text)
	}
	return false
}

// printHands says who has an incident in hand.
func (p *program) printHands(in *feed.Incident, now time.Time) {
	if a := in.Acknowledged; a != nil {
		fmt.Fprintf(p.Stdout, "  acknowledged by %s %s %s\n", printable(a.Author), shortTime(a.Time), oneLine(a.Note))
	} else {
		fmt.Fprintf(p.Stdout, "  nobody has acknowledged it\n")
	}
	if z := in.Snoozed; z != nil && z.Until.After(now) {
		fmt.Fprintf(p.Stdout, "  snoozed until %s by %s\n", shortTime(z.Until), printable(z.Author))
	}
}

// printDaemons says what is known without the manager.
func (p *program) printDaemons(daemons []feed.Heartbeat, now time.Time) {
	for _, d := range daemons {
		state := "runs since " + shortTime(d.Started)
		if d.Stopped {
			state = "has stopped"
		}
		if d.Standby != "" {
			state = "stands by for " + printable(d.Standby)
		}
		fmt.Fprintf(p.Stdout, "%s: %s, pid %d on %s\n", printable(d.Name), state, d.PID, printable(d.Host))
		if w := d.Waiting; w != nil && w.Requests > 0 {
			fmt.Fprintf(p.Stdout, "%d requests of workers wait for a manager since %s (%s)\n", w.Requests, shortTime(w.Since), now.Sub(w.Since).Round(time.Second))
		}
	}
}

// shortTime shows a local time to the second, without the year.
func shortTime(t time.Time) string { return t.Local().Format("01-02 15:04:05") }

// oneLine is printable text in one line.
func oneLine(s string) string {
	return printable(strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "; "))
}
