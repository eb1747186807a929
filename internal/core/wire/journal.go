package wire

// #include "forward.h"
import "C"

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/statefile"
)

// journal is what Run knows of the file behind the requests in hand; journal.h says what is in it. Nothing waits for it: when it
// cannot be written, requests are passed on without it, and a broker that dies then takes them with it.
//
// It is written anew at a start, when it has grown, and when it can be written again after trouble: the requests in hand go
// to a new file, which then takes its name.
type journal struct {
	path    string // "": there is none
	locked  *os.File
	trouble error // why it cannot be written, as told; nil: it can
	retry   time.Time
	looked  time.Time // when its place was looked at last
}

const (
	// rewriteAbove is how large the journal may become before it is written anew, while there is always something unanswered in it.
	// (When there is nothing, it is emptied as soon as it has 1 MiB.)
	rewriteAbove = 64 << 20
	// journalRetry is the time between two attempts to write a journal again that could not be written.
	journalRetry = time.Second
)

// Recovered says what an earlier Forwarder left in the journal.
type Recovered struct {
	Requests int    // unanswered: they are given again, before anything new
	Refused  int    // left out: an older broker has accepted them, and nobody could answer them (ForwarderOptions.Refused)
	Damage   error  // why not all of the journal could be read; nil: it could
	Aside    string // where the damaged journal is now; "" if it could not be put aside, or is not damaged
}

// Recovered returns what was found in the journal.
func (f *Forwarder) Recovered() Recovered { return f.recovered }

// recover takes over what is in the journal, and begins a new one. The error says that somebody else has it.
func (f *Forwarder) recover() error {
	if f.options.Journal == "" {
		return nil
	}
	f.journal.path = f.options.Journal
	var err error
	if f.journal.locked, err = lockJournal(f.journal.path); err != nil {
		return err
	}
	f.recovered.Requests, f.recovered.Damage = f.restore()
	if f.recovered.Damage != nil {
		f.recovered.Damage = fmt.Errorf("%s: %w", f.journal.path, f.recovered.Damage)
		aside, err := statefile.PutAside(f.journal.path, time.Now())
		if err == nil {
			f.recovered.Aside = aside
		}
	}
	f.renewJournal(time.Now())
	return nil
}

// lockJournal keeps out a second process, which would give the requests of the first to its own manager and put its own journal in the place of
// this one: that it has other ports is no reason to believe that it is alone. The kernel lets go of the lock with the process. The file is
// another one, because the journal itself is replaced now and then. Where none can be made, there will be no journal either.
func lockJournal(path string) (*os.File, error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("another message broker works with %s: stop it first, or give this one another state directory (%w)", path, err)
	}
	return file, nil
}

// newJournalID names this process's requests: no two processes may ever use the same number for two requests, whatever became of the
// journal. So a number does not go on from one to the next; the time and a random number tell them apart.
func newJournalID() uint64 {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	return uint64(time.Now().Unix())<<32 | uint64(binary.BigEndian.Uint32(random[:]))
}

// restore puts the unanswered requests of a journal into the ledger.
func (f *Forwarder) restore() (n int, err error) {
	file, err := os.Open(f.journal.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	unanswered, good, damage := readJournal(file, info.Size())
	if damage != nil {
		damage = fmt.Errorf("%w at byte %d of %d", damage, good, info.Size())
	}
	for _, k := range unanswered {
		frames := make([]byte, k.length)
		if _, err := file.ReadAt(frames, k.offset); err != nil {
			return n, errors.Join(damage, err)
		}
		if !enveloped(frames) {
			f.recovered.Refused++
			continue
		}
		if C.ledger_restore(&f.loop.ledger, C.int64_t(k.since.UnixMilli()), (*C.uchar)(unsafe.Pointer(&frames[0])), C.size_t(len(frames))) < 0 {
			return n, errors.Join(damage, syscall.ENOMEM)
		}
		n++
	}
	return n, damage
}

// careForJournal does what the inner loop leaves to Go. It is called by Run between turns.
func (f *Forwarder) careForJournal(now time.Time) {
	if f.loop.journal.error != f.loop.journal_error {
		f.loop.journal_error = f.loop.journal.error
		f.journalTrouble(fmt.Errorf("write %s: %w", f.journal.path, syscall.Errno(f.loop.journal.error)), now)
	}
	if f.journal.path != "" && f.journal.trouble == nil && now.Sub(f.journal.looked) >= journalRetry {
		f.journal.looked = now
		if err := f.journalInPlace(); err != nil {
			f.journalTrouble(err, now)
			f.renewJournal(now) // all that is unanswered is in hand
		}
	}
	if f.journal.trouble != nil && !now.Before(f.journal.retry) || f.loop.journal.size > f.loop.journal_max {
		f.renewJournal(now)
	}
}

// journalInPlace returns why the next broker will not find what this one writes.
func (f *Forwarder) journalInPlace() error {
	var named, written unix.Stat_t
	if unix.Fstat(int(f.loop.journal.fd), &written) != nil {
		return nil // there is none, which is told already
	}
	if err := unix.Stat(f.journal.path, &named); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("look at %s: %w", f.journal.path, err)
	}
	if named.Dev != written.Dev || named.Ino != written.Ino {
		return fmt.Errorf("%s was removed, or another file has its name", f.journal.path)
	}
	return nil
}

// remind has Run care for the journal while requests are in it: the inner loop goes on for long when all goes well.
func (f *Forwarder) remind(ctx context.Context) {
	tick := time.NewTicker(journalRetry)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if f.Waiting().Requests > 0 {
				f.bell.ring()
			}
		}
	}
}

// renewJournal writes a new journal and puts it in the place of the one before.
func (f *Forwarder) renewJournal(now time.Time) {
	fresh := f.journal.path + ".new"
	err := f.writeJournal(fresh)
	if err == nil {
		err = os.Rename(fresh, f.journal.path)
	}
	if err != nil {
		_ = os.Remove(fresh)
	}
	// Requests in hand can be more than that; it may then double before the next time.
	f.loop.journal_max = max(rewriteAbove, 2*f.loop.journal.size)
	f.loop.journal_error = f.loop.journal.error
	f.journalTrouble(err, now)
}

func (f *Forwarder) writeJournal(path string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if errno := C.forward_journal(f.loop, C.int(fd)); errno != 0 {
		return &fs.PathError{Op: "write", Path: path, Err: syscall.Errno(errno)}
	}
	return nil
}

// journalTrouble tells of a change: there is trouble, or there is none any more.
func (f *Forwarder) journalTrouble(err error, now time.Time) {
	f.journal.retry = now.Add(journalRetry)
	changed := (err == nil) != (f.journal.trouble == nil)
	f.journal.trouble = err
	if changed && f.options.Trouble != nil {
		f.options.Trouble(err)
	}
}
