// Package link is the console's only input and output besides the terminal: it turns the feed into messages and what
// the operator asks for into control commands.
//
// Its commands change no state; they return messages, and the root model changes state. The feed reaches the model in frames: one
// message with all that has come, at most ten a second, and one a second when nothing comes, to move the clock. So a storm
// of log lines costs the terminal no more than a quiet night.
package link

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// Names of the daemons that answer commands.
const (
	Manager    = feed.SourceManager
	Aggregator = "log_aggregator"
	Broker     = "message_broker"
	Scheduler  = feed.SourceScheduler
	Alerter    = feed.SourceAlerter
)

const (
	frame       = 100 * time.Millisecond // least distance of two frames with events
	clock       = time.Second            // greatest distance of two frames
	callTimeout = 15 * time.Second       // for what an operator asked
	askTimeout  = 5 * time.Second        // for what the console asks by itself, and asks again
	history     = 2000                   // log lines from before the console was there
	maxFrame    = 200_000                // events in one frame; more wait for the next
)

// Caller sends one command and waits for its answer; the error says what to do. It is safe for concurrent use.
type Caller interface {
	Call(ctx context.Context, target, command string, args, result any) error
}

// Link is the connection to the daemons. Its methods return commands for Bubble Tea, which runs each in a goroutine of its own.
type Link struct {
	ctx     context.Context
	events  <-chan []feed.Event // closed when ctx ends
	caller  Caller
	sockets []string // files that must exist while the daemons run
	last    time.Time
}

// New returns a link that reads events until ctx ends and sends commands through caller. Sockets are files whose
// absence means that nothing can be reached.
func New(ctx context.Context, events <-chan []feed.Event, caller Caller, sockets ...string) *Link {
	return &Link{ctx: ctx, events: events, caller: caller, sockets: sockets}
}

// Frame is what has come since the last one.
type Frame struct {
	Now     time.Time
	Events  []feed.Event
	Missing string // a socket that does not exist, "" if all do
}

// Next waits for the next frame. One Next runs at a time: the model asks for another when it has handled a Frame.
func (l *Link) Next() tea.Msg {
	var events []feed.Event
	select {
	case <-l.ctx.Done():
		return nil
	case <-time.After(clock - time.Duration(time.Now().Nanosecond())): // as the second changes
	case batch, ok := <-l.events:
		if !ok {
			return nil
		}
		events = l.gather(batch)
	}
	l.last = time.Now()
	return Frame{Now: l.last, Events: events, Missing: l.missing()}
}

// gather waits until the frame is due and takes what comes meanwhile.
func (l *Link) gather(events []feed.Event) []feed.Event {
	due := time.After(frame - time.Since(l.last))
	for len(events) < maxFrame {
		select {
		case <-l.ctx.Done():
			return events
		case <-due:
			return events
		case batch, ok := <-l.events:
			if !ok {
				return events
			}
			events = append(events, batch...)
		}
	}
	return events
}

func (l *Link) missing() string {
	for _, s := range l.sockets {
		if _, err := os.Stat(s); errors.Is(err, os.ErrNotExist) {
			return s
		}
	}
	return ""
}

// Snapshot is a daemon's answer about its state.
type Snapshot struct {
	Source   string
	Snapshot feed.Snapshot
	Err      error
}

// AskSnapshot asks a daemon for its state.
func (l *Link) AskSnapshot(source string) tea.Cmd {
	return func() tea.Msg {
		m := Snapshot{Source: source}
		m.Err = l.call(askTimeout, source, control.CmdSnapshot, struct{}{}, &m.Snapshot)
		return m
	}
}

// Schedule is the scheduler's answer about its entries.
type Schedule struct {
	Asked   time.Time // when the question was asked
	Entries []feed.ScheduleEntry
	Err     error
}

// AskSchedule asks the scheduler for its entries; asked is now.
func (l *Link) AskSchedule(asked time.Time) tea.Cmd {
	return func() tea.Msg {
		m := Schedule{Asked: asked}
		m.Err = l.call(askTimeout, Scheduler, control.CmdSchedule, struct{}{}, &m.Entries)
		return m
	}
}

// Incidents is the alerter's answer about its incidents.
type Incidents struct {
	Asked     time.Time // when the question was asked
	Incidents []feed.Incident
	Err       error
}

// AskIncidents asks the alerter for its incidents; asked is now.
func (l *Link) AskIncidents(asked time.Time) tea.Cmd {
	return func() tea.Msg {
		m := Incidents{Asked: asked}
		m.Err = l.call(askTimeout, Alerter, control.CmdIncidents, struct{}{}, &m.Incidents)
		return m
	}
}

// History is what the log aggregator has kept.
type History struct {
	Records []feed.LogRecord
	Err     error
}

// AskHistory asks for the newest log lines.
func (l *Link) AskHistory() tea.Cmd {
	return func() tea.Msg {
		var m History
		var page feed.LogPage
		m.Err = l.call(askTimeout, Aggregator, control.CmdLogs, control.LogsArgs{Last: history}, &page)
		m.Records = page.Records
		return m
	}
}

// older is how many log lines are asked for at a time.
const older = 1000

// Older is the log aggregator's answer to a question about older lines.
type Older struct {
	Number int // of the question
	Page   feed.LogPage
	Err    error
}

// AskOlder asks for the newest log lines that args selects.
func (l *Link) AskOlder(number int, args control.LogsArgs) tea.Cmd {
	args.Last = older
	return func() tea.Msg {
		m := Older{Number: number}
		m.Err = l.call(callTimeout, Aggregator, control.CmdLogs, args, &m.Page)
		return m
	}
}

// Answer is a daemon's answer to an operator's command. About is what the operator was told would happen.
type Answer struct {
	About  string
	Result json.RawMessage
	Err    error
}

// Do sends an operator's command to a daemon.
func (l *Link) Do(target, about, command string, args any) tea.Cmd {
	return func() tea.Msg {
		m := Answer{About: about}
		m.Err = l.call(callTimeout, target, command, args, &m.Result)
		return m
	}
}

func (l *Link) call(timeout time.Duration, target, command string, args, result any) error {
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	return l.caller.Call(ctx, target, command, args, result)
}

// Output is the end of a launch's output file.
type Output struct {
	Launch  int64
	Path    string
	Text    string
	Skipped int64 // bytes before it
	Err     error
}

// tail is how much of an output file is read.
const tail = 256 << 10

// ReadOutput reads the end of a launch's output file, which is on this machine or cannot be read.
func (l *Link) ReadOutput(launch int64, path string) tea.Cmd {
	return func() tea.Msg {
		m := Output{Launch: launch, Path: path}
		m.Text, m.Skipped, m.Err = readTail(path)
		return m
	}
}

func readTail(path string) (text string, skipped int64, err error) {
	info, err := os.Stat(path) // before Open, which would wait at a pipe
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, errors.New(path + " is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	skipped = max(0, info.Size()-tail)
	if _, err := f.Seek(skipped, io.SeekStart); err != nil {
		return "", 0, err
	}
	b, err := io.ReadAll(io.LimitReader(f, tail))
	return string(b), skipped, err
}
