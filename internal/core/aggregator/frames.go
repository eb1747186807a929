package aggregator

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
)

// unknownLevel is that of records whose level is not known: high enough for every file, and nobody is called at night for it.
const unknownLevel = 30

// longestName is how much of a publisher's name is kept.
const longestName = 200

// parsed is a record as a publisher sent it.
type parsed struct {
	name    string
	level   int    // Python's number
	unknown string // the level's name, if it is not known
	message string
}

// parseRecord reads a record from a publisher's frames (specs: compat section 5): topic NAME.LEVEL, perhaps with a subtopic behind
// it, and text, which a newline ends. Every topic is accepted; what is not two frames is not a record.
func parseRecord(m *wire.Collected) (r parsed, ok bool) {
	if m.Frames != 2 {
		return r, false
	}
	r.name, r.level, r.unknown = parseTopic(m.Topic)
	r.name = valid(r.name)
	if len(r.name) > longestName {
		r.name = strings.ToValidUTF8(r.name[:longestName], "")
	}
	r.message = valid(strings.TrimSuffix(m.Text, "\n"))
	return r, true
}

// parseTopic finds the level in a topic. The name is what stands before it, and may have dots.
func parseTopic(topic string) (name string, level int, unknown string) {
	first := strings.IndexByte(topic, '.')
	if first < 0 {
		return topic, unknownLevel, ""
	}
	for dot := first; dot >= 0; {
		word, _, more := strings.Cut(topic[dot+1:], ".")
		if level, ok := levelNumber(word); ok {
			return topic[:dot], level, ""
		}
		if !more {
			break
		}
		dot += 1 + len(word)
	}
	name, rest, _ := strings.Cut(topic, ".")
	unknown, _, _ = strings.Cut(rest, ".")
	return name, unknownLevel, unknown
}

// levelNumber knows the standard levels and what Python calls one without a name, such as "Level 25".
func levelNumber(name string) (int, bool) {
	if digits, ok := strings.CutPrefix(name, "Level "); ok {
		n, err := strconv.Atoi(digits)
		return n, err == nil && -1000 <= n && n <= 1000
	}
	return feed.PythonLevelNumber(name)
}

// valid returns text as UTF-8. Other bytes are shown as Python shows them with backslashreplace.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if _, n := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i])|0x100, 16)[1:])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// maxNames bounds how many publishers are told apart in one report: their names are theirs to choose.
const maxNames = 100

// others stands for all publishers beyond maxNames.
const others = "other publishers"

// publishersOf counts the messages of a batch by publisher.
func publishersOf(b wire.Batch) map[string]int {
	counts := map[string]int{}
	for m := range b.All() {
		name, _, _ := parseTopic(m.Topic)
		if _, known := counts[name]; !known && len(counts) >= maxNames {
			name = others
		}
		counts[name]++
	}
	return counts
}
