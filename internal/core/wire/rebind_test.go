package wire

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// movable starts a Forwarder as the broker's, that can be rebound; left gets the backs that were closed.
func movable(t *testing.T) (f *Forwarder, left chan string) {
	t.Helper()
	left = make(chan string, 100)
	f, _ = forwarded(t, ForwarderOptions{
		Front: Options{Watch: func(Event) {}, SendQueue: 100_000}, Drain: patient,
		Journal: filepath.Join(t.TempDir(), "requests.journal"),
		Again:   func(n int) { t.Errorf("%d requests were taken back", n) },
		Left:    func(endpoint string) { left <- endpoint },
	})
	return f, left
}

func newPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "tcp://" + l.Addr().String()
}

func rebind(t *testing.T, f *Forwarder, front, back string) Rebound {
	t.Helper()
	r, err := f.Rebind(t.Context(), front, back)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func same() string { return "tcp://127.0.0.1:0" } // as forwarded asked for it

func TestAReboundFrontServesOldAndNewUntilNobodyNeedsTheOld(t *testing.T) {
	f, _ := movable(t)
	go answer(open(t, Options{Kind: Dealer, Connect: f.Back()}))
	before := f.Front()[0]
	old := NewRequester(before)
	ask := func(r *Requester) {
		t.Helper()
		if got, err := r.Request(t.Context(), []byte("x")); err != nil || string(got) != "re: x" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	ask(old)
	now := newPort(t)
	if r := rebind(t, f, now, same()); r.Front != now || len(r.Kept) != 1 || len(r.Closed) != 0 {
		t.Errorf("got %+v, want %s bound and %s kept", r, now, before)
	}
	ask(old)
	late := NewRequester(before)
	ask(late)
	fresh := NewRequester(now)
	defer fresh.Close()
	ask(fresh)
	if r := rebind(t, f, now, same()); len(r.Kept) != 1 || r.Front != "" {
		t.Errorf("with workers at the old port: got %+v, want it kept", r)
	}
	late.Close()
	ask(old)
	old.Close()
	eventually(t, "the old port is closed", func() bool { return len(rebind(t, f, now, same()).Closed) == 1 })
	eventually(t, "nobody listens there", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(before, "tcp://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	ask(fresh)
	if r := rebind(t, f, before, same()); r.Front != before {
		t.Errorf("going back: got %+v, want %s bound", r, before)
	}
}

func TestAReboundBackIsGivenRequestsOnceSomebodyIsThere(t *testing.T) {
	f, left := movable(t)
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	before := f.Back()[0]
	one := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: []string{before}, Linger: patient})}
	now := newPort(t)
	rebind(t, f, same(), now)
	send1(t, client.c, frames("", "first"))
	first := one.next() // nobody is at the new one
	two := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: []string{now}, Linger: patient})}
	eventually(t, "requests come to the new one", func() bool {
		send1(t, client.c, frames("", "more"))
		select {
		case batch := <-two.c.Receive():
			send1(t, two.c, batch...)
			return true
		case batch := <-one.c.Receive():
			send1(t, one.c, batch...)
		case <-time.After(patient):
			t.Fatal("a request was lost")
		}
		client.next()
		return false
	})
	client.next()
	select {
	case e := <-left:
		t.Fatalf("%s was closed although a request is unanswered there", e)
	default:
	}
	send1(t, one.c, first)
	if got := string(client.next()[1]); got != "first" {
		t.Errorf("got %q, want the answer that the old one owed", got)
	}
	if got := <-left; got != before {
		t.Errorf("got %s closed, want %s", got, before)
	}
}

func TestARebindThatCannotBeDoneChangesNothing(t *testing.T) {
	f, _ := movable(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := "tcp://" + taken.Addr().String()
	front, back := f.Front(), f.Back()
	free := newPort(t)
	for name, c := range map[string]struct{ front, back, want string }{
		"the front is taken": {busy, free, "is taken"},
		"the back is taken":  {free, busy, "is taken"},
		"swapped":            {back[0], front[0], "is still open here"},
		"another address":    {strings.Replace(front[0], "127.0.0.1", "127.0.0.2", 1), same(), "is still open here"},
	} {
		if _, err := f.Rebind(t.Context(), c.front, c.back); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
	if got := fmt.Sprint(f.Front(), f.Back()); got != fmt.Sprint(front, back) {
		t.Errorf("got %s, want %v and %v as before", got, front, back)
	}
	eventually(t, "the port that was bound for a moment is free again", func() bool {
		l, err := net.Listen("tcp", strings.TrimPrefix(free, "tcp://"))
		if err == nil {
			l.Close()
		}
		return err == nil
	})
}

func TestRebindAfterTheEndSaysSo(t *testing.T) {
	f, stop := forwarded(t, ForwarderOptions{Front: Options{Watch: func(Event) {}}})
	stop()
	if _, err := f.Rebind(t.Context(), newPort(t), same()); err != ErrClosed {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
}

// A seeded series of moves of both sides, with a Trunk as the manager that follows in its own time, before or after.
func TestNothingIsLostHoweverOftenTheAddressesChange(t *testing.T) {
	const clients, moves = 16, 60
	random := rand.New(rand.NewPCG(3, 8))
	f, _ := movable(t)
	trunk, _ := echoing(t, f.Back()[0], peerAway)
	fronts, backs := []string{newPort(t), newPort(t), newPort(t)}, []string{newPort(t), newPort(t), newPort(t)}
	var moving sync.RWMutex // a client that has just learned where to connect is connected before the next move
	at := f.Front()[0]      // guarded by moving
	done := make(chan struct{})
	var running sync.WaitGroup
	for c := range clients {
		running.Go(func() {
			var r *Requester
			for i := 0; !isClosed(done); i++ {
				fresh := r == nil
				if fresh {
					moving.RLock()
					r = NewRequester(at)
				}
				question := fmt.Sprint(c, " ", i)
				if got, err := r.Request(t.Context(), []byte(question)); err != nil || string(got) != question {
					t.Errorf("got %q, %v, want %q", got, err, question)
				}
				if fresh {
					moving.RUnlock()
				}
				if i%50 == 49 && c%2 == 0 {
					r.Close()
					r = nil
				}
			}
			if r != nil {
				r.Close()
			}
		})
	}
	defer running.Wait()
	defer close(done)
	refused := 0
	for range moves {
		front, back := fronts[random.IntN(len(fronts))], backs[random.IntN(len(backs))]
		ahead := random.IntN(2) == 0
		if ahead {
			if err := trunk.Move(back); err != nil {
				t.Fatal(err)
			}
		}
		moving.Lock()
		_, err := f.Rebind(t.Context(), front, back)
		if err == nil {
			at = front
		}
		moving.Unlock()
		if err != nil {
			refused++ // too soon after the last: it says so and nothing changes
			continue
		}
		if !ahead {
			if err := trunk.Move(back); err != nil {
				t.Fatal(err)
			}
		}
		if random.IntN(3) == 0 {
			time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond) // any pace must do
		}
	}
	t.Logf("%d moves, %d of them refused", moves, refused)
}
