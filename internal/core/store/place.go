package store

import (
	"errors"
	"io/fs"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// place is where a file of the database was when it was opened. Once somebody has removed or renamed it, SQLite goes on to write to what
// it has open, and nobody would find that again.
type place struct {
	path string
	was  fs.FileInfo // nil: it was not there yet
}

func newPlace(path string) place {
	info, _ := os.Stat(path)
	return place{path, info}
}

// misplaced is the error for it.
type misplaced string

func (m misplaced) Error() string { return string(m) }

// inPlace tells whether the files of an SQLite database are still those that are open.
func (s *Store) inPlace() error {
	for i := range s.places {
		p := &s.places[i]
		is, err := os.Stat(p.path)
		switch {
		case p.was == nil:
			p.was = is // the log, which SQLite makes when it is needed
		case errors.Is(err, fs.ErrNotExist):
			return misplaced("somebody has removed or renamed " + p.path + " while the manager was running")
		case err == nil && !os.SameFile(p.was, is):
			return misplaced("somebody has put another file in the place of " + p.path + " while the manager was running")
		}
	}
	return nil
}

// isConflict tells whether a commit failed because somebody else has written to the database since it was read.
func isConflict(err error) bool {
	var e *sqlite.Error
	return errors.Is(err, errMoved) || errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}
