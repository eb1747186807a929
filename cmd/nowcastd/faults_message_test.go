package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
	"nowcast/internal/faults"
)

var messageFaults = []fault{
	{6, "messages: twice, cut, hostile", 10, strangeMessages},
	{6, "messages: again, out of order, after a restart", 6, doubles},
	{6, "messages: late, of attempts that were replaced", 8, lateReports},
	{8, "the checklist is cleared while workers run", 4, clearedWhileRunning},
	{20, "1,000 workers finish in one second", 1, manyFinish},
}

// strangeMessages sends what no worker should send, in between good reports, and good reports more than once.
func strangeMessages(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	w.Report(clients)
	stranger := wire.NewRequester(w.Endpoint())
	defer stranger.Close()
	var wrong []string
	for i := range n {
		number := 1_000_000 + i // beside those of the clients
		good := message.Message{Source: "reporter", Type: "success", Payload: pyyaml.MapOf("n", int64(number)), ID: fmt.Sprint("stranger ", number)}.Encode()
		for _, body := range strange(r, good) {
			// Whatever it is, it is answered; the good one twice with the same answer, and has one launch, as Check finds.
			if _, err := request(stranger, body); err != nil {
				wrong = append(wrong, fmt.Sprintf("%.60q was not answered: %v", body, err))
			}
		}
	}
	if d := m.Deaths(); len(d) > 0 {
		wrong = append(wrong, "the manager died of a message")
	}
	serves(w)
	report := allAnswered(w.Finish())
	report.Broken = append(report.Broken, wrong...)
	return report
}

// strange returns a good message, twice, with damaged ones around it.
func strange(r *rand.Rand, good []byte) [][]byte {
	hostile := []string{
		"", "\x00", "{", "- - - -", "source: reporter", "!!python/object/apply:os.system ['exit 1']",
		"payload: &a [*a]\nsource: reporter\ntype: success\n",
		"payload: !!python/name:os.system\nsource: reporter\ntype: success\n",
		"payload: \nsource: nobody\ntype: success\n",
		"payload: \nsource: reporter\ntype: no such type\n",
	}
	return [][]byte{good[:r.IntN(len(good)/2)], good, []byte(hostile[r.IntN(len(hostile))]), good}
}

func request(r *wire.Requester, body []byte) (message.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	reply, err := r.Request(ctx, body)
	if err != nil {
		return message.Message{}, err
	}
	return message.Decode(reply, message.DefaultLimit)
}

// doubles sends named reports several times each, in any order and on several connections, while the manager is killed, and all of them
// once more at the end. Each counts once, as Check finds; and the last word on the checklist has the one that came last first.
func doubles(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	m := w.Keep("manager", nil)
	var lines [3]*wire.Requester
	for i := range lines {
		lines[i] = wire.NewRequester(w.Endpoint())
		defer lines[i].Close()
	}
	var all [][]byte
	for i := range n {
		number := 2_000_000 + i
		body := message.Message{Source: "reporter", Type: "success", Payload: pyyaml.MapOf("n", int64(number)), ID: fmt.Sprint("twin ", number)}.Encode()
		all = append(all, body, body, body)
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var wrong []string
	send := func(i int, body []byte) {
		if reply, err := request(lines[i%len(lines)], body); err != nil || reply.Type != message.Ack {
			wrong = append(wrong, fmt.Sprintf("%q: got %+v, %v", body, reply, err))
		}
	}
	for i, body := range all {
		if i%8 == 3 {
			killAtRandom(w, m, r, 1)
		}
		send(i, body)
	}
	last := w.Once()
	for i, body := range all[:len(all)/2] { // very late
		send(i, body)
	}
	report := allAnswered(w.Finish())
	if text := w.Read("checklist.yaml"); !strings.Contains(text, fmt.Sprintf("n: %d\n", last)) {
		wrong = append(wrong, fmt.Sprintf("I4: after report %d came others again, and the checklist is\n%s", last, text))
	}
	report.Broken = append(report.Broken, wrong...)
	return report
}

// lateReports has workers whose first attempt ends badly, and leaves a process behind that reports a success: while its retry waits, or
// when that has succeeded. A Go worker names its launch. Of one in Python the process behind the connection tells, in the session of its
// launch or out of it.
func lateReports(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, func(o *faults.Options) { o.Policy = "{retries: {most: 2, wait: 1 s}, timeout: 2 s}" })
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	for i := range n {
		after := []float64{0.6, 2.5}[r.IntN(2)] // a launch that has left something behind ends 0.2 s late
		switch i % 4 {
		case 0:
			w.Once("late", fmt.Sprintf("%.1fs", after), "exit")
		case 1:
			w.Once("late", fmt.Sprintf("%.1fs", 2+after), "wait") // until the timeout
		case 2:
			w.OnceBy(faults.Python, "late", fmt.Sprint(after))
		case 3:
			w.OnceBy(faults.Python, "away", fmt.Sprint(after))
		}
	}
	w.Eventually("the reports of first and second attempts", func() bool {
		came := 0
		for _, m := range w.Messages() {
			if m.Source != "reporter" {
				came++
			}
		}
		return came >= 2*n
	})
	report := w.Finish()
	if report.Late != n || report.States[launch.Succeeded] != n || report.Launches != 2*n {
		report.Broken = append(report.Broken, fmt.Sprintf("got %s of %d launches, want %d late reports, and as many first attempts that have no success, and second ones that do",
			report.Outcomes(), report.Launches, n))
	}
	return report
}

// clearedWhileRunning has the checklist cleared while a worker runs. As NEMO_Nowcast does, that is done at once, and what the worker
// reports comes into the new checklist; with hold, the worker has reported before.
func clearedWhileRunning(t *testing.T, r *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for _, policy := range []string{"allow", "hold"} {
		w := newWorld(t, func(o *faults.Options) { o.MoreSettings = "clear checklist: " + policy + "\n" })
		w.Keep("broker", nil)
		w.Keep("manager", nil)
		operator := wire.NewRequester(w.Endpoint())
		defer operator.Close()
		var wrong []string
		for range (n + 1) / 2 {
			number := w.Once("sleep", (300*time.Millisecond + upTo(r, 300*time.Millisecond)).String())
			reply, err := request(operator, message.Message{Source: "reporter", Type: "clear checklist"}.Encode())
			if err != nil || reply.Type != message.ChecklistCleared {
				wrong = append(wrong, fmt.Sprintf("clear checklist: got %+v, %v", reply, err))
			}
			over := awaitLaunch(w, number, func(l *launch.Launch) bool { return true }).State.Final()
			if over != (policy == "hold") {
				wrong = append(wrong, fmt.Sprintf("clear checklist: %s: answered; the worker that ran has ended: %v", policy, over))
			}
		}
		w.Once()
		report := allSucceeded(w.Finish())
		report.Broken = append(report.Broken, wrong...)
		all.Add(report)
	}
	return all
}

// manyFinish has workers wait for the same moment, and all of them report then: 1,000, in the short form 150.
func manyFinish(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	workers := 1000
	if os.Getenv("FAULTS_N") == "" {
		workers = 150
	}
	for range n {
		w := newWorld(t, nil)
		w.Keep("broker", nil)
		w.Keep("manager", nil)
		at := time.Now().Add(time.Second + time.Duration(workers)*20*time.Millisecond)
		for range workers {
			w.Once("until", at.Format(time.RFC3339Nano))
		}
		all.Add(allAnswered(w.Finish()))
	}
	return all
}
