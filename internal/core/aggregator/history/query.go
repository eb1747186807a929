package history

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// query is a question, and what of it can be asked of raw lines.
type query struct {
	Filter

	since, until string   // as lines have it; "" for none
	needle       []byte   // what every line that is wanted contains once its ASCII letters are lower case; empty: anything
	either       [][]byte // parts of lines as they are, one of which every line that is wanted contains; nil: anything
}

func newQuery(args control.LogsArgs) query {
	q := query{Filter: NewFilter(args)}
	q.since, q.until = lineTime(args.Since), lineTime(args.Until)
	launch, worker := []byte("\t"+strconv.FormatInt(args.Launch, 10)+"\t"), append(appendEscaped([]byte("\t"), args.Worker), '\t')
	switch {
	case q.search != "":
		q.needle = appendEscaped(nil, longestASCII(q.search))
	case args.Launch != 0 && args.Worker == "":
		q.needle = launch
	case args.Name != "":
		q.needle = foldASCII(nil, append(appendEscaped([]byte("\t"), args.Name), '\t'))
	}
	if args.Launch != 0 && args.Worker != "" {
		q.either = [][]byte{worker, launch}
	}
	return q
}

func lineTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}

// longestASCII returns the longest part of s that is ASCII: letters of other alphabets have several forms.
func longestASCII(s string) (longest string) {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

// lateness is how much later than its time a record may come, after a jam of the feed say, and still be found by Until.
const lateness = time.Hour

// isBefore tells whether all records of a segment are too old. Nothing came from a launch before From, whatever its host's clock says.
func (q *query) isBefore(s segment) bool {
	return s.written.Before(q.Since) || q.Launch != 0 && s.written.Before(q.From)
}

// isOver tells whether all records of a segment are too young.
func (q *query) isOver(s segment) bool {
	return !q.Until.IsZero() && s.begun.Add(-lateness).After(q.Until)
}

// span is a line of a block, without its newline.
type span struct{ from, to int32 }

// candidates appends the lines of a block that may be wanted, in their order. folded is the block with its ASCII letters
// in lower case.
func (q *query) candidates(found []span, block, folded []byte) []span {
	if len(q.needle) == 0 {
		for at := 0; at < len(block); {
			end := at + bytes.IndexByte(block[at:], '\n')
			if q.may(block[at:end]) {
				found = append(found, span{int32(at), int32(end)})
			}
			at = end + 1
		}
		return found
	}
	for at := 0; at < len(block); {
		hit := bytes.Index(folded[at:], q.needle)
		if hit < 0 {
			break
		}
		hit += at
		from := at + bytes.LastIndexByte(block[at:hit], '\n') + 1
		end := hit + bytes.IndexByte(block[hit:], '\n')
		if q.may(block[from:end]) {
			found = append(found, span{int32(from), int32(end)})
		}
		at = end + 1
	}
	return found
}

// may tells whether a line can be of the time, launch and level that are asked for.
func (q *query) may(line []byte) bool {
	if len(line) < len(timeFormat)+3 {
		return false
	}
	if at := line[:len(timeFormat)]; q.since != "" && string(at) < q.since || q.until != "" && string(at) > q.until {
		return false
	}
	if q.either != nil && !slices.ContainsFunc(q.either, func(part []byte) bool { return bytes.Contains(line, part) }) {
		return false
	}
	if q.Level == nil {
		return true
	}
	level, rest, _ := bytes.Cut(line[len(timeFormat)+1:], []byte{'\t'})
	n, err := strconv.Atoi(string(level))
	return err == nil && rest != nil && feed.SlogLevel(n) >= *q.Level
}

// foldASCII appends s with its ASCII letters in lower case.
func foldASCII(to, s []byte) []byte {
	at := len(to)
	to = append(to, s...)
	for i, c := range to[at:] {
		to[at+i] = lower[c]
	}
	return to
}

var lower = func() (table [256]byte) {
	for c := range table {
		table[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			table[c] = byte(c) + 'a' - 'A'
		}
	}
	return table
}()

// timeOf returns the time of a block's first line.
func timeOf(block []byte) (time.Time, bool) {
	if len(block) < len(timeFormat) {
		return time.Time{}, false
	}
	at, err := time.Parse(timeFormat, string(block[:len(timeFormat)]))
	return at, err == nil
}
