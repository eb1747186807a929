package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"strings"
	"testing"
)

// A Python manager's REP drops such requests without a word, and each would be in hand for ever: after 500 of them the broker would
// give nobody anything any more.
func TestRequestsThatNobodyCanAnswerAreRefused(t *testing.T) {
	path, told := journalPath(t), make(chan string, 1000)
	f, _ := journalled(t, path, ForwarderOptions{Refused: func(n int, peer string) { told <- fmt.Sprint(n, " ", peer) }})
	stranger := open(t, Options{Kind: Dealer, Connect: f.Front()})
	server := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	for range 600 {
		send1(t, stranger, frames("no delimiter"))
	}
	send1(t, stranger, frames("no", "message", ""))
	send1(t, stranger, frames("", "a message"))
	request := server.next()
	if got := string(request[len(request)-1]); got != "a message" {
		t.Errorf("the manager was given %q, want only what can be answered", got)
	}
	send1(t, server.c, request)
	eventually(t, "nothing is in hand", func() bool { return f.Waiting().Requests == 0 && f.Waiting().Answered == 1 })
	if first := <-told; !strings.Contains(first, " 127.0.0.1:") {
		t.Errorf("told %q, want how many and from where", first)
	}
	if n := len(told); n > 5 {
		t.Errorf("told %d times more, want at most once a second", n)
	}
	left, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(left), "no delimiter") {
		t.Error("a request that was refused is in the journal")
	}
}

func TestRequestsThatNobodyCanAnswerAreLeftOutOfAnOlderJournal(t *testing.T) {
	path := journalPath(t)
	journal := []byte(journalMagic)
	for i, request := range []Frames{frames("id", "no delimiter"), frames("id", "", "a message"), frames("id", "no message", "")} {
		ticket := binary.BigEndian.AppendUint64(append([]byte(ticketMagic), 0), 7)
		record := append([]byte{journalRequest}, make([]byte, 8)...)
		for _, frame := range append(Frames{binary.BigEndian.AppendUint64(ticket, uint64(i))}, request...) {
			record = append(binary.LittleEndian.AppendUint64(record, uint64(len(frame))), frame...)
		}
		journal = binary.LittleEndian.AppendUint64(journal, uint64(len(record)))
		journal = binary.LittleEndian.AppendUint32(journal, crc32.Checksum(record, castagnoli))
		journal = append(journal, record...)
	}
	if err := os.WriteFile(path, journal, 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ := journalled(t, path, ForwarderOptions{})
	if got, want := f.Recovered(), (Recovered{Requests: 1, Refused: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	server := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	if got := texts(server.next()); got[len(got)-1] != "a message" {
		t.Errorf("the manager was given %q, want only what can be answered", got)
	}
}

// A manager that was given a request by the broker before, and answers when that is dead, does not know that nobody gets the answer.
func TestAnAnswerToADeadForwarderIsNoneToTheNext(t *testing.T) {
	const n = 501 // more than a manager is given at once
	path := journalPath(t)
	f, stop := journalled(t, path, ForwarderOptions{})
	client := open(t, Options{Kind: Dealer, Connect: f.Front()})
	for i := range n {
		send1(t, client, frames("", fmt.Sprint(i)))
	}
	eventually(t, "all are accepted", func() bool { return f.Waiting().Requests == n })
	stop()
	f, _ = journalled(t, path, ForwarderOptions{})
	server := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	var given []Frames
	for len(given) < n-1 {
		given = append(given, server.next())
	}
	last := slices.Clone(given[n-2])
	last[0] = bytes.Clone(last[0])
	number := last[0][ticketLength-8 : ticketLength]
	binary.BigEndian.PutUint64(number, binary.BigEndian.Uint64(number)+1)
	send1(t, server.c, last)
	for _, request := range given {
		send1(t, server.c, request)
	}
	if got := texts(server.next()); got[len(got)-1] != fmt.Sprint(n-1) {
		t.Errorf("got %q, want the one that was answered before it was given", got)
	}
}
