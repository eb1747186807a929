package wire

import (
	"encoding/binary"
	"strconv"
	"time"
)

// Ticket is what the broker puts in front of the envelope of a request it passes to the manager, as one more routing frame. A
// peer that does not know it, such as the Python manager's REP socket, gives it back untouched with the reply.
type Ticket struct {
	ID       string    // names the request for good, also if the broker is another process by then
	Again    bool      // it may have been passed to a manager before
	Orphan   bool      // it was accepted by a broker that has died: the connection it came on is gone, and the answer will not arrive
	Accepted time.Time // when an orphan was, to the millisecond; zero of others, and if the broker is older than this
	Peer     string    // "ip:port" of the connection it came on; "" if it is not known
}

// On the wire: ticketMagic, flags, 8 bytes that name the broker's process (newJournalID), 8 bytes number, with ticketTimed 8 bytes when it was
// accepted (ms since 1970), all big-endian, and the peer as text.
const (
	ticketMagic  = "\x01nwt"
	ticketAgain  = 1
	ticketOrphan = 2
	ticketTimed  = 4
	ticketLength = len(ticketMagic) + 1 + 8 + 8
)

// ParseTicket reads a frame. It returns false if that is no ticket: the broker is of another make.
func ParseTicket(frame []byte) (Ticket, bool) {
	if len(frame) < ticketLength || string(frame[:len(ticketMagic)]) != ticketMagic {
		return Ticket{}, false
	}
	flags, rest := frame[len(ticketMagic)], frame[len(ticketMagic)+1:]
	t := Ticket{
		ID:     requestID(binary.BigEndian.Uint64(rest), binary.BigEndian.Uint64(rest[8:])),
		Again:  flags&ticketAgain != 0,
		Orphan: flags&ticketOrphan != 0,
	}
	rest = rest[16:]
	if flags&ticketTimed != 0 && len(rest) >= 8 {
		t.Accepted = time.UnixMilli(int64(binary.BigEndian.Uint64(rest)))
		rest = rest[8:]
	}
	t.Peer = string(rest)
	return t, true
}

func requestID(journal, number uint64) string {
	var space [40]byte
	id := append(strconv.AppendUint(space[:0], journal, 16), '-')
	return string(strconv.AppendUint(id, number, 10))
}
