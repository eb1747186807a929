package logging

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"nowcast/internal/core/wire"
)

// sayEvery is how often it is said that records are dropped, and how often it is tried whether there is room to say it.
const sayEvery = 500 * time.Millisecond

// overflow counts the records that a subscriber's full queue refused, and says how many: to the consoles at once, and among
// the published records as soon as there is room for one more.
type overflow struct {
	name  string
	topic []byte // of its own records
	feed  func(text string)
	send  func(wire.Frames)

	mu     sync.Mutex
	lost   int         // guarded by mu: what no published record has said yet
	untold int         // guarded by mu: what was not said to the consoles yet
	out    []said      // guarded by mu: the newest of our own records; they may yet be refused
	timer  *time.Timer // guarded by mu: running while there is something to say
	closed bool        // guarded by mu
}

// said is a record of our own that was handed to the socket.
type said struct {
	text []byte
	lost int
}

// maxOut is how many of them are remembered. One is made every sayEvery, and one more by close: the socket has decided on
// older ones long ago.
const maxOut = 4

// refused takes a message that was not sent. If it is one of our own, what it would have said is still to be said.
func (o *overflow) refused(m wire.Frames, _ error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	own := slices.IndexFunc(o.out, func(s said) bool { return bytes.Equal(s.text, m[1]) })
	if own >= 0 && bytes.Equal(o.topic, m[0]) {
		o.lost += o.out[own].lost
		o.out = slices.Delete(o.out, own, own+1)
	} else {
		o.lost++
		o.untold++
	}
	if o.timer == nil && !o.closed {
		o.timer = time.AfterFunc(sayEvery, o.say)
	}
}

// say says what there is to say, and comes back if it may not have been heard.
func (o *overflow) say() {
	o.mu.Lock()
	lost, untold := o.lost, o.untold
	o.lost, o.untold = 0, 0
	report := []byte(o.words(lost) + "\n")
	if lost > 0 {
		o.out = append(o.out[max(0, len(o.out)+1-maxOut):], said{report, lost})
	}
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
	o.mu.Unlock()
	// Not with mu held: sending may wait for the owner of the socket, who may wait in refused.
	if untold > 0 {
		o.feed(o.words(untold))
	}
	if lost > 0 {
		o.send(wire.Frames{o.topic, report})
	}
}

func (o *overflow) words(n int) string {
	return fmt.Sprintf("%d log records of %s were dropped: the log aggregator did not keep up", n, o.name)
}

// close says the last to the consoles. The socket is closed.
func (o *overflow) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.say()
}
