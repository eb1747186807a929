package store_test

import (
	"database/sql"
	"testing"

	"nowcast/internal/core/store"
	"nowcast/internal/core/store/storetest"
)

func TestWhoHasTheStateOnAnotherMachine(t *testing.T) {
	where := storetest.Postgres(t, false).Database()
	s := storetest.Open(t, where)
	if by := store.Elsewhere(t.Context(), where); by != "" {
		t.Errorf("the manager of this machine: got %q, want that it is not elsewhere", by)
	}
	db, err := sql.Open("pgx", where)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE lease_renewal SET holder = '{"host": "nemo1", "boot": "another", "pid": 4711}'`); err != nil {
		t.Fatal(err)
	}
	if by, want := store.Elsewhere(t.Context(), where), "nemo1 pid 4711"; by != want {
		t.Errorf("got %q, want %q", by, want)
	}
	s.Close()
	if by := store.Elsewhere(t.Context(), where); by != "" {
		t.Errorf("after it has let go: got %q", by)
	}
	if by := store.Elsewhere(t.Context(), t.TempDir()+"/state.db"); by != "" {
		t.Errorf("SQLite is on one machine: got %q", by)
	}
}
