package store

import (
	"context"
	"os/exec"
	"testing"
)

// Freeze stops the renewal of the lease, as a network does that swallows everything.
func (s *Store) Freeze() { s.lease.stop() }

// Hang is Freeze in the middle of a transaction, with its locks.
func (s *Store) Hang(t *testing.T) {
	s.Freeze()
	if _, err := s.conn.ExecContext(context.Background(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if err := s.lease.fence(context.Background(), s.session, "FOR SHARE"); err != nil {
		t.Fatal(err)
	}
}

func TestAHolderIsDeadOnlyIfItsProcessOfThisMachineIs(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := ourselves()
	h.PID = cmd.Process.Pid
	h.Start, _ = processStart(h.PID)
	recycled, elsewhere := h, h
	recycled.Start = "1"
	elsewhere.Boot = "another machine's"
	for name, c := range map[string]struct {
		holder holder
		dead   bool
	}{"alive": {h, false}, "another process has the id": {recycled, true}, "another machine": {elsewhere, false}, "not known": {holder{}, false}, "us": {ourselves(), false}} {
		if got := c.holder.dead(); got != c.dead {
			t.Errorf("%s: got dead %v, want %v", name, got, c.dead)
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	elsewhere.PID = h.PID
	if !h.dead() || elsewhere.dead() {
		t.Errorf("killed: got dead %v, on another machine %v; want true, false", h.dead(), elsewhere.dead())
	}
}
