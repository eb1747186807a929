package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
	"nowcast/internal/faults"
)

var messageFaults = []fault{
	{6, "messages: twice, cut, hostile", 10, strangeMessages},
	{8, "the checklist is cleared while workers run", 5, clearedWhileRunning},
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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	reply, err := r.Request(ctx, body)
	if err != nil {
		return message.Message{}, err
	}
	return message.Decode(reply, message.DefaultLimit)
}

// clearedWhileRunning has the checklist cleared n times while a worker runs. That is held until the worker has reported, so what it
// reports is cleared, too, and what comes later is not.
func clearedWhileRunning(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w := newWorld(t, nil)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	operator := wire.NewRequester(w.Endpoint())
	defer operator.Close()
	var wrong []string
	for range n {
		w.Once("sleep", upTo(r, 300*time.Millisecond).String())
		reply, err := request(operator, message.Message{Source: "reporter", Type: "clear checklist"}.Encode())
		if err != nil || reply.Type != message.ChecklistCleared {
			wrong = append(wrong, fmt.Sprintf("clear checklist: got %+v, %v", reply, err))
		}
	}
	w.Once()
	report := allSucceeded(w.Finish())
	report.Broken = append(report.Broken, wrong...)
	return report
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
