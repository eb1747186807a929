package wire

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// forwarded starts a Forwarder between a Router and a Dealer and returns what stops it and tells what Run said.
func forwarded(t testing.TB, o ForwarderOptions) (f *Forwarder, stop func() int) {
	t.Helper()
	o.Front.Kind, o.Back.Kind = Router, Dealer
	for _, side := range []*Options{&o.Front, &o.Back} {
		if side.Bind == nil {
			side.Bind = []string{"tcp://127.0.0.1:0"}
		}
		side.Linger = time.Second
	}
	f, err := NewForwarder(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan int, 1)
	go func() {
		unanswered, err := f.Run(ctx)
		if err != nil {
			t.Error(err)
		}
		result <- unanswered
	}()
	stopped := false
	stop = func() int {
		cancel()
		if stopped {
			return 0
		}
		stopped = true
		return <-result
	}
	t.Cleanup(func() { stop() })
	return f, stop
}

func TestRequestsWaitForAManagerWithoutSpinning(t *testing.T) {
	const n = 3000
	f, _ := forwarded(t, ForwarderOptions{Front: Options{SendQueue: n}}) // a Router drops what exceeds it
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	for i := range n {
		send1(t, client.c, frames("", fmt.Sprint(i)))
	}
	eventually(t, "the client's messages have left", func() bool { return client.c.out.empty() })
	before := cpu(t)
	<-time.After(time.Second)
	if used := cpu(t) - before; used > 100*time.Millisecond {
		t.Errorf("waiting used %v of CPU in one second, want under 100ms", used)
	}
	go answer(open(t, Options{Kind: Dealer, Connect: f.Back()}))
	for i := range n {
		if got, want := string(client.next()[1]), fmt.Sprint("re: ", i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestRequestsWaitForOneOfTwoManagersToLeaveWithoutSpinning(t *testing.T) {
	f, _ := forwarded(t, ForwarderOptions{})
	managers := func(n int) func() bool {
		return func() bool { return f.Waiting().Peers == n && strings.Count(f.Waiting().Rivals, "127.0.0.1:") == n }
	}
	for range 2 {
		open(t, Options{Kind: Dealer, Connect: f.Back()})
	}
	third := open(t, Options{Kind: Dealer, Connect: f.Back()})
	eventually(t, "three managers are known", managers(3))
	third.Close()
	eventually(t, "two are left", managers(2))
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	send1(t, client.c, frames("", "x"))
	eventually(t, "the request waits", func() bool { return f.Waiting().Requests == 1 })
	<-time.After(2 * leaving) // after which something could be given to one, if there were one
	before := voluntarySwitches(t)
	<-time.After(time.Second)
	if n := voluntarySwitches(t) - before; n > 400 {
		t.Errorf("waiting, this process went to sleep %d times in one second, want few: it looks again and again", n)
	}
}

// voluntarySwitches is how often threads of this process had nothing to do so far.
func voluntarySwitches(t *testing.T) int64 {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return int64(used.Nvcsw)
}

func TestMessagesOfManyAndLargeFramesPassUntouchedBothWays(t *testing.T) {
	f, _ := forwarded(t, ForwarderOptions{})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	server := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	want := Frames{[]byte{}, bytes.Repeat([]byte("large "), 1_000_000)}
	for i := range 100 {
		want = append(want, fmt.Append(nil, i), []byte{})
	}
	send1(t, client.c, slices.Clone(want))
	request := server.next()
	if got := request[2:]; !slices.EqualFunc(got, want, bytes.Equal) {
		t.Fatalf("request: got %d frames, %d bytes, want the %d frames, %d bytes that were sent", len(got), got.size(), len(want), want.size())
	}
	send1(t, server.c, request)
	if got := client.next(); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("reply: got %d frames, %d bytes, want the %d frames, %d bytes that were sent", len(got), got.size(), len(want), want.size())
	}
}

func TestAForwarderToAPubPassesMessagesOnAndDoesNotWaitForAnswers(t *testing.T) {
	f, err := NewForwarder(ForwarderOptions{
		Front: Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:0"}},
		Back:  Options{Kind: Pub, Bind: []string{"tcp://127.0.0.1:0"}, Linger: patient},
		Drain: patient,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := f.Run(ctx)
		done <- err
	}()
	sub := &reader{t: t, c: open(t, Options{Kind: Sub, Connect: f.Back(), Subscribe: []string{""}})}
	pub := open(t, Options{Kind: Dealer, Connect: f.Front()})
	eventually(t, "the subscription", func() bool {
		send1(t, pub, frames("probe"))
		select {
		case <-sub.c.Receive():
			return true
		default:
			return false
		}
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStoppingWaitsForAnswersInHand(t *testing.T) {
	f, stop := forwarded(t, ForwarderOptions{Drain: patient})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	server := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	send1(t, client.c, frames("", "slow"))
	request := server.next()
	stopped := make(chan int)
	go func() { stopped <- stop() }()
	send1(t, server.c, request)
	if got := string(client.next()[1]); got != "slow" {
		t.Errorf("the answer: got %q, want %q", got, "slow")
	}
	if got := <-stopped; got != 0 {
		t.Errorf("unanswered: got %d, want 0", got)
	}
}

func TestStoppingGivesUpAfterDrainAndSaysHowManyWaited(t *testing.T) {
	f, stop := forwarded(t, ForwarderOptions{Drain: 100 * time.Millisecond})
	client := open(t, Options{Kind: Dealer, Connect: f.Front()})
	server := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	send1(t, client, frames("", "a"), frames("", "b"))
	server.next()
	server.next()
	if got := stop(); got != 2 {
		t.Errorf("unanswered: got %d, want 2", got)
	}
}

func TestStoppingWithoutAManagerCountsWhatWaited(t *testing.T) {
	events := make(chan Event, 10)
	f, stop := forwarded(t, ForwarderOptions{
		Front: Options{Watch: func(e Event) { events <- e }}, Drain: 100 * time.Millisecond,
	})
	client := open(t, Options{Kind: Dealer, Connect: f.Front(), Linger: patient})
	for range 5 {
		send1(t, client, frames("", "x"))
	}
	client.Close()
	for e := range events {
		if e.Kind == PeerLost { // so all that it sent is here
			break
		}
	}
	if got := stop(); got != 5 {
		t.Errorf("unanswered: got %d, want 5", got)
	}
}

func TestStoppingDoesNotWaitForAnswersOfAManagerThatIsGone(t *testing.T) {
	again := make(chan int, 1)
	f, stop := forwarded(t, ForwarderOptions{Drain: time.Hour, Again: func(n int) { again <- n }})
	client := open(t, Options{Kind: Dealer, Connect: f.Front()})
	server := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	send1(t, client, frames("", "a"), frames("", "b"))
	server.next()
	server.next()
	stopped := make(chan int, 1)
	go func() { stopped <- stop() }() // it waits for an answer, until
	server.c.Close()
	select {
	case got := <-stopped:
		if got != 2 {
			t.Errorf("unanswered: got %d, want 2", got)
		}
	case <-time.After(patient):
		t.Fatal("it still waits")
	}
}

func TestWhatAManagerLeavesUnansweredIsGivenToTheNextBeforeAnythingNew(t *testing.T) {
	again := make(chan int, 1)
	f, stop := forwarded(t, ForwarderOptions{Drain: patient, Again: func(n int) { again <- n }})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	first := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back(), Linger: patient})}
	send1(t, client.c, frames("", "a"), frames("", "b"), frames("", "c"))
	send1(t, first.c, first.next())
	b, c := first.next(), first.next()
	if got := string(client.next()[1]); got != "a" {
		t.Fatalf("got %q answered, want a", got)
	}
	first.c.Close()
	if got := <-again; got != 2 {
		t.Errorf("taken back: got %d, want 2", got)
	}
	send1(t, client.c, frames("", "d"))
	second := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back(), Linger: patient})}
	for _, before := range []Frames{b, c, nil} {
		m := second.next()
		ticket, ok := ParseTicket(m[0])
		if !ok || ticket.Again != (before != nil) || ticket.Orphan {
			t.Errorf("%q: got ticket %+v, %v", m[3], ticket, ok)
		}
		if was, _ := ParseTicket(slices.Concat(before, m)[0]); was.ID != ticket.ID || ticket.Peer == "" {
			t.Errorf("%q: got ticket %+v, want the same number as in %+v, and a peer", m[3], ticket, was)
		}
		send1(t, second.c, m)
	}
	for _, want := range []string{"b", "c", "d"} {
		if got := string(client.next()[1]); got != want {
			t.Errorf("got %q answered, want %q", got, want)
		}
	}
	if got := stop(); got != 0 {
		t.Errorf("unanswered: got %d, want 0", got)
	}
}

func TestAStoppedForwarderLeavesNothingBehind(t *testing.T) {
	use := func(front, back string) (string, string) {
		f, stop := forwarded(t, ForwarderOptions{
			Front: Options{Bind: []string{front}, Watch: func(Event) {}}, Back: Options{Bind: []string{back}},
		})
		front, back = f.Front()[0], f.Back()[0]
		stop()
		return front, back
	}
	front, back := use("tcp://127.0.0.1:0", "tcp://127.0.0.1:0")
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 10 {
		use(front, back)
	}
	eventually(t, "goroutines are as many as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	if got := openFiles(t); got > files {
		t.Errorf("open files: got %d, want %d as before", got, files)
	}
}
