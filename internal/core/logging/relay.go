package logging

import (
	"slices"
	"time"
)

// Relayed is a record that another process has published, on its way to the files of logging: aggregator.
type Relayed struct {
	Time       time.Time
	Level      int    // Python's number
	LoggerName string // logger_name in formats: the process that logged
	Message    string
}

// Relay writes records in order through the handlers of this process's own logger (specs: compat section 5: logged at its
// level with logger_name). Files get all of a batch in one write. Nothing of it goes to the feed. It is for one caller at a
// time.
func (l *Log) Relay(records []Relayed) {
	if len(records) == 0 {
		return
	}
	t := l.hold()
	defer t.release()
	own := l.own.in(t)
	l.relay.begin(records, own.level)
	for _, target := range own.handlers {
		if s, ok := target.sink.(batchSink); ok {
			if b := l.relay.lines(s.formatter(), l.name, target.level); len(b.ends) > 0 {
				s.emitLines(b)
			}
			continue
		}
		for i := range records {
			if level := records[i].Level; level >= own.level && level >= target.level {
				s := relayed(&records[i], l.name)
				target.sink.emit(&s)
			}
		}
	}
	l.relay.end()
}

func relayed(r *Relayed, name string) record {
	return record{time: r.Time, level: r.Level, name: name, loggerName: r.LoggerName, message: r.Message}
}

// batchSink is a sink that can write many records at once.
type batchSink interface {
	formatter() *formatter
	emitLines(*lines)
}

// lines are formatted records.
type lines struct {
	format *formatter
	text   []byte
	ends   []int // where each line ends in text, after its newline
	at     time.Time
}

// maxKept is how much of the memory of a large batch is kept for the next one.
const maxKept = 4 << 20

// relay is the memory of Relay: each record is formatted once for each formatter, whatever the number of handlers.
type relay struct {
	records   []Relayed
	level     int      // of the logger
	formatted []*lines // of all records, one for each formatter; the first used are valid
	used      int
	chosen    lines // of those that a handler passes
	rec       record
}

func (r *relay) begin(records []Relayed, level int) { r.records, r.level, r.used = records, level, 0 }

func (r *relay) end() {
	r.records, r.rec = nil, record{}
	if cap(r.chosen.text) > maxKept {
		r.chosen.text = nil
	}
	for _, f := range r.formatted {
		if cap(f.text) > maxKept {
			f.text = nil
		}
	}
}

// lines returns what a handler of the given formatter and level writes. It is valid until the next call.
func (r *relay) lines(f *formatter, name string, level int) *lines {
	all := r.format(f, name)
	level = max(level, r.level)
	if !slices.ContainsFunc(r.records, func(in Relayed) bool { return in.Level < level }) {
		return all
	}
	c := &r.chosen
	c.text, c.ends, c.at = c.text[:0], c.ends[:0], all.at
	from := 0
	for i := range r.records {
		if r.records[i].Level >= level {
			c.text = append(c.text, all.text[from:all.ends[i]]...)
			c.ends = append(c.ends, len(c.text))
		}
		from = all.ends[i]
	}
	return c
}

// format formats all records, unless it was done for another handler.
func (r *relay) format(f *formatter, name string) *lines {
	for _, b := range r.formatted[:r.used] {
		if b.format == f {
			return b
		}
	}
	if r.used == len(r.formatted) {
		r.formatted = append(r.formatted, &lines{})
	}
	b := r.formatted[r.used]
	r.used++
	b.format, b.at, b.text, b.ends = f, r.records[0].Time, b.text[:0], b.ends[:0]
	for i := range r.records {
		r.rec = relayed(&r.records[i], name)
		b.text = append(f.append(b.text, &r.rec), '\n')
		b.ends = append(b.ends, len(b.text))
	}
	return b
}
