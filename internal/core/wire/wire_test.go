package wire

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

const patient = 20 * time.Second

// open opens a Conn that the test closes.
func open(t testing.TB, o Options) *Conn {
	t.Helper()
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// reader takes messages one by one from a Conn's batches.
type reader struct {
	t     testing.TB
	c     *Conn
	batch []Frames
}

func (r *reader) next() Frames {
	r.t.Helper()
	if len(r.batch) == 0 {
		select {
		case batch, ok := <-r.c.Receive():
			if !ok {
				r.t.Fatal("receive: channel closed, want a message")
			}
			r.batch = batch
		case <-time.After(patient):
			r.t.Fatalf("receive: nothing within %v", patient)
		}
	}
	m := r.batch[0]
	r.batch = r.batch[1:]
	return m
}

// next takes one value that must come.
func next[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patient):
		t.Fatalf("nothing within %v", patient)
		panic("not reached")
	}
}

func frames(parts ...string) Frames {
	var f Frames
	for _, p := range parts {
		f = append(f, []byte(p))
	}
	return f
}

func texts(f Frames) []string {
	var s []string
	for _, p := range f {
		s = append(s, string(p))
	}
	return s
}

func send1(t testing.TB, c *Conn, batch ...Frames) {
	t.Helper()
	if err := c.Send(batch...); err != nil {
		t.Fatal(err)
	}
}

// socketDir is a directory whose paths are short enough for unix sockets.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func ipc(t testing.TB, name string) string {
	t.Helper()
	endpoint, err := IPC(filepath.Join(socketDir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return endpoint
}

// eventually waits for a condition that no channel tells about.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for !condition() {
		if ctx.Err() != nil {
			t.Fatalf("not within %v: %s", patient, what)
		}
		runtime.Gosched()
	}
}

func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
