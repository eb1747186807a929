package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	hooks "nowcast/internal/core/fault"
	"nowcast/internal/faults"
)

var alone = []fault{
	{13, "network: connections reset, refused, half open", 6, networkBroken},
	{13, "network: the broker's machine dies behind a cut", 2, machineDies},
}

var networkFaults = []fault{
	{13, "network: cut each way and both, slow; healed", 6, networkCut},
	{13, "network: packets lost, late, out of order; link down", 4, packetsLost},
	{13, "network: the broker's port is taken", 1, portTaken},
}

// newFarWorld is a world whose workers and clients reach the broker through a proxy.
func newFarWorld(t *testing.T, change func(*faults.Options)) (*faults.World, *proxy) {
	near := freePort(t)
	var far int
	w := newWorld(t, func(o *faults.Options) {
		far, o.Behind = o.Workers, near
		if change != nil {
			change(o)
		}
	})
	return w, newProxy(t, far, near)
}

// newRemoteWorld is a world whose broker runs on another machine. Manager, workers and clients are here and reach it by a cable.
func newRemoteWorld(t *testing.T, c *cable) *faults.World {
	return newWorld(t, func(o *faults.Options) {
		o.Host = c.far.String()
		o.Before = func(daemon string) []string {
			if daemon == "broker" {
				return []string{"ip", "netns", "exec", c.namespace}
			}
			return nil
		}
	})
}

// packetsLost has the link to the broker's machine down, each way and both, and then lose one packet of five, deliver the others late and
// in any order. TCP mends all of that, so everybody is answered.
func packetsLost(t *testing.T, r *rand.Rand, n int) *faults.Report {
	c, err := newCable(t, r)
	if err != nil {
		t.Logf("no network namespaces here (%v): through a proxy instead", err)
		return networkCut(t, r, n)
	}
	w := newRemoteWorld(t, c)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	w.Report(clients)
	kinds := [][2]weather{{dark, fair}, {fair, dark}, {dark, dark}, {storm, storm}}
	for i := range n {
		serves(w)
		_, before := c.packets()
		c.becomes(kinds[i%4][0], kinds[i%4][1])
		time.Sleep(100*time.Millisecond + upTo(r, 400*time.Millisecond))
		if i%4 == 3 {
			serves(w)
		}
		w.Eventually("a lost packet", func() bool { _, lost := c.packets(); return lost > before })
		c.becomes(fair, fair)
	}
	serves(w)
	carried, lost := c.packets()
	t.Logf("in a network namespace: %d packets carried, %d lost", carried, lost)
	return allAnswered(w.Finish())
}

// machineDies has the broker die while its link is down, with requests and answers under way: nobody is told. Its connections are half
// open at manager and clients, until the link is up again and the next broker knows nothing of them, or they have asked in vain.
func machineDies(t *testing.T, r *rand.Rand, n int) *faults.Report {
	t.Setenv(hooks.SilentVariable, "400ms")
	c, err := newCable(t, r)
	if err != nil {
		t.Logf("no network namespaces here (%v): through a proxy instead", err)
		return networkBroken(t, r, n)
	}
	w := newRemoteWorld(t, c)
	b := w.Keep("broker", nil)
	w.Keep("manager", nil)
	load := orphans
	load.Insist = 4
	w.Report(load)
	for i := range n {
		serves(w)
		time.Sleep(upTo(r, 50*time.Millisecond))
		c.becomes([]weather{dark, fair}[i%2], dark)
		time.Sleep(upTo(r, 50*time.Millisecond))
		b.Kill()
		w.Eventually("the next broker", func() bool { return len(b.Deaths()) > i && b.Ready() })
		time.Sleep([]time.Duration{0, 600 * time.Millisecond}[i/2%2]) // longer than is waited for a silent broker
		c.becomes(fair, fair)
	}
	serves(w)
	carried, lost := c.packets()
	t.Logf("in a network namespace: %d packets carried, %d lost", carried, lost)
	return insistentAnswered(w.Finish())
}

// networkCut holds messages up and breaks no connection: everybody is answered, workers of ours and Python's alike.
func networkCut(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w, p := newFarWorld(t, nil)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	load := clients
	load.Python = 10
	w.Report(load)
	ways := [][]int{{toBroker}, {toWorker}, {toBroker, toWorker}}
	for i := range n {
		if i%4 == 3 {
			p.slow(upTo(r, 50*time.Millisecond), upTo(r, 50*time.Millisecond))
		} else {
			p.cut(ways[i%4]...)
		}
		time.Sleep(upTo(r, 400*time.Millisecond))
		p.heal()
		serves(w)
	}
	return allAnswered(w.Finish())
}

// networkBroken breaks connections with requests and answers in them. Ours notice and send the same again, which the manager does once;
// who does not send again, as Python's workers, may wait in vain.
func networkBroken(t *testing.T, r *rand.Rand, n int) *faults.Report {
	t.Setenv(hooks.SilentVariable, "400ms") // not a minute
	w, p := newFarWorld(t, nil)
	w.Keep("broker", nil)
	w.Keep("manager", nil)
	load := orphans
	load.Insist = 4
	w.Report(load)
	for i := range n {
		serves(w)
		p.cut([][]int{{toBroker}, {toWorker}}[r.IntN(2)]...) // so that something is under way
		time.Sleep(upTo(r, 50*time.Millisecond))
		before := p.connections()
		switch i % 3 {
		case 0:
			p.reset()
		case 1:
			p.refuse()
			time.Sleep(upTo(r, 300*time.Millisecond))
		case 2:
			p.halve() // nobody tells them
		}
		p.heal()
		w.Eventually("a new connection", func() bool { return p.connections() > before })
	}
	serves(w)
	return insistentAnswered(w.Finish())
}

// portTaken starts the broker while somebody else has its port. It says so, and serves once the port is free.
func portTaken(t *testing.T, _ *rand.Rand, n int) *faults.Report {
	all := &faults.Report{}
	for range n {
		port := freePort(t)
		w := newWorld(t, func(o *faults.Options) { o.Workers = port })
		thief, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			t.Fatal(err)
		}
		defer thief.Close()
		b := w.Begin("broker", nil)
		w.Keep("manager", nil)
		want := fmt.Sprintf("port %d is taken: address already in use; stop the process that has it", port)
		w.Eventually("the end of the broker, and its reason: "+want, func() bool {
			return len(b.Endings()) >= 2 && strings.Contains(w.Read("nowcast.log"), want)
		})
		thief.Close()
		w.Report(clients)
		serves(w)
		all.Add(allAnswered(w.Finish()))
	}
	return all
}
