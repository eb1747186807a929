package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/wire"
)

// told notes what operators are told, without repetitions.
type told []string

func (a *told) Raise(alert engine.Alert) { a.note(alert.Key + ": " + alert.Message) }
func (a *told) End(key, how string)      { a.note("end of " + key + ": " + how) }

func (a *told) note(text string) {
	if n := len(*a); n == 0 || (*a)[n-1] != text {
		*a = append(*a, text)
	}
}

func TestOperatorsAreToldWhichRequestsWaitAndWhy(t *testing.T) {
	start := time.Date(2031, 5, 17, 5, 31, 0, 0, time.Local)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	type look struct {
		second int
		is     wire.Waiting
	}
	for name, c := range map[string]struct {
		looks []look
		want  told
	}{
		"nothing waits": {[]look{{0, wire.Waiting{}}, {100, wire.Waiting{}}, {200, wire.Waiting{Peers: 1}}}, nil},
		"a manager that restarts": {[]look{
			{0, wire.Waiting{Requests: 1, Since: at(0)}}, {5, wire.Waiting{Requests: 2, Since: at(0)}}, {6, wire.Waiting{Answered: 2, Peers: 1}},
		}, nil},
		"no manager": {[]look{
			{0, wire.Waiting{Requests: 1, Since: at(0)}}, {6, wire.Waiting{Requests: 1, Since: at(0)}}, {7, wire.Waiting{Requests: 12, Since: at(0)}},
			{8, wire.Waiting{Requests: 12, Since: at(0), Peers: 1}}, {9, wire.Waiting{Answered: 12, Peers: 1}},
		}, told{
			"no manager: 1 request waits for a manager since 05:31:00: start it with nowcastd manager x.yaml. If one runs, its log says why it is not connected (a database that does not answer)",
			"no manager: 12 requests wait for a manager since 05:31:00: start it with nowcastd manager x.yaml. If one runs, its log says why it is not connected (a database that does not answer)",
			"end of no manager: the requests are with a manager, or answered",
		}},
		"descriptors run out": {[]look{
			{0, wire.Waiting{Peers: 1}}, {1, wire.Waiting{Peers: 1, TurnedAway: 3}}, {10, wire.Waiting{Peers: 1, TurnedAway: 3}},
			{11, wire.Waiting{Peers: 1, TurnedAway: 3}}, {12, wire.Waiting{Peers: 1, TurnedAway: 3}},
		}, told{
			"connections turned away: the broker has no descriptor left for new connections: 3 were turned away so far, and try again; those that it has go on. " +
				"Find out who has so many (ss -tnp), or raise its limit (ulimit -n; LimitNOFILE= of a systemd unit) and restart it",
			"end of connections turned away: none was turned away for 10 s",
		}},
		"a manager whose machine has vanished beside the next": {[]look{
			{0, wire.Waiting{Peers: 2, Rivals: "10.0.0.1:4 and 10.0.0.2:5"}}, {3, wire.Waiting{Peers: 2, Rivals: "10.0.0.1:4 and 10.0.0.2:5"}}, {4, wire.Waiting{Peers: 1}},
			{5, wire.Waiting{Peers: 2, Rivals: "10.0.0.1:4 and 10.0.0.2:5"}},
		}, nil},
		"two managers": {[]look{
			{0, wire.Waiting{Requests: 3, Since: at(0), Peers: 2, Rivals: "10.0.0.1:4 and 10.0.0.2:5"}}, {7, wire.Waiting{Requests: 3, Since: at(0), Peers: 2, Rivals: "10.0.0.1:4 and 10.0.0.2:5"}},
			{60, wire.Waiting{Requests: 3, Since: at(0), Peers: 2, Rivals: "10.0.0.1:4 and 10.0.0.2:5"}}, {61, wire.Waiting{Requests: 3, Since: at(0), Peers: 1}},
			{62, wire.Waiting{Peers: 1, Answered: 3}},
		}, told{
			"two managers: more than one manager is connected, from 10.0.0.1:4 and 10.0.0.2:5: none is given requests, as each would have a part of them. They wait, and none is lost: " +
				"find out whose these are (ss -tnp) and stop all but the one that shall go on",
			"end of two managers: there is one, or none",
		}},
		"a manager that hangs": {[]look{
			{0, wire.Waiting{Requests: 3, Since: at(0), Peers: 1, Answered: 7}}, {30, wire.Waiting{Requests: 3, Since: at(0), Peers: 1, Answered: 7}},
			{31, wire.Waiting{Requests: 4, Since: at(0), Peers: 1, Answered: 7}}, {35, wire.Waiting{Requests: 3, Since: at(1), Peers: 1, Answered: 8}},
			{60, wire.Waiting{Requests: 3, Since: at(31), Peers: 1, Answered: 9}},
		}, told{
			"manager does not answer: 4 requests wait since 05:31:00, and the manager that is connected has answered none for 30s: look at its log, restart it if it hangs",
			"end of manager does not answer: it answers again, or has gone",
		}},
		"a slow one is none": {[]look{
			{0, wire.Waiting{Requests: 3, Since: at(0), Peers: 1}}, {25, wire.Waiting{Requests: 3, Since: at(2), Peers: 1, Answered: 1}},
			{50, wire.Waiting{Requests: 3, Since: at(25), Peers: 1, Answered: 2}},
		}, nil},
		"one that is not answered, and others are": {[]look{
			{0, wire.Waiting{Requests: 1, Since: at(0), Peers: 1}}, {30, wire.Waiting{Requests: 1, Since: at(0), Peers: 1, Answered: 9}},
			{31, wire.Waiting{Requests: 2, Since: at(0), Peers: 1, Answered: 10}}, {40, wire.Waiting{Requests: 2, Since: at(0), Peers: 1, Answered: 20}},
			{41, wire.Waiting{Requests: 1, Since: at(40), Peers: 1, Answered: 22}},
		}, told{
			"request without answer: a request of 05:31:00 has no answer yet, though the manager answers others: its worker waits. The manager may hold it (clear checklist, while launches run); " +
				"else look at the manager's log",
			"end of request without answer: it is answered, or other things are wrong",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var got told
			w := newWatch(Options{Logger: slog.New(slog.DiscardHandler), Alerts: &got, Start: "nowcastd manager x.yaml"})
			for _, l := range c.looks {
				w.look(at(l.second), l.is)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAJournalThatCannotBeWrittenIsCriticalAndEnds(t *testing.T) {
	logged := &log{}
	var got told
	w := newWatch(Options{Logger: slog.New(slog.NewTextHandler(logged, nil)), Alerts: &got})
	w.journal(errors.New("write requests.journal: no space left on device"))
	w.journal(nil)
	if len(got) != 2 || !strings.Contains(got[0], "no space left on device") || got[1] != "end of requests journal: it can be written again" {
		t.Errorf("told: got %q", got)
	}
	if critical := fmt.Sprint("level=", engine.LevelCritical); strings.Count(logged.String(), critical) != 1 {
		t.Errorf("log: got\n%s\nwant one line with %s", logged, critical)
	}
}
