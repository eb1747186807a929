package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Server is a PostgreSQL server of a test's own.
type Server struct {
	t      testing.TB
	bin    string // directory of its programs
	dir    string
	port   int
	as     *syscall.Credential // it refuses to run as root
	fsync  bool
	cmd    *exec.Cmd
	exited chan struct{}
	log    bytes.Buffer
	names  atomic.Int64
}

// Postgres starts a server on loopback that has only this test, and ends with it. With durable, what it has committed survives a
// power cut, as in production; without, tests are quicker.
func Postgres(t testing.TB, durable bool) *Server {
	t.Helper()
	s := &Server{t: t, bin: programs(t), fsync: durable}
	var err error
	if s.dir, err = os.MkdirTemp("/tmp", "pg"); err != nil { // a path that is short enough for a socket, and that another user may enter
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	if os.Geteuid() == 0 {
		s.as = somebody(t)
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.run("initdb", "-N", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", filepath.Join(s.dir, "data"))
	s.port = freePort(t)
	t.Cleanup(s.Kill)
	s.Start()
	return s
}

func programs(t testing.TB) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		t.Fatal("there is no PostgreSQL server here: install the Debian package postgresql (packaging/install-deps)")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1])
}

func somebody(t testing.TB) *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("there is neither a user postgres nor nobody")
	return nil
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *Server) run(program string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Start starts the server, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	const patience = 60 * time.Second
	for begin := time.Now(); ; {
		s.launch()
		for time.Since(begin) < patience {
			select {
			case <-s.exited:
			case <-time.After(20 * time.Millisecond):
				if exec.Command(filepath.Join(s.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", fmt.Sprint(s.port)).Run() == nil {
					return
				}
				continue
			}
			break // after Kill the old processes may not be gone yet
		}
		if time.Since(begin) >= patience {
			s.t.Fatalf("PostgreSQL does not start:\n%s", s.log.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) launch() {
	s.t.Helper()
	on := map[bool]string{true: "on", false: "off"}[s.fsync]
	s.cmd = exec.Command(filepath.Join(s.bin, "postgres"), "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-h", "127.0.0.1", "-p", fmt.Sprint(s.port),
		"-c", "fsync="+on, "-c", "full_page_writes="+on, "-c", "shared_buffers=16MB", "-c", "max_connections=40", "-c", "autovacuum=off")
	s.cmd.Dir, s.cmd.Stderr, s.cmd.Stdout = s.dir, &s.log, &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	s.exited = exited
	go func(cmd *exec.Cmd) {
		cmd.Wait()
		close(exited)
	}(s.cmd)
}

// Stop ends the server as an administrator does: connections are cut, nothing is lost.
func (s *Server) Stop() {
	s.cmd.Process.Signal(syscall.SIGINT)
	<-s.exited
}

// Kill ends all its processes at once.
func (s *Server) Kill() {
	s.signal(syscall.SIGKILL)
	<-s.exited
}

// Pause stops all its processes where they are, until Resume: it then looks like a network that swallows everything.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume is the end of Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	pid := s.cmd.Process.Pid
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err := s.cmd.Process.Signal(signal); errors.Is(err, os.ErrProcessDone) {
		return
	}
	for _, child := range strings.Fields(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			syscall.Kill(pid, signal)
		}
	}
}

// Database makes a new database and returns its URL.
func (s *Server) Database() string {
	s.t.Helper()
	name := fmt.Sprint("state", s.names.Add(1))
	s.run("createdb", "-h", "127.0.0.1", "-p", fmt.Sprint(s.port), "-U", "postgres", name)
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, name)
}

// CutConnections ends all connections to the databases, wherever they are in a transaction.
func (s *Server) CutConnections() {
	s.run("psql", "-q", "-h", "127.0.0.1", "-p", fmt.Sprint(s.port), "-U", "postgres", "-c",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nowcast'")
}
