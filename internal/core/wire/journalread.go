package wire

// #include "ledger.h"
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"
)

// kept is a request in a journal: where its frames are, each with its length before it.
type kept struct {
	offset, length int64
	since          time.Time
}

// errJournalCut is what a process leaves that was killed while it wrote.
var errJournalCut = errors.New("it ends in the middle of a record")

// As in journal.h.
const (
	journalMagic    = "nwbrj1\r\n"
	journalRequest  = 1
	journalAnswered = 2
	recordHead      = 8 + 4 // length and checksum
	requestHead     = 1 + 8 // kind and time
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// readJournal returns the requests without an answer, in the order in which they were accepted, and how far the journal could be read.
// An error says what is wrong behind that; what is before it counts.
func readJournal(file io.ReaderAt, size int64) (unanswered []kept, good int64, err error) {
	if size == 0 {
		return nil, 0, nil
	}
	magic := make([]byte, min(size, int64(len(journalMagic))))
	if _, err := file.ReadAt(magic, 0); err != nil {
		return nil, 0, err
	}
	if string(magic) != journalMagic[:len(magic)] {
		return nil, 0, fmt.Errorf("it begins with %q, want %q", magic, journalMagic)
	}
	good = int64(len(journalMagic))
	requests := map[string]kept{} // by the ticket's journal and number
	for good < size && err == nil {
		var record []byte
		if record, err = readRecord(file, good, size); err == nil {
			err = take(requests, record, good+recordHead)
		}
		if err == nil {
			good += recordHead + int64(len(record))
		}
	}
	for _, k := range requests {
		unanswered = append(unanswered, k)
	}
	slices.SortFunc(unanswered, func(a, b kept) int { return int(a.offset - b.offset) })
	return unanswered, min(good, size), err
}

// readRecord reads the record at an offset and compares its checksum.
func readRecord(file io.ReaderAt, at, size int64) ([]byte, error) {
	var head [recordHead]byte
	if size-at < recordHead {
		return nil, errJournalCut
	}
	if _, err := file.ReadAt(head[:], at); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(head[:])
	if length > uint64(size-at-recordHead) {
		return nil, errJournalCut
	}
	record := make([]byte, length)
	if _, err := file.ReadAt(record, at+recordHead); err != nil {
		return nil, err
	}
	if sum := crc32.Checksum(record, castagnoli); sum != binary.LittleEndian.Uint32(head[8:]) {
		return nil, errors.New("the checksum of a record is wrong")
	}
	return record, nil
}

// take notes a request, or that it was answered.
func take(requests map[string]kept, record []byte, at int64) error {
	switch {
	case len(record) > requestHead && record[0] == journalRequest:
		id, err := ticketID(record[requestHead:])
		if err != nil {
			return err
		}
		since := time.UnixMilli(int64(binary.LittleEndian.Uint64(record[1:])))
		requests[id] = kept{at + requestHead, int64(len(record) - requestHead), since}
	case len(record) == 1+C.TICKET_ID_LENGTH && record[0] == journalAnswered:
		delete(requests, string(record[1:]))
	default:
		return errors.New("a record is none that this version of nowcastd writes")
	}
	return nil
}

// enveloped tells whether there is an empty frame behind ticket and identity, and a message behind that, as forward.c wants it of a
// request. Of frames it is known that they are whole (ticketID).
func enveloped(frames []byte) bool {
	for i := 0; len(frames) > 0; i++ {
		length := binary.LittleEndian.Uint64(frames)
		frames = frames[8+length:]
		if i >= 2 && length == 0 && len(frames) > 0 {
			return true
		}
	}
	return false
}

// ticketID checks that frames are a ticket and parts behind it, and returns its journal and number.
func ticketID(frames []byte) (id string, err error) {
	for first := true; len(frames) > 0; first = false {
		if len(frames) < 8 {
			return "", errors.New("a frame of a request is cut")
		}
		length := binary.LittleEndian.Uint64(frames)
		frames = frames[8:]
		if length > uint64(len(frames)) {
			return "", errors.New("a frame of a request is cut")
		}
		if first {
			if _, ok := ParseTicket(frames[:length]); !ok || length > C.TICKET_MAX {
				return "", errors.New("a request has no ticket")
			}
			id = string(frames[C.TICKET_ID : C.TICKET_ID+C.TICKET_ID_LENGTH])
		}
		frames = frames[length:]
	}
	if id == "" {
		return "", errors.New("a request has no ticket")
	}
	return id, nil
}
