package broker

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/wire"
	"nowcast/internal/core/wire/wirebench"
)

const patient = 30 * time.Second

// log is a logger whose lines a test can look at.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// started runs a broker with everything on free ports, or again on the endpoints of an earlier one.
func started(t testing.TB, again Endpoints) (e Endpoints, logged *log, stop func()) {
	t.Helper()
	logged = &log{}
	o := Options{
		Logger:  slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Workers: again.Workers, Manager: again.Manager,
		FeedIn: again.FeedIn, FeedOut: again.FeedOut,
		ControlClients: again.ControlClients, ControlDaemons: again.ControlDaemons,
	}
	if again == (Endpoints{}) {
		dir := socketDir(t)
		o.Workers, o.Manager = wire.BindTCP("localhost", "", 0), wire.BindTCP("localhost", "", 0)
		for name, endpoint := range map[string]*string{"fi": &o.FeedIn, "fo": &o.FeedOut, "cc": &o.ControlClients, "cd": &o.ControlDaemons} {
			var err error
			if *endpoint, err = wire.IPC(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("broker: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return b.Endpoints(), logged, stop
}

func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	for !condition() {
		if ctx.Err() != nil {
			t.Fatalf("not within %v: %s", patient, what)
		}
		runtime.Gosched()
	}
}

// python runs a program of Debian's Python with pyzmq, waits for its first line and returns the rest of its output and what
// waits for its end.
func python(t testing.TB, program string, args ...string) (output *bufio.Scanner, wait func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	cmd := exec.CommandContext(ctx, "/usr/bin/python3", append([]string{"-c", "import sys, zmq\nctx = zmq.Context()\n" + program}, args...)...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	output = bufio.NewScanner(stdout)
	output.Buffer(nil, 1<<20)
	var once sync.Once
	ended := false
	wait = func() {
		once.Do(func() {
			_, _ = io.Copy(io.Discard, stdout)
			if err := cmd.Wait(); err != nil && !ended {
				t.Errorf("python: %v\n%s", err, errors.String())
			}
		})
	}
	t.Cleanup(func() {
		ended = true // killed here on purpose if it is a server
		cancel()
		wait()
	})
	return output, wait
}

// line reads the next line a Python program prints.
func line(t testing.TB, s *bufio.Scanner) string {
	t.Helper()
	if !s.Scan() {
		t.Fatalf("python ended, want another line (%v)", s.Err())
	}
	return s.Text()
}

// The manager of the reference in short: one request, one reply. It answers with the number and sizes of the parts and an
// echo of what is short.
const pyREP = `
s = ctx.socket(zmq.REP)
s.connect(sys.argv[1])
print("ready", flush=True)
while True:
    parts = s.recv_multipart()
    s.send_multipart([b"%d" % len(parts)] + [p if len(p) < 1000 else b"%d bytes" % len(p) for p in parts])
`

const pyREQ = `
s = ctx.socket(zmq.REQ)
s.setsockopt(zmq.TCP_KEEPALIVE, 1)
s.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 900)
s.setsockopt(zmq.LINGER, 0)
s.connect(sys.argv[1])
for line in sys.argv[2:]:
    s.send_multipart([p.encode() * (25 * 1024 * 1024 if p == "HUGE" else 1) for p in line.split("|")])
    print(b"|".join(s.recv_multipart()).decode(), flush=True)
`

// ask sends requests as a Python worker does and compares the replies.
func ask(t testing.TB, workers string, requests, want []string) {
	t.Helper()
	out, wait := python(t, pyREQ, append([]string{workers}, requests...)...)
	var got []string
	for range requests {
		got = append(got, line(t, out))
	}
	wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestAPythonWorkerAndAPythonManagerDoNotSeeTheBroker(t *testing.T) {
	e, logged, _ := started(t, Endpoints{})
	python(t, pyREP, e.Manager)
	ask(t, e.Workers,
		[]string{"payload: null", "two|frames", "empty||last", "", "déjà vu"},
		[]string{"1|payload: null", "2|two|frames", "3|empty||last", "1|", "1|déjà vu"})
	for _, want := range []string{
		fmt.Sprintf(`level=INFO msg="worker socket bound to port %d"`, wire.Port(e.Workers)),
		fmt.Sprintf(`level=INFO msg="manager socket bound to port %d"`, wire.Port(e.Manager)),
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("log: got\n%swant a line with %s", logged, want)
		}
	}
}

func TestARequestOf100MBPasses(t *testing.T) {
	e, _, _ := started(t, Endpoints{})
	python(t, pyREP, e.Manager)
	ask(t, e.Workers, []string{"HUGE", "small"}, []string{fmt.Sprintf("1|%d bytes", 100<<20), "1|small"})
}

func TestSixtyFourPythonWorkersGetTheirOwnReplies(t *testing.T) {
	e, _, _ := started(t, Endpoints{})
	python(t, pyREP, e.Manager)
	out, wait := python(t, `
socks = []
for i in range(64):
    s = ctx.socket(zmq.REQ)
    s.connect(sys.argv[1])
    socks.append(s)
for n in range(20):
    for i, s in enumerate(socks):
        s.send(b"%d %d" % (i, n))
    for i, s in enumerate(socks):
        got = s.recv_multipart()
        assert got == [b"1", b"%d %d" % (i, n)], got
print("all", flush=True)
`, e.Workers)
	if got := line(t, out); got != "all" {
		t.Errorf("got %q, want %q", got, "all")
	}
	wait()
}

func TestRawBytesOnThePortsAreReportedAndHarmNobody(t *testing.T) {
	e, logged, _ := started(t, Endpoints{})
	python(t, pyREP, e.Manager)
	for _, endpoint := range []string{e.Workers, e.Manager} {
		for _, garbage := range []string{"GET / HTTP/1.1\r\n\r\n", "\x01\x00\x04\x00abc\x01\x00", "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\xff\xff"} {
			before := strings.Count(logged.String(), "not a ZeroMQ peer: ")
			c, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte(garbage)); err != nil {
				t.Fatal(err)
			}
			c.Close()
			eventually(t, "a warning about the peer", func() bool {
				return strings.Count(logged.String(), "not a ZeroMQ peer: ") > before
			})
		}
	}
	if !strings.Contains(logged.String(), `level=WARN msg="not a ZeroMQ peer: `) {
		t.Errorf("log: got\n%swant a WARNING", logged)
	}
	ask(t, e.Workers, []string{"good"}, []string{"1|good"})
}

func TestARestartedBrokerIsFoundAgainByManagerAndWorkers(t *testing.T) {
	e, _, stop := started(t, Endpoints{})
	python(t, pyREP, e.Manager)
	worker := wire.NewRequester(e.Workers)
	defer worker.Close()
	for i := range 3 {
		question := fmt.Sprint("question ", i)
		got, err := worker.Request(t.Context(), []byte(question))
		if err != nil || string(got) != "1" {
			t.Fatalf("request %d: got %q, %v, want %q", i, got, err, "1")
		}
		ask(t, e.Workers, []string{question}, []string{"1|" + question})
		stop()
		e, _, stop = started(t, e)
	}
}

func TestStoppingBringsTheLastReplyHome(t *testing.T) {
	e, logged, stop := started(t, Endpoints{})
	manager, err := wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{e.Manager}})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	worker := wire.NewRequester(e.Workers)
	defer worker.Close()
	reply := make(chan string)
	go func() {
		got, err := worker.Request(t.Context(), []byte("slow"))
		reply <- fmt.Sprint(string(got), err)
	}()
	request := <-manager.Receive()
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	if err := manager.Send(request...); err != nil {
		t.Fatal(err)
	}
	if got, want := <-reply, "slow<nil>"; got != want {
		t.Errorf("reply: got %q, want %q", got, want)
	}
	<-stopped
	if strings.Contains(logged.String(), "WARN") {
		t.Errorf("log: got a warning, want none:\n%s", logged)
	}
}

func TestAManagerThatDiesWithRequestsInHandIsReported(t *testing.T) {
	e, logged, stop := started(t, Endpoints{})
	manager, err := wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{e.Manager}})
	if err != nil {
		t.Fatal(err)
	}
	worker := wire.NewRequester(e.Workers)
	go func() { _, _ = worker.Request(t.Context(), []byte("x")) }()
	<-manager.Receive()
	manager.Close()
	eventually(t, "a warning about the manager", func() bool {
		return strings.Contains(logged.String(), "the manager went away with requests unanswered")
	})
	worker.Close()
	stop()
}

func TestAPortThatIsTakenIsNamedAndNothingStaysBound(t *testing.T) {
	e, _, _ := started(t, Endpoints{})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	freed := "tcp://" + free.Addr().String()
	free.Close()
	logger := slog.New(slog.DiscardHandler)
	for name, o := range map[string]Options{
		"workers": {Logger: logger, Workers: e.Workers, Manager: freed},
		"manager": {Logger: logger, Workers: freed, Manager: e.Manager},
		"feed":    {Logger: logger, Workers: freed, Manager: "tcp://127.0.0.1:0", FeedIn: e.FeedIn, FeedOut: e.FeedOut},
		"control": {Logger: logger, Workers: freed, Manager: "tcp://127.0.0.1:0", ControlClients: e.ControlClients, ControlDaemons: e.ControlDaemons},
	} {
		_, err := New(o)
		if err == nil {
			t.Fatalf("%s taken: got no error", name)
		}
		if !strings.Contains(err.Error(), "taken") && !strings.Contains(err.Error(), "another process is listening") {
			t.Errorf("%s taken: got %q, want it to say so", name, err)
		}
		again, err := net.Listen("tcp", strings.TrimPrefix(freed, "tcp://"))
		if err != nil {
			t.Fatalf("after %s was taken: %v, want the other port free", name, err)
		}
		again.Close()
	}
}

func TestARequestAboveTheLimitDisconnectsOnlyItsSender(t *testing.T) {
	b, err := New(Options{
		Logger: slog.New(slog.DiscardHandler), Workers: "tcp://127.0.0.1:0", Manager: "tcp://127.0.0.1:0", MaxRequest: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	defer func() { cancel(); <-done }()
	e := b.Endpoints()
	python(t, pyREP, e.Manager)
	events := make(chan wire.Event, 10)
	large, err := wire.Open(wire.Options{
		Kind: wire.Dealer, Connect: []string{e.Workers}, Watch: func(ev wire.Event) { events <- ev },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	if err := large.Send(wire.Frames{nil, make([]byte, 1001)}); err != nil {
		t.Fatal(err)
	}
	for ev := range events {
		if ev.Kind == wire.PeerLost {
			break
		}
	}
	ask(t, e.Workers, []string{"good"}, []string{"1|good"})
}

func TestARunLeavesNoGoroutineOrDescriptorBehind(t *testing.T) {
	var e Endpoints
	use := func() {
		var stop func()
		e, _, stop = started(t, e)
		stopReply, err := wirebench.ConstantReply(e.Manager, []byte("ok"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wirebench.Load(e.Workers, 4, 100, func(int, int) []byte { return []byte("x") }); err != nil {
			t.Fatal(err)
		}
		stop()
		stopReply()
	}
	use()
	files := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	goroutines, open := runtime.NumGoroutine(), files()
	for range 5 {
		use()
	}
	eventually(t, "goroutines and open files are as many as before", func() bool {
		return runtime.NumGoroutine() <= goroutines && files() <= open
	})
}
