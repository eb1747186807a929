package aggregator

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Publisher is a port on which a process publishes its log.
type Publisher struct {
	Name string
	Host string
	Port int
}

// Publishers returns those of zmq: ports: logging, in the order of their names. Where only a port is given the host is the broker's.
func Publishers(host string, ports map[string][]string) []Publisher {
	var all []Publisher
	for name, entries := range ports {
		for _, e := range entries {
			p := Publisher{Name: name, Host: host}
			if i := strings.LastIndexByte(e, ':'); i >= 0 {
				p.Host, e = e[:i], e[i+1:]
			}
			p.Port, _ = strconv.Atoi(e) // checked by package config
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b Publisher) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Subscribe makes the given publishers those that are listened to: others are left, those that are already connected stay so. With
// an error nothing has changed. One on a host that is given by name is connected when its address is found.
func (a *Aggregator) Subscribe(publishers []Publisher) error {
	a.subscribing.Lock()
	defer a.subscribing.Unlock()
	if err := a.connect(publishers); err != nil {
		return err
	}
	for _, p := range publishers {
		if !slices.Contains(a.publishers, p) {
			a.o.Logger.Info(fmt.Sprintf("subscribed to %s port %d for all messages from %s", p.Host, p.Port, p.Name))
		}
	}
	for _, p := range a.publishers {
		if !slices.Contains(publishers, p) {
			a.o.Logger.Info(fmt.Sprintf("no longer subscribed to %s port %d for messages from %s", p.Host, p.Port, p.Name))
		}
	}
	a.publishers = publishers
	a.forgetHosts()
	select {
	case a.subscribed <- struct{}{}:
	default:
	}
	return nil
}

// connect makes the endpoints of the given publishers, as far as they are known, those that we are connected to. With an error
// nothing has changed.
func (a *Aggregator) connect(publishers []Publisher) error {
	after := map[string]bool{}
	for _, p := range publishers {
		e := a.endpoint(p)
		if e == "" || after[e] {
			continue // two processes may share a port
		}
		after[e] = true
		if a.connected[e] {
			continue
		}
		if err := a.collector.Connect(e); err != nil {
			a.leave(after, a.connected)
			return fmt.Errorf("log of %s: %w", p.Name, err)
		}
	}
	a.leave(a.connected, after)
	a.connected = after
	return nil
}

// leave disconnects from the endpoints that are not to be kept. One that is not connected is left already.
func (a *Aggregator) leave(endpoints, keep map[string]bool) {
	for e := range endpoints {
		if !keep[e] {
			_ = a.collector.Disconnect(e)
		}
	}
}
