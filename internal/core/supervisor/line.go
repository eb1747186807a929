package supervisor

import (
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// LineVariable is the environment variable that holds the number of a Line's file descriptor.
const LineVariable = "NOWCAST_READY_FD"

// Line leads from a child to its supervisor: a pipe. The child writes a line feed when it is ready and, if it knows, why it ends.
type Line struct{ f *os.File }

// NewLine returns the line of this process, which Go writes to, too, should the process crash; nil if it has no supervisor. lookup is
// os.LookupEnv.
func NewLine(lookup func(string) (string, bool)) *Line {
	text, _ := lookup(LineVariable)
	fd, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	var what syscall.Stat_t
	if err := syscall.Fstat(fd, &what); err != nil || what.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return nil // the variable is of another process
	}
	syscall.CloseOnExec(fd)
	l := &Line{f: os.NewFile(uintptr(fd), "supervisor")}
	debug.SetCrashOutput(l.f, debug.CrashOptions{}) // without it the supervisor knows less
	return l
}

// Ready says that this process serves. It is called once.
func (l *Line) Ready() { l.write("\n") }

// Ends says why this process ends. It must not be empty, or begin with a line feed.
func (l *Line) Ends(why string) { l.write(why) }

// write does not wait: the supervisor reads all the time. If it is gone, nobody wants to know.
func (l *Line) write(text string) {
	if l != nil {
		l.f.WriteString(text)
	}
}

// heard is what a child has said over its line.
type heard struct {
	ready time.Time // when it said that it is ready; zero: it did not
	why   string    // it ends, shortened to what fits into a sentence; "" if it did not say
}

// longestWhy is how many bytes of it are kept.
const longestWhy = 1000

// hear returns what a child says until the line is closed, or its deadline comes. first is called when it is ready.
func hear(r io.Reader, first func()) (h heard) {
	begin := make([]byte, 1)
	if n, _ := r.Read(begin); n != 1 {
		return h
	}
	if begin[0] == '\n' {
		h.ready, begin = time.Now(), nil
		first()
	}
	rest, _ := io.ReadAll(io.LimitReader(r, longestWhy+1))
	io.Copy(io.Discard, r) // of a crash it is long, and the child must not wait
	h.why = sentence(string(begin) + string(rest))
	return h
}

// sentence makes one line of a text: of that of a crash, what is before the stacks.
func sentence(text string) string {
	text, _, _ = strings.Cut(strings.TrimLeft(text, "\n"), "\n\n")
	if len(text) > longestWhy {
		text = strings.ToValidUTF8(text[:longestWhy], "") + " ..."
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

// notices are the variables that concern a process and whoever supervises it, and nobody that the process starts: a worker
// that told systemd it is ready, or let its watchdog run out, would speak for a daemon.
var notices = []string{LineVariable, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}

// WithoutNotices returns an environment for what a supervised process starts.
func WithoutNotices(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(notices, name)
	})
}
