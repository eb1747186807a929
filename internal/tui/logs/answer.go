package logs

import (
	"time"

	"nowcast/internal/tui/widget"
)

// Ask is a question to the log aggregator: lines before Before, the answer to an earlier question, or the newest.
type Ask struct {
	Number int
	Filter widget.LogFilter
	Search string // only lines that contain this
	Until  time.Time
	Before string
}

// Answer is what it said.
type Answer struct {
	Number  int
	Lines   []widget.LogLine // oldest first
	Older   string           // where to go on; "": there is nothing older
	Reached time.Time        // how far back was looked, if it was not to the first line
	Err     error
}

// Answer takes the log aggregator's answer in. Where it does not have what was looked for, but there is more, it goes on.
func (m *Model) Answer(a Answer) Action {
	p := m.past
	if p == nil || a.Number != p.ask.Number {
		return Action{} // the operator has left, or asked something else
	}
	p.underway = false
	if a.Err != nil {
		p.failed = true
		return Action{Kind: Refuse, Why: "older lines could not be read: " + a.Err.Error()}
	}
	p.reached, p.end = a.Reached, a.Older == ""
	p.ask.Before = a.Older
	fresh := p.fresh(a.Lines)
	last := p.buf.End()
	p.buf.Prepend(fresh)
	p.trim()
	p.seamless = p.seamless && p.buf.End() == last
	p.pane.Sync()
	if !p.target.IsZero() && (p.end || p.oldest().Compare(p.target) <= 0 && p.buf.Len() > 0) {
		p.pane.GoTo(p.target)
		p.target = time.Time{}
		return Action{}
	}
	if (len(fresh) == 0 || !p.target.IsZero()) && !p.end {
		return m.goOn()
	}
	return Action{}
}

// trim drops the newest lines beyond pastBytes.
func (p *past) trim() {
	bytes := 0
	for n := p.buf.First(); n < p.buf.End(); n++ {
		if bytes += len(p.buf.At(n).Text); bytes > pastBytes && n > p.buf.First() {
			p.buf.TakeBack(n)
		}
	}
}

// oldest is the time of the oldest line.
func (p *past) oldest() time.Time {
	if p.buf.Len() == 0 {
		return time.Time{}
	}
	return p.buf.At(p.buf.First()).Time
}

// fresh returns those lines that are not there yet.
func (p *past) fresh(lines []widget.LogLine) []widget.LogLine {
	fresh := make([]widget.LogLine, 0, len(lines))
	for _, l := range lines {
		if !p.ask.Until.IsZero() && l.Time.After(p.ask.Until) || !p.ask.Filter.Accepts(&l) {
			continue
		}
		if l.Time.Equal(p.ask.Until) {
			if k := same(&l); p.have[k] > 0 {
				p.have[k]--
				continue
			}
		}
		fresh = append(fresh, l)
	}
	return fresh
}

// same is what makes two copies of a line the same line. The live one has been cleaned.
func same(l *widget.LogLine) widget.LogLine {
	k := l.Cleaned()
	k.Time = k.Time.UTC().Round(0)
	return k
}
