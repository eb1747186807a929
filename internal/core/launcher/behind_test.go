package launcher

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/launch"
)

// lookFor has all processes looked at for so long. No test runs beside one that calls it.
func lookFor(t *testing.T, d time.Duration) {
	before := lookAtAll
	lookAtAll = d
	t.Cleanup(func() { lookAtAll = before })
}

// listening is what a process of a launch connects to.
func listening(t testing.TB) (server net.Listener, port int) {
	t.Helper()
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server, server.Addr().(*net.TCPAddr).Port
}

func TestWhoseConnectionItIs(t *testing.T) {
	lookFor(t, time.Minute) // other tests take the processor, and have processes of their own
	for name, address := range map[string]string{"IPv4": "127.0.0.1", "IPv4 on a socket of IPv6": "::ffff:127.0.0.1"} {
		t.Run(name, func(t *testing.T) {
			la := newLauncher(t)
			server, port := listening(t)
			client := fmt.Sprintf(`import socket, time
s = socket.socket(socket.AF_INET6 if ":" in %[1]q else socket.AF_INET)
s.connect((%[1]q, %[2]d))
time.sleep(60)`, address, port)
			var candidates []*launch.Launch
			peers := map[int64]string{}
			for id := int64(1); id <= 20; id++ {
				argv := []string{"sleep", "60"}
				if id%7 == 0 {
					argv = []string{"/usr/bin/python3", "-c", client}
				} else if id == 20 { // its connection is its child's
					argv = []string{"sh", "-c", `/usr/bin/python3 -c "$0" & wait`, client}
				}
				l := start(t, la, id, argv...)
				t.Cleanup(func() { la.Kill(l, "KILL") })
				candidates = append(candidates, l)
				if argv[0] != "sleep" {
					c, err := server.Accept()
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					peers[id] = c.RemoteAddr().String()
				}
			}
			for want, peer := range peers {
				began := time.Now()
				got, ok := la.Behind(peer, port, candidates)
				t.Logf("launch %d found in %v", want, time.Since(began))
				if !ok || got != want {
					t.Errorf("%s: got launch %d, %v, want %d", peer, got, ok, want)
				}
			}
			ours, err := net.Dial("tcp4", server.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer ours.Close()
			for name, peer := range map[string]string{"of nobody": "127.0.0.1:1", "of another host": "192.0.2.1:4711", "not known": ""} {
				if got, ok := la.Behind(peer, port, candidates); ok {
					t.Errorf("a connection %s: got launch %d, want that it cannot be seen", name, got)
				}
			}
			if got, ok := la.Behind(ours.LocalAddr().String(), port, candidates); got != 0 || !ok {
				t.Errorf("a connection of another process: got launch %d, %v, want that it is none of them", got, ok)
			}
			if got, ok := la.Behind(peers[7], port, []*launch.Launch{{ID: 7, PID: os.Getpid(), PIDStart: 1}}); ok {
				t.Errorf("a PID that is another's by now: got launch %d, want none", got)
			}
		})
	}
}

// TestWhoseConnectionItIsAfterTheEnd has launches end and leave a process behind that speaks, in their session or out of it.
func TestWhoseConnectionItIsAfterTheEnd(t *testing.T) {
	lookFor(t, time.Minute)
	la := newLauncher(t)
	server, port := listening(t)
	client := fmt.Sprintf(`import socket, time; s = socket.create_connection(("127.0.0.1", %d)); time.sleep(60)`, port)
	others := []*launch.Launch{start(t, la, 1, "sleep", "60")}
	t.Cleanup(func() { la.Kill(others[0], "KILL") })
	for i, start2 := range []string{"", "setsid ", "env -i "} {
		l := start(t, la, int64(2+i), "sh", "-c", start2+`/usr/bin/python3 -c "$0" & echo $!`, client)
		nextExit(t, la)
		var pid int
		fmt.Sscan(output(t, l), &pid)
		t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
		c, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, ok := la.Behind(c.RemoteAddr().String(), port, append(others, l)); !ok || got != l.ID {
			t.Errorf("%q: got launch %d, %v, want %d", start2, got, ok, l.ID)
		}
		other := l.Clone()
		other.PID = os.Getpid() // somebody has got it since
		if got, _ := la.Behind(c.RemoteAddr().String(), port, append(others, other)); got != 0 {
			t.Errorf("%q, the PID is another's: got launch %d, want none", start2, got)
		}
	}
}

// BenchmarkBehind is what the manager pays for a message of a worker of which 20 run: at worst, when the connection is a child's.
func BenchmarkBehind(b *testing.B) {
	la := newLauncher(b)
	server, port := listening(b)
	var candidates []*launch.Launch
	for id := int64(1); id <= 20; id++ {
		l := start(b, la, id, "bash", "-c", fmt.Sprintf("exec 5<>/dev/tcp/127.0.0.1/%d; sleep 60 & sleep 60 5<&- & exec 5<&-; wait", port))
		b.Cleanup(func() { la.Kill(l, "KILL") })
		candidates = append(candidates, l)
	}
	c, err := server.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for b.Loop() {
		if _, ok := la.Behind(c.RemoteAddr().String(), port, candidates); !ok {
			b.Fatal("not found")
		}
	}
}

func TestAWorkerThatLeftSessionAndEnvironmentIsItsLaunchsAsItsDescendant(t *testing.T) {
	la := newLauncher(t)
	server, port := listening(t)
	client := fmt.Sprintf(`import socket, time; s = socket.create_connection(("127.0.0.1", %d)); time.sleep(60)`, port)
	l := start(t, la, 1, "sh", "-c", `env -i setsid -w /usr/bin/python3 -c "$0" & echo $!; wait`, client)
	t.Cleanup(func() {
		var pid int // of setsid, which has the other as its child
		fmt.Sscan(output(t, l), &pid)
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
		var child int
		if n, _ := fmt.Sscan(string(children), &child); n == 1 {
			syscall.Kill(child, syscall.SIGKILL)
		}
		la.Kill(l, "KILL")
	})
	c, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, ok := la.Behind(c.RemoteAddr().String(), port, []*launch.Launch{l}); !ok || got != 1 {
		t.Errorf("got launch %d, %v, want 1", got, ok)
	}
}
