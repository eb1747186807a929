package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// Evidence is all that Check looks at.
type Evidence struct {
	Messages []engine.Message    // of the store, all, with their bodies
	Launches []*launch.Launch    // of the store, all
	Barriers []engine.Barrier    // of the store: open
	Stored   *pyyaml.Map         // the checklist that the next manager starts with
	File     string              // the checklist file; "" if it is not to be looked at
	Sent     []Sent              // by clients
	Starts   []Start             // of recording workers
	Deaths   []Death             // of daemons
	Excused  []int               // reports that need not have launched anything, or may be lost
	Gone     map[int64]time.Time // when the process of a launch was killed
	Seen     map[int64]time.Time // when it was told on the feed that a launch is over
	Alerts   []engine.Alert      // of the store: the manager's
	Told     []Told              // what a webhook of the alerter was sent; nil: there was none
}

// Check says which promises were broken, and counts.
func Check(e Evidence) *Report {
	r := &Report{Kills: len(e.Deaths), Launches: len(e.Launches), States: map[launch.State]int{}}
	c := checker{Evidence: e, r: r, launches: map[int64]*launch.Launch{}, caused: map[int64][]*launch.Launch{}}
	for _, l := range e.Launches {
		c.launches[l.ID] = l
		r.States[l.State]++
		if l.Attempts() == 1 {
			c.caused[l.Message] = append(c.caused[l.Message], l)
		}
	}
	c.reports()
	c.processes()
	c.ends()
	c.late()
	c.once()
	c.checklist()
	c.alarms()
	c.times()
	return r
}

type checker struct {
	Evidence
	r        *Report
	launches map[int64]*launch.Launch
	caused   map[int64][]*launch.Launch // by stored message, without retries
}

// Number returns the number of a report by a client, and whether it is one.
func Number(m *engine.Message) (int, bool) {
	if m.Source != "reporter" || m.Type != "success" || m.Reply != message.Ack {
		return 0, false
	}
	msg, err := message.Decode(m.Body, len(m.Body))
	if err != nil {
		return 0, false
	}
	payload, ok := msg.Payload.(*pyyaml.Map)
	if !ok {
		return 0, false
	}
	v, _ := payload.Get("n")
	n, ok := v.(int64)
	return int(n), ok
}

// reports: I1, no acknowledged report is lost, and I2, as far as records go: each is stored once and launches once.
func (c *checker) reports() {
	stored := map[int][]int64{}
	for i := range c.Messages {
		if n, ok := Number(&c.Messages[i]); ok {
			stored[n] = append(stored[n], c.Messages[i].ID)
		}
	}
	for _, s := range c.Sent {
		switch {
		case s.Reply == message.Ack:
			c.r.Acked++
			c.r.Slowest = max(c.r.Slowest, s.Acked.Sub(s.At))
			if len(stored[s.Number]) == 0 {
				c.r.lost("I1: report %d was acknowledged and is not in the store", s.Number)
			}
		case s.Reply == "":
			c.r.Unanswered++
			if s.Insists {
				c.r.UnansweredAgain++
			}
		default:
			c.r.broken("report %d was answered with %q", s.Number, s.Reply)
		}
	}
	for n, ids := range stored {
		if slices.Contains(c.Excused, n) {
			continue
		}
		if len(ids) > 1 {
			c.r.doubled("I1: report %d is in the store %d times, as messages %v", n, len(ids), ids)
		}
		for _, id := range ids {
			c.launchOf(n, id)
		}
	}
}

func (c *checker) launchOf(n int, message int64) {
	all := c.caused[message]
	switch {
	case len(all) == 0:
		c.r.lost("I1: report %d, message %d, has launched nothing", n, message)
	case len(all) > 1:
		c.r.doubled("I2: report %d, message %d, has launched %d workers", n, message, len(all))
	case len(all[0].Args) == 0 || all[0].Args[0] != strconv.Itoa(n):
		c.r.broken("I2: report %d has launched %s", n, all[0].NextWorker)
	}
}

// processes: I2, as far as processes go.
func (c *checker) processes() {
	started := map[int64][]int{}
	for _, s := range c.Starts {
		if n, _ := strconv.Atoi(s.Number); slices.Contains(c.Excused, n) {
			continue
		}
		started[s.Launch] = append(started[s.Launch], s.PID)
		if l := c.launches[s.Launch]; l == nil {
			c.r.doubled("I2: process %d ran for launch %d, which is not in the store", s.PID, s.Launch)
		} else if len(l.Args) == 0 || l.Args[0] != s.Number {
			c.r.broken("I2: process %d of launch %d had the number %s; the record is of %s", s.PID, s.Launch, s.Number, l.NextWorker)
		}
	}
	for id, pids := range started {
		if len(pids) > 1 {
			c.r.doubled("I2: launch %d had %d processes: %v", id, len(pids), pids)
		}
	}
	for _, l := range c.Launches {
		switch {
		case inDoubt(l):
			c.r.InDoubt++
		case l.State == launch.Succeeded && (l.Name() == "recorder" || l.Name() == Python) && len(started[l.ID]) == 0 && !c.excused(l):
			c.r.broken("I2: launch %d succeeded and no process of it began", l.ID)
		}
	}
}

// excused tells whether a launch is because of a report that need not have one.
func (c *checker) excused(l *launch.Launch) bool {
	if len(l.Args) == 0 {
		return false
	}
	n, err := strconv.Atoi(l.Args[0])
	return err == nil && slices.Contains(c.Excused, n)
}

// inDoubt tells whether it is recorded that nobody knows whether a launch had a process, or has one.
func inDoubt(l *launch.Launch) bool {
	return l.State == launch.Unknown || l.State == launch.Lost && l.PID == 0
}

// ends: I3, every launch ends.
func (c *checker) ends() {
	for _, l := range c.Launches {
		if !l.State.Final() && l.State != launch.Unknown {
			c.r.broken("I3: launch %d (%s) is %s", l.ID, l.NextWorker, l.State)
		}
	}
}

// once: I5, and I2 for whatever rules there are: none of ours asks for the same worker with the same arguments twice because of one
// message, so a barrier that released twice shows.
func (c *checker) once() {
	for message, all := range c.caused {
		seen := map[string]int64{}
		for _, l := range all {
			if message == 0 {
				continue // by an operator
			}
			what := l.NextWorker.String()
			if first, twice := seen[what]; twice {
				c.r.doubled("I5: launches %d and %d are both %s because of message %d", first, l.ID, what, message)
			}
			seen[what] = l.ID
		}
	}
}

// checklist: I6, what the next manager starts with is what was acknowledged, and the file says so, too.
func (c *checker) checklist() {
	if c.Stored == nil {
		return
	}
	if !slices.ContainsFunc(c.Messages, func(m engine.Message) bool { return m.Type == "another checklist" }) {
		folded, err := fold(c.Messages)
		if err != nil {
			c.r.broken("I6: %v", err)
		} else if !pyyaml.Equal(folded, c.Stored) {
			c.r.broken("I6: the messages make the checklist\n%sand the next manager starts with\n%s", pyyaml.Encode(folded), pyyaml.Encode(c.Stored))
		}
	}
	if c.File == "" {
		return
	}
	v, err := pyyaml.Decode([]byte(c.File))
	if err != nil {
		c.r.broken("I6: the checklist file: %v", err)
	} else if !pyyaml.Equal(v, c.Stored) {
		c.r.broken("I6: the checklist file has\n%sand the next manager starts with\n%s", strings.TrimSpace(c.File), pyyaml.Encode(c.Stored))
	}
}

// fold applies the changes of messages to an empty checklist.
func fold(messages []engine.Message) (*pyyaml.Map, error) {
	cl := checklist.New(pyyaml.NewMap(0))
	for _, m := range messages {
		if m.Op == "" {
			continue
		}
		msg, err := message.Decode(m.Body, len(m.Body))
		if err != nil {
			return nil, fmt.Errorf("stored message %d: %w", m.ID, err)
		}
		cl.Apply(checklist.Change{Op: m.Op, Key: m.Key, Value: msg.Payload})
	}
	return cl.Map(), nil
}

// times: from a death to the first answer that the next process gave, and from the end of a worker to its being told.
func (c *checker) times() {
	var acked []time.Time
	for _, s := range c.Sent {
		if !s.Acked.IsZero() {
			acked = append(acked, s.Acked)
		}
	}
	slices.SortFunc(acked, time.Time.Compare)
	for _, d := range c.Deaths {
		// What a broker had in hand it still hands out; only a process that came later can have given a later answer.
		i, _ := slices.BinarySearchFunc(acked, d.Back, time.Time.Compare)
		if !d.Back.IsZero() && i < len(acked) {
			c.r.Recovery = append(c.r.Recovery, acked[i].Sub(d.At))
		}
	}
	for id, gone := range c.Gone {
		seen, ok := c.Seen[id]
		if !ok {
			c.r.broken("I3: nobody was told that launch %d is over", id)
			continue
		}
		c.r.Detection = append(c.r.Detection, seen.Sub(gone))
	}
}
