package wire

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMessagesArriveInOrderWithAllTheirFrames(t *testing.T) {
	for _, endpoint := range []string{"tcp://127.0.0.1:0", ipc(t, "s")} {
		server := open(t, Options{Kind: Router, Bind: []string{endpoint}})
		client := open(t, Options{Kind: Dealer, Identity: "me", Connect: server.Endpoints(), Linger: time.Second})
		const n = 5000
		go func() {
			for i := range n {
				_ = client.Send(frames("", fmt.Sprint(i), ""))
			}
		}()
		in := &reader{t: t, c: server}
		for i := range n {
			if diff := cmp.Diff([]string{"me", "", fmt.Sprint(i), ""}, texts(in.next())); diff != "" {
				t.Fatalf("message %d over %s (-want +got):\n%s", i, endpoint, diff)
			}
		}
		send1(t, server, frames("me", "a"), frames("me", "b"))
		back := &reader{t: t, c: client}
		if got := texts(back.next())[0] + texts(back.next())[0]; got != "ab" {
			t.Errorf("replies: got %q, want %q", got, "ab")
		}
	}
}

func TestManyFramesAndLargeFramesAreOneMessage(t *testing.T) {
	server := open(t, Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:0"}})
	client := open(t, Options{Kind: Dealer, Connect: server.Endpoints()})
	var many Frames
	for i := range 2000 {
		many = append(many, []byte(fmt.Sprint(i)))
	}
	large := Frames{bytes.Repeat([]byte("x"), 20<<20), nil, []byte("end")}
	send1(t, client, frames("first"), many, large, frames("last"))
	in := &reader{t: t, c: server}
	for i, want := range []Frames{frames("first"), many, large, frames("last")} {
		got := in.next()
		if len(got) != len(want) {
			t.Fatalf("message %d: got %d frames, want %d", i, len(got), len(want))
		}
		for j := range want {
			if !bytes.Equal(got[j], want[j]) {
				t.Errorf("message %d frame %d differs: got %d bytes, want %d", i, j, len(got[j]), len(want[j]))
			}
		}
	}
}

func TestASlowReaderHoldsTheSenderBackAndLosesNothing(t *testing.T) {
	server := open(t, Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:0"}, ReceiveQueue: 100})
	client := open(t, Options{Kind: Dealer, Connect: server.Endpoints(), SendQueue: 100})
	const n = 60000
	body := bytes.Repeat([]byte("x"), 2000)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range n {
			_ = client.Send(Frames{[]byte(fmt.Sprint(i)), body})
		}
	}()
	eventually(t, "the sender's queue is full", func() bool {
		client.out.mu.Lock()
		defer client.out.mu.Unlock()
		return len(client.out.queue) >= maxOut || client.out.bytes >= maxOutBytes
	})
	select {
	case <-sent:
		t.Fatal("all messages were taken although nobody reads; want the sender to wait")
	default:
	}
	in := &reader{t: t, c: server}
	for i := range n {
		if got, want := string(in.next()[0]), fmt.Sprint(i); got != want {
			t.Fatalf("got message %s, want %s", got, want)
		}
	}
	<-sent
}

func TestABatchGrowsWhileTheReaderIsBusy(t *testing.T) {
	c := &Conn{in: newInbox(), receive: make(chan []Frames), closing: make(chan struct{})}
	c.running.Go(func() { deliver(c.in, c.receive, c.closing, nil) }) // nobody waits for room
	taken := func() bool {
		c.in.mu.Lock()
		defer c.in.mu.Unlock()
		return len(c.in.queue) == 0
	}
	for i := range maxBatch {
		c.in.put(frames(fmt.Sprint(i)))
		c.in.announce()
		eventually(t, "the message is in the batch on offer", taken)
	}
	c.in.put(frames("too many for that batch"))
	c.in.announce()
	if got := <-c.receive; len(got) != maxBatch || string(got[maxBatch-1][0]) != fmt.Sprint(maxBatch-1) {
		t.Errorf("first batch: got %d messages, want %d", len(got), maxBatch)
	}
	if got := <-c.receive; len(got) != 1 {
		t.Errorf("second batch: got %d messages, want 1", len(got))
	}
	close(c.closing)
	c.running.Wait()
}

func TestCloseSendsWhatIsQueuedWithinLinger(t *testing.T) {
	server := open(t, Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:0"}})
	client := open(t, Options{Kind: Dealer, Connect: server.Endpoints(), Linger: patient})
	for i := range 3000 {
		send1(t, client, frames(fmt.Sprint(i)))
	}
	client.Close()
	in := &reader{t: t, c: server}
	for i := range 3000 {
		if got, want := string(in.next()[0]), fmt.Sprint(i); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func TestCloseGivesUpAfterLingerWhenThePeerIsAway(t *testing.T) {
	for _, linger := range []time.Duration{0, 200 * time.Millisecond} {
		c := open(t, Options{Kind: Dealer, Connect: []string{"tcp://127.0.0.1:1"}, SendQueue: 10, Linger: linger})
		for range 100 {
			send1(t, c, frames("never sent"))
		}
		start := time.Now()
		if err := c.Close(); !errors.Is(err, ErrUnsent) {
			t.Errorf("close with linger %v: got %v, want ErrUnsent", linger, err)
		}
		if took := time.Since(start); took < linger || took > linger+5*time.Second {
			t.Errorf("close with linger %v: took %v", linger, took)
		}
	}
}

func TestCloseWaitsForAPeerThatTakesALittleAtATime(t *testing.T) {
	const messages, linger = 96, time.Second // of 1 MiB: the peer takes up to 16 MiB at a time, and does so for longer than linger
	server := open(t, Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:0"}, ReceiveQueue: 1})
	client := open(t, Options{Kind: Dealer, Connect: server.Endpoints(), SendQueue: 1, Linger: linger})
	got := make(chan int)
	stop := make(chan struct{})
	go func() {
		for n := 0; ; {
			time.Sleep(linger * 2 / 5)
			select {
			case batch := <-server.Receive():
				if n += len(batch); n < messages {
					continue
				}
			case <-stop:
			}
			got <- n
			return
		}
	}()
	payload := strings.Repeat("x", 1<<20)
	for range messages {
		send1(t, client, frames(payload))
	}
	if err := client.Close(); err != nil {
		t.Errorf("got %v, want that all is sent", err)
		close(stop)
	}
	if n := <-got; n != messages {
		t.Errorf("got %d messages, want %d", n, messages)
	}
}

func TestCloseEndsSendReceiveAndItselfForEveryCaller(t *testing.T) {
	c := open(t, Options{Kind: Dealer, Connect: []string{"tcp://127.0.0.1:1"}, SendQueue: 1})
	blocked := make(chan error)
	go func() {
		for {
			if err := c.Send(frames("x")); err != nil {
				blocked <- err
				return
			}
		}
	}()
	eventually(t, "Send waits for room", func() bool {
		c.out.mu.Lock()
		defer c.out.mu.Unlock()
		return len(c.out.queue) >= maxOut
	})
	var closers sync.WaitGroup
	for range 5 {
		closers.Go(func() { c.Close() })
	}
	closers.Wait()
	if err := <-blocked; !errors.Is(err, ErrClosed) {
		t.Errorf("a waiting Send: got %v, want %v", err, ErrClosed)
	}
	if err := c.Send(frames("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("Send after Close: got %v, want %v", err, ErrClosed)
	}
	if _, ok := <-c.Receive(); ok {
		t.Error("Receive after Close: got a batch, want a closed channel")
	}
}

func TestSendRefusesWhatCannotBeSent(t *testing.T) {
	sub := open(t, Options{Kind: Sub, Connect: []string{"tcp://127.0.0.1:1"}})
	if err := sub.Send(frames("x")); err == nil || !strings.Contains(err.Error(), "SUB") {
		t.Errorf("Send on a subscriber: got %v, want an error naming SUB", err)
	}
	dealer := open(t, Options{Kind: Dealer, Connect: []string{"tcp://127.0.0.1:1"}})
	if err := dealer.Send(Frames{}); err == nil {
		t.Error("Send without frames: got no error, want one")
	}
}

func TestAPortThatIsTakenSaysSoAndWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	_, err = Open(Options{Kind: Router, Bind: []string{BindTCP("localhost", "", port)}})
	if err == nil {
		t.Fatal("bind a taken port: got no error")
	}
	for _, want := range []string{fmt.Sprint("tcp://127.0.0.1:", port), fmt.Sprint("port ", port, " is taken"), "ss -ltnp"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("bind a taken port: got %q, want it to contain %q", err, want)
		}
	}
	if !errors.Is(err, errors.Unwrap(err)) {
		t.Errorf("bind a taken port: the cause is not wrapped in %q", err)
	}
}

func TestAUnixSocketInUseIsNotStolenButAStaleOneIsReplaced(t *testing.T) {
	endpoint := ipc(t, "s")
	path := strings.TrimPrefix(endpoint, "ipc://")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if _, err := Open(Options{Kind: Router, Bind: []string{endpoint}}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("bind a socket in use: got %v, want an error about another process", err)
	}
	stale.Close()
	c := open(t, Options{Kind: Router, Bind: []string{endpoint}})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode().Perm(), os.FileMode(0o700); got != want {
		t.Errorf("mode of the socket: got %v, want %v", got, want)
	}
	c.Close()
	open(t, Options{Kind: Router, Bind: []string{endpoint}})
}

func TestAMandatoryRouterReportsWhatItCannotDeliver(t *testing.T) {
	type report struct {
		frames []string
		err    error
	}
	reports := make(chan report, 5000)
	ready := make(chan Event, 10)
	server := open(t, Options{
		Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}, Mandatory: true, Handover: true, SendQueue: 10,
		Undelivered: func(f Frames, err error) { reports <- report{texts(f), err} },
		Watch:       func(e Event) { ready <- e },
	})
	send1(t, server, frames("nobody", "hello"))
	if got := <-reports; got.err != ErrNoPeer || !cmp.Equal(got.frames, []string{"nobody", "hello"}) {
		t.Errorf("to nobody: got %v, want %v for the whole message", got, ErrNoPeer)
	}
	// A peer that does not read: its queues fill, and then the messages come back instead of holding up others.
	open(t, Options{Kind: Dealer, Identity: "deaf", Connect: server.Endpoints(), ReceiveQueue: 1})
	if e := <-ready; e.Kind != PeerReady {
		t.Fatalf("got event %v, want PeerReady", e)
	}
	body := strings.Repeat("x", 1<<20)
	for busy := false; !busy; {
		send1(t, server, frames("deaf", body))
		select {
		case r := <-reports:
			if r.err != ErrPeerBusy {
				t.Fatalf("to a peer that does not read: got %v, want %v", r.err, ErrPeerBusy)
			}
			busy = true
		default:
		}
	}
	hears := &reader{t: t, c: open(t, Options{Kind: Dealer, Identity: "hears", Connect: server.Endpoints()})}
	<-ready
	send1(t, server, frames("hears", "still served"))
	if got := string(hears.next()[0]); got != "still served" {
		t.Errorf("another peer: got %q, want %q", got, "still served")
	}
}

func TestASlowSubscriberDoesNotHoldUpThePublisher(t *testing.T) {
	pub := open(t, Options{Kind: XPub, Bind: []string{"tcp://127.0.0.1:0"}, SendQueue: 100})
	open(t, Options{Kind: Sub, Connect: pub.Endpoints(), Subscribe: []string{""}, ReceiveQueue: 1})
	subscription := &reader{t: t, c: pub}
	if got := subscription.next()[0]; !bytes.Equal(got, []byte{1}) {
		t.Fatalf("subscription: got %v, want [1]", got)
	}
	quick := &reader{t: t, c: open(t, Options{Kind: Sub, Connect: pub.Endpoints(), Subscribe: []string{"end"}})}
	subscription.next()
	body := bytes.Repeat([]byte("x"), 1000)
	for range 100000 {
		send1(t, pub, Frames{[]byte("topic"), body})
	}
	send1(t, pub, frames("end"))
	if got := string(quick.next()[0]); got != "end" {
		t.Errorf("got %q, want %q", got, "end")
	}
}

func TestAPeerIsWatchedComingAndGoing(t *testing.T) {
	events := make(chan Event, 10)
	server := open(t, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}, Watch: func(e Event) { events <- e }})
	client := open(t, Options{Kind: Dealer, Connect: server.Endpoints()})
	if got := <-events; got.Kind != PeerReady {
		t.Errorf("after connect: got %+v, want PeerReady", got)
	}
	client.Close()
	if got := <-events; got.Kind != PeerLost {
		t.Errorf("after close: got %+v, want PeerLost", got)
	}
	for _, garbage := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x00\x01\x02\x03", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""} {
		// Who is gone before the owner could ask has no address; tried until one stays long enough.
		eventually(t, "the address of a peer that is none", func() bool {
			address := sendRaw(t, server.Endpoints()[0], garbage)
			got := <-events
			if got.Kind != PeerRefused || got.Peer != address && got.Peer != "" {
				t.Fatalf("after %q from %s: got %+v, want PeerRefused", garbage, address, got)
			}
			return got.Peer == address
		})
	}
	select {
	case batch := <-server.Receive():
		t.Errorf("garbage became messages: %q", batch)
	default:
	}
}

// sendRaw sends bytes to a port without speaking ZeroMQ, hangs up, and returns the address it had.
func sendRaw(t testing.TB, endpoint, garbage string) string {
	t.Helper()
	raw, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Write([]byte(garbage)); err != nil {
		t.Fatal(err)
	}
	return raw.LocalAddr().String()
}

func TestIdleSocketsCostNoCPU(t *testing.T) {
	server := open(t, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}, Watch: func(Event) {}})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Identity: "c", Connect: server.Endpoints()})}
	open(t, Options{Kind: Dealer, Connect: []string{"tcp://127.0.0.1:1"}, Linger: 0})
	pub := open(t, Options{Kind: Pub, Bind: []string{"tcp://127.0.0.1:0"}})
	send1(t, pub, frames("x"))
	send1(t, client.c, frames("x"))
	(&reader{t: t, c: server}).next()
	before := cpu(t)
	<-time.After(time.Second)
	if used := cpu(t) - before; used > 50*time.Millisecond {
		t.Errorf("four idle sockets used %v of CPU in one second, want under 50ms", used)
	}
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestCloseLeavesNoGoroutineDescriptorOrPortBehind(t *testing.T) {
	use := func() {
		server := open(t, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}, Watch: func(Event) {}})
		client := open(t, Options{Kind: Dealer, Identity: "c", Connect: server.Endpoints(), Linger: patient})
		send1(t, client, frames("x"))
		(&reader{t: t, c: server}).next()
		endpoint := server.Endpoints()[0]
		server.Close()
		again := open(t, Options{Kind: Router, Bind: []string{endpoint}})
		again.Close()
		client.Close()
	}
	use()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 20 {
		use()
	}
	eventually(t, "goroutines are as many as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	if got := openFiles(t); got > files {
		t.Errorf("open files: got %d, want %d as before", got, files)
	}
}

func TestOpenThatFailsLeavesNothingBehind(t *testing.T) {
	files := openFiles(t)
	for range 20 {
		if _, err := Open(Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0", "tcp://192.0.2.1:1"}}); err == nil {
			t.Fatal("bind an address of another machine: got no error")
		}
		if _, err := Open(Options{Kind: Dealer, Mandatory: true}); err == nil {
			t.Fatal("a mandatory Dealer: got no error")
		}
		if _, err := Open(Options{Kind: Kind(99)}); err == nil {
			t.Fatal("an unknown kind: got no error")
		}
	}
	if got := openFiles(t); got > files {
		t.Errorf("open files: got %d, want %d as before", got, files)
	}
}
