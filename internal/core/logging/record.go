package logging

import (
	"bytes"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// record is one log record as the formatters see it. It is valid during one emit.
type record struct {
	time       time.Time
	level      int // Python's number
	name       string
	loggerName string // logger_name: another process's for a relayed record, otherwise name
	message    string
	exc        string // traceback; "" if there is none
	pc         uintptr

	frame runtime.Frame // of pc, once asked for

	// The text of the last formatter that was asked for: handlers mostly share one.
	formatted *formatter
	text      []byte
}

var records = sync.Pool{New: func() any { return new(record) }}

// line returns the record as f writes it, ended by a newline. The bytes are valid until the next call.
func (r *record) line(f *formatter) []byte {
	if r.formatted != f {
		r.text = append(f.append(r.text[:0], r), '\n')
		r.formatted = f
	}
	return r.text
}

// full returns message and traceback as they stand in a formatted record.
func (r *record) full() string {
	if r.exc == "" {
		return r.message
	}
	return string(appendTraceback([]byte(r.message), r.exc))
}

func appendTraceback(text []byte, exc string) []byte {
	if exc == "" {
		return text
	}
	if !bytes.HasSuffix(text, []byte{'\n'}) {
		text = append(text, '\n')
	}
	return append(text, strings.TrimSuffix(exc, "\n")...)
}

func (r *record) source() runtime.Frame {
	if r.frame.PC == 0 && r.pc != 0 {
		r.frame, _ = runtime.CallersFrames([]uintptr{r.pc}).Next()
	}
	return r.frame
}

func (r *record) pathname() string {
	if file := r.source().File; file != "" {
		return file
	}
	return "(unknown file)"
}

// funcName returns the function without package and receiver, as Python has it.
func (r *record) funcName() string {
	name := r.source().Function
	if name == "" {
		return "(unknown function)"
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}

func (r *record) module() string {
	base := filepath.Base(r.pathname())
	return strings.TrimSuffix(base, filepath.Ext(base))
}
