package alerter

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

const (
	maxQueue    = 300             // messages that wait for one destination; with one more, those that were not tried yet become one
	firstWait   = 2 * time.Second // between attempts; doubled each time
	longestWait = 5 * time.Minute
	longestRest = time.Hour      // that the other side may ask for
	giveUpAfter = 24 * time.Hour // then it is no news
	refusedFor  = time.Hour      // the same, of a message that the other side does not want
	patience    = 8              // attempts in a row before others go first
)

// More that is told.
const (
	sum     = "sum"
	allWell = "all well"
)

// note is a message that waits for a destination. Its text is made when it is sent, so that it says what is true then.
type note struct {
	Key       string    `json:"key"`
	What      string    `json:"what"`
	Time      time.Time `json:"time"`
	Incident  int64     `json:"incident,omitempty"`
	Incidents []int64   `json:"incidents,omitempty"` // of a sum
	Text      string    `json:"text,omitempty"`      // of all well
	Tried     bool      `json:"tried,omitempty"`     // it may have arrived: it stays what it is
	Failures  int       `json:"failures,omitempty"`  // in a row
	Refused   time.Time `json:"refused,omitzero"`    // when it was first; since then it is sent in a few words, and as it is, by turns
	Next      time.Time `json:"next,omitzero"`       // no attempt before
}

// queue are the messages to one destination, oldest first.
type queue struct {
	Notes []note      `json:"notes,omitempty"`
	Sent  []time.Time `json:"sent,omitempty"` // within the last hour
	Tries uint        `json:"tries,omitempty"`
	Next  time.Time   `json:"next,omitzero"` // no attempt before
}

func (s *state) queue(name string) *queue {
	q := s.Queues[name]
	if q == nil {
		q = &queue{}
		s.Queues[name] = q
	}
	return q
}

// add queues a message. An end is left out if the beginning waits as well: it is told with it.
func (q *queue) add(n note) {
	if n.What != begun && slices.ContainsFunc(q.Notes, func(w note) bool { return (!w.Tried || w.refused()) && w.about(n.Incident) }) {
		return
	}
	q.Notes = append(q.Notes, n)
	if len(q.Notes) > maxQueue {
		q.sumUp(maxQueue / 2)
	}
}

// refused tells whether the other side did not want the message as it was: it cannot have arrived.
func (n *note) refused() bool { return !n.Refused.IsZero() }

// short tells whether the next attempt is made in a few words: it may be the text that the other side does not take.
func (n *note) short() bool { return n.refused() && n.Failures%2 == 1 }

func (n *note) about(incident int64) bool {
	return incident != 0 && (n.Incident == incident || slices.Contains(n.Incidents, incident))
}

// take returns the message to be sent now, nil if there is none. Of more than the hourly limit only the first go out one by one, and at
// the limit all that wait become one. The caller makes what it returns durable, as tried, before it sends it.
func (q *queue) take(now time.Time, limit int) *note {
	q.Sent = slices.DeleteFunc(q.Sent, func(t time.Time) bool { return now.Sub(t) >= time.Hour })
	room := limit - len(q.Sent)
	if len(q.Notes) == 0 || now.Before(q.Next) || room <= 0 {
		return nil
	}
	switch {
	case room == 1:
		q.sumUp(0)
	case len(q.Notes) > limit:
		q.sumUp(limit / 3)
	}
	for i := range q.Notes {
		if !now.Before(q.Notes[i].Next) {
			return &q.Notes[i]
		}
	}
	return nil
}

// sumUp makes one message of all that were not tried yet, but for the first few. One that was tried may have arrived: in a sum it would come
// once more, with another key.
func (q *queue) sumUp(few int) {
	var rest, summed []note
	for _, n := range q.Notes {
		if n.Tried || len(rest) < few {
			rest = append(rest, n)
		} else {
			summed = append(summed, n)
		}
	}
	if len(summed) < 2 {
		return
	}
	total := note{What: sum, Time: summed[0].Time}
	hash := sha256.New()
	for _, n := range summed {
		fmt.Fprintln(hash, n.Key)
		for _, id := range append(n.Incidents, n.Incident) {
			if id != 0 && !slices.Contains(total.Incidents, id) {
				total.Incidents = append(total.Incidents, id)
			}
		}
		total.Text += n.Text
	}
	total.Key = hex.EncodeToString(hash.Sum(nil)[:16])
	q.Notes = append(rest, total)
}

// delivered takes the message with a key away.
func (q *queue) delivered(key string, now time.Time) {
	q.remove(key)
	q.Sent = append(q.Sent, now)
	q.Tries, q.Next = 0, time.Time{}
}

func (q *queue) remove(key string) {
	q.Notes = slices.DeleteFunc(q.Notes, func(n note) bool { return n.Key == key })
}

// failed puts off the next attempt. One message that the other side does not want, or that breaks it, holds up no other. It tells whether
// the message is given up.
func (q *queue) failed(key string, now time.Time, final bool, rest time.Duration) (givenUp bool) {
	i := slices.IndexFunc(q.Notes, func(n note) bool { return n.Key == key })
	if i < 0 {
		return false
	}
	n := &q.Notes[i]
	// What comes next waits as if the other side were not there: perhaps it refuses all.
	wait := longestWait
	if q.Tries < 20 {
		wait = min(firstWait<<q.Tries, longestWait)
	}
	q.Tries++
	q.Next = now.Add(max(wait, min(rest, longestRest)))
	n.Failures++
	switch {
	case now.Sub(n.Time) > giveUpAfter || final && n.refused() && now.Sub(n.Refused) > refusedFor:
		q.remove(key)
		return true
	case final && n.refused():
		n.Next = now.Add(longestWait)
		q.putBehind(i)
	case final:
		n.Refused, n.Failures = now, 1
		q.putBehind(i)
	case n.Failures%patience == 0:
		q.putBehind(i)
	}
	return false
}

// putBehind lets others go before a message; those about the same incident stay behind it.
func (q *queue) putBehind(i int) {
	n := q.Notes[i]
	same := func(w note) bool { return w.Key == n.Key || w.about(n.Incident) }
	behind := slices.DeleteFunc(slices.Clone(q.Notes), func(w note) bool { return !same(w) })
	q.Notes = append(slices.DeleteFunc(q.Notes, same), behind...)
}

// waiting returns the incidents that messages wait about.
func (s *state) waiting() map[int64]bool {
	all := map[int64]bool{}
	for _, q := range s.Queues {
		for i := range q.Notes {
			all[q.Notes[i].Incident] = true
			for _, id := range q.Notes[i].Incidents {
				all[id] = true
			}
		}
	}
	return all
}

// key names a message about an incident for good: made of what the incident is, not of its number, so that it is the same if the state
// file is lost and the alert becomes an incident again.
func (r *record) key(what string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s\n%s %d", r.Source, r.Key, r.Number, r.Time.UTC().Format(time.RFC3339Nano), what, r.Tellings))
	return hex.EncodeToString(sum[:16])
}
