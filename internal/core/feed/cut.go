package feed

import (
	"fmt"
	"unicode/utf8"
)

// LongestMessage is how many bytes of a log record's message the log aggregator hands on and keeps, so that one record cannot
// push out all others. The log files have all of it.
const LongestMessage = 256 << 10

// CutMessage returns a message of at most LongestMessage bytes, which says how many are missing. What is cut already stays as it is.
func CutMessage(m string) string {
	if len(m) <= LongestMessage {
		return m
	}
	const words = 64 // at most, of what is said
	end := LongestMessage - words
	for range utf8.UTFMax { // not within a character
		if utf8.RuneStart(m[end]) {
			break
		}
		end--
	}
	return fmt.Sprintf("%s... (%d bytes more)", m[:end], len(m)-end)
}
