package alerter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/notify"
)

const (
	longestSubject = 160
	listed         = 10 // consequences, or incidents of a sum, that are named
)

// Sending is what a webhook gets.
type Sending struct {
	What      string         `json:"what"`                // "begun", "ended", "reminder", "sum" or "all well"
	Key       string         `json:"key"`                 // the same if it comes twice; also in the header Idempotency-Key
	Time      time.Time      `json:"time"`                // when it was decided to send it
	Host      string         `json:"host"`                // where the alerter runs
	Subject   string         `json:"subject"`             // one line
	Text      string         `json:"text"`                // all of it, for people
	Incident  *feed.Incident `json:"incident,omitempty"`  // of begun, ended and reminder
	Incidents []int64        `json:"incidents,omitempty"` // of sum: their numbers
}

// writer makes texts of notes.
type writer struct {
	host   string
	config string // the configuration file, for command lines
	zone   *time.Location
}

// alarm returns what is sent of a note. An incident that is known no more is told by its number.
func (w writer) alarm(s *state, n *note) notify.Alarm {
	b := Sending{What: n.What, Key: n.Key, Time: n.Time, Host: w.host}
	bad := true
	switch {
	case n.What == allWell:
		b.Subject, _, _ = strings.Cut(n.Text, "\n")
		b.Text, bad = n.Text, !strings.HasPrefix(n.Text, allWell)
	case n.What == sum:
		b.Incidents = n.Incidents
		b.Subject, b.Text = w.sum(s, n)
	default:
		r := s.find(n.Incident)
		if r == nil {
			r = &record{Incident: feed.Incident{ID: n.Incident}}
		}
		i := r.show()
		b.Incident, bad = &i, n.What != ended
		b.Subject, b.Text = w.incident(n.What, r)
	}
	if n.short() {
		b.Subject, b.Text = w.short(s, n)
		b.Incident = nil
	}
	b.Subject = cut("[nowcast "+w.host+"] "+b.Subject, longestSubject)
	return notify.Alarm{Key: n.Key, Subject: b.Subject, Text: b.Text, Body: b, Bad: bad, Time: n.Time}
}

// short is sent of a message that the other side did not want: nothing is in it that somebody else wrote.
func (w writer) short(s *state, n *note) (subject, text string) {
	about := n.What
	if r := s.find(n.Incident); r != nil {
		about = fmt.Sprintf("%s: incident %d, %s", n.What, r.ID, r.Kind)
	}
	subject = about + " (the message could not be sent)"
	return subject, fmt.Sprintf("%s\nhost %s, %s. The other side did not take what there is to say. Read it: nowcastd alerts %s\n", subject, w.host, w.clock(n.Time), w.config)
}

// incident says what happened, where, since when, how often, and what to do.
func (w writer) incident(what string, r *record) (subject, text string) {
	first, rest, _ := strings.Cut(r.Message, "\n")
	subject = r.Kind + ": " + first
	switch {
	case what == ended:
		subject = "over: " + subject
	case r.outOfSight():
	case what == reminder:
		subject = "still open: " + subject
	case !r.Open():
		subject = "was and is over: " + subject
	}
	var t strings.Builder
	t.WriteString(strings.ToUpper(subject[:1]) + subject[1:] + "\n")
	if rest != "" {
		t.WriteString(cut(rest, 2000) + "\n")
	}
	fmt.Fprintf(&t, "host %s, %s, since %s", w.host, r.Source, w.clock(r.Time))
	if r.Count > 1 {
		fmt.Fprintf(&t, ", %d times", r.Count)
		if r.Last != nil {
			fmt.Fprintf(&t, ", last %s", w.clock(*r.Last))
		}
	}
	t.WriteString("\n")
	if r.outOfSight() {
		fmt.Fprintf(&t, "not followed since %s: %s. Look whether it is over\n", w.clock(*r.Ended), r.End)
	} else if r.Ended != nil {
		fmt.Fprintf(&t, "over since %s (after %s): %s\n", w.clock(*r.Ended), length(r.Ended.Sub(r.Time)), cmp.Or(r.End, "its cause is gone"))
	}
	w.consequences(&t, r.Followers)
	if r.Open() {
		if do := w.remedy(r); do != "" {
			t.WriteString("to do: " + do + "\n")
		}
		fmt.Fprintf(&t, "I take care of it: nowcastd alerts ack %s %d\n", w.config, r.ID)
	}
	return subject, t.String()
}

func (w writer) consequences(t *strings.Builder, all []feed.Raised) {
	for i, f := range all {
		if i == listed {
			fmt.Fprintf(t, "- and %d more\n", len(all)-i)
			return
		}
		first, _, _ := strings.Cut(f.Message, "\n")
		fmt.Fprintf(t, "- so: %s: %s\n", f.Kind, first)
	}
}

// remedy is what to type.
func (w writer) remedy(r *record) string {
	var all []string
	var args struct {
		Entry  string
		Launch int64
	}
	json.Unmarshal(r.Args, &args) // what is not there is not said
	switch r.Offer {
	case "":
	case control.CmdRunNow:
		all = append(all, fmt.Sprintf("nowcastd schedule run %s %s", w.config, args.Entry))
	case control.CmdKill:
		all = append(all, fmt.Sprintf("nowcastd kill %s %d", w.config, cmp.Or(args.Launch, r.Launch)))
	default:
		all = append(all, fmt.Sprintf("%s: in nowcast-tui %s, page alerts, key r", r.Offer, w.config))
	}
	if r.Launch != 0 {
		all = append(all, fmt.Sprintf("nowcastd logs --launch %d %s", r.Launch, w.config))
	}
	return strings.Join(all, "; ")
}

// sum says how many of which kind.
func (w writer) sum(s *state, n *note) (subject, text string) {
	kinds, open := map[string]int{}, 0
	var first []string
	for _, id := range n.Incidents {
		r := s.find(id)
		if r == nil {
			continue
		}
		kinds[r.Kind]++
		if r.Open() {
			open++
		}
		if len(first) < listed {
			line, _, _ := strings.Cut(r.Message, "\n")
			first = append(first, fmt.Sprintf("- %d, %s: %s", r.ID, r.Kind, line))
		}
	}
	subject = fmt.Sprintf("and %d more alerts, %d of them open: %s", len(n.Incidents), open, counts(kinds))
	text = fmt.Sprintf("And %d more since %s, which are not sent one by one: %d are open now.\n%s\n%s\n", len(n.Incidents), w.clock(n.Time), open, counts(kinds), strings.Join(first, "\n"))
	if more := len(n.Incidents) - len(first); more > 0 && len(first) > 0 {
		text += fmt.Sprintf("- and %d more\n", more)
	}
	if n.Text != "" {
		text += n.Text + "\n"
	}
	return subject, text + "all of them: nowcastd alerts " + w.config + "\n"
}

// counts shows how many there are of what, the most first.
func counts(of map[string]int) string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", of[name], name)
	}
	return strings.Join(names, ", ")
}

func (w writer) clock(t time.Time) string { return t.In(w.zone).Format("Mon 2 Jan 15:04:05 MST") }

// length shows how long something took.
func length(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// cut shortens a text to so many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-3], "") + "..."
}
