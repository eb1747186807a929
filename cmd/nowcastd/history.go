package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/manager"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/store"
)

const (
	usualRecords = 100
	mostRecords  = 100_000 // they are sorted in memory
)

func (p *program) history() *cobra.Command {
	var q store.Query
	var since, until, at string
	var asJSON bool
	c := &cobra.Command{
		Use:   "history CONFIG",
		Short: "Show what happened: messages, launches, operators' actions, alerts",
		Long: fmt.Sprintf(`Show the newest %d records of the state database, the newest last, one in a line: each message with
its reply, each launch with how it ended, each action of an operator with its answer, each alert
of the manager. Times are local. --json prints each record whole, with the text of messages. It
only reads the database, and works whether or not a manager runs. With --since it shows all from
then on, at most %d. How far back the history goes is a matter of "history" in the configuration.
Who acknowledged, snoozed or closed an incident is not here but in nowcastd alerts --all --json.

With --checklist TIME it prints the checklist as it was at that time.

TIME is how long ago (90m, 36h), a time of today (05:40), a day (2031-05-17), or both
("2031-05-17 05:40").`, usualRecords, mostRecords),
		Example: "  nowcastd history --since 04:00 nowcast.yaml\n  nowcastd history --kind launch --worker make_plots -n 10 nowcast.yaml\n" +
			"  nowcastd history --kind operation --json nowcast.yaml | jq .author\n  nowcastd history --checklist 05:15 nowcast.yaml",
		Args: configArg(0),
	}
	f := c.Flags()
	f.StringSliceVar(&q.Kinds, "kind", nil, "only these: "+strings.Join(store.Kinds, ", "))
	f.StringVar(&q.Worker, "worker", "", "only about this worker")
	f.StringVar(&since, "since", "", "only from this time on")
	f.StringVar(&until, "until", "", "only up to this time")
	f.IntVarP(&q.Limit, "last", "n", usualRecords, "at most so many records, the newest")
	f.StringVar(&at, "checklist", "", "print the checklist as it was at this time")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := p.find(args[0])
		if err != nil {
			return err
		}
		now := time.Now()
		if at != "" {
			return p.checklistAt(c.Context(), cfg, at, now, asJSON)
		}
		if q.Since, err = when(since, now); err != nil {
			return usage("--since: %v", err)
		}
		if q.Until, err = when(until, now); err != nil {
			return usage("--until: %v", err)
		}
		for _, k := range q.Kinds {
			if !slices.Contains(store.Kinds, k) {
				return usage("--kind %s: give one of %s", k, strings.Join(store.Kinds, ", "))
			}
		}
		if since != "" && !f.Changed("last") {
			q.Limit = mostRecords
		}
		if q.Limit < 1 || q.Limit > mostRecords {
			return usage("-n %d: give a number from 1 to %d", q.Limit, mostRecords)
		}
		q.Bodies = asJSON
		return p.printHistory(c.Context(), cfg, q, asJSON)
	}
	return jsonFlag(c, &asJSON)
}

func (p *program) printHistory(ctx context.Context, cfg *config.Config, q store.Query, asJSON bool) error {
	records, err := store.History(ctx, statePlace(cfg), q)
	if err != nil {
		return err
	}
	out := json.NewEncoder(p.Stdout)
	for i := range records {
		if asJSON {
			err = out.Encode(recordAsJSON(&records[i]))
		} else {
			_, err = fmt.Fprintln(p.Stdout, recordAsLine(&records[i]))
		}
		if err != nil {
			return err
		}
	}
	if len(records) == mostRecords {
		fmt.Fprintf(p.Stderr, "nowcastd: there may be older ones: ask for them with --until %q\n", records[0].Time.Local().Format(time.DateTime))
	}
	return nil
}

// checklistAt prints the checklist as it was.
func (p *program) checklistAt(ctx context.Context, cfg *config.Config, text string, now time.Time, asJSON bool) error {
	at, err := when(text, now)
	if err != nil {
		return usage("--checklist: %v", err)
	}
	state, err := store.ChecklistAt(ctx, statePlace(cfg), at)
	if err != nil {
		return fmt.Errorf("checklist of %s: %w", at.Local().Format(time.DateTime), err)
	}
	list, err := manager.Rebuild(state)
	if err != nil {
		return err
	}
	if asJSON {
		return p.json(plain(list.Map()))
	}
	_, err = p.Stdout.Write(pyyaml.Encode(list.Map()))
	return err
}

// recordAsLine is a record in one line.
func recordAsLine(r *store.Record) string {
	kind, text := "", ""
	switch {
	case r.Message != nil:
		kind, text = store.KindMessage, messageLine(r.Message)
	case r.Launch != nil:
		kind, text = store.KindLaunch, launchLine(r.Launch)
	case r.Operation != nil:
		kind, text = store.KindOperation, operationLine(r.Operation)
	case r.Alert != nil:
		kind, text = store.KindAlert, alertLine(r.Alert)
	}
	return fmt.Sprintf("%s %-9s %s", r.Time.Local().Format("2006-01-02 15:04:05.000"), kind, oneLine(text))
}

func messageLine(m *engine.Message) string {
	source := m.Source
	if source == "" {
		source = "somebody, not a message"
	}
	s := fmt.Sprintf("%d %s (%s)", m.ID, source, m.Type)
	if m.Launch != 0 {
		s += fmt.Sprint(" of launch ", m.Launch)
	}
	if m.Reply != "" { // a record of the manager's own
		s += ", answered with " + m.Reply
	}
	if m.Op != "" {
		s += fmt.Sprintf(", checklist: %s %s", m.Op, m.Key)
	}
	return s
}

func launchLine(l *launch.Launch) string {
	s := fmt.Sprintf("%d %s: %s", l.ID, l.NextWorker, l.State)
	if l.Started != nil && l.Ended != nil {
		s += " after " + launch.Length(l.Duration(*l.Ended))
	}
	if l.Note != "" {
		s += ", " + l.Note
	}
	return s + "; because of " + l.Cause
}

func operationLine(o *engine.Operation) string {
	var reply control.Reply
	answer := "done"
	switch err := json.Unmarshal([]byte(o.Reply), &reply); {
	case err != nil:
		answer = "answered " + o.Reply
	case !reply.OK:
		answer = "refused: " + reply.Error
	}
	return fmt.Sprintf("%s: %s %s: %s", o.Author, o.Command, o.Args, answer)
}

func alertLine(a *engine.Alert) string {
	s := a.Kind + ": " + a.Message
	if a.Count > 1 {
		s += fmt.Sprintf(" (%d times)", a.Count)
	}
	if a.Ended == nil {
		return s + "; open"
	}
	s += "; ended " + shortTime(*a.Ended)
	if a.End != "" {
		s += ": " + a.End
	}
	return s
}

// recordAsJSON is a record whole, with its time and kind.
func recordAsJSON(r *store.Record) map[string]any {
	m := map[string]any{"time": r.Time}
	switch {
	case r.Message != nil:
		m["kind"], m["message"] = store.KindMessage, messageAsJSON(r.Message)
	case r.Launch != nil:
		m["kind"], m["launch"] = store.KindLaunch, r.Launch
	case r.Alert != nil:
		m["kind"], m["alert"] = store.KindAlert, r.Alert
	case r.Operation != nil:
		o := r.Operation
		m["kind"], m["id"], m["author"], m["command"] = store.KindOperation, o.ID, o.Author, o.Command
		m["args"], m["reply"] = rawJSON(o.Args), rawJSON(o.Reply)
	}
	return m
}

func messageAsJSON(m *engine.Message) map[string]any {
	j := map[string]any{"id": m.ID, "source": m.Source, "type": m.Type, "launch": m.Launch, "reply": m.Reply, "op": m.Op, "key": m.Key}
	if utf8.Valid(m.Body) {
		j["body"] = string(m.Body)
	} else {
		j["body_base64"] = m.Body
	}
	return j
}

// rawJSON is text that should be JSON, as JSON if it is.
func rawJSON(text string) any {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}
