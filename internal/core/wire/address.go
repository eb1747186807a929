package wire

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// TCP returns the endpoint to connect to.
func TCP(host string, port int) string {
	return "tcp://" + net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
}

// BindTCP returns the endpoint to bind, for a configured zmq: host: (specs: compat section 1). A loopback host keeps us
// on the loopback interface; otherwise it is bind (zmq: bind:), or all interfaces if that is "".
func BindTCP(host, bind string, port int) string {
	switch loopback := loopbackAddress(host); {
	case loopback != "":
		return TCP(loopback, port)
	case bind != "" && bind != "*":
		return TCP(bind, port)
	}
	return fmt.Sprintf("tcp://*:%d", port)
}

// Literal returns the address of a host that needs no asking: one that is given by its address, or a loopback name. Else it is "".
func Literal(host string) string {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.String()
	}
	return loopbackAddress(host)
}

// loopbackAddress returns the address for a loopback name or address, else "". An address stands for itself, since that is
// what the peers connect to; a name for the one that every machine has.
func loopbackAddress(host string) string {
	host = strings.ToLower(strings.Trim(host, "[]"))
	if a, err := netip.ParseAddr(host); err == nil {
		if a.IsLoopback() {
			return a.String()
		}
		return ""
	}
	host = strings.TrimSuffix(host, ".")
	switch {
	case host == "localhost", host == "localhost.localdomain", host == "localhost4", strings.HasSuffix(host, ".localhost"):
		return "127.0.0.1"
	}
	return ""
}

// Port returns the port of a tcp:// endpoint, 0 of anything else.
func Port(endpoint string) int {
	rest, ok := strings.CutPrefix(endpoint, "tcp://")
	if !ok {
		return 0
	}
	port, err := strconv.Atoi(rest[strings.LastIndexByte(rest, ':')+1:])
	if err != nil {
		return 0
	}
	return port
}

// maxSocketPath is what fits, with its final NUL, in the sun_path of a unix socket address.
const maxSocketPath = 107

// IPC returns the endpoint of a unix socket, or an error if no unix socket can have that path.
func IPC(path string) (string, error) {
	if n := len(path); n == 0 || n > maxSocketPath {
		return "", fmt.Errorf("unix socket path %q has %d bytes, it must have 1 to %d; choose a shorter state directory", path, n, maxSocketPath)
	}
	return "ipc://" + path, nil
}
