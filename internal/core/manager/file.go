package manager

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"nowcast/internal/core/checklist"
)

// The checklist file is current before a message is acknowledged as long as writing it takes less than writeInTurn.
// Beyond that it is written by a goroutine of its own, and is at most lag behind.
const (
	writeInTurn = 5 * time.Millisecond
	lag         = 1500 * time.Millisecond
)

// checklistFile writes the checklist for the eyes of others: operators, web pages, scripts. The store has the durable copy,
// so it is replaced atomically but not synced.
type checklistFile struct {
	path    string
	behind  bool             // the last write took too long for a turn of the loop
	timer   <-chan time.Time // set while a change waits to be written
	busy    bool             // a goroutine is writing
	again   bool             // the checklist changed meanwhile
	buf     []byte           // used again and again, not while busy
	written chan fileWrite
	failed  bool
}

type fileWrite struct {
	took time.Duration
	err  error
}

// due fires when a change has waited long enough.
func (f *checklistFile) due() <-chan time.Time { return f.timer }

// changed is called when the checklist has changed, before that is acknowledged.
func (f *checklistFile) changed(m *Manager, c *checklist.Checklist, seq int64) {
	switch {
	case !f.behind:
		began := time.Now()
		err := f.replace(f.text(c, seq))
		f.report(m, fileWrite{time.Since(began), err})
	case f.busy:
		f.again = true
	case f.timer == nil:
		f.timer = time.After(lag)
	}
}

// write writes the checklist in a goroutine; its end comes on written.
func (f *checklistFile) write(c *checklist.Checklist, seq int64) {
	f.timer = nil
	if f.written == nil {
		f.written = make(chan fileWrite, 1)
	}
	began := time.Now()
	text := f.text(c, seq)
	f.busy = true
	go func() {
		err := f.replace(text)
		f.written <- fileWrite{time.Since(began), err}
	}()
}

// done is called with what came on written.
func (f *checklistFile) done(m *Manager, w fileWrite) {
	f.busy = false
	f.report(m, w)
	if f.again || w.err != nil {
		f.again = false
		f.timer = time.After(lag)
	}
}

func (f *checklistFile) report(m *Manager, w fileWrite) {
	f.behind = w.took > writeInTurn || w.err != nil
	if w.err != nil && !f.failed {
		m.Log.Error("the checklist file cannot be written; the checklist itself is safe in the state directory", "err", w.err)
	}
	if w.err != nil && !f.busy && f.timer == nil {
		f.timer = time.After(lag)
	}
	f.failed = w.err != nil
}

// flush makes the file current before the manager ends.
func (f *checklistFile) flush(c *checklist.Checklist, seq int64) {
	if f.busy {
		<-f.written
	}
	if f.busy || f.timer != nil || f.again {
		f.replace(f.text(c, seq))
	}
}

// text returns the file's content, valid until the next call.
func (f *checklistFile) text(c *checklist.Checklist, seq int64) []byte {
	f.buf = c.AppendText(f.buf[:0])
	f.buf = fmt.Appendf(f.buf, "%s%d %08x\n", trailer, seq, crc32.Checksum(f.buf, castagnoli))
	return f.buf
}

func (f *checklistFile) replace(text []byte) error {
	tmp := filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+".new")
	w, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o664)
	if err != nil {
		return err
	}
	syscall.Fallocate(int(w.Fd()), 0, 0, int64(len(text)))
	_, err = w.Write(text)
	if e := w.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp, f.path)
}

// trailer begins the last line of a file that we wrote. The line lets the next start tell whether somebody edited the file.
const trailer = "# written by nowcast, do not edit this line: message and checksum "

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ourTrailer tells whether a file stands as we wrote it.
func ourTrailer(text []byte) bool {
	i := bytes.LastIndex(text, []byte("\n"+trailer))
	if i < 0 {
		return false
	}
	var seq int64
	var sum uint32
	if _, err := fmt.Sscanf(string(text[i+1+len(trailer):]), "%d %x\n", &seq, &sum); err != nil {
		return false
	}
	return crc32.Checksum(text[:i+1], castagnoli) == sum
}
