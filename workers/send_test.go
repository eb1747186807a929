package workers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func note(s *site, msgType, payload string) Note {
	c := newConsole(map[string]string{"NOWCAST_LAUNCH": "7"})
	return Note{ConfigFile: s.config, Name: "test_worker", Type: msgType, Payload: payload, LookupEnv: c.LookupEnv}
}

func TestSend(t *testing.T) {
	m := startManager(t, "normal")
	s := newSite(t, m.port)
	for _, tt := range []struct {
		name, msgType, payload string
		wantTold               string
		want                   Answer
	}{
		{"a success with a payload", "success", "{forecast: [1, 2031-05-17]}", "{'forecast': [1, datetime.date(2031, 5, 17)]}",
			Answer{Type: "ack", Words: "message acknowledged"}},
		{"without a payload", "success forecast", "", "None", Answer{Type: "ack", Words: "message acknowledged"}},
		{"need", "need", "sizes", "'sizes'", Answer{Type: "ack", Words: "message acknowledged", Payload: "- 1\n- 2.5\n- 100000000000000000000\n- null\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Send(t.Context(), note(s, tt.msgType, tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if got := m.next(t); got.Type != tt.msgType || got.Payload != tt.wantTold || got.Launch != 7 {
				t.Errorf("the manager got %+v, want %s with %s of launch 7", got, tt.msgType, tt.wantTold)
			}
		})
	}
}

func TestSendOfWhatCannotBeSent(t *testing.T) {
	s := newSite(t, noPort)
	for _, tt := range []struct {
		name string
		note Note
		want string
	}{
		{"a type that is not registered", note(s, "triumph", ""), "message type not found for test_worker worker in " + s.config + " message registry: triumph"},
		{"a payload that is not YAML", note(s, "success", "{"), "the payload is not YAML"},
		{"no configuration", Note{ConfigFile: "/nowhere.yaml", LookupEnv: newConsole(nil).LookupEnv}, "/nowhere.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := Send(t.Context(), tt.note); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Send(ctx, note(newSite(t, noPort), "success", "")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}
