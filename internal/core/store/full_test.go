package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"nowcast/internal/core/engine"
)

// TestAFullDiskIsKnownByItsError: what follows from a full disk is folded under it (alerter), so the error must say that it is one.
func TestAFullDiskIsKnownByItsError(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, filepath.Join(t.TempDir(), "state.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.conn.ExecContext(ctx, "PRAGMA max_page_count = 1"); err != nil { // it stays as large as it is
		t.Fatal(err)
	}
	for id := range int64(1000) {
		err = s.Commit(ctx, &engine.Effects{Messages: []engine.Message{{ID: id + 1, Time: time.Now(), Source: "any", Type: "success", Reply: "ack", Body: make([]byte, 10_000)}}})
		if err != nil {
			break
		}
	}
	if err == nil || engine.BecauseOf(err) != engine.DiskFull {
		t.Errorf("got %v", err)
	}
}
