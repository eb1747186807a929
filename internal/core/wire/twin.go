package wire

import (
	"net"
	"net/netip"
	"slices"
)

// twin takes out a member that is connected to the same broker as the newest, by another name: that broker would wait for one of two
// managers to leave. What it has given to that one it gives again.
func (t *Trunk) twin() *member {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := 0; i < len(t.members)-1; i++ {
		if m := t.members[i]; sameBroker(m.remote, t.members[len(t.members)-1].remote) {
			t.members = slices.Delete(t.members, i, i+1)
			return m
		}
	}
	return nil
}

// sameBroker tells whether the addresses that two connections have reached are those of one broker: they are the same, or have one port,
// and both are of this machine.
func sameBroker(one, two string) bool {
	a, err := netip.ParseAddrPort(one)
	b, err2 := netip.ParseAddrPort(two)
	if err != nil || err2 != nil || a.Port() != b.Port() {
		return false
	}
	x, y := a.Addr().Unmap(), b.Addr().Unmap()
	return x == y || here(x) && here(y)
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
