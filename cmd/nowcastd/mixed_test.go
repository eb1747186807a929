package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/message"
)

// outcome is what a day leaves behind, without what differs from run to run.
type outcome struct {
	Full  string              // the checklist file when the chain has ended
	End   string              // the checklist file at the end of the day
	Dump  string              // the checklist's log file
	Lines map[string][]string // what each process logged of section 9, in its order
}

// playDay runs the whole day on running daemons.
func (s *system) playDay(workers side) (o outcome) {
	s.t.Helper()
	s.playChain(workers)
	o.Full = s.checklistFile("'plots'")
	r := s.requester()
	for _, stranger := range []struct {
		message message.Message
		want    string
	}{
		{message.Message{Source: "stranger", Type: "success"}, message.UnregisteredWork},
		{message.Message{Source: "grid", Type: "shrug"}, message.UnregisteredType},
		{message.Message{Source: "unruled", Type: "success", Payload: "kept"}, message.NoAfterWorker},
	} {
		if got := ask(s.t, r, stranger.message); got.Type != stranger.want {
			s.t.Errorf("%+v: got the reply %+v, want %s", stranger.message, got, stranger.want)
		}
	}
	s.work(workers, "clear_checklist")
	s.work(workers, "awaken")
	o.End = s.checklistFile("{'awaken'")
	return o
}

// runDay runs the day with daemons and workers of the given sides, and the daemons to their end.
func runDay(t testing.TB, broker, manager, workers side) outcome {
	t.Helper()
	s := newMixed(t, mixedLocalLogging)
	b := s.broker(broker)
	m := s.manager(manager)
	o := s.playDay(workers)
	for _, d := range []*child{m, b} {
		if err := d.stop(); err != nil {
			t.Errorf("%v ended with %v\n%s", d.Args, err, d.output)
		}
	}
	o.Lines = s.lines(s.read("nowcast.log"))
	o.Dump = recordStart.ReplaceAllString(s.plain(s.read("checklist.log")), "$1 [$2] ")
	const startLines = 7 // of the manager, which may come in another order
	begin := o.Lines["manager"]
	slices.Sort(begin[:min(startLines, len(begin))])
	return o
}

func TestADayInMixedOperation(t *testing.T) {
	t.Parallel()
	want := runDay(t, python, python, python)
	// A day that never was would equal another one.
	if !strings.Contains(want.Full, "'published': {'area': 2.5,") || !strings.Contains(want.End, "{'awaken': {'awoke': True}}") {
		t.Fatalf("the day of the Python programs alone ended with %s and %s", want.Full, want.End)
	}
	if n := len(want.Lines["manager"]); n < 40 {
		t.Fatalf("got %d lines of the Python manager, want at least 40:\n%s", n, strings.Join(want.Lines["manager"], "\n"))
	}
	for _, sides := range [][3]side{
		{ours, python, python}, {ours, python, ours}, {python, ours, python}, {python, ours, ours}, {ours, ours, ours},
	} {
		t.Run(fmt.Sprintf("broker %s, manager %s, workers %s", sides[0], sides[1], sides[2]), func(t *testing.T) {
			t.Parallel()
			got := runDay(t, sides[0], sides[1], sides[2])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("all Python and this (-want +got):\n%s", diff)
			}
		})
	}
}
