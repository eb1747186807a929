package wire

import (
	"encoding/binary"
	"iter"
)

// Collected is a message that a publisher sent. A log record has two frames, topic and text; of others Topic and Text are
// the first two, as far as there are so many.
type Collected struct {
	Topic, Text string
	Frames      int
	Peer        string // the publisher's address, without port; "" if libzmq does not know
	XPub        bool   // it is an XPUB socket, as our own publishers are, and not a PUB, as Python's are
}

// Batch is messages as a Collector reads them, one behind the other as collect.h describes. It does not change, so parts of
// it can be kept; each keeps all of it in memory.
type Batch string

const collectedHead = 12 // bytes of struct collected

// All returns the messages in the order of their arrival.
func (b Batch) All() iter.Seq[Collected] {
	return func(yield func(Collected) bool) {
		for rest := string(b); len(rest) >= collectedHead; {
			var head [collectedHead]byte
			copy(head[:], rest)
			rest = rest[collectedHead:]
			m := Collected{Frames: int(binary.NativeEndian.Uint16(head[8:])), XPub: head[10] != 0}
			m.Peer, rest = cut(rest, uint32(head[11]))
			m.Topic, rest = cut(rest, binary.NativeEndian.Uint32(head[0:]))
			m.Text, rest = cut(rest, binary.NativeEndian.Uint32(head[4:]))
			if !yield(m) {
				return
			}
		}
	}
}

func cut(s string, n uint32) (part, rest string) {
	at := min(int(n), len(s))
	return s[:at], s[at:]
}
