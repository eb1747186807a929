package logging

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

const publisherSection = `
logging:
  publisher:
    version: 1
    handlers:
      zmq_pub: {class: zmq.log.handlers.PUBHandler, level: INFO}
    root: {level: DEBUG, handlers: [zmq_pub]}
`

// freePort returns a port on the loopback interface that nobody has at this moment.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// subscriber is a SUB socket as NEMO_Nowcast's aggregator has it, in real Python. It prints a line for each message.
const subscriber = `
import sys, zmq
s = zmq.Context().socket(zmq.SUB)
s.connect("tcp://127.0.0.1:%s" % sys.argv[1])
s.setsockopt_string(zmq.SUBSCRIBE, "")
print("ready", flush=True)
while True:
    topic, message = s.recv_multipart()
    print(repr((topic, message)), flush=True)
`

// subscribe starts a subscriber and returns the lines that it prints.
func subscribe(t *testing.T, port int) <-chan string {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "-c", subscriber, fmt.Sprint(port))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 5000) // more than any test waits for
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		reading.Wait()
		_ = cmd.Wait()
	})
	want(t, "subscriber", readLine(t, lines), "ready")
	return lines
}

func readLine(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line, ok := <-lines:
		if !ok {
			t.Fatal("the subscriber has ended")
		}
		return line
	case <-time.After(60 * time.Second):
		t.Fatal("no line from the subscriber for 60 s")
	}
	return ""
}

func TestAWorkerThatLivesAMomentIsHeardFromItsFirstLineToItsLast(t *testing.T) {
	port := freePort(t)
	lines := subscribe(t, port)
	for i := range 5 {
		c := loadPorts(t, publisherSection, fmt.Sprintf("workers: [%d]", port))
		l := open(t, c, "sleep", Worker, Options{})
		l.Announce()
		l.Logger("sleep").Debug("below the level of the handler")
		l.Logger("other").Log(t.Context(), LevelCritical, "unhandled exception:", Exc("Traceback\nboom\n"))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for _, w := range []string{
			fmt.Sprintf(`(b'sleep.INFO', b'running in process %d\n')`, os.Getpid()),
			fmt.Sprintf(`(b'sleep.INFO', b'read config from %s\n')`, c.File),
			fmt.Sprintf(`(b'sleep.INFO', b'publishing log messages to tcp://127.0.0.1:%d\n')`, port),
			`(b'sleep.CRITICAL', b'unhandled exception:\nTraceback\nboom')`,
		} {
			want(t, fmt.Sprintf("life %d", i), readLine(t, lines), w)
		}
	}
}

func TestADaemonPublishesOnItsPortAndSaysSoAsTheReferenceDoes(t *testing.T) {
	port := freePort(t)
	lines := subscribe(t, port)
	l := open(t, loadPorts(t, publisherSection, fmt.Sprintf("manager: %d", port)), "manager", Daemon, Options{})
	l.Announce()
	readLine(t, lines)
	readLine(t, lines)
	want(t, "third line", readLine(t, lines), fmt.Sprintf(`(b'manager.INFO', b'publishing logging messages to tcp://*:%d\n')`, port))
	for i := range 1000 {
		l.Logger("manager").Info(fmt.Sprint(i))
	}
	for i := range 1000 {
		want(t, "message", readLine(t, lines), fmt.Sprintf(`(b'manager.INFO', b'%d\n')`, i))
	}
}

func TestAWorkerTriesItsPortsInTurn(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	first, second := taken.Addr().(*net.TCPAddr).Port, freePort(t)
	l := open(t, loadPorts(t, publisherSection, fmt.Sprintf("workers: [%d, %d]", first, second)), "sleep", Worker, Options{})
	want(t, "address", l.Address(), fmt.Sprintf("tcp://127.0.0.1:%d", second))
	_, err = Open(loadPorts(t, publisherSection, fmt.Sprintf("workers: [%d]", first)), "sleep", Worker, Options{})
	if err == nil || !strings.Contains(err.Error(), "zmq: ports: logging: unable to find port to publish log messages to") {
		t.Errorf("got %v, want an error that says that no port is free", err)
	}
	_, err = Open(loadPorts(t, publisherSection, "manager: 1"), "sleep", Worker, Options{})
	if err == nil || !strings.Contains(err.Error(), "there is neither sleep nor workers") {
		t.Errorf("got %v, want an error that says that there is no port", err)
	}
}

func TestADaemonWithoutAPortSaysThatItIsNotPublished(t *testing.T) {
	section := strings.Replace(publisherSection, "    root: {level: DEBUG, handlers: [zmq_pub]}", "      console: {class: logging.StreamHandler, stream: ext://sys.stdout}\n    root: {level: DEBUG, handlers: [zmq_pub, console]}", 1)
	l := open(t, loadPorts(t, section, "manager: 1"), "scheduler", Daemon, Options{})
	l.Announce()
	if got := l.out.String(); !strings.Contains(got, "log messages are not published: zmq: ports: logging: in ") || !strings.Contains(got, "has no port for scheduler") {
		t.Errorf("got %q", got)
	}
}

func TestWithoutASubscriberTheEndWaitsNotMuchLongerThanRecordsAreHeld(t *testing.T) {
	l := open(t, loadPorts(t, publisherSection, fmt.Sprintf("workers: [%d]", freePort(t))), "sleep", Worker, Options{})
	l.Announce()
	begin := time.Now()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 5*settle {
		t.Errorf("got %v, want some %v", took, settle)
	}
}
