package faults

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// Client reports successes, one after the other, each with a number of its own.
type Client struct {
	stop context.CancelFunc
	done chan struct{}

	mu   sync.Mutex
	sent []Sent // guarded by mu
}

// Load is how clients behave.
type Load struct {
	Clients  int
	Insist   int           // so many of them name each report and ask again when the connection breaks, as Go workers do
	Patience time.Duration // how long one that does not ask again waits for an answer; 0: a minute
	Pause    time.Duration // between two reports
	How      []any         // what recording workers are told
	Worker   string        // which recording worker; "": recorder
	Python   int           // every so-manieth report is followed by the one in Python; 0 none
}

// Report begins to send reports, until StopClients.
func (w *World) Report(l Load) {
	n := &w.numbers
	for i := range l.Clients {
		ctx, cancel := context.WithCancel(context.Background())
		c := &Client{stop: cancel, done: make(chan struct{})}
		w.clients = append(w.clients, c)
		go c.run(ctx, w.Endpoint(), fmt.Sprintf("client %d of %d", i, time.Now().UnixNano()), i < l.Insist, l, n)
	}
}

// StopClients lets each client have its last answer, and returns what all of them know.
func (w *World) StopClients() []Sent {
	for _, c := range w.clients {
		c.stop()
	}
	var all []Sent
	for _, c := range w.clients {
		<-c.done
		all = append(all, c.Sent()...)
	}
	return all
}

// Acked returns how many reports were acknowledged so far.
func (w *World) Acked() (n int) {
	for _, c := range w.clients {
		for _, s := range c.Sent() {
			if s.Reply == message.Ack {
				n++
			}
		}
	}
	return n
}

// Sent returns what the client knows so far.
func (c *Client) Sent() []Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Sent(nil), c.sent...)
}

func (c *Client) run(ctx context.Context, endpoint, name string, insist bool, l Load, n *atomic.Int64) {
	defer close(c.done)
	r := wire.NewRequester(endpoint)
	defer func() { r.Close() }()
	for ctx.Err() == nil {
		number := int(n.Add(1))
		payload := pyyaml.MapOf("n", int64(number), fmt.Sprint("kept ", number%40), int64(number))
		if l.How != nil {
			payload.Set("how", l.How)
		}
		if l.Worker != "" {
			payload.Set("worker", l.Worker)
		} else if l.Python > 0 && number%l.Python == 0 {
			payload.Set("worker", Python)
		}
		m := message.Message{Source: "reporter", Type: "success", Payload: payload}
		s := Sent{Number: number, At: time.Now(), Insists: insist}
		limit := patience // longer than any outage of a fault: no answer means that there will never be one
		if !insist {
			limit = cmp.Or(l.Patience, limit)
		}
		patient, cancel := context.WithTimeout(context.Background(), limit)
		var reply []byte
		var err error
		if insist {
			m.ID = fmt.Sprint(name, " ", number)
			reply, err = r.Insist(patient, m.Encode(), func() {})
		} else {
			reply, err = r.Request(patient, m.Encode())
		}
		cancel()
		if err == nil {
			var answer message.Message
			if answer, err = message.Decode(reply, message.DefaultLimit); err == nil {
				s.Acked, s.Reply = time.Now(), answer.Type
			}
		}
		c.mu.Lock()
		c.sent = append(c.sent, s)
		c.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(l.Pause):
		}
	}
}
