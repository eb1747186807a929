package manager

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"nowcast/internal/core/checklist"
)

// The checklist file is current before a message is acknowledged as long as writing it takes less than writeInTurn: the
// committer writes the new file while it makes a turn durable, and then renames it. Beyond that it is written by a goroutine of its own, and is at most
// lag behind.
const (
	writeInTurn = 5 * time.Millisecond
	lag         = 1500 * time.Millisecond
)

// checklistFile writes the checklist for the eyes of others: operators, web pages, scripts. The store has the durable copy,
// so it is replaced atomically but not synced.
type checklistFile struct {
	path    string
	log     *slog.Logger
	behind  bool             // the last write took too long to be waited for
	timer   <-chan time.Time // set while a change waits to be written
	busy    bool             // a write is on its way, with the committer or in a goroutine of its own: it has buf
	again   bool             // the checklist changed meanwhile
	buf     []byte           // used again and again by one fileWrite at a time
	written chan *fileWrite
	failed  bool
}

// fileWrite is one replacement of the file: what it shall contain, and what came of it. It uses nothing of checklistFile, so any
// goroutine may do it.
type fileWrite struct {
	path string
	text []byte
	next string // the new file, beside the old one, when it is written
	took time.Duration
	err  error
}

// due fires when a change has waited long enough.
func (f *checklistFile) due() <-chan time.Time { return f.timer }

// changed is called with a changed checklist before the change is made durable. It returns the write that must follow before
// the change is acknowledged, or nil and sees to a later one.
func (f *checklistFile) changed(c *checklist.Checklist, seq int64) *fileWrite {
	switch {
	case f.busy:
		f.again = true
	case !f.behind:
		return f.prepare(c, seq)
	case f.timer == nil:
		f.timer = time.After(lag)
	}
	return nil
}

// write writes the checklist in a goroutine; its end comes on written.
func (f *checklistFile) write(c *checklist.Checklist, seq int64) {
	f.timer = nil
	if f.busy {
		f.again = true
		return
	}
	if f.written == nil {
		f.written = make(chan *fileWrite, 1)
	}
	w := f.prepare(c, seq)
	go func() {
		w.replace()
		f.written <- w
	}()
}

// done is called with a write that has ended.
func (f *checklistFile) done(w *fileWrite) {
	f.busy = false
	f.behind = w.took > writeInTurn || w.err != nil
	if w.err != nil && !f.failed {
		f.log.Error("the checklist file cannot be written; the checklist itself is safe in the state directory", "err", w.err)
	}
	f.failed = w.err != nil
	if (f.again || f.failed) && f.timer == nil {
		f.timer = time.After(lag)
	}
	f.again = false
}

// flush makes the file current before the manager ends.
func (f *checklistFile) flush(c *checklist.Checklist, seq int64) {
	if f.busy {
		f.done(<-f.written)
	}
	if f.timer != nil || f.again {
		f.writeNow(c, seq)
	}
}

// writeNow writes the checklist and waits for that, when there is no loop to be held up.
func (f *checklistFile) writeNow(c *checklist.Checklist, seq int64) {
	w := f.prepare(c, seq)
	w.replace()
	f.done(w)
}

// prepare returns a write of the checklist as it is. Its text is valid until the next one is prepared, which busy puts off
// until done.
func (f *checklistFile) prepare(c *checklist.Checklist, seq int64) *fileWrite {
	began := time.Now()
	f.busy = true
	f.buf = c.AppendText(f.buf[:0])
	f.buf = append(f.buf, trailerLine(f.buf, seq)...)
	return &fileWrite{path: f.path, text: f.buf, took: time.Since(began)}
}

func (w *fileWrite) replace() {
	began := time.Now()
	w.write()
	w.rename()
	w.took += time.Since(began)
}

// write writes the new file. Nobody looks at it before rename.
func (w *fileWrite) write() { w.next, w.err = writeBeside(w.realPath(), w.text) }

// begin has the new file written while the turn is made durable, unless another manager may be at it. What it returns is closed
// when that is done, and is for end.
func (w *fileWrite) begin(held bool) <-chan struct{} {
	written := make(chan struct{})
	if w == nil || !held {
		close(written)
		return written
	}
	go func() {
		defer close(written)
		w.write()
	}()
	return written
}

// end puts the new file in its place when the turn is durable. It takes as long as whoever waits for the turn must wait longer.
func (w *fileWrite) end(written <-chan struct{}) {
	if w == nil {
		return
	}
	began := time.Now()
	<-written
	if w.next == "" && w.err == nil {
		w.write()
	}
	w.rename()
	w.took += time.Since(began)
}

// rename puts the new file in the place of the old one.
func (w *fileWrite) rename() {
	if w.err == nil {
		w.err = os.Rename(w.next, w.realPath())
	}
}

// realPath is path, and if it is a link the file at its end.
func (w *fileWrite) realPath() string {
	if info, err := os.Lstat(w.path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		if real, err := filepath.EvalSymlinks(w.path); err == nil {
			return real
		}
	}
	return w.path
}

// writeBeside writes a file that is to replace another, with the mode of that, and returns its name.
func writeBeside(path string, text []byte) (string, error) {
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	w, err := os.OpenFile(next, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o664)
	if err != nil {
		return "", err
	}
	if old, err := os.Stat(path); err == nil {
		_ = w.Chmod(old.Mode().Perm()) // whoever could read it still can; it is ours, so this does not fail
	}
	// With its blocks allocated now, the rename need not wait until the file system has done it.
	_ = syscall.Fallocate(int(w.Fd()), 0, 0, int64(len(text)))
	_, err = w.Write(text)
	if e := w.Close(); err == nil {
		err = e
	}
	return next, err
}

// trailer begins the last line of a file that we wrote. The line lets the next start tell whether somebody edited the file.
const trailer = "# written by nowcast, do not edit this line: message and checksum "

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func trailerLine(text []byte, seq int64) []byte {
	return fmt.Appendf(nil, "%s%d %08x\n", trailer, seq, crc32.Checksum(text, castagnoli))
}

// ourTrailer tells whether a file stands as we wrote it, and the message it is current with.
func ourTrailer(text []byte) (seq int64, ours bool) {
	i := bytes.LastIndex(text, []byte("\n"+trailer)) + 1
	if i == 0 {
		return 0, false
	}
	if _, err := fmt.Sscanf(string(text[i+len(trailer):]), "%d", &seq); err != nil {
		return 0, false
	}
	return seq, bytes.Equal(text[i:], trailerLine(text[:i], seq)) // nothing was added behind it either
}
