package python

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"time"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/rules/watch"
)

// reply is what the helper says: a record or a file on the way, or an answer to a request.
type reply struct {
	Number  int64      `json:"number"` // of the request that it answers
	Record  *record    `json:"record"`
	Read    *fileSeen  `json:"read"` // on the way: a module's file
	Next    *next      `json:"next"`
	Failure *failure   `json:"failure"`
	Files   []fileSeen `json:"files"`  // of modules that could not be loaded
	Loaded  *loaded    `json:"loaded"` // modules that were
}

type record struct {
	Name    string  `json:"name"` // logger; "" if it was printed
	Level   float64 `json:"level"`
	Message string  `json:"message"`
	Exc     string  `json:"exc"`
}

// level is slog's for Python's: the lowest that is at least the same.
func (r *record) level() slog.Level {
	return slog.Level(math.Ceil((min(max(r.Level, 0), 1000) - 20) / 2.5))
}

// next is a rule's result.
type next struct {
	Workers []worker  `json:"workers"`
	Await   []awaited `json:"await"`
}

// awaited is what a barrier waits for: a worker's name or module, then arguments that its launch must have.
type awaited []string

func (a *awaited) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*[]string)(a)); err != nil {
		return err
	}
	if len(*a) == 0 || (*a)[0] == "" {
		return fmt.Errorf("%.100q is nothing to wait for", b)
	}
	return nil
}

// worker is [module, args, host].
type worker struct{ launch.NextWorker }

func (w *worker) UnmarshalJSON(b []byte) error {
	n := launch.NextWorker{}
	parts := [...]any{&n.Module, &n.Args, &n.Host}
	list := parts[:]
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	if n.Module == "" || n.Args == nil || n.Host == "" {
		return fmt.Errorf("%.100q is no worker", b)
	}
	w.NextWorker = n
	return nil
}

func (n *next) launches() launch.Next {
	var l launch.Next
	for _, w := range n.Workers {
		l.Workers = append(l.Workers, w.NextWorker)
	}
	for _, a := range n.Await {
		l.Await = append(l.Await, launch.Await(a[0], a[1:]))
	}
	slices.Sort(l.Await)
	return l
}

// failure is an exception.
type failure struct {
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Trace   string `json:"trace"`
	NoValue bool   `json:"no_value"`
	Missing bool   `json:"missing"` // there is no such module
}

func (f *failure) error(function, module string) *rules.Error {
	e := &rules.Error{Func: function, File: f.File, Line: max(f.Line, 0), Message: f.Message, Backtrace: f.Trace, NoValue: f.NoValue}
	if e.File == "" {
		e.File = module
	}
	return e
}

// loaded are the modules that the helper has now.
type loaded struct {
	Functions []string          `json:"functions"`
	Files     []fileSeen        `json:"files"`
	Sources   map[string]source `json:"sources"` // by module
}

// source is what a module was loaded from.
type source struct {
	File string `json:"file"`
	Text []byte `json:"text"`
}

// fileSeen is a file as it was when the helper read it.
type fileSeen struct {
	File    string `json:"file"`
	Size    int64  `json:"size"`
	Inode   uint64 `json:"inode"`
	Written int64  `json:"written"` // nanoseconds since 1970
	Settled bool   `json:"settled"`
	Sum     string `json:"sum"` // "": it was not read from the disk
}

func (f *fileSeen) stamp() watch.Stamp {
	if f.Sum == "" {
		_, s, _ := watch.Read(f.File) // an error is a file that is not there, and so is the stamp
		return s
	}
	s := watch.Stamp{File: f.File, Exists: true, Size: f.Size, Inode: f.Inode, Written: time.Unix(0, f.Written), Settled: f.Settled}
	hex.Decode(s.Sum[:], []byte(f.Sum)[:min(len(f.Sum), 2*len(s.Sum))]) // a wrong sum is a changed file
	return s
}

// longestReply is more than any honest answer has.
const longestReply = 256 << 20

// readReply reads one frame. Any process that the rules started may have written into the pipe: nothing in it is trusted.
func readReply(r *bufio.Reader) (*reply, error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header[:])
	if size > longestReply {
		return nil, fmt.Errorf("a frame of %d bytes is no answer", size)
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(size))) // grows with what comes, not with what is promised
	if err != nil {
		return nil, err
	}
	if len(body) < int(size) {
		return nil, io.ErrUnexpectedEOF
	}
	a := &reply{}
	if err := json.Unmarshal(body, a); err != nil {
		return nil, fmt.Errorf("%.60q is no answer: %w", body, err)
	}
	return a, nil
}
