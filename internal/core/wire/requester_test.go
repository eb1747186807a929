package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answer serves requests as a manager does that holds on to envelopes; it ignores the ones that say so.
func answer(c *Conn) {
	for batch := range c.Receive() {
		for _, m := range batch {
			last := len(m) - 1
			if string(m[last]) != "ignore me" {
				_ = c.Send(append(m[:last:last], append([]byte("re: "), m[last]...)))
			}
		}
	}
}

func TestARequesterAlternatesAndIsSharedByQueueing(t *testing.T) {
	server := open(t, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}})
	go answer(server)
	r := NewRequester(server.Endpoints()[0])
	defer r.Close()
	var askers sync.WaitGroup
	for i := range 8 {
		askers.Go(func() {
			for j := range 50 {
				question := fmt.Sprint(i, " ", j)
				got, err := r.Request(t.Context(), []byte(question))
				if err != nil || string(got) != "re: "+question {
					t.Errorf("got %q, %v, want %q", got, err, "re: "+question)
				}
			}
		})
	}
	askers.Wait()
}

func TestARequestIsOneFrameAfterAnEmptyOne(t *testing.T) {
	server := open(t, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}})
	r := NewRequester(server.Endpoints()[0])
	defer r.Close()
	go func() { _, _ = r.Request(t.Context(), []byte("body")) }()
	got := (&reader{t: t, c: server}).next()
	if diff := cmp.Diff([]string{"", "body"}, texts(got[1:])); diff != "" {
		t.Errorf("after the identity (-want +got):\n%s", diff)
	}
}

func TestAGivenUpRequestLeavesTheRequesterUsable(t *testing.T) {
	server := open(t, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}})
	go answer(server)
	r := NewRequester(server.Endpoints()[0])
	defer r.Close()
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		asked := make(chan error)
		go func() {
			_, err := r.Request(ctx, []byte("ignore me"))
			asked <- err
		}()
		cancel()
		if err := <-asked; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
		}
		if got, err := r.Request(t.Context(), []byte("again")); err != nil || string(got) != "re: again" {
			t.Errorf("next: got %q, %v, want %q", got, err, "re: again")
		}
	}
}

func TestARequestWaitsForAServerThatIsNotThereYet(t *testing.T) {
	endpoint := ipc(t, "s")
	r := NewRequester(endpoint)
	defer r.Close()
	reply := make(chan string)
	go func() {
		got, err := r.Request(t.Context(), []byte("early"))
		reply <- fmt.Sprint(string(got), err)
	}()
	go answer(open(t, Options{Kind: Router, Bind: []string{endpoint}}))
	if got, want := <-reply, "re: early<nil>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestClosingARequesterEndsItsRequest(t *testing.T) {
	server := open(t, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}})
	r := NewRequester(server.Endpoints()[0])
	asked := make(chan error)
	go func() {
		_, err := r.Request(t.Context(), []byte("x"))
		asked <- err
	}()
	(&reader{t: t, c: server}).next()
	r.Close()
	r.Close()
	if err := <-asked; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
	if _, err := r.Request(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v, want %v", err, ErrClosed)
	}
}

// takeAndLeave serves at an endpoint, takes n requests and goes away without an answer.
func takeAndLeave(t *testing.T, endpoint string, n int) {
	t.Helper()
	server := &reader{t: t, c: open(t, Options{Kind: Router, Bind: []string{endpoint}})}
	for range n {
		server.next()
	}
	server.c.Close()
}

func TestWhoInsistsSendsTheSameAgainWheneverTheConnectionBreaks(t *testing.T) {
	endpoint := newPort(t)
	r := NewRequester(endpoint)
	defer r.Close()
	again := make(chan struct{}, 10)
	reply := make(chan string)
	go func() {
		got, err := r.Insist(t.Context(), []byte("named"), func() { again <- struct{}{} })
		reply <- fmt.Sprint(string(got), err)
	}()
	for range 3 {
		takeAndLeave(t, endpoint, 1)
		<-again
	}
	go answer(open(t, Options{Kind: Router, Bind: []string{endpoint}}))
	if got, want := <-reply, "re: named<nil>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, err := r.Insist(t.Context(), []byte("next"), func() { t.Error("sent again without a break") }); err != nil || string(got) != "re: next" {
		t.Errorf("the next: got %q, %v", got, err)
	}
}

func TestWhoDoesNotInsistSendsOnce(t *testing.T) {
	endpoint := newPort(t)
	r := NewRequester(endpoint)
	defer r.Close()
	asked := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := r.Request(ctx, []byte("once"))
		asked <- err
	}()
	takeAndLeave(t, endpoint, 1)
	server := &reader{t: t, c: open(t, Options{Kind: Router, Bind: []string{endpoint}})}
	other := NewRequester(endpoint)
	defer other.Close()
	go func() { _, _ = other.Request(ctx, []byte("other")) }()
	if got := string(server.next()[2]); got != "other" {
		t.Errorf("got %q, want the question of another", got)
	}
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
