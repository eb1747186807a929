// Package wirebench measures request rates the way workers make requests: many REQ sockets, each with one question on its
// way. The broker's and the manager's benchmarks use it, so that they can be compared with each other and with the bare
// libzmq proxy in front of a constant REP, which BareProxy and ConstantReply provide.
//
// It is for benchmarks only and, beside wire, the only package that imports pebbe/zmq4: REQ sockets of a Conn would cost
// two goroutines and a libzmq thread each, and on a small machine the clients would be what is measured.
package wirebench

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	zmq "github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// Result is what Load measured.
type Result struct {
	Requests            int
	Elapsed             time.Duration
	P50, P90, P99, Most time.Duration // from question sent to answer received
}

// Rate is requests answered per second.
func (r Result) Rate() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// String is one line for a benchmark's log.
func (r Result) String() string {
	return fmt.Sprintf("%d requests, %.0f/s, p50 %v, p90 %v, p99 %v, max %v", r.Requests, r.Rate(), r.P50, r.P90, r.P99, r.Most)
}

// pollers is how many threads drive the clients; more than two only take turns on the machines this runs on.
const pollers = 2

// stuck is when a request without an answer ends the measurement.
const stuck = 30 * time.Second

// Load connects clients REQ sockets to endpoint and makes requests requests in all. body returns the i-th request of a
// client; it is called from two goroutines, never at once for one client.
func Load(endpoint string, clients, requests int, body func(client, i int) []byte) (Result, error) {
	context, err := zmq.NewContext()
	if err != nil {
		return Result{}, err
	}
	defer context.Term()
	groups := make([]*group, min(pollers, clients))
	for g := range groups {
		if groups[g], err = newGroup(body); err != nil {
			return Result{}, err
		}
		defer groups[g].close()
	}
	for c := range clients {
		share := requests / clients
		if c < requests%clients {
			share++
		}
		if err := groups[c%len(groups)].add(context, endpoint, c, share); err != nil {
			return Result{}, err
		}
	}
	start := time.Now()
	var running sync.WaitGroup
	errs := make([]error, len(groups))
	for g := range groups {
		running.Go(func() { errs[g] = groups[g].run() })
	}
	running.Wait()
	result := Result{Requests: requests, Elapsed: time.Since(start)}
	var took []time.Duration
	for _, g := range groups {
		took = append(took, g.took...)
	}
	slices.Sort(took)
	if n := len(took); n > 0 {
		result.P50, result.P90, result.P99, result.Most = took[n/2], took[n*9/10], took[n*99/100], took[n-1]
	}
	return result, errors.Join(errs...)
}

// group is the clients of one thread. It waits for their descriptors with epoll: zmq_poll looks at every socket each time,
// which costs the more the fewer replies come at once, and would be measured as the server's.
type group struct {
	body    func(client, i int) []byte
	epoll   int
	clients []*client
	took    []time.Duration
}

type client struct {
	socket           *zmq.Socket
	id, asked, share int
	waiting          bool
	since            time.Time
}

func newGroup(body func(client, i int) []byte) (*group, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &group{body: body, epoll: fd}, err
}

func (g *group) add(context *zmq.Context, endpoint string, id, share int) error {
	s, err := context.NewSocket(zmq.REQ)
	if err != nil {
		return err
	}
	g.clients = append(g.clients, &client{socket: s, id: id, share: share})
	if err := s.SetLinger(0); err != nil {
		return err
	}
	if err := s.Connect(endpoint); err != nil {
		return err
	}
	fd, err := s.GetFd()
	if err != nil {
		return err
	}
	// Edge-triggered, as ZeroMQ's descriptors are to be used; the client's number comes back with the event.
	return unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET&0xffffffff, Fd: int32(len(g.clients) - 1)})
}

func (g *group) run() error {
	waiting := 0
	for _, c := range g.clients {
		asks, err := g.ask(c)
		if err != nil {
			return err
		}
		waiting += asks
	}
	// What happened before the first wait shows no edge any more.
	for _, c := range g.clients {
		answered, err := g.turn(c)
		if err != nil {
			return err
		}
		waiting -= answered
	}
	events := make([]unix.EpollEvent, len(g.clients))
	for waiting > 0 {
		n, err := unix.EpollWait(g.epoll, events, int(stuck.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%d requests have had no reply for %v", waiting, stuck)
		}
		for _, e := range events[:n] {
			answered, err := g.turn(g.clients[e.Fd])
			if err != nil {
				return err
			}
			waiting -= answered
		}
	}
	return nil
}

// turn takes the replies that a client has and asks on, until there is none. It returns how many more clients have
// nothing left to wait for.
func (g *group) turn(c *client) (finished int, err error) {
	for c.waiting {
		_, err := c.socket.RecvBytes(zmq.DONTWAIT)
		if zmq.AsErrno(err) == zmq.Errno(unix.EAGAIN) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		c.waiting = false
		g.took = append(g.took, time.Since(c.since))
		asks, err := g.ask(c)
		if err != nil || asks == 0 {
			return 1, err
		}
	}
	return 0, nil
}

// ask sends the client's next request, if it has one left, and returns how many that were.
func (g *group) ask(c *client) (int, error) {
	if c.asked == c.share {
		return 0, nil
	}
	request := g.body(c.id, c.asked)
	c.asked++
	c.since = time.Now()
	c.waiting = true
	_, err := c.socket.SendBytes(request, 0)
	return 1, err
}

func (g *group) close() {
	for _, c := range g.clients {
		_ = c.socket.Close() // nothing is sent any more; linger is 0
	}
	_ = unix.Close(g.epoll)
}
