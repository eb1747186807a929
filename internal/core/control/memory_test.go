package control

import (
	"fmt"
	"testing"
	"time"
)

func TestAnswersAreForgottenOldestFirst(t *testing.T) {
	now := time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC)
	fresh := func() *memory { return newMemory(func() time.Time { return now }) }
	answer := func(m *memory, id string, reply []byte, keep bool) {
		t.Helper()
		if isNew, _ := m.begin(id, []byte("client")); !isNew {
			t.Fatalf("request %s is known already", id)
		}
		if clients := m.end(id, reply, keep); len(clients) != 1 {
			t.Fatalf("got %d clients to answer, want 1", len(clients))
		}
	}
	known := func(m *memory, id string) bool {
		isNew, _ := m.begin(id, nil)
		return !isNew
	}

	t.Run("beyond the number", func(t *testing.T) {
		m := fresh()
		for i := range keptReplies + 1 {
			answer(m, fmt.Sprint(i), []byte("x"), true)
		}
		if len(m.answered) != keptReplies || m.bytes != keptReplies || !known(m, "1") || known(m, "0") {
			t.Errorf("got %d answers of %d bytes, want %d without the first", len(m.answered), m.bytes, keptReplies)
		}
	})
	t.Run("beyond the size", func(t *testing.T) {
		m := fresh()
		for i := range 3 {
			answer(m, fmt.Sprint(i), make([]byte, keptBytes/2), true)
		}
		if known(m, "0") || !known(m, "1") || !known(m, "2") {
			t.Errorf("got %d bytes kept, want the last two answers", m.bytes)
		}
	})
	t.Run("after ten minutes", func(t *testing.T) {
		m := fresh()
		answer(m, "0", []byte("x"), true)
		now = now.Add(keptFor - 1)
		if !known(m, "0") {
			t.Error("forgotten too early")
		}
		now = now.Add(1)
		if known(m, "0") {
			t.Error("remembered too long")
		}
	})
	t.Run("at once if it need not be kept", func(t *testing.T) {
		m := fresh()
		answer(m, "0", []byte("x"), false)
		if known(m, "0") {
			t.Error("it was kept")
		}
	})
	t.Run("never while it is in hand", func(t *testing.T) {
		m := fresh()
		m.begin("0", []byte("client"))
		now = now.Add(time.Hour)
		if !known(m, "0") {
			t.Error("it was forgotten")
		}
	})
}
