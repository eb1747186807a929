package wire

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay passes bytes between whoever connects to it and target until freeze is closed; then it keeps the connections, and is silent.
func relay(t *testing.T, target string, freeze <-chan struct{}) (endpoint string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	pass := func(to, from net.Conn) {
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			if isClosed(freeze) {
				_, _ = io.Copy(io.Discard, from)
				return
			}
			if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
				to.Close()
				return
			}
		}
	}
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", strings.TrimPrefix(target, "tcp://"))
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { a.Close(); b.Close() })
			go pass(a, b)
			go pass(b, a)
		}
	}()
	return "tcp://" + l.Addr().String()
}

func TestWhatAVanishedManagerHasIsGivenToAnother(t *testing.T) {
	again := make(chan int, 10)
	f, _ := forwarded(t, ForwarderOptions{Back: Options{Silent: 300 * time.Millisecond}, Again: func(n int) { again <- n }, Drain: 50 * time.Millisecond})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	freeze := make(chan struct{})
	vanished := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: []string{relay(t, f.Back()[0], freeze)}})}
	send1(t, client.c, frames("", "x"))
	vanished.next()
	close(freeze) // its connection stays, and says nothing any more
	go answer(open(t, Options{Kind: Dealer, Connect: f.Back()}))
	if got := <-again; got != 1 {
		t.Errorf("taken back: got %d, want 1", got)
	}
	if got := string(client.next()[1]); got != "re: x" {
		t.Errorf("got %q, want the other's answer", got)
	}
}

// A seeded series of managers that die with requests in hand, while others are there or not, and of changes of address.
func TestEveryRequestIsAnsweredWhateverDies(t *testing.T) {
	const clients, deaths = 16, 40
	random := rand.New(rand.NewPCG(4, 2))
	f, _ := journalled(t, journalPath(t), ForwarderOptions{Front: Options{Watch: func(Event) {}, SendQueue: 100_000}})
	backs := []string{f.Back()[0], newPort(t), newPort(t)}
	done := make(chan struct{})
	var running sync.WaitGroup
	for c := range clients {
		running.Go(func() {
			r := NewRequester(f.Front()[0])
			defer r.Close()
			for i := 0; !isClosed(done); i++ {
				question := fmt.Sprint(c, " ", i)
				if got, err := r.Request(t.Context(), []byte(question)); err != nil || string(got) != "re: "+question {
					t.Errorf("got %q, %v, want %q", got, err, "re: "+question)
				}
			}
		})
	}
	at := backs[0]
	var staying *Conn // the one before, and where it is
	var stays string
	for i := range deaths {
		manager, err := Open(Options{Kind: Dealer, Connect: []string{at}})
		if err != nil {
			t.Fatal(err)
		}
		before := f.Waiting().Answered
		go answer(manager)
		if staying != nil {
			if stays == at {
				eventually(t, "both are there, and neither is given anything", func() bool { return f.Waiting().Rivals != "" })
			}
			staying.Close()
			staying = nil
		}
		eventually(t, "it answers", func() bool { return f.Waiting().Answered > before+50 })
		was := at
		if i%5 == 4 {
			next := backs[random.IntN(len(backs))]
			if _, err := f.Rebind(t.Context(), same(), next); err == nil { // otherwise too soon: nothing changes
				at = next
			}
		}
		if random.IntN(2) == 0 {
			staying, stays = manager, was // for a while together with the next
		} else {
			manager.Close()
		}
	}
	if staying != nil {
		staying.Close()
	}
	manager := open(t, Options{Kind: Dealer, Connect: []string{at}})
	go answer(manager)
	close(done)
	running.Wait()
}

func TestAPeerThatNeverIntroducesItselfIsTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	open(t, Options{Kind: Req, Connect: []string{"tcp://" + l.Addr().String()}, Silent: 300 * time.Millisecond})
	l.(*net.TCPListener).SetDeadline(time.Now().Add(patient)) // libzmq by itself waits for half a minute
	for i := range 3 {
		c, err := l.Accept() // and says nothing
		if err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
		defer c.Close()
	}
}
