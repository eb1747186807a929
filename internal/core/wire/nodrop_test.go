package wire

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestAnXPubThatDoesNotDropReportsWhatASubscriberDoesNotTake(t *testing.T) {
	var refused, other atomic.Int64
	pub, err := Open(Options{Kind: XPub, Bind: []string{"tcp://127.0.0.1:*"}, SendQueue: 10, NoDrop: true, Undelivered: func(_ Frames, err error) {
		if errors.Is(err, ErrPeerBusy) {
			refused.Add(1)
			return
		}
		other.Add(1)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	sub, err := Open(Options{Kind: Sub, Connect: pub.Endpoints(), Subscribe: []string{""}, ReceiveQueue: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	<-pub.Receive() // the subscription
	const messages = 20_000
	for range messages {
		if err := pub.Send(Frames{[]byte("topic"), make([]byte, 2000)}); err != nil {
			t.Fatal(err)
		}
	}
	received := int64(0)
	for deadline := time.Now().Add(patient); received+refused.Load() < messages; {
		select {
		case batch := <-sub.Receive():
			received += int64(len(batch))
		case <-time.After(10 * time.Millisecond): // the last may be a refused one
			if time.Now().After(deadline) {
				t.Fatalf("got %d received and %d refused of %d within %v", received, refused.Load(), messages, patient)
			}
		}
	}
	if refused.Load() == 0 || received+refused.Load() != messages || other.Load() != 0 {
		t.Errorf("got %d received, %d refused, %d other errors; want %d together, some of them refused", received, refused.Load(), other.Load(), messages)
	}
}
