package logging

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"nowcast/internal/core/feed"
)

// trouble says, on stderr and to the consoles, when a handler stops being able to write and when it can again; not once
// per record.
type trouble struct {
	what   string // e.g. "log file /logs/x.log"
	say    func(level int, text string)
	alert  func(text string) // nil: it is no alert
	settle func(how string)  // with alert

	lost atomic.Int64 // records since it began; changed with mu held
	mu   sync.Mutex
}

func (l *Log) trouble(what string) *trouble {
	return &trouble{what: what, say: func(level int, text string) {
		// Where stderr is what cannot be written, this is lost as well, and the consoles remain.
		fmt.Fprintln(l.o.Stderr, text)
		l.tell(level, text, false)
	}}
}

// fileTrouble is the trouble of a log file. What is missing from one is missing for ever, so somebody must look after it now.
func (l *Log) fileTrouble(path string) *trouble {
	t := l.trouble("log file " + path)
	if l.o.Alert != nil {
		t.alert = func(text string) { l.o.Alert(path, text) }
		t.settle = func(how string) { l.o.Settle(path, how) }
	}
	return t
}

// tell sends a record about the logging itself to the consoles. It does not go through the handlers: they are what it is
// about. Unless it is published as well, or its own, the log aggregator writes it to its files.
func (l *Log) tell(level int, text string, published bool) {
	if l.o.Feed == nil {
		return
	}
	l.o.Feed(feed.LogRecord{Time: time.Now().UTC(), Level: feed.SlogLevel(level), Name: l.name, Message: text,
		Host: l.host, PID: l.pid, Launch: l.o.Launch, Published: published})
}

// report takes what became of one record.
func (t *trouble) report(err error) { t.reportAll(1, err) }

// reportAll takes what became of n records that were written together.
func (t *trouble) reportAll(n int, err error) {
	if err == nil && t.lost.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	lost := t.lost.Load()
	switch {
	case err != nil && lost == 0:
		text := fmt.Sprintf("%s cannot be written, so log records are missing from it: %v", t.what, err)
		t.say(failure, text)
		if t.alert != nil {
			t.alert(text)
		}
		fallthrough
	case err != nil:
		t.lost.Add(int64(n))
	case lost > 0:
		how := fmt.Sprintf("can be written again; %d records are not in it", lost)
		t.say(warning, t.what+" "+how)
		t.over("it " + how)
		t.lost.Store(0)
	}
}

// end says how many records are missing of what is closed.
func (t *trouble) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if lost := t.lost.Swap(0); lost > 0 {
		t.say(failure, fmt.Sprintf("%s is closed; %d records are not in it", t.what, lost))
		t.over("it is closed: nothing is logged to it any more")
	}
}

func (t *trouble) over(how string) {
	if t.settle != nil {
		t.settle(how)
	}
}
