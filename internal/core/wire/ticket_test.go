package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestParseTicket(t *testing.T) {
	const id = "0000000100000002" + "0000000000000003"
	for name, c := range map[string]struct {
		frame string // in hexadecimal digits, behind the magic
		want  Ticket
	}{
		"of a request":              {"00" + id + hex.EncodeToString([]byte("127.0.0.1:5")), Ticket{ID: "100000002-3", Peer: "127.0.0.1:5"}},
		"without a peer":            {"01" + id, Ticket{ID: "100000002-3", Again: true}},
		"of an orphan":              {"07" + id + "00000000000003e8" + hex.EncodeToString([]byte("[::1]:5")), Ticket{ID: "100000002-3", Again: true, Orphan: true, Accepted: time.Unix(1, 0), Peer: "[::1]:5"}},
		"of one of a broker before": {"03" + id + hex.EncodeToString([]byte("[::1]:5")), Ticket{ID: "100000002-3", Again: true, Orphan: true, Peer: "[::1]:5"}},
		"with a time that is cut":   {"07" + id + "0000", Ticket{ID: "100000002-3", Again: true, Orphan: true, Peer: "\x00\x00"}},
	} {
		frame, err := hex.DecodeString(c.frame)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := ParseTicket(append([]byte(ticketMagic), frame...)); !ok || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, ok, c.want)
		}
	}
	for _, frame := range []string{"", ticketMagic, ticketMagic + "12345678901234567890\x00"[:16], "\x01nwx" + string(make([]byte, 17))} {
		if got, ok := ParseTicket([]byte(frame)); ok {
			t.Errorf("%q: got %+v", frame, got)
		}
	}
}

// TestWhatABrokerBeforeHasLeftHasItsTime gives again what a broker has left whose tickets had no time; the records have.
func TestWhatABrokerBeforeHasLeftHasItsTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.journal")
	ticket := append([]byte(ticketMagic+"\x00"), bytes.Repeat([]byte{7}, 16)...)
	ticket = append(ticket, bytes.Repeat([]byte("p"), 56)...) // as long as one could be
	var record []byte
	record = append(record, journalRequest)
	record = binary.LittleEndian.AppendUint64(record, 1_900_000_000_123)
	for _, frame := range [][]byte{ticket, []byte("id"), {}, []byte("report")} {
		record = binary.LittleEndian.AppendUint64(record, uint64(len(frame)))
		record = append(record, frame...)
	}
	file := []byte(journalMagic)
	file = binary.LittleEndian.AppendUint64(file, uint64(len(record)))
	file = binary.LittleEndian.AppendUint32(file, crc32.Checksum(record, castagnoli))
	if err := os.WriteFile(path, append(file, record...), 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ := journalled(t, path, ForwarderOptions{})
	manager := &reader{t: t, c: open(t, Options{Kind: Dealer, Connect: f.Back()})}
	want, _ := ParseTicket(ticket)
	want.Again, want.Orphan, want.Accepted = true, true, time.UnixMilli(1_900_000_000_123)
	if got := ticketOf(t, manager.next()); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
