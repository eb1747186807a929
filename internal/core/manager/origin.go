package manager

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// origin is the launch that sent a message, as far as it is known.
type origin struct {
	launch  *launch.Launch // nil: none of this manager's
	certain bool           // the message names it, or its process holds the connection; else it is what remains
	guess   bool           // it may be somebody else's: others remained, or whoever has the connection could not be seen
}

func (o origin) id() int64 {
	if o.launch == nil {
		return 0
	}
	return o.launch.ID
}

// replaced tells whether another launch has certainly taken the sender's place. What it says then must change nothing, or a
// late report would count beside that of its successor.
func (o origin) replaced() bool { return o.certain && o.launch.Superseded != 0 }

// noteReport notes a message on the record of the launch that sent it.
func (m *Manager) noteReport(t *turn, r *request, o origin, now time.Time) {
	l := o.launch
	if l == nil || r.msg.Type == message.TypeNeed { // a question says nothing about how the work goes, and there may be thousands
		return
	}
	l.Reports = append(l.Reports[max(0, len(l.Reports)-keepReports+1):len(l.Reports):len(l.Reports)], launch.Report{Time: now, Type: strings.Clone(r.msg.Type), Guess: o.guess, Message: m.lastMessage})
	t.changed[l.ID] = l
}

// keepReports is how many reports of one launch its record keeps, the newest; the messages themselves are all stored.
const keepReports = 20

// sender says who sent a message: the launch it names; else the one whose process is behind the connection, which only a
// local process can be found to be; else the likeliest of those that are running, before all of those that have not reported their end. A
// process of this host that is none of them is somebody's who tries a worker by hand: no launch of this host has sent it.
func (m *Manager) sender(r *request) origin {
	named := m.launches[r.msg.Launch]
	if named != nil && named.Name() == r.msg.Source {
		return origin{launch: named, certain: true}
	}
	if m.forgotten(r.msg.Launch) {
		return origin{} // it is none of those that run
	}
	active := m.active[r.msg.Source]
	lately := m.lately(r.msg.Source)
	id, seen := m.behind(r, slices.Concat(active, lately, m.ofToday(m.over[r.msg.Source])))
	if l := m.launches[id]; l != nil {
		return origin{launch: l, certain: true}
	}
	candidates := slices.DeleteFunc(slices.Clone(active), func(l *launch.Launch) bool {
		return l.State == launch.Decided || seen && l.Host == launch.Localhost && l.PIDStart != 0
	})
	silent := slices.DeleteFunc(slices.Clone(candidates), func(l *launch.Launch) bool { return l.Reported() })
	// Of an orphan nobody has the connection any more: that it cannot be seen says nothing.
	guess := !r.ticket.Orphan || len(candidates)+len(lately) > 1
	switch {
	case len(silent) > 0: // one that was replaced may live on unseen, as on another host
		return origin{launch: likeliest(silent, r.msg.Type), guess: guess}
	case !seen && len(active) > 0 && len(lately) > 0 && lately[len(lately)-1].Superseded == active[len(active)-1].ID: // whose place nobody has taken so far
		return origin{launch: lately[len(lately)-1], guess: true}
	case len(candidates) > 0: // it says more than once how its work went
		return origin{launch: likeliest(candidates, r.msg.Type), guess: guess}
	}
	return origin{}
}

// forgotten tells whether a launch has ended so long ago that nothing is known of it any more, or is in a database that was lost.
func (m *Manager) forgotten(id int64) bool {
	return id > 0 && id <= m.lastLaunch && m.launches[id] == nil
}

// noGuessAfterAll takes back that a report was a guess because nobody was seen behind its connection, now that it is known that the connection
// was gone with its broker: the only launch that there is has sent it.
func (m *Manager) noGuessAfterAll(t *turn, r *request, before *engine.Handled) {
	l := m.launches[before.Launch]
	if !r.ticket.Orphan || l == nil || !l.Reported() || l.Reports[len(l.Reports)-1].Message != before.Message || len(m.active[l.Name()]) != 1 || m.active[l.Name()][0] != l || len(m.lately(l.Name())) > 0 {
		return
	}
	l.Reports = slices.Clone(l.Reports)
	l.Reports[len(l.Reports)-1].Guess = false
	t.changed[l.ID] = l
}

// mostBehind bounds what is looked through for one message, the open files of the processes of so many launches, and for how many
// connections in one batch. Beyond, what remains is a guess.
const mostBehind = 100

// seen is who was found behind a connection.
type seen struct {
	id int64
	ok bool
}

// behind looks for the process that sent a message, once for each connection in a batch. 0 and true: it is none of the launches.
func (m *Manager) behind(r *request, all []*launch.Launch) (int64, bool) {
	if r.ticket.Peer == "" || r.ticket.Orphan || len(all) == 0 || len(all) > mostBehind {
		return 0, false
	}
	key := r.ticket.Peer + " " + r.msg.Source
	who, known := m.peers[key]
	if !known {
		if len(m.peers) >= mostBehind {
			return 0, false
		}
		if m.peers == nil {
			m.peers = map[string]seen{}
		}
		who.id, who.ok = m.Launcher.Behind(r.ticket.Peer, m.Config.ZMQ.WorkersPort, all)
		m.peers[key] = who
	}
	return who.id, who.ok
}

// lately returns the launches of a worker that ended within a day and were replaced, the newest of them: a process of theirs that was left
// behind, on another host perhaps, may still speak.
func (m *Manager) lately(worker string) []*launch.Launch { return m.ofToday(m.gone[worker]) }

// ofToday returns those that ended within a day.
func (m *Manager) ofToday(ids []int64) (all []*launch.Launch) {
	for _, id := range ids {
		if l := m.launches[id]; l != nil && m.Now().Sub(*l.Ended) < lateWithin {
			all = append(all, l)
		}
	}
	return all
}

const (
	lateWithin   = 24 * time.Hour
	mostReplaced = 20 // of a worker
)

// replace notes which launch has taken the place of one that has ended.
func (m *Manager) replace(l *launch.Launch, by int64) {
	l.Superseded = by
	m.noteReplaced(l)
}

// noteReplaced has a launch known for longer than others: it is not forgotten until so many of its worker have been replaced.
func (m *Manager) noteReplaced(l *launch.Launch) {
	all := append(m.gone[l.Name()], l.ID)
	for ; len(all) > mostReplaced; all = all[1:] {
		if !slices.Contains(m.finished, all[0]) {
			delete(m.launches, all[0])
		}
	}
	m.gone[l.Name()] = all
}

// noteEnded has the newest that have ended known as those who may have left a process behind that speaks.
func (m *Manager) noteEnded(l *launch.Launch) {
	all := append(m.over[l.Name()], l.ID)
	m.over[l.Name()] = all[max(0, len(all)-mostReplaced):]
}

// likeliest returns the oldest launch whose arguments have what the message type is about ("success nowcast" is more likely from
// "run_NEMO HOST nowcast" than from "run_NEMO HOST forecast"), else the oldest.
func likeliest(candidates []*launch.Launch, typ string) *launch.Launch {
	_, about, _ := strings.Cut(typ, " ")
	for _, l := range candidates {
		if about != "" && !slices.ContainsFunc(strings.Fields(about), func(word string) bool { return !slices.Contains(l.Args, word) }) {
			return l
		}
	}
	return candidates[0]
}

// onlyRecorded takes from a decision all but the answer, for a message of a launch that was replaced.
func (m *Manager) onlyRecorded(d engine.Decision, l *launch.Launch) engine.Decision {
	if d.Change == nil && !d.Continue {
		return d // a question
	}
	return engine.Decision{Reply: d.Reply, Lines: append(d.Lines[:1:1], engine.Line{Level: slog.LevelInfo,
		Text: fmt.Sprintf("launch %d of %s was replaced by launch %d: what it reports late is recorded and changes nothing else", l.ID, l.Name(), l.Superseded)})}
}

// endUnseen ends a launch whose process cannot be seen any more when it has said how its work went: nothing else would.
func (m *Manager) endUnseen(t *turn, l *launch.Launch, now time.Time) {
	if l != nil && l.State == launch.Unknown && l.Reported() {
		m.end(t, l, launch.Exit{ID: l.ID, Time: now, Status: -1, Unseen: true})
	}
}
