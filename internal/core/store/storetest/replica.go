package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Replica starts a server that has all that s has, and confirms each commit of s from now on before s does.
func (s *Server) Replica() *Server {
	s.t.Helper()
	r := &Server{t: s.t, bin: s.bin, as: s.as, fsync: s.fsync, port: freePort(s.t)}
	var err error
	if r.dir, err = os.MkdirTemp("/tmp", "pg"); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { os.RemoveAll(r.dir) })
	if r.as != nil {
		if err := os.Chown(r.dir, int(r.as.Uid), int(r.as.Gid)); err != nil {
			s.t.Fatal(err)
		}
	}
	r.Follow(s)
	s.t.Cleanup(r.Kill)
	return r
}

// Follow makes s, which does not run, a replica of primary. What it had is gone.
func (s *Server) Follow(primary *Server) {
	s.t.Helper()
	data := filepath.Join(s.dir, "data")
	if err := os.RemoveAll(data); err != nil {
		s.t.Fatal(err)
	}
	s.run("pg_basebackup", "-h", "127.0.0.1", "-p", fmt.Sprint(primary.port), "-U", "postgres", "-D", data, "-R", "-c", "fast", "-N")
	s.Start()
	primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.query("SELECT pg_reload_conf()")
	for deadline := time.Now().Add(30 * time.Second); primary.query("SELECT sync_state FROM pg_stat_replication") != "sync"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the replica does not follow:\n%s", s.log.String())
		}
	}
}

// Promote makes a replica the primary. It has no replica of its own yet, and waits for none.
func (s *Server) Promote() {
	s.t.Helper()
	s.run("pg_ctl", "promote", "-w", "-D", filepath.Join(s.dir, "data"))
}

// Databases returns the URL of a new database of s which leads to either server, whichever is the primary.
func (s *Server) Databases(other *Server) string {
	s.t.Helper()
	here, host := s.Database(), fmt.Sprint("127.0.0.1:", s.port)
	return strings.Replace(here, host, fmt.Sprint(host, ",127.0.0.1:", other.port), 1) + "&target_session_attrs=read-write"
}

func (s *Server) query(text string) string {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.bin, "psql"), "-q", "-A", "-t", "-h", "127.0.0.1", "-p", fmt.Sprint(s.port), "-U", "postgres", "-c", text)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", text, err, out)
	}
	return strings.TrimSpace(string(out))
}
