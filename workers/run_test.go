package workers

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnswerFromTheChecklist(t *testing.T) {
	m := startManager(t, "normal")
	s := newSite(t, m.port)
	c := newConsole(map[string]string{"NOWCAST_LAUNCH": "41"}, s.config)
	var got Reply
	w := worker(func(_ context.Context, w *Run) (_ any, err error) {
		got, err = w.Tell("need", "all")
		return got.Payload, err
	})
	if status := w.Execute(c.Process); status != 0 {
		t.Fatalf("got status %d; stderr: %s", status, &c.err)
	}
	want := Reply{Type: "ack", Payload: map[any]any{
		"NEMO run": map[string]any{"forecast": map[string]any{"completed": true, "run date": Date{2031, time.May, 17}}},
		"sizes":    []any{1, 2.5, bigInt("100000000000000000000"), nil},
		"when":     time.Date(2031, time.May, 17, 5, 40, 0, 0, NoZone),
		"raw":      []byte{0, 0xff},
		"days":     map[any]struct{}{17: {}, 18: {}},
		5:          map[string]any{"by": "number"},
	}}
	if diff := cmp.Diff(want, got, cmp.Comparer(sameInt)); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	need, success := m.next(t), m.next(t)
	if need.Launch != 41 || success.Launch != 41 {
		t.Errorf("got launches %d and %d, want launch 41", need.Launch, success.Launch)
	}
	// What came from Python and goes back is equal there.
	wantPayload := "{5: {'by': 'number'}, 'NEMO run': {'forecast': {'completed': True, 'run date': datetime.date(2031, 5, 17)}}, " +
		"'days': {17, 18}, 'raw': b'\\x00\\xff', 'sizes': [1, 2.5, 100000000000000000000, None], 'when': datetime.datetime(2031, 5, 17, 5, 40)}"
	if got, want := sortedRepr(t, success.Payload), sortedRepr(t, wantPayload); got != want {
		t.Errorf("got payload %s, want %s", got, want)
	}
}

func TestConfigIsPlainData(t *testing.T) {
	s := newSite(t, noPort)
	c := newConsole(nil, "--debug", s.config)
	status := worker(func(_ context.Context, w *Run) (any, error) {
		for _, tt := range []struct {
			keys []any
			want any
		}{
			{[]any{"rivers", "stations"}, map[string]any{"Fraser": "08MF005", "Skagit": 12200500}},
			{[]any{"rivers", 5, 1}, "b"},
			{[]any{"rivers", 5, 2}, nil},
			{[]any{"rivers", "lakes", "depth"}, nil},
			{[]any{"checklist file"}, s.dir + "/checklist.yaml"},
			{[]any{"rivers", "stations", "Fraser", "x"}, nil},
			{[]any{make(chan int)}, nil},
		} {
			if diff := cmp.Diff(tt.want, w.Config(tt.keys...)); diff != "" {
				t.Errorf("Config(%v) (-want +got):\n%s", tt.keys, diff)
			}
		}
		if whole, ok := w.Config().(map[string]any); !ok || whole["zmq"] == nil {
			t.Errorf("got %v, want the whole file", w.Config())
		}
		if w.ConfigFile() != s.config {
			t.Errorf("got %s, want %s", w.ConfigFile(), s.config)
		}
		return nil, nil
	}).Execute(c.Process)
	if status != 0 {
		t.Errorf("got status %d, want 0; stderr: %s", status, &c.err)
	}
}
