package wire

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// gathered is what a Collector has handed over.
type gathered struct {
	mu  sync.Mutex
	all []Collected
}

func (g *gathered) take(b Batch) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = slices.AppendSeq(g.all, b.All())
}

func (g *gathered) messages() []Collected {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.all)
}

// texts waits for the texts of so many messages.
func (g *gathered) texts(t *testing.T, n int) []string {
	t.Helper()
	eventually(t, fmt.Sprint(n, " messages"), func() bool { return len(g.messages()) >= n })
	var texts []string
	for _, m := range g.messages() {
		texts = append(texts, m.Text)
	}
	return texts
}

// speaker is a bare socket that publishes, as strangers do.
func speaker(t *testing.T, kind zmq.Type) (*zmq.Socket, string) {
	t.Helper()
	s, err := zmq.NewSocket(kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.SetLinger(0)
	s.SetSndhwm(0)
	if err := s.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	endpoint, err := s.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	return s, endpoint
}

// heard says something until it is heard: a subscription takes a moment.
func heard(t *testing.T, s *zmq.Socket, g *gathered, topic string) {
	t.Helper()
	eventually(t, "the subscription", func() bool {
		s.SendMessage(topic, "hello")
		return slices.ContainsFunc(g.messages(), func(m Collected) bool { return m.Topic == topic })
	})
}

func collector(t *testing.T, endpoints ...string) (*Collector, *gathered) {
	t.Helper()
	g := &gathered{}
	c, err := OpenCollector(g.take)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for _, e := range endpoints {
		if err := c.Connect(e); err != nil {
			t.Fatal(err)
		}
	}
	return c, g
}

func TestACollectorTakesFramesOfEveryKindAndSaysWhoSentThem(t *testing.T) {
	python, endpoint := speaker(t, zmq.PUB)
	ours, other := speaker(t, zmq.XPUB)
	_, g := collector(t, endpoint, other)
	heard(t, python, g, "p")
	heard(t, ours, g, "o")
	begin := len(g.messages())
	long := strings.Repeat("long ", 10<<20/5)
	for _, m := range [][]any{{"a.INFO", "text\n"}, {"alone"}, {"three", "of", "them"}, {"", ""}, {"b.INFO", long}, {"\xff\x00", "\x80"}, {"c.INFO", "last"}} {
		if _, err := python.SendMessage(m...); err != nil {
			t.Fatal(err)
		}
	}
	isLast := func(m Collected) bool { return m.Text == "last" }
	eventually(t, "the last message", func() bool { return slices.ContainsFunc(g.messages(), isLast) })
	var got []string
	for _, m := range g.messages()[begin:] {
		if m.Text == "hello" {
			continue
		}
		if m.XPub || m.Peer != "127.0.0.1" {
			t.Errorf("got %+v, want a PUB at 127.0.0.1", m)
		}
		got = append(got, fmt.Sprintf("%d %q %.10q %d", m.Frames, m.Topic, m.Text, len(m.Text)))
	}
	want := []string{`2 "a.INFO" "text\n" 5`, `1 "alone" "" 0`, `3 "three" "of" 2`, `2 "" "" 0`,
		fmt.Sprintf(`2 "b.INFO" "long long " %d`, len(long)), `2 "\xff\x00" "\x80" 1`, `2 "c.INFO" "last" 4`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	i := slices.IndexFunc(g.messages(), func(m Collected) bool { return m.Topic == "o" })
	if m := g.messages()[i]; !m.XPub || m.Peer != "127.0.0.1" {
		t.Errorf("got %+v, want an XPUB at 127.0.0.1", m)
	}
}

func TestACollectorLosesNothingOfABurstNorAtItsEnd(t *testing.T) {
	s, endpoint := speaker(t, zmq.PUB)
	c, g := collector(t, endpoint)
	heard(t, s, g, "x")
	const burst = 50_000
	for i := range burst {
		s.SendMessage("burst", fmt.Sprint(i))
	}
	counted := func() (n int) {
		for _, m := range g.messages() {
			if m.Topic == "burst" {
				if m.Text != fmt.Sprint(n) {
					t.Fatalf("got %q, want %d", m.Text, n)
				}
				n++
			}
		}
		return n
	}
	eventually(t, "the burst", func() bool { return counted() == burst })
	c.Close()
	if err := c.Connect(endpoint); err != ErrClosed {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
}

func TestPublishersComeAndGoWhileACollectorRuns(t *testing.T) {
	first, one := speaker(t, zmq.PUB)
	second, two := speaker(t, zmq.PUB)
	c, g := collector(t, one)
	heard(t, first, g, "first")
	if err := c.Connect(two); err != nil {
		t.Fatal(err)
	}
	heard(t, second, g, "second")
	heard(t, first, g, "first again")
	if err := c.Disconnect(one); err != nil {
		t.Fatal(err)
	}
	first.SendMessage("too late", "")
	heard(t, second, g, "second again")
	if slices.ContainsFunc(g.messages(), func(m Collected) bool { return m.Topic == "too late" }) {
		t.Error("got a message of a publisher that was left")
	}
	if err := c.Connect("tcp://nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v, want an error that names the endpoint", err)
	}
	if err := c.Disconnect(one); err == nil {
		t.Error("got no error for a publisher that was left before")
	}
}

// TestACollectorLooksForAPublisherAsOftenAsPythonDoes asks the socket: a worker in Python that publishes before we are
// connected is not heard, and one that lives for a moment is gone by then.
func TestACollectorLooksForAPublisherAsOftenAsPythonDoes(t *testing.T) {
	c, _ := collector(t)
	python, _ := speaker(t, zmq.SUB)
	want, err := python.GetReconnectIvl()
	if err != nil {
		t.Fatal(err)
	}
	var first, longest time.Duration
	if err := c.do(func() (err error) {
		if first, err = c.socket.GetReconnectIvl(); err == nil {
			longest, err = c.socket.GetReconnectIvlMax()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if first != want || longest != 0 {
		t.Errorf("got every %v, slowing down to %v, want every %v and never slower", first, longest, want)
	}
}

func TestACollectorConnectsByIPv6AndIPv4(t *testing.T) {
	six, err := zmq.NewSocket(zmq.PUB)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { six.Close() })
	six.SetIpv6(true)
	if err := six.Bind("tcp://[::1]:*"); err != nil {
		t.Fatalf("bind ::1, which every Linux machine has unless IPv6 is switched off: %v", err)
	}
	endpoint, _ := six.GetLastEndpoint()
	four, other := speaker(t, zmq.PUB)
	_, g := collector(t, endpoint, strings.Replace(other, "127.0.0.1", "localhost", 1))
	heard(t, six, g, "six")
	heard(t, four, g, "four")
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x02\x00\x00\x00\x02\x00\x01\x03abcdxy"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		size := 0
		for m := range Batch(data).All() {
			size += collectedHead + len(m.Peer) + len(m.Topic) + len(m.Text)
		}
		if size > len(data) {
			t.Errorf("got %d bytes out of %d", size, len(data))
		}
	})
}
