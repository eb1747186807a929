package wire

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// brokerEnd is the bound end that a Trunk connects to.
func brokerEnd(t *testing.T) *reader {
	return &reader{t: t, c: open(t, Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:0"}, Linger: time.Second})}
}

func (r *reader) endpoint() string { return r.c.Endpoints()[0] }

// untilAnswered sends requests until there is an answer: some may go to a connection that has gone and that this broker, which takes nothing
// back, has not lost yet.
func (r *reader) untilAnswered() {
	r.t.Helper()
	for deadline := time.After(patient); ; {
		send1(r.t, r.c, frames("client", "", "x"))
		select {
		case <-r.c.Receive():
			return
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			r.t.Fatalf("no answer within %v", patient)
		}
	}
}

type trunkNews struct {
	endpoint string
	TrunkNews
}

// echoing starts a Trunk whose reader answers everything.
func echoing(t *testing.T, endpoint string, patience time.Duration) (*Trunk, chan trunkNews) {
	t.Helper()
	news := make(chan trunkNews, 100)
	trunk, err := openTrunk(endpoint, TrunkOptions{Conn: Options{Kind: Dealer, Linger: time.Second},
		Tell: func(e string, n TrunkNews) { news <- trunkNews{e, n} }}, patience)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for batch := range trunk.Receive() {
			if err := trunk.Send(batch...); err != nil {
				t.Error(err)
			}
		}
	})
	t.Cleanup(func() {
		trunk.Close()
		running.Wait()
	})
	return trunk, news
}

func TestATrunkAnswersWhereTheQuestionCameFrom(t *testing.T) {
	one, two := brokerEnd(t), brokerEnd(t)
	trunk, _ := echoing(t, one.endpoint(), time.Hour)
	if err := trunk.Move(two.endpoint()); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		for _, broker := range []*reader{one, two} {
			question := fmt.Sprint(broker.endpoint(), i)
			send1(t, broker.c, frames("client", "", question))
			if got := texts(broker.next()); len(got) != 3 || got[0] != "client" || got[2] != question {
				t.Fatalf("got %q, want %q with its envelope", got, question)
			}
		}
	}
}

func TestATrunkLeavesAnOldEndpointWhenThatHasGoneAndTheNewOneIsThere(t *testing.T) {
	one, two := brokerEnd(t), brokerEnd(t)
	trunk, news := echoing(t, one.endpoint(), time.Millisecond)
	nowhere := brokerEnd(t)
	nowhere.c.Close()
	if err := trunk.Move(nowhere.endpoint()); err != nil {
		t.Fatal(err)
	}
	want := func(endpoint string, n TrunkNews) {
		t.Helper()
		got := next(t, news)
		if n == TrunkConnected && got.TrunkNews == TrunkWaiting {
			got = next(t, news) // connecting has taken longer than the patience of this Trunk
		}
		if got != (trunkNews{endpoint, n}) {
			t.Fatalf("got news %v, want %v of %s", got, n, endpoint)
		}
	}
	want(nowhere.endpoint(), TrunkWaiting)
	send1(t, one.c, frames("client", "", "x"))
	one.next() // it is served although another was wanted
	if err := trunk.Move(two.endpoint()); err != nil {
		t.Fatal(err)
	}
	want(two.endpoint(), TrunkConnected)
	want(nowhere.endpoint(), TrunkClosed)
	send1(t, one.c, frames("client", "", "x"))
	one.next() // it is served as long as it is there
	one.c.Close()
	want(one.endpoint(), TrunkClosed)
	send1(t, two.c, frames("client", "", "x"))
	two.next()
}

func TestATrunkSaysThatItIsConnectedAfterItSaidThatItWaits(t *testing.T) {
	trunk, news := echoing(t, brokerEnd(t).endpoint(), time.Millisecond)
	later := ipc(t, "later")
	if err := trunk.Move(later); err != nil {
		t.Fatal(err)
	}
	if got := next(t, news); got != (trunkNews{later, TrunkWaiting}) {
		t.Fatalf("got news %v, want that nobody is there", got)
	}
	open(t, Options{Kind: Dealer, Bind: []string{later}})
	for {
		switch got := next(t, news); got {
		case trunkNews{later, TrunkConnected}:
			return
		case trunkNews{later, TrunkWaiting}:
			t.Fatal("said twice that nobody is there")
		}
	}
}

func TestATrunkGoesBackToAnEndpointThatItStillHas(t *testing.T) {
	one, two := brokerEnd(t), brokerEnd(t)
	trunk, news := echoing(t, one.endpoint(), time.Hour)
	for _, endpoint := range []string{two.endpoint(), one.endpoint(), two.endpoint()} {
		if err := trunk.Move(endpoint); err != nil {
			t.Fatal(err)
		}
		if got := next(t, news); got != (trunkNews{endpoint, TrunkConnected}) {
			t.Fatalf("got news %v, want that %s is connected", got, endpoint)
		}
	}
	if n := len(trunk.members); n != 2 {
		t.Errorf("got %d connections, want 2", n)
	}
}

func TestATrunkRefusesMoreThanItsBoundAndTakesTheUnusedFirst(t *testing.T) {
	first := brokerEnd(t)
	trunk, news := echoing(t, first.endpoint(), time.Hour)
	send1(t, first.c, frames("client", "", "x"))
	first.next() // it is in use
	for range maxMembers - 1 {
		if err := trunk.Move(brokerEnd(t).endpoint()); err != nil {
			t.Fatal(err)
		}
		next(t, news)
	}
	if err := trunk.Move(brokerEnd(t).endpoint()); err == nil {
		t.Errorf("connection %d: got no error", maxMembers+1)
	}
}

func TestATrunkThatIsFullReadsOnWhenThereIsRoom(t *testing.T) {
	one, two := brokerEnd(t), brokerEnd(t)
	trunk, err := OpenTrunk(one.endpoint(), TrunkOptions{Conn: Options{Kind: Dealer}})
	if err != nil {
		t.Fatal(err)
	}
	defer trunk.Close()
	if err := trunk.Move(two.endpoint()); err != nil {
		t.Fatal(err)
	}
	const each = 4 * maxBatch
	for i := range each {
		send1(t, one.c, frames("", fmt.Sprint(i)))
		send1(t, two.c, frames("", fmt.Sprint(i)))
	}
	next := map[string]int{}
	for n := 0; n < 2*each; {
		select {
		case batch := <-trunk.Receive():
			for _, f := range batch {
				from := string(f[0])
				if got, want := string(f[2]), fmt.Sprint(next[from]); got != want {
					t.Fatalf("from %s: got message %s, want %s", from, got, want)
				}
				next[from]++
				n++
			}
		case <-time.After(patient):
			t.Fatalf("got %d messages, want %d", n, 2*each)
		}
	}
}

func TestATrunkThatHasLeftIsAskedNothingUntilItReturns(t *testing.T) {
	lost := make(chan Event, 10)
	one, two := &reader{t: t, c: open(t, Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:0"}, Linger: time.Second, Watch: func(e Event) {
		if e.Kind == PeerLost {
			lost <- e
		}
	}})}, brokerEnd(t)
	trunk, news := echoing(t, one.endpoint(), time.Hour)
	asked := func(broker *reader, question string) {
		t.Helper()
		send1(t, broker.c, frames("client", "", question))
		if got := texts(broker.next()); len(got) != 3 || got[2] != question {
			t.Fatalf("got %q, want %q", got, question)
		}
	}
	asked(one, "before")
	trunk.Leave()
	trunk.Leave() // does nothing
	next(t, lost)
	time.Sleep(leaving)                                // libzmq tells that a peer has left just before it stops to pass messages to it
	send1(t, one.c, frames("client", "", "meanwhile")) // waits for somebody to come
	if err := trunk.Return(); err != nil {
		t.Fatal(err)
	}
	if got := texts(one.next()); len(got) != 3 || got[2] != "meanwhile" {
		t.Fatalf("got %q, want what was asked meanwhile", got)
	}
	if got := next(t, news); got != (trunkNews{one.endpoint(), TrunkConnected}) {
		t.Errorf("got news %v, want that it is connected again", got)
	}
	trunk.Leave()
	if err := trunk.Move(two.endpoint()); err != nil {
		t.Fatal(err)
	}
	if err := trunk.Return(); err != nil {
		t.Fatal(err)
	}
	asked(two, "after it has moved")
}

func TestATrunkThatIsGivenAnotherNameOfItsBrokerHasOneConnection(t *testing.T) {
	broker := brokerEnd(t)
	trunk, news := echoing(t, broker.endpoint(), time.Hour) // the patience with which one waits for an old broker to leave
	other := TCP("localhost", Port(broker.endpoint()))
	if err := trunk.Move(other); err != nil {
		t.Fatal(err)
	}
	for _, want := range []trunkNews{{other, TrunkConnected}, {broker.endpoint(), TrunkClosed}} {
		if got := next(t, news); got != want {
			t.Fatalf("got news %v, want %v", got, want)
		}
	}
	broker.untilAnswered()
}

func TestWhichAddressesAreOfOneBroker(t *testing.T) {
	own := "127.0.0.1"
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			own = n.IP.String()
		}
	}
	for _, c := range []struct {
		one, two string
		want     bool
	}{
		{"127.0.0.1:5556", "127.0.0.1:5556", true},
		{"127.0.0.1:5556", own + ":5556", true},
		{"[::1]:5556", "127.0.0.1:5556", true},
		{"127.0.0.1:5556", "127.0.0.1:5557", false},
		{"127.0.0.1:5556", "192.0.2.1:5556", false},
		{"192.0.2.1:5556", "192.0.2.2:5556", false},
		{"192.0.2.1:5556", "[::ffff:192.0.2.1]:5556", true},
		{"", "", false}, // of unix sockets, or not connected
		{"127.0.0.1:5556", "", false},
	} {
		if got := sameBroker(c.one, c.two); got != c.want {
			t.Errorf("%s and %s: got %v, want %v", c.one, c.two, got, c.want)
		}
	}
}

func TestATrunkThatHasLeftReturnsToAllBrokersThatItHad(t *testing.T) {
	broker := brokerEnd(t)
	trunk, _ := echoing(t, broker.endpoint(), time.Hour)
	nowhere := brokerEnd(t)
	nowhere.c.Close()
	if err := trunk.Move(nowhere.endpoint()); err != nil { // the configuration has the new port, the broker not yet
		t.Fatal(err)
	}
	trunk.Leave()
	if err := trunk.Return(); err != nil {
		t.Fatal(err)
	}
	broker.untilAnswered()
}

func TestMovesBesideLeavingAndReturningAreNotForgotten(t *testing.T) {
	broker := brokerEnd(t)
	other := TCP("127.0.0.1", 1)
	for range 50 {
		trunk, err := OpenTrunk(broker.endpoint(), TrunkOptions{Conn: Options{Kind: Dealer}})
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() {
			for range 10 {
				trunk.Leave()
				_ = trunk.Return()
			}
		})
		both.Go(func() {
			for range 10 {
				_ = trunk.Move(broker.endpoint())
				_ = trunk.Move(other)
			}
		})
		both.Wait()
		trunk.mu.Lock()
		if n := len(trunk.members); n != 2 || trunk.members[1].endpoint != other {
			t.Errorf("got %d connections, want that of before and, as the newest, the one moved to", n)
		}
		trunk.mu.Unlock()
		trunk.Close()
	}
}

// TestReturnsToAllOrToNone: connected to the old broker only, it would take the new one for the older of them when it leaves again.
func TestReturnsToAllOrToNone(t *testing.T) {
	broker := brokerEnd(t)
	trunk, _ := echoing(t, broker.endpoint(), time.Hour)
	trunk.Leave()
	const impossible = "tcp://no such host:1"
	if err := trunk.Move(impossible); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := trunk.Return(); err == nil {
			t.Fatal("connected to " + impossible)
		}
		if len(trunk.members) != 0 || !slices.Equal(trunk.left, []string{broker.endpoint(), impossible}) {
			t.Errorf("got %d connections and has left %q, want none, and in the order of before", len(trunk.members), trunk.left)
		}
	}
}
