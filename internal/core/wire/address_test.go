package wire

import (
	"strings"
	"testing"
)

func TestAddressesForConnecting(t *testing.T) {
	for _, c := range []struct {
		host string
		port int
		want string
	}{
		{"localhost", 5555, "tcp://localhost:5555"},
		{"salish.example.org", 1, "tcp://salish.example.org:1"},
		{"::1", 7, "tcp://[::1]:7"},
		{"[::1]", 7, "tcp://[::1]:7"},
	} {
		if got := TCP(c.host, c.port); got != c.want {
			t.Errorf("TCP(%q, %d): got %q, want %q", c.host, c.port, got, c.want)
		}
	}
}

func TestWhatIsBoundForAConfiguredHost(t *testing.T) {
	for _, c := range []struct{ name, host, bind, want string }{
		{"a loopback name stays on loopback", "localhost", "", "tcp://127.0.0.1:9"},
		{"in any case", "LocalHost.", "", "tcp://127.0.0.1:9"},
		{"even when told to bind elsewhere", "localhost", "192.0.2.1", "tcp://127.0.0.1:9"},
		{"a loopback address is bound itself, as peers connect to it", "127.0.1.1", "", "tcp://127.0.1.1:9"},
		{"IPv6 loopback", "::1", "", "tcp://[::1]:9"},
		{"another host means all interfaces", "salish.example.org", "", "tcp://*:9"},
		{"another address means all interfaces", "192.0.2.1", "", "tcp://*:9"},
		{"unless one is chosen", "salish.example.org", "192.0.2.1", "tcp://192.0.2.1:9"},
		{"or all are", "salish.example.org", "*", "tcp://*:9"},
		{"a name that only starts like loopback", "localhost.example.org", "", "tcp://*:9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := BindTCP(c.host, c.bind, 9); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestThePortOfAnEndpoint(t *testing.T) {
	for endpoint, want := range map[string]int{"tcp://*:5555": 5555, "tcp://[::1]:7": 7, "ipc:///a:3": 0, "tcp://x:*": 0} {
		if got := Port(endpoint); got != want {
			t.Errorf("Port(%q): got %d, want %d", endpoint, got, want)
		}
	}
}

func TestAUnixSocketPathThatIsTooLongIsRefused(t *testing.T) {
	fits := "/" + strings.Repeat("a", 106)
	if got, err := IPC(fits); err != nil || got != "ipc://"+fits {
		t.Errorf("107 bytes: got %q, %v", got, err)
	}
	for _, path := range []string{"", fits + "a"} {
		if _, err := IPC(path); err == nil {
			t.Errorf("%d bytes: got no error, want one", len(path))
		}
	}
}

func TestIPv6LoopbackCanBeBoundAndConnected(t *testing.T) {
	server := open(t, Options{Kind: Dealer, Bind: []string{BindTCP("::1", "", 0)}})
	client := open(t, Options{Kind: Dealer, Connect: []string{TCP("::1", Port(server.Endpoints()[0]))}})
	send1(t, client, frames("six"))
	if got := string((&reader{t: t, c: server}).next()[0]); got != "six" {
		t.Errorf("got %q, want %q", got, "six")
	}
}
