package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Salvage says what became of a damaged database.
type Salvage struct {
	Time    time.Time
	Reason  string         // what was found
	File    string         // where the damaged database is now; its -wal is beside it; "": there was none any more
	Whole   bool           // the state is as the last commit left it; only history may have been lost
	Kept    map[string]int // rows, by table
	Dropped map[string]int // rows that were there and are damaged, or come after a gap
	Lost    []string       // the first of those, and what could not be read at all
	Message int64          // the last message that is kept
}

// String is the whole of it, for the log.
func (s *Salvage) String() string {
	var b strings.Builder
	if s.File == "" {
		fmt.Fprintf(&b, "the state database was damaged (%s), and there is nothing to put aside: if somebody has moved it away, stop the manager and put it back. ", s.Reason)
	} else {
		fmt.Fprintf(&b, "the state database was damaged (%s) and is put aside as %s. ", s.Reason, s.File)
	}
	if s.Whole {
		b.WriteString("The state is as the last commit left it")
	} else {
		fmt.Fprintf(&b, "The state was rebuilt from what could be read, the checklist up to message %d: compare it with what you know", s.Message)
	}
	counts := func(what string, rows map[string]int) {
		var list []string
		for _, t := range carried {
			if n := rows[t.name]; n > 0 {
				list = append(list, fmt.Sprintf("%d of %s", n, t.name))
			}
		}
		if len(list) > 0 {
			b.WriteString("; " + what + ": " + strings.Join(list, ", "))
		}
	}
	counts("kept", s.Kept)
	counts("dropped", s.Dropped)
	if len(s.Lost) > 0 {
		b.WriteString("; lost: " + strings.Join(s.Lost, ", "))
	}
	return b.String()
}

// carried are the tables that are carried over.
var carried = []*table{&bases, &messages, &launches, &barriers, &alerts, &operations}

const salvageNote = "salvage"

// readNote returns what Salvaged says, nil if it has been told.
func readNote(ctx context.Context, s *session) (*Salvage, error) {
	var told *Salvage
	err := s.query(ctx, "SELECT "+notes.names()+" FROM note WHERE name = ?", []any{salvageNote}, func(scan func(...any) error) error {
		r, _, err := notes.scan(scan)
		if err != nil {
			return err
		}
		told = &Salvage{}
		return json.Unmarshal([]byte(r[1].(string)), told)
	})
	return told, err
}

// What is beside the database while it is repaired. The steps are such that a repair that is killed is begun again, or, once the new
// database is complete, finished by the next Open.
const (
	rebuilding = ".rebuilding" // the new database, not complete
	salvaged   = ".salvaged-"  // the new database, complete; then comes the time
	alone      = ".alone"      // the damaged file under a name that has no -wal
)

// salvage makes a new database of what can be read of a damaged one, and puts that aside.
func salvage(ctx context.Context, file, why string, now time.Time) error {
	stamp := freeStamp(file, now)
	report := &Salvage{Time: now.UTC(), Reason: why, File: aside(file, stamp), Kept: map[string]int{}, Dropped: map[string]int{}}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		report.File = ""
	}
	if err := rebuild(ctx, file, report); err != nil {
		return fmt.Errorf("state database %s is damaged (%s) and could not be repaired: %w%s", file, why, err, remedy(err))
	}
	if err := os.Rename(file+rebuilding, file+salvaged+stamp); err != nil {
		return fmt.Errorf("state database %s: %w", file, err)
	}
	return finishSalvage(file)
}

func aside(file, stamp string) string { return file + ".damaged-" + stamp }

// freeStamp is the time in the name of the damaged file. Two repairs in one second get different ones.
func freeStamp(file string, now time.Time) string {
	stamp := now.UTC().Format("20060102T150405Z")
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside(file, stamp)); errors.Is(err, fs.ErrNotExist) {
			return stamp
		}
		stamp = fmt.Sprintf("%s-%d", now.UTC().Format("20060102T150405Z"), n)
	}
}

// finishSalvage puts the damaged database aside and the new one in its place, if there is one.
func finishSalvage(file string) error {
	found, err := filepath.Glob(escapeGlob(file) + salvaged + "*")
	if err != nil || len(found) == 0 {
		return err
	}
	done := found[0]
	to := aside(file, strings.TrimPrefix(done, file+salvaged))
	for _, step := range []func() error{
		func() error { return ignoreMissing(os.Rename(file+"-wal", to+"-wal")) },
		func() error { return ignoreMissing(os.Remove(file + "-shm")) },
		func() error { return ignoreMissing(os.Rename(file, to)) },
		func() error { return ignoreMissing(os.Remove(file + damageMark)) },
		func() error { return os.Rename(done, file) },
		func() error { return syncPath(filepath.Dir(file)) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("put damaged state database aside: %w", err)
		}
	}
	return nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// rebuild writes the new database.
func rebuild(ctx context.Context, file string, report *Salvage) error {
	name := file + rebuilding
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := ignoreMissing(os.Remove(name + suffix)); err != nil {
			return err
		}
	}
	out := &Store{where: file}
	defer out.closeDatabase()
	if err := out.attach(ctx, name); err != nil {
		return err
	}
	from := chooseSource(ctx, file)
	defer from.close()
	c := carrier{ctx: ctx, from: from, to: out.session, report: report}
	if err := c.carry(); err != nil {
		return err
	}
	out.closeDatabase() // moves everything into the file itself
	if err := syncPath(name); err != nil {
		return err
	}
	return errors.Join(ignoreMissing(os.Remove(name+"-wal")), ignoreMissing(os.Remove(name+"-shm")))
}

// note adds something that is lost to the report.
func (s *Salvage) note(format string, args ...any) {
	const most = 20
	if text := fmt.Sprintf(format, args...); len(s.Lost) < most && !slices.Contains(s.Lost, text) {
		s.Lost = append(s.Lost, text)
	}
}
