package faults

import (
	"strconv"
	"time"

	"nowcast/internal/core/message"
)

// Once sends one report, whose recording worker is told how to behave, and returns its number once that is acknowledged.
func (w *World) Once(how ...any) int {
	w.t.Helper()
	return w.OnceBy("recorder", how...)
}

// OnceBy is Once for another recording worker.
func (w *World) OnceBy(worker string, how ...any) int {
	w.t.Helper()
	s := w.once(worker, how)
	if s.Reply != message.Ack {
		w.t.Fatalf("report %d: got the answer %q", s.Number, s.Reply)
	}
	return s.Number
}

// OnceUnrecorded is Once for a report that need not launch anything: it must be answered, whatever with.
func (w *World) OnceUnrecorded() {
	w.t.Helper()
	s := w.once("", nil)
	w.clients = w.clients[:len(w.clients)-1]
	w.excused = append(w.excused, s.Number)
	if s.Reply == "" {
		w.t.Fatalf("report %d was not answered", s.Number)
	}
}

// Forget leaves out of account what was reported so far, because what is broken next may lose it.
func (w *World) Forget() {
	for _, c := range w.clients {
		for _, s := range c.Sent() {
			w.excused = append(w.excused, s.Number)
		}
	}
	w.clients = nil
}

func (w *World) once(worker string, how []any) Sent {
	w.t.Helper()
	before := len(w.clients)
	w.Report(Load{Clients: 1, Insist: 1, Pause: time.Hour, How: how, Worker: worker})
	c := w.clients[before]
	w.Eventually("an acknowledgement", func() bool { return len(c.Sent()) > 0 })
	c.stop()
	return c.Sent()[0]
}

// Began tells whether the recording worker for a report has begun.
func (w *World) Began(number int) bool {
	for _, s := range w.starts() {
		if s.Number == strconv.Itoa(number) {
			return true
		}
	}
	return false
}
