package wire

import (
	"testing"
)

// BenchmarkDealer is the manager's side: messages of a worker's size through one Conn, both ways at once.
func BenchmarkDealer(b *testing.B) {
	// A Router drops what exceeds its queue, so the queue must hold all that can be on its way.
	echo := open(b, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}, SendQueue: -1})
	go func() {
		for batch := range echo.Receive() {
			if echo.Send(batch...) != nil {
				return
			}
		}
	}()
	c := open(b, Options{Kind: Dealer, Connect: echo.Endpoints()})
	body := make([]byte, 150)
	b.ReportAllocs()
	window := make(chan struct{}, 2000)
	go func() {
		for range b.N {
			window <- struct{}{}
			if c.Send(Frames{nil, body}) != nil {
				return
			}
		}
	}()
	for n := 0; n < b.N; {
		batch := <-c.Receive()
		n += len(batch)
		for range batch {
			<-window
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "round-trips/s")
}

// BenchmarkRequester is one worker's question and answer, alone.
func BenchmarkRequester(b *testing.B) {
	server := open(b, Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}})
	go answer(server)
	r := NewRequester(server.Endpoints()[0])
	defer r.Close()
	body := make([]byte, 150)
	for b.Loop() {
		if _, err := r.Request(b.Context(), body); err != nil {
			b.Fatal(err)
		}
	}
}
