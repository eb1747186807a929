package logging

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/feed"
)

const syslogScript = `
import json, logging, logging.config, sys
c = json.load(sys.stdin)
logging.config.dictConfig(c["config"])
for level, text in c["records"]:
    logging.getLogger("manager").log(level, text)
logging.shutdown()
json.dump("done", sys.stdout)
`

func syslogConfig(more map[string]any) map[string]any {
	more["class"], more["formatter"] = classSysLog, "simple"
	return map[string]any{"version": 1, "formatters": map[string]any{"simple": map[string]any{"format": "%(name)s: %(message)s"}},
		"handlers": map[string]any{"syslog": more}, "root": map[string]any{"level": "DEBUG", "handlers": []string{"syslog"}}}
}

var syslogRecords = [][2]any{{10, "debug"}, {20, "info"}, {30, "warning ☂"}, {40, "error\nof two lines"}, {50, "critical"}, {25, "between"}, {20, ""}, {20, strings.Repeat("long ", 400)}}

func TestDatagramsToSyslogAreThoseOfPython(t *testing.T) {
	for _, test := range []struct {
		name, network string
		more          map[string]any
	}{
		{"UDP", "udp", map[string]any{"facility": "local3"}},
		{"a unix socket", "unixgram", map[string]any{}},
		{"a unix socket that is named", "unixgram", map[string]any{"socktype": datagramSocket, "facility": 16}},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := "127.0.0.1:0"
			if test.network == "unixgram" {
				address = filepath.Join(t.TempDir(), "log")
			}
			listener, err := net.ListenPacket(test.network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			test.more["address"] = address
			if udp, ok := listener.LocalAddr().(*net.UDPAddr); ok {
				test.more["address"] = []any{"127.0.0.1", udp.Port}
			}
			read := func() (all []string) {
				buffer := make([]byte, 1<<16)
				for range syslogRecords {
					_ = listener.SetReadDeadline(time.Now().Add(60 * time.Second))
					n, _, err := listener.ReadFrom(buffer)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, string(buffer[:n]))
				}
				return all
			}
			config := syslogConfig(test.more)
			var done string
			python(t, syslogScript, "UTC", map[string]any{"config": config, "records": syslogRecords}, &done)
			pythons := read()
			logAll(t, openJSON(t, config, Options{}))
			for i, got := range read() {
				want(t, "datagram", got, pythons[i])
			}
		})
	}
}

func TestStreamsToSyslogAreThoseOfPython(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "log")
			}
			listener, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			more := map[string]any{"address": address, "facility": "daemon"} // of a unix socket the kind is found out
			if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
				more["address"], more["socktype"] = []any{"127.0.0.1", tcp.Port}, streamSocket
			}
			read := func() string {
				conn, err := listener.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
				text, err := io.ReadAll(conn)
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			config := syslogConfig(more)
			var done string
			python(t, syslogScript, "UTC", map[string]any{"config": config, "records": syslogRecords}, &done)
			pythons := read()
			l := openJSON(t, config, Options{})
			logAll(t, l)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			want(t, "stream", read(), pythons)
		})
	}
}

func logAll(t *testing.T, l *opened) {
	t.Helper()
	for _, r := range syslogRecords {
		l.Logger("manager").Log(t.Context(), feed.SlogLevel(r[0].(int)), r[1].(string))
	}
}

func TestASyslogServerThatIsRestartedGetsTheNextRecord(t *testing.T) {
	address := filepath.Join(t.TempDir(), "log")
	serve := func() net.PacketConn {
		t.Helper()
		l, err := net.ListenPacket("unixgram", address)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	read := func(l net.PacketConn) string {
		buffer := make([]byte, 100)
		_ = l.SetReadDeadline(time.Now().Add(60 * time.Second))
		n, _, err := l.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
	first := serve()
	s := &syslog{syslogSpec: syslogSpec{networks: []string{"unixgram"}, address: address}}
	defer s.hangUp()
	carry := func(item string) error { return s.carry(t.Context(), []byte(item)) }
	if err := carry("one"); err != nil {
		t.Fatal(err)
	}
	want(t, "first server", read(first), "one")
	first.Close()
	if err := os.Remove(address); err != nil {
		t.Fatal(err)
	}
	if err := carry("lost"); err == nil {
		t.Error("got no error while there is no server")
	}
	second := serve()
	if err := carry("two"); err != nil {
		t.Fatal(err)
	}
	want(t, "second server", read(second), "two")
	second.Close()
	if err := os.Remove(address); err != nil {
		t.Fatal(err)
	}
	third := serve()
	defer third.Close()
	if err := carry("three"); err != nil { // the connection to the second is of no use any more
		t.Fatal(err)
	}
	want(t, "third server", read(third), "three")
}
