package wire

import (
	"encoding/binary"
	"strconv"
	"time"
)

// Ticket is what the broker puts in front of the envelope of a request it passes to the manager, as one more routing frame. A
// peer that does not know it, such as the Python manager's REP socket, gives it back untouched with the reply.
type Ticket struct {
	ID     string    // names the request for good, also if the broker is another process by then
	Again  bool      // it may have been passed to a manager before
	Orphan bool      // it was accepted by a broker that has died: the connection it came on is gone, and the answer will not arrive
	Broker time.Time // when the broker's process that accepted it began, to the second
	Peer   string    // "ip:port" of the connection it came on; "" if it is not known
}

// On the wire: ticketMagic, flags, 8 bytes that name the broker's process (newJournalID), 8 bytes number, both big-endian, and the peer as text.
const (
	ticketMagic  = "\x01nwt"
	ticketAgain  = 1
	ticketOrphan = 2
	ticketLength = len(ticketMagic) + 1 + 8 + 8
)

// ParseTicket reads a frame. It returns false if that is no ticket: the broker is of another make.
func ParseTicket(frame []byte) (Ticket, bool) {
	if len(frame) < ticketLength || string(frame[:len(ticketMagic)]) != ticketMagic {
		return Ticket{}, false
	}
	flags, rest := frame[len(ticketMagic)], frame[len(ticketMagic)+1:]
	return Ticket{
		ID:     requestID(binary.BigEndian.Uint64(rest), binary.BigEndian.Uint64(rest[8:])),
		Again:  flags&ticketAgain != 0,
		Orphan: flags&ticketOrphan != 0,
		Broker: time.Unix(int64(binary.BigEndian.Uint32(rest)), 0), // newJournalID
		Peer:   string(rest[16:]),
	}, true
}

func requestID(journal, number uint64) string {
	var space [40]byte
	id := append(strconv.AppendUint(space[:0], journal, 16), '-')
	return string(strconv.AppendUint(id, number, 10))
}
