package wire

// #cgo pkg-config: libzmq
// #include <stdlib.h>
// #include "parts.h"
import "C"

import (
	"errors"
	"syscall"
	"unsafe"

	zmq "github.com/pebbe/zmq4"
)

// ErrNoPeer is why a mandatory Router could not deliver: nobody with that name is connected.
var ErrNoPeer = errors.New("no such peer is connected")

// ErrPeerBusy is why a mandatory Router, or an XPub with NoDrop, could not deliver: the peer's queue is full, so it is alive
// but does not read, or not fast enough.
var ErrPeerBusy = errors.New("the peer's queue is full")

// errAgain is "not now" of a call that does not wait.
const errAgain = zmq.Errno(syscall.EAGAIN)

// parts receives and sends whole messages on one socket. It is its owner's.
type parts struct {
	socket unsafe.Pointer
	c      *C.struct_parts // in C's memory, since libzmq's messages stay in it from one call to the next
	out    []byte          // the frames of a message to be sent, one behind the other
}

func newParts(s *zmq.Socket) *parts {
	return &parts{socket: handle(s), c: (*C.struct_parts)(C.calloc(1, C.sizeof_struct_parts))}
}

// receive appends one whole message to frames if there is one; errAgain if not.
func (p *parts) receive(frames Frames) (Frames, error) {
	for {
		if errno := C.parts_receive(p.c, p.socket); errno != 0 {
			return nil, zmq.Errno(errno)
		}
		held, size := p.c.n, 0
		for i := range held {
			size += int(p.c.size[i])
		}
		all := make([]byte, 0, size)
		for i := range held {
			from := len(all)
			all = append(all, unsafe.Slice((*byte)(p.c.data[i]), p.c.size[i])...)
			frames = append(frames, all[from:len(all):len(all)])
		}
		if p.c.more == 0 {
			return frames, nil
		}
	}
}

// maxKeptOut is how much memory of a large message is kept for the next one.
const maxKeptOut = 64 << 10

// send sends one whole message or nothing; errAgain if it cannot be now.
func (p *parts) send(frames Frames) error {
	var few [C.MAX_PARTS]C.size_t
	sizes := few[:0]
	p.out = p.out[:0]
	for _, f := range frames {
		sizes = append(sizes, C.size_t(len(f)))
		p.out = append(p.out, f...)
	}
	errno := C.parts_send(p.socket, (*C.uchar)(unsafe.SliceData(p.out)), unsafe.SliceData(sizes), C.int(len(sizes)))
	if cap(p.out) > maxKeptOut {
		p.out = nil
	}
	if errno != 0 {
		return zmq.Errno(errno)
	}
	return nil
}

func (p *parts) close() {
	C.parts_end(p.c)
	C.free(unsafe.Pointer(p.c))
}
