package launcher

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"nowcast/internal/core/launch"
)

// TestAConnectionIsFoundByAskingAndInTheTables has both ways to find a connection find the same, where there are both.
func TestAConnectionIsFoundByAskingAndInTheTables(t *testing.T) {
	for _, c := range []struct {
		name, network, listen, connect string
		asked                          bool
	}{
		{"IPv4", "tcp4", "127.0.0.1:0", "", true},
		{"IPv6", "tcp6", "[::1]:0", "", true},
		{"between two addresses", "tcp4", "127.0.0.2:0", "127.0.0.1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, err := net.Listen(c.network, c.listen)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			var d net.Dialer
			if c.connect != "" {
				d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(c.connect)}
			}
			conn, err := d.Dial(c.network, server.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			port := server.Addr().(*net.TCPAddr).Port
			local := netip.MustParseAddrPort(conn.LocalAddr().String())
			inode := connection(local, port)
			if !holds(syscall.Getpid(), inode) {
				t.Errorf("we do not hold the socket %q of our own connection", inode)
			}
			if got := asked(local, port); c.asked && fmt.Sprint(got) != inode || !c.asked && got != 0 {
				t.Errorf("asked for it, got %d, want %s: %v", got, inode, c.asked)
			}
			if got := inTable("/proc/net/tcp", local, port) + inTable("/proc/net/tcp6", local, port); got != inode {
				t.Errorf("in the tables, got %q, want %q", got, inode)
			}
			listens := netip.MustParseAddrPort(server.Addr().String())
			if got := connection(netip.AddrPortFrom(listens.Addr(), uint16(port)), 1); got != "" {
				t.Errorf("whoever listens has a connection with port 1: %s", got)
			}
		})
	}
}

// TestOfTooManyProcessesThoseOfLaunchesAreLookedAt is about a host on which there is no time to look at all.
func TestOfTooManyProcessesThoseOfLaunchesAreLookedAt(t *testing.T) {
	lookFor(t, 0)
	la := newLauncher(t)
	server, port := listening(t)
	client := fmt.Sprintf(`import socket, time; s = socket.create_connection(("127.0.0.1", %d)); time.sleep(60)`, port)
	l := start(t, la, 1, "sh", "-c", `/usr/bin/python3 -c "$0" & wait`, client)
	t.Cleanup(func() { la.Kill(l, "KILL") })
	theirs, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if got, ok := la.Behind(theirs.RemoteAddr().String(), port, []*launch.Launch{l}); !ok || got != 1 {
		t.Errorf("a child of a launch: got launch %d, %v, want 1", got, ok)
	}
	ours, err := net.Dial("tcp4", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if got, ok := la.Behind(ours.LocalAddr().String(), port, []*launch.Launch{l}); ok {
		t.Errorf("another process: got launch %d, want that there was no time to see it", got)
	}
}
