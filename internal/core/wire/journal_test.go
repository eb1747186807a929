package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// journalled starts a Forwarder with the journal at path.
func journalled(t *testing.T, path string, o ForwarderOptions) (*Forwarder, func() int) {
	t.Helper()
	o.Journal, o.Drain = path, 50*time.Millisecond
	return forwarded(t, o)
}

// asLeft returns a copy of a journal as it is now, which is what a Forwarder leaves that is killed now.
func asLeft(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "requests.journal")
	if err := os.WriteFile(left, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return left
}

func journalPath(t *testing.T) string { return filepath.Join(t.TempDir(), "requests.journal") }

func ticketOf(t *testing.T, m Frames) Ticket {
	t.Helper()
	ticket, ok := ParseTicket(m[0])
	if !ok {
		t.Fatalf("got first frame %q, want a ticket", m[0])
	}
	return ticket
}

// strange are requests with frames of all kinds.
func strange() []Frames {
	many := Frames{}
	for i := range 50 {
		many = append(many, fmt.Append(nil, i), []byte{})
	}
	return []Frames{
		frames("", "plain"), {[]byte{}, bytes.Repeat([]byte("large"), 200_000)}, many,
		{[]byte{}, []byte("\x00\xff\x01nwt")}, frames("", "no", "", "order", ""), frames("", "last"),
	}
}

func TestWhatADeadForwarderHadAcceptedIsGivenAgainAsItWas(t *testing.T) {
	path := journalPath(t)
	f, stop := journalled(t, path, ForwarderOptions{})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	send1(t, client.c, frames("", "answered"))
	send1(t, manager.c, manager.next())
	client.next()
	begin := time.Now().Truncate(time.Millisecond)
	send1(t, client.c, strange()...)
	var given []Frames
	for range strange() {
		given = append(given, manager.next())
	}
	end := time.Now()
	left := asLeft(t, path)
	if got := stop(); got != len(given) {
		t.Errorf("unanswered: got %d, want %d", got, len(given))
	}

	f, stop = journalled(t, left, ForwarderOptions{})
	if got, want := f.Recovered(), (Recovered{Requests: len(given)}); got != want {
		t.Errorf("recovered: got %+v, want %+v", got, want)
	}
	again := asLeft(t, left) // it may die at once
	client = &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	send1(t, client.c, frames("", "new"))
	eventually(t, "the new request is accepted", func() bool { return f.Waiting().Requests == len(given)+1 })
	manager = &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	numbers := map[string]bool{}
	var first Ticket
	for i, want := range given {
		got := manager.next()
		if !slices.EqualFunc(got[1:], want[1:], bytes.Equal) {
			t.Errorf("request %d: got %.200q, want %.200q", i, got[1:], want[1:])
		}
		ticket := ticketOf(t, got)
		want := ticketOf(t, want)
		if !want.Accepted.IsZero() {
			t.Errorf("request %d: got ticket %+v of one that is no orphan", i, want)
		}
		want.Again, want.Orphan, want.Accepted = true, true, ticket.Accepted
		if ticket != want || ticket.Accepted.Before(begin) || ticket.Accepted.After(end) || want.Peer == "" {
			t.Errorf("request %d: got ticket %+v, want %+v, accepted between %v and %v", i, ticket, want, begin, end)
		}
		if i == 0 {
			first = ticket
		}
		numbers[ticket.ID] = true
		send1(t, manager.c, got)
	}
	fresh := manager.next()
	if ticket := ticketOf(t, fresh); ticket.Again || ticket.Orphan || numbers[ticket.ID] {
		t.Errorf("the new request: got ticket %+v, want a new number and no flags", ticket)
	}
	send1(t, manager.c, fresh)
	if got := texts(client.next()); got[1] != "new" {
		t.Errorf("got %q answered, want only what was asked here", got)
	}
	if got := stop(); got != 0 {
		t.Errorf("unanswered: got %d, want 0: they were answered", got)
	}
	for path, want := range map[string]int{left: 0, again: len(given)} {
		f, stop := journalled(t, path, ForwarderOptions{})
		if got := f.Recovered().Requests; got != want {
			t.Errorf("recovered the next time: got %d, want %d", got, want)
		}
		if want > 0 {
			manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
			if got := ticketOf(t, manager.next()); got != first {
				t.Errorf("after a second death: got ticket %+v, want %+v", got, first)
			}
		}
		stop()
	}
}

func TestTheSecondAnswerAndOneToNobodyAreDropped(t *testing.T) {
	f, _ := forwarded(t, ForwarderOptions{Drain: patient})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	send1(t, client.c, frames("", "a"), frames("", "b"))
	a, b := manager.next(), manager.next()
	unknown := slices.Clone(b)
	unknown[0] = append(bytes.Clone(b[0][:len(ticketMagic)+1]), make([]byte, 16)...)
	send1(t, manager.c, a, a, unknown, b)
	for _, want := range []string{"a", "b"} {
		if got := string(client.next()[1]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := f.Waiting(); got.Requests != 0 || got.Answered != 2 || got.Peers != 1 {
		t.Errorf("got %+v, want 2 answered, none waiting, 1 peer", got)
	}
}

func TestNoMoreIsAcceptedThanIsKept(t *testing.T) {
	const bound, n = 10, 100
	for name, o := range map[string]ForwarderOptions{
		"requests": {maxRequests: bound}, "bytes": {maxBytes: bound * (3*64 + 5 + 1)}, // three frames: identity, "" and one byte
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := journalled(t, journalPath(t), o)
			client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
			for range n {
				send1(t, client.c, frames("", "x"))
			}
			eventually(t, "as many as are kept", func() bool { return f.Waiting().Requests == bound })
			before := cpu(t)
			<-time.After(300 * time.Millisecond)
			if used := cpu(t) - before; used > 60*time.Millisecond {
				t.Errorf("waiting used %v of CPU, want under 60ms", used)
			}
			manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
			for got := 0; got < n; got += bound {
				var hand []Frames
				for range bound {
					hand = append(hand, manager.next())
				}
				if w := f.Waiting(); w.Requests > bound {
					t.Fatalf("got %d in hand, want at most %d", w.Requests, bound)
				}
				send1(t, manager.c, hand...)
				for range bound {
					client.next()
				}
			}
		})
	}
}

func TestAManagerIsNotGivenMoreThanItsQueueHolds(t *testing.T) {
	f, _ := forwarded(t, ForwarderOptions{Drain: 50 * time.Millisecond})
	client := open(t, Options{Kind: Dealer, Connect: f.Front()})
	for range 600 {
		send1(t, client, frames("", "x"))
	}
	eventually(t, "all are accepted", func() bool { return f.Waiting().Requests == 600 })
	manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	for range 500 {
		manager.next()
	}
	select {
	case more := <-manager.c.Receive():
		t.Errorf("got %d more, want none before one of 500 is answered", len(more))
	case <-time.After(100 * time.Millisecond):
	}
}

func TestTheJournalStaysSmall(t *testing.T) {
	path := journalPath(t)
	f, _ := journalled(t, path, ForwarderOptions{})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	body := bytes.Repeat([]byte("x"), 1<<20)
	exchange := func() {
		send1(t, client.c, Frames{[]byte{}, body})
		send1(t, manager.c, manager.next())
		client.next()
	}
	exchange()
	exchange()
	eventually(t, "a journal with nothing unanswered is emptied", func() bool { return size() < 1000 })
	send1(t, client.c, frames("", "held"))
	held := manager.next()
	for range rewriteAbove>>20 + 3 {
		exchange()
	}
	eventually(t, "a journal with something unanswered is written anew", func() bool { return size() < 5<<20 })
	eventually(t, "it has the one that is held, and no other", func() bool {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := readJournal(bytes.NewReader(b), int64(len(b)))
		return err == nil && len(got) == 1
	})
	send1(t, manager.c, held)
	client.next()
}

func TestAFullDiskHoldsUpNobodyAndIsTold(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ) // then a write beyond the limit is an error, as on a full disk
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	full := limit
	full.Cur = 8000
	path, trouble := journalPath(t), make(chan error, 100)
	f, _ := journalled(t, path, ForwarderOptions{Trouble: func(err error) { trouble <- err }})
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	body := bytes.Repeat([]byte("x"), 3000)
	for range 5 {
		send1(t, client.c, Frames{[]byte{}, body})
	}
	var given []Frames
	for range 5 {
		given = append(given, manager.next())
	}
	if err := <-trouble; !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want the file and why", err)
	}
	if left, err := os.ReadFile(path); err != nil || len(left) != 0 {
		t.Errorf("got %d bytes, %v, want none: their answers could not be noted", len(left), err)
	}
	send1(t, manager.c, given[0])
	client.next()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := <-trouble; err != nil {
		t.Errorf("got %v, want that it is over", err)
	}
	next, _ := journalled(t, asLeft(t, path), ForwarderOptions{})
	if got := next.Recovered(); got.Requests != 4 || got.Damage != nil {
		t.Errorf("recovered: got %+v, want the four that are not answered", got)
	}
}

func TestAJournalThatCannotBeWrittenAtAllIsNoObstacle(t *testing.T) {
	path, trouble := filepath.Join(t.TempDir(), "missing", "requests.journal"), make(chan error, 10)
	f, _ := journalled(t, path, ForwarderOptions{Trouble: func(err error) { trouble <- err }})
	if err := <-trouble; err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want the file and why", err)
	}
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	go answer(open(t, Options{Kind: Dealer, Connect: f.Back()}))
	send1(t, client.c, frames("", "x"))
	client.next()
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := <-trouble; err != nil {
		t.Errorf("got %v, want that it is over", err)
	}
}

func TestADamagedJournalIsPutAsideAndSaid(t *testing.T) {
	for name, c := range map[string]struct {
		damage func([]byte) []byte
		want   int
		says   string
	}{
		"another file":     {func([]byte) []byte { return []byte("hello, I am not a journal") }, 0, "it begins with"},
		"a flipped bit":    {func(b []byte) []byte { b[len(b)-3] ^= 4; return b }, 2, "checksum"},
		"cut":              {func(b []byte) []byte { return b[:len(b)-3] }, 2, "in the middle of a record at byte"},
		"zeros at the end": {func(b []byte) []byte { return append(b, make([]byte, 4096)...) }, 3, "a record"},
	} {
		t.Run(name, func(t *testing.T) {
			path := sample(t)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := c.damage(bytes.Clone(whole))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			f, _ := journalled(t, path, ForwarderOptions{})
			got := f.Recovered()
			if got.Requests != c.want || got.Damage == nil || !strings.Contains(got.Damage.Error(), c.says) {
				t.Errorf("got %+v, want %d requests and damage with %q", got, c.want, c.says)
			}
			if aside, err := os.ReadFile(got.Aside); err != nil || !bytes.Equal(aside, damaged) {
				t.Errorf("aside: got %d bytes, %v, want the file as it was", len(aside), err)
			}
		})
	}
}

// sample returns a journal with three requests unanswered and two answered.
func sample(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "requests.journal")
	f, err := NewForwarder(ForwarderOptions{
		Front: Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:0"}}, Back: Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:0"}},
		Journal: path, Drain: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := f.Run(ctx)
		done <- err
	}()
	client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
	manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	for i, text := range []string{"one", "two", "three", "four", "five"} {
		send1(t, client.c, frames("", text))
		m := manager.next()
		if i%2 == 1 {
			send1(t, manager.c, m)
			client.next()
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAJournalCutAnywhereHasWhatIsBeforeTheCut(t *testing.T) {
	whole, err := os.ReadFile(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	counts := []int{} // of unanswered requests, as the journal grows
	for n := range len(whole) + 1 {
		got, good, err := readJournal(bytes.NewReader(whole[:n]), int64(n))
		if good > int64(n) || (err == nil) != (good == int64(n)) {
			t.Fatalf("cut to %d bytes: got %d good, %v", n, good, err)
		}
		if err != nil && !errors.Is(err, errJournalCut) {
			t.Fatalf("cut to %d bytes: got %v, want that it is cut", n, err)
		}
		if len(counts) == 0 || counts[len(counts)-1] != len(got) {
			counts = append(counts, len(got))
		}
	}
	if diff := cmp.Diff([]int{0, 1, 2, 1, 2, 3, 2, 3}, counts); diff != "" {
		t.Errorf("unanswered requests (-want +got):\n%s", diff)
	}
}

// FuzzJournal reads what strangers may have left: it must neither panic nor believe what is not there, and what it says is good must be.
func FuzzJournal(f *testing.F) {
	whole, err := os.ReadFile(sample(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(journalMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, good, err := readJournal(bytes.NewReader(data), int64(len(data)))
		if good > int64(len(data)) || (err == nil) != (good == int64(len(data))) {
			t.Fatalf("got %d of %d bytes good, %v", good, len(data), err)
		}
		for _, k := range got {
			if k.offset < 0 || k.length <= 0 || k.offset+k.length > good {
				t.Fatalf("got a request at %d with %d bytes, of %d good", k.offset, k.length, good)
			}
			if _, err := ticketID(data[k.offset : k.offset+k.length]); err != nil {
				t.Fatal(err)
			}
		}
		if good == 0 {
			return
		}
		again, _, err := readJournal(bytes.NewReader(data[:good]), good)
		if err != nil || !slices.Equal(got, again) {
			t.Fatalf("what is good: got %v, %v, want %v", again, err, got)
		}
	})
}

func TestASecondForwarderLeavesTheJournalAlone(t *testing.T) {
	path := journalPath(t)
	f, stop := journalled(t, path, ForwarderOptions{})
	client := open(t, Options{Kind: Dealer, Connect: f.Front()})
	send1(t, client, frames("", "waits"))
	eventually(t, "it is accepted", func() bool { return f.Waiting().Requests == 1 })
	before := asLeft(t, path)

	o := ForwarderOptions{Front: Options{Kind: Router, Bind: []string{"tcp://127.0.0.1:*"}}, Back: Options{Kind: Dealer, Bind: []string{"tcp://127.0.0.1:*"}}, Journal: path}
	if second, err := NewForwarder(o); err == nil {
		second.Close()
		t.Error("a second one on other ports is let in")
	} else if !strings.Contains(err.Error(), "another message broker works with "+path) {
		t.Errorf("got %v", err)
	}
	want, _ := os.ReadFile(before)
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the journal is another one now: %v", err)
	}
	stop()
	third, err := NewForwarder(o)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if got := third.Recovered().Requests; got != 1 {
		t.Errorf("the third was left %d requests, want 1", got)
	}
	third.Close()
}

func TestAJournalThatIsRemovedUnderTheBrokerIsWrittenAnewAndSaid(t *testing.T) {
	for name, do := range map[string]func(path string) error{
		"removed": os.Remove,
		"renamed": func(path string) error { return os.Rename(path, path+".moved") },
		"another file has its name": func(path string) error {
			return errors.Join(os.WriteFile(path+".other", []byte("x"), 0o600), os.Rename(path+".other", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, trouble := journalPath(t), make(chan error, 100)
			f, _ := journalled(t, path, ForwarderOptions{Trouble: func(err error) { trouble <- err }})
			client := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Front()})}
			manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
			send1(t, client.c, frames("", "x")) // and no more: nothing else wakes it
			manager.next()
			if err := do(path); err != nil {
				t.Fatal(err)
			}
			if err := next(t, trouble); err == nil || !strings.Contains(err.Error(), path+" was removed, or another file has its name") {
				t.Errorf("got %v, want the file and what became of it", err)
			}
			if err := next(t, trouble); err != nil {
				t.Errorf("got %v, want that it is over", err)
			}
			after, _ := journalled(t, asLeft(t, path), ForwarderOptions{})
			if got := after.Recovered(); got.Requests != 1 || got.Damage != nil {
				t.Errorf("the next broker: got %+v, want the request that is not answered", got)
			}
		})
	}
}

// TestADamagedJournalIsThereUntilThereIsAnother has the broker die, twice, before it has written one.
func TestADamagedJournalIsThereUntilThereIsAnother(t *testing.T) {
	path := sample(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, "???"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".new", 0o700); err != nil { // where it would be written
		t.Fatal(err)
	}
	for range 2 {
		f, stop := journalled(t, path, ForwarderOptions{})
		if got := f.Recovered(); got.Requests != 3 || got.Damage == nil || got.Aside == "" {
			t.Errorf("got %+v, want the three requests before the damage", got)
		}
		stop()
	}
}
