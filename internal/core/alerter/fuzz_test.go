package alerter

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzState: whatever is in the file, reading it does no harm, and what is accepted can be worked with.
func FuzzState(f *testing.F) {
	s := newState(time.Unix(0, 0).UTC())
	a := trouble(1)
	s.observe(time.Unix(1, 0).UTC(), raised(a), func(string, string) bool { return true })
	s.queue("webhook HOOK").add(note{Key: "k", What: begun, Incident: 1, Time: time.Unix(2, 0)})
	good, err := json.Marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"version":1,"incidents":[null],"queues":{"a":null}}`))
	f.Add([]byte(`{"version":1,"last":1,"incidents":[{"id":1,"ended":null,"followers":[{}]}],"queues":{"a":{"notes":[{}],"tries":-5}}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parse(data)
		if err != nil {
			return
		}
		now := time.Unix(1000, 0).UTC()
		s.observe(now, raised(trouble(2)), func(string, string) bool { return true })
		s.tell(now, timing{}, nil)
		s.clockWasSet(now, time.Hour)
		w := writer{zone: time.UTC}
		for _, q := range s.Queues {
			if n := q.take(now, 3); n != nil {
				w.alarm(s, n)
				q.failed(n.Key, now, n.Failures%2 == 0, 0)
			}
		}
		w.daily(s, nil, now)
		s.shown()
		out, err := json.Marshal(s)
		if err != nil {
			t.Skip() // a time that JSON cannot have, and neither could the file
		}
		if _, err := parse(out); err != nil {
			t.Fatalf("what was accepted once is not any more: %v\n%s", err, out)
		}
	})
}
