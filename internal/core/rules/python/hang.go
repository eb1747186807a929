package python

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dumping is how long a helper may take to say where it is.
const dumping = 500 * time.Millisecond

// where asks a helper that does not answer for its stack, which Python's faulthandler writes to stderr on a signal, whatever the
// interpreter is busy with. The innermost call is first; nil if there was no answer.
func (h *helper) where() []call {
	lines := h.speech.divert()
	h.signal(syscall.SIGUSR1)
	timeout := time.After(dumping)
	var dump []string
	for {
		select {
		case line := <-lines:
			dump = append(dump, line)
			if strings.HasPrefix(line, ours) && strings.HasSuffix(line, " in <module>") {
				return stackOf(dump)
			}
		case <-timeout:
			return stackOf(dump)
		case <-h.gone:
			return stackOf(dump)
		}
	}
}

// call is a line of a Python stack.
type call struct {
	file, function string
	line           int
}

// ours begins the lines of our own calls, which are the outer ones of the thread that runs the rules.
const ours = `  File "<nowcast>`

var callLine = regexp.MustCompile(`^  File "(.*)", line (\d+) in (.*)$`)

// stackOf finds the stack of the thread that runs the rules among those of all threads. Our own calls are left out.
func stackOf(dump []string) []call {
	var calls []call
	for _, line := range dump {
		m := callLine.FindStringSubmatch(line)
		switch {
		case m == nil:
			calls = nil // the head of a thread, or the blank before it
		case strings.HasPrefix(line, ours):
			return calls
		default:
			n, _ := strconv.Atoi(m[2]) // digits
			calls = append(calls, call{m[1], m[3], n})
		}
	}
	return calls
}

// trace shows a stack as Python does in a traceback.
func trace(calls []call) string {
	if len(calls) == 0 {
		return ""
	}
	lines := []string{"Traceback (most recent call last):"}
	for _, c := range slices.Backward(calls) {
		lines = append(lines, `  File "`+c.file+`", line `+strconv.Itoa(c.line)+", in "+c.function)
	}
	return strings.Join(lines, "\n")
}
