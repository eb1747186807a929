package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
	"nowcast/internal/faults"
)

var barrierFaults = []fault{
	{9, "barriers: two at once, instances, lost, killed", 6, barriers},
}

// Each "success" of opener launches three members, a barrier waits for, and each member's rule asks for a worker that is told which.
// "success shared" opens a barrier that waits for members that another one waits for, too.
const barrierRules = `
def after_opener(msg, config, checklist):
    n, of = str(msg.payload["n"]), str(msg.payload["of"])
    if msg.type == "success shared":
        return [], ["member " + of] * 3
    return [NextWorker("member", args=[n] + (msg.payload["how"] if i == 2 else ["sleep", str(400 + i) + "ms"])) for i in range(3)], ["member " + n] * 3

def after_member(msg, config, checklist):
    return [NextWorker("released", args=[msg.payload["number"], str(msg.payload["launch"])])]

def after_released(msg, config, checklist):
    return []
`

const barrierWorkers = `    opener: {checklist key: opener, success: done, success shared: done, failure: failed, crash: crashed}
    member: {checklist key: member, success: done, failure: failed, crash: crashed, command: [%[1]s, -as, member]}
    released: {checklist key: released, success: done, failure: failed, crash: crashed, command: [%[1]s, -as, released]}
`

// barriers opens n barriers at once, each for three instances of one worker; some share their members, and of some a member is lost. The
// manager is killed meanwhile. Each barrier releases what it held once, when the last of its members has reported, or an operator says so.
func barriers(t *testing.T, r *rand.Rand, n int) *faults.Report {
	worker, err := recorder()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *faults.Options) { o.Rules, o.MoreWorkers = barrierRules, fmt.Sprintf(barrierWorkers, worker) })
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	opener := wire.NewRequester(w.Endpoint())
	defer opener.Close()
	open := func(typ string, number, of int, how ...any) {
		msg := message.Message{Source: "opener", Type: typ, Payload: pyyaml.MapOf("n", int64(number), "of", int64(of), "how", how), ID: fmt.Sprint("opener ", number, typ)}
		if reply, err := request(opener, msg.Encode()); err != nil || reply.Type != message.Ack {
			t.Fatalf("barrier %d: got %+v, %v", number, reply, err)
		}
	}
	lost := map[string]bool{} // numbers of which a member is lost
	for i := range n {
		switch i % 3 {
		case 0:
			open("success", i, i, "sleep", "500ms")
		case 1:
			open("success", i, i, "sleep", "600ms")
			open("success shared", i, i)
		case 2:
			lost[fmt.Sprint(i)] = true
			open("success", i, i, "exit", "0")
		}
	}
	for range 2 {
		killAtRandom(w, m, r, 1)
	}
	w.Settle()
	var wrong []string
	wantWaiting := len(lost)
	waiting := func() (alerts []engine.Alert) {
		return slices.DeleteFunc(w.Alerts(), func(a engine.Alert) bool { return a.Kind != "barrier waits" || !a.Open() })
	}
	w.Eventually("alerts about barriers that wait for what is lost", func() bool { return len(waiting()) >= wantWaiting })
	if got := waiting(); len(got) != wantWaiting {
		wrong = append(wrong, fmt.Sprintf("I5: %d alerts that barriers wait, want one for each of %d: %+v", len(got), wantWaiting, got))
	}
	for _, l := range w.Launches() {
		if l.Name() == "released" && lost[l.Args[0]] {
			wrong = append(wrong, fmt.Sprintf("I5: launch %d was held for a member that is lost, and is %s", l.ID, l.State))
		}
	}
	release(t, w, waiting())
	report := w.Finish()
	report.Broken = append(report.Broken, append(wrong, heldOnce(w.Launches(), lost)...)...)
	return report
}

// release does what alerts offer.
func release(t *testing.T, w *faults.World, alerts []engine.Alert) {
	t.Helper()
	for _, a := range alerts {
		if err := operate(t, w, a.Offer, a.Args); err != nil {
			t.Errorf("%s: what the alert offers: %v", a.Message, err)
		}
	}
}

// operate sends a command to the manager, as an operator does.
func operate(t *testing.T, w *faults.World, command string, args any) error {
	t.Helper()
	endpoint, err := wire.IPC(w.StateFile("control.sock"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := control.Dial(endpoint, "operator")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return c.Call(ctx, message.ManagerName, command, args, nil)
}

// heldOnce says what is wrong with what barriers have held: for each member that has reported, one launch, decided after the last report.
func heldOnce(launches []*launch.Launch, lost map[string]bool) (wrong []string) {
	last := map[string]time.Time{} // report of the members with a number
	reported := map[string]int{}
	released := map[string][]*launch.Launch{} // by member
	for _, l := range launches {
		switch {
		case l.Name() == "member" && l.Reported():
			reported[l.Args[0]]++
			if at := l.Reports[0].Time; at.After(last[l.Args[0]]) {
				last[l.Args[0]] = at
			}
		case l.Name() == "released":
			released[l.Args[1]] = append(released[l.Args[1]], l)
		}
	}
	for _, l := range launches {
		if l.Name() != "member" || !l.Reported() {
			continue
		}
		got := released[fmt.Sprint(l.ID)]
		if len(got) != 1 {
			wrong = append(wrong, fmt.Sprintf("I5: member %s has reported, and %d launches were released because of it, want 1", l.NextWorker, len(got)))
		} else if got[0].Decided.Before(last[l.Args[0]]) {
			wrong = append(wrong, fmt.Sprintf("I5: launch %d was released at %s, before the last of three members reported, at %s", got[0].ID, got[0].Decided, last[l.Args[0]]))
		}
	}
	for number, count := range reported {
		if want := map[bool]int{false: 3, true: 2}[lost[number]]; count != want {
			wrong = append(wrong, fmt.Sprintf("%d members with the number %s have reported, want %d", count, number, want))
		}
	}
	return wrong
}
