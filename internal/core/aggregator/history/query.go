package history

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// query is a question, and what of it can be asked of raw lines.
type query struct {
	control.LogsArgs
	search string // in lower case

	since, until string // as lines have it; "" for none
	needle       []byte // what every line that is wanted contains once its ASCII letters are lower case; empty: anything
}

func newQuery(args control.LogsArgs) query {
	q := query{LogsArgs: args, search: strings.ToLower(args.Search)}
	q.since, q.until = lineTime(args.Since), lineTime(args.Until)
	switch {
	case q.search != "":
		q.needle = appendEscaped(nil, longestASCII(q.search))
	case args.Launch != 0:
		q.needle = []byte("\t" + strconv.FormatInt(args.Launch, 10) + "\t")
	case args.Name != "":
		q.needle = foldASCII(nil, append(appendEscaped([]byte("\t"), args.Name), '\t'))
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

// isOver tells whether all records of a segment are too young.
func (q *query) isOver(s segment) bool {
	return !q.Until.IsZero() && s.begun.Add(-lateness).After(q.Until)
}

// wants tells whether a record is selected.
func (q *query) wants(r *feed.LogRecord) bool {
	return (q.Name == "" || r.Name == q.Name) &&
		(q.Launch == 0 || r.Launch == q.Launch) &&
		(q.Level == nil || r.Level >= *q.Level) &&
		!r.Time.Before(q.Since) &&
		(q.Until.IsZero() || !r.Time.After(q.Until)) &&
		(q.search == "" || strings.Contains(strings.ToLower(r.Message), q.search))
}

// span is a line of a block, without its newline.
type span struct{ from, to int32 }

// candidates appends the lines of a block that may be wanted, in their order. folded is the block with its ASCII letters
// in lower case.
func (q *query) candidates(found []span, block, folded []byte) []span {
	if len(q.needle) == 0 {
		for at := 0; at < len(block); {
			end := at + bytes.IndexByte(block[at:], '\n')
			if q.inTime(block[at:end]) {
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
		if q.inTime(block[from:end]) {
			found = append(found, span{int32(from), int32(end)})
		}
		at = end + 1
	}
	return found
}

// inTime tells whether a line can be of the time and level that are asked for.
func (q *query) inTime(line []byte) bool {
	if len(line) < len(timeFormat)+3 {
		return false
	}
	if at := line[:len(timeFormat)]; q.since != "" && string(at) < q.since || q.until != "" && string(at) > q.until {
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
