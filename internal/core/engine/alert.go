package engine

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unicode/utf8"
)

// LongestAlert is how many bytes of text an alert has: a console, a heartbeat and a mail must hold hundreds of them, and a worker, or whoever
// else is quoted, may say anything.
const LongestAlert = 2000

// EndTooMany is the End of an alert that was given up to make room for others. It does not say that its cause is gone.
const EndTooMany = "there were too many alerts"

// CutAlert returns a text as an alert may have it, which says how much is missing.
func CutAlert(text string) string {
	if len(text) <= LongestAlert {
		return text
	}
	const words = 40 // at most, of what is said
	end := LongestAlert - words
	for range utf8.UTFMax { // not within a character
		if utf8.RuneStart(text[end]) {
			break
		}
		end--
	}
	return fmt.Sprintf("%s... (%d bytes more)", strings.ToValidUTF8(text[:end], "?"), len(text)-end)
}

// DiskFull is Alert.Because of what cannot be written since a disk is full: of whichever daemon, and whether or not somebody has an alert about
// that disk.
const DiskFull = "disk full"

// BecauseOf returns Alert.Because for an error: DiskFull, or "" if that says nothing. SQLite and PostgreSQL have words of their own for it.
func BecauseOf(err error) string {
	var sqlite interface{ Code() int }
	var postgres interface{ SQLState() string }
	const sqliteFull, postgresFull = 13, "53100"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT),
		errors.As(err, &sqlite) && sqlite.Code()&0xff == sqliteFull,
		errors.As(err, &postgres) && postgres.SQLState() == postgresFull:
		return DiskFull
	}
	return ""
}
