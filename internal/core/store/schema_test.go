package store

import (
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestTheSchemaVersionIsTheNumberOfTheNewestMigration(t *testing.T) {
	files := fstest.MapFS{"migrations/00002_b.sql": {}, "migrations/00010_c.sql": {}, "migrations/00001_a.sql": {}}
	if got := newestVersion(files); got != 10 {
		t.Errorf("got %d, want 10", got)
	}
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	var got int64
	if err := s.conn.QueryRowContext(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != schemaVersion || got == 0 {
		t.Errorf("got a new database of version %d, want %d", got, schemaVersion)
	}
}
