package storetest

import (
	"fmt"
	"testing"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/store"
)

// Fill gives a store a past of so many messages, every fifth of which has led to a launch that is over, as 100 days leave it.
func Fill(t testing.TB, s *store.Store, messages int) {
	t.Helper()
	const batch = 5000
	body := []byte("payload:\n  a: 1\n  b: 2\n  c: 3\nsource: sleep\ntype: success\n")
	base := fmt.Appendf(nil, "checklist: %01000d\n", 0)
	for id := int64(0); id < int64(messages); {
		var e engine.Effects
		for range min(batch, int64(messages)-id) {
			id++
			now := Day.Add(time.Duration(id) * 8640 * time.Second / time.Duration(messages/1000+1))
			e.Messages = append(e.Messages, engine.Message{ID: id, Time: now, Source: "sleep", Type: "success", Launch: id / 5, Reply: "ack",
				Op: checklist.Update, Key: "sleepyhead", Body: body, Request: fmt.Sprint(id)})
			if id%5 == 0 {
				end := now.Add(time.Minute)
				e.Launches = append(e.Launches, &launch.Launch{ID: id / 5, NextWorker: launch.NextWorker{Module: "nowcast.workers.sleep", Host: launch.Localhost},
					State: launch.Succeeded, Cause: "sleep: success", Message: id, Decided: now, Started: &now, Ended: &end, PID: int(id), Reports: []launch.Report{{Time: end, Type: "success"}}})
			}
		}
		e.Base = &engine.Base{Message: id, YAML: base}
		Commit(t, s, &e)
	}
}
