package wire

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// twin takes out a member that is connected to the same broker as the newest, by another name: that broker would wait for one of two
// managers to leave. What it has given to that one it gives again.
func (t *Trunk) twin() *member {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := 0; i < len(t.members)-1; i++ {
		m, newest := t.members[i], t.members[len(t.members)-1]
		if m.peers == 0 || newest.peers == 0 || m.compared == newest {
			continue
		}
		m.compared = newest
		t.mu.Unlock()
		same := sameBroker(m.endpoint, newest.endpoint)
		t.mu.Lock()
		if at := slices.Index(t.members, m); same && at >= 0 && t.members[len(t.members)-1] == newest {
			t.members = slices.Delete(t.members, at, at+1)
			return m
		}
		i = -1 // they may have changed meanwhile
	}
	return nil
}

// resolveWithin is how long the names of two brokers may take to be resolved.
const resolveWithin = 2 * time.Second

// sameBroker tells whether two endpoints lead to one broker: they have one port, and their hosts an address in common, or both are this
// machine. If that cannot be found out they are taken for two.
func sameBroker(one, two string) bool {
	if Port(one) == 0 || Port(one) != Port(two) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveWithin)
	defer cancel()
	a, b := addresses(ctx, one), addresses(ctx, two)
	return slices.ContainsFunc(a, func(x netip.Addr) bool { return slices.Contains(b, x) }) || slices.ContainsFunc(a, here) && slices.ContainsFunc(b, here)
}

// addresses returns those of the host of a tcp:// endpoint.
func addresses(ctx context.Context, endpoint string) []netip.Addr {
	host, _, err := net.SplitHostPort(strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		return nil
	}
	all, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range all {
		all[i] = all[i].Unmap()
	}
	return all
}

// here tells whether an address is one of this machine.
func here(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	own, _ := net.InterfaceAddrs()
	return slices.ContainsFunc(own, func(n net.Addr) bool {
		p, err := netip.ParsePrefix(n.String())
		return err == nil && p.Addr().Unmap() == a
	})
}
