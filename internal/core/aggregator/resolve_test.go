package aggregator

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nowcast/internal/core/wire"
)

// names is a name server of a test.
type names struct {
	mu      sync.Mutex
	answers map[string][]netip.Addr
	asked   int
}

func (n *names) lookup(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if a := n.answers[host]; a != nil {
		return append([]netip.Addr{}, a...), nil
	}
	return nil, errors.New("no such host")
}

func (n *names) answer(host string, addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []netip.Addr
	for _, a := range addresses {
		all = append(all, netip.MustParseAddr(a))
	}
	n.answers = map[string][]netip.Addr{host: all}
}

// count returns how many lines of the log have a text.
func (p *places) count(text string) int { return strings.Count(p.logged(), text) }

// TestWhileANameServerIsSilentEverybodyElseIsHeard has one that never answers.
func TestWhileANameServerIsSilentEverybodyElseIsHeard(t *testing.T) {
	at := &places{}
	p := publish(t, "here", wire.Pub)
	o := at.options()
	asked := make(chan struct{})
	o.lookup = func(ctx context.Context, _, host string) ([]netip.Addr, error) {
		if host != "arbutus" {
			t.Errorf("asked for %s", host)
		}
		close(asked)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	o.Publishers = []Publisher{{"there", "arbutus", 5556}, {"here", "localhost", p.Port}}
	_, stop := start(t, o)
	<-asked
	p.joined(at)
	stop() // does not wait for an answer
	if at.count("subscribed to arbutus port 5556 for all messages from there") != 1 || at.count("level=WARN") != 0 {
		t.Errorf("got the log\n%s", at.logged())
	}
}

func TestAHostThatIsFoundLaterIsHeardThen(t *testing.T) {
	at, dns := &places{}, &names{}
	p := publish(t, "there", wire.Pub)
	o := at.options()
	o.lookup = dns.lookup
	o.Publishers = []Publisher{{"there", "arbutus", p.Port}, {"also", "arbutus", p.Port}}
	a, stop := start(t, o)
	defer stop()
	const notFound = "host arbutus is not found, so nothing is collected from there (port "
	eventually(t, "the warning", func() bool { return at.count(notFound) == 1 })
	a.resolveAll(t.Context())
	if got := at.count(notFound); got != 1 {
		t.Errorf("got %d warnings, want 1", got)
	}
	dns.answer("arbutus", "::1", "127.0.0.1", "192.0.2.1")
	if err := a.Subscribe(o.Publishers); err != nil { // as SIGHUP does: nobody waits for the next minute
		t.Fatal(err)
	}
	p.joined(at)
	for _, answer := range [][]string{{"192.0.2.1", "127.0.0.1"}, nil} { // in another order, and not at all for a while
		dns.answer("arbutus", answer...)
		a.resolveAll(t.Context())
		p.joined(at)
	}
	dns.answer("arbutus", "192.0.2.1")
	a.resolveAll(t.Context())
	if at.count("host arbutus is found, at 127.0.0.1") != 1 || at.count("host arbutus is now at 192.0.2.1, no longer at 127.0.0.1") != 1 || at.count(notFound) != 1 {
		t.Errorf("got the log\n%s", at.logged())
	}
	if len(a.connected) != 1 || a.connected[wire.TCP("127.0.0.1", p.Port)] {
		t.Errorf("connected to %v, want only the new address", a.connected)
	}
}

func TestANameIsLookedForEveryMinuteAndTheWarningComesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, dns := &places{}, &names{}
		o := at.options()
		o.lookup = dns.lookup
		// Without a collector, whose sockets synctest does not see: there is nothing to connect to.
		a := &Aggregator{o: o, publishers: []Publisher{{"there", "arbutus", 5556}, {"here", "127.0.0.1", 5557}}, missing: map[string]bool{}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Second)
		defer cancel()
		a.resolve(ctx)
		if dns.asked != 10 || at.count("\n") != 1 {
			t.Errorf("asked %d times, want 10; got the log\n%s\nwant one line", dns.asked, at.logged())
		}
	})
}
