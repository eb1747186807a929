package migrate

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
)

// resolveWithin is how long the names of all hosts together may take.
const resolveWithin = 10 * time.Second

// network looks at the names of hosts. It returns whether this is the host of the broker.
func (x *examination) network(ctx context.Context) (here bool) {
	ctx, cancel := context.WithTimeout(ctx, resolveWithin)
	defer cancel()
	x.publishers(ctx)
	host := x.Config.ZMQ.Host
	addresses, err := x.Resolve(ctx, host)
	switch {
	case err != nil:
		x.about(Must, host+" cannot be found: "+err.Error(), "add it to DNS or /etc/hosts; workers and daemons connect to it", "zmq", "host")
		return false
	case !x.local(addresses):
		x.about(Must, host+" is another machine, "+strings.Join(addresses, ", "),
			"do this check there: the daemons must run on it, and paths and ports below are those of this machine", "zmq", "host")
	default:
		here = true
	}
	if loopback(addresses) && x.Config.ZMQ.Bind == "" {
		remedy := "nothing"
		if len(x.Config.Hosts) > 0 {
			remedy = "if workers on other hosts connect, and not through an ssh tunnel: give a name here that they can reach, or write bind: 0.0.0.0 beside it"
		}
		x.about(Differ, host+" is this machine only: ports are bound to loopback, not to all interfaces", remedy, "zmq", "host")
	}
	return here
}

// local tells whether one of the addresses is of this machine.
func (x *examination) local(addresses []string) bool {
	own, err := x.Addresses()
	if err != nil {
		return true // no reason to alarm anybody
	}
	for _, a := range addresses {
		ip := net.ParseIP(a)
		if ip.IsLoopback() || slices.ContainsFunc(own, func(o net.Addr) bool { n, ok := o.(*net.IPNet); return ok && n.IP.Equal(ip) }) {
			return true
		}
	}
	return false
}

func loopback(addresses []string) bool {
	return !slices.ContainsFunc(addresses, func(a string) bool { return !net.ParseIP(a).IsLoopback() })
}

// publishers looks at the ports of distributed logging, and for the hosts that the log aggregator connects to.
func (x *examination) publishers(ctx context.Context) {
	if x.Config.Logging == nil {
		return
	}
	if !x.Config.Distributed() {
		return
	}
	for _, name := range []string{"workers", "message_broker", "manager", "scheduler"} {
		if _, ok := x.Config.ZMQ.LoggingPorts[name]; ok || name == "scheduler" && len(x.Config.Schedule) == 0 {
			continue
		}
		if name == "workers" {
			x.about(Look, "has no entry workers, so Python workers without an entry of their own cannot publish what they log, as today", "add workers: with a list of ports", "zmq", "ports", "logging")
			continue
		}
		x.about(Differ, "has no port for "+name+": what it logs reaches the log aggregator by the feed; a Python "+name+" could not start", "nothing", "zmq", "ports", "logging")
	}
	asked := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(x.Config.ZMQ.LoggingPorts)) {
		for _, address := range x.Config.ZMQ.LoggingPorts[name] {
			host, _, err := net.SplitHostPort(address)
			if err != nil || asked[host] {
				continue // a port only
			}
			asked[host] = true
			if _, err := x.Resolve(ctx, host); err != nil {
				x.about(Look, fmt.Sprintf("%s cannot be found from here (%v), so the log aggregator gets no records from it, as today; it looks again every minute", host, err),
					"correct the name, or delete the entry", "zmq", "ports", "logging", name)
			}
		}
	}
	if len(x.Config.ZMQ.LoggingPorts) > 0 {
		x.about(Same, fmt.Sprintf("the log aggregator subscribes to the same ports, of %d publishers, and writes the same files", len(x.Config.ZMQ.LoggingPorts)), "", "zmq", "ports", "logging")
	}
}
