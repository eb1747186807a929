package store

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// locks refuse a second manager on the same state: two of them would launch everything twice. The kernel lets go of them with the
// process. The directory itself is locked, because a lock file can be removed by somebody who believes that it is left over; the file
// beside it keeps out a nowcast that knows only that.
type locks struct{ directory, file *os.File }

// lock takes both locks of a database.
func lock(file string) (*locks, error) {
	l := &locks{}
	// What is wrong with a directory that cannot be opened, the lock file says. A network file system may not lock directories.
	if directory, err := os.Open(filepath.Dir(file)); err == nil {
		l.directory = directory
		if err := flock(directory); errors.Is(err, unix.EWOULDBLOCK) {
			defer l.release()
			return nil, inUse(file, directory)
		}
	}
	var err error
	if l.file, err = openLock(file + ".lock"); err != nil {
		l.release()
		return nil, err
	}
	if flock(l.file) != nil {
		defer l.release()
		return nil, inUse(file, l.file)
	}
	return l, nil
}

func openLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("state database: %w: give this user the right to write to the state directory", err)
	case errors.Is(err, unix.EROFS):
		return nil, fmt.Errorf("state database: %w: mount it for writing, or set state dir in the configuration", err)
	case err != nil:
		return nil, fmt.Errorf("state database: %w: set state dir in the configuration to a directory that can be written to", err)
	}
	return f, nil
}

func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

func inUse(file string, locked *os.File) error {
	who := ""
	if pid := lockedBy(locked); pid != 0 {
		who = fmt.Sprintf(" (pid %d)", pid)
	}
	return fmt.Errorf("state database %s is in use: a manager with this state directory is running already%s", file, who)
}

// lockedBy returns the process that has locked a file, 0 if the system does not say: /proc/locks has lines such as
// "3: FLOCK  ADVISORY  WRITE 4711 fe:01:1234 0 EOF", with the device and the inode.
func lockedBy(f *os.File) int {
	var is unix.Stat_t
	list, err := os.Open("/proc/locks")
	if err != nil || unix.Fstat(int(f.Fd()), &is) != nil {
		return 0
	}
	defer list.Close()
	of := fmt.Sprintf("%02x:%02x:%d", unix.Major(is.Dev), unix.Minor(is.Dev), is.Ino)
	for lines := bufio.NewScanner(list); lines.Scan(); {
		if l := strings.Fields(lines.Text()); len(l) > 5 && l[1] == "FLOCK" && l[5] == of {
			pid, _ := strconv.Atoi(l[4])
			return max(pid, 0) // of another namespace of processes: -1
		}
	}
	return 0
}

func (l *locks) release() {
	if l == nil {
		return
	}
	l.directory.Close() // it may be nil
	l.file.Close()
}

// The lock file has a word in it once there is a database: one that is empty or missing then was emptied or removed by somebody, and
// SQLite would make a new one.
func (s *Store) used() error {
	if info, err := s.locks.file.Stat(); err == nil && info.Size() > 0 {
		return nil
	}
	err := syncPath(filepath.Dir(s.file)) // a power cut must not leave the word without the database
	if err == nil {
		_, err = s.locks.file.WriteAt([]byte("used\n"), 0)
	}
	if err != nil {
		return fmt.Errorf("state database %s: %w", s.file, err)
	}
	return nil
}

// emptied tells what was done to a database that was there.
func (s *Store) emptied() error {
	if mark, err := s.locks.file.Stat(); err != nil || mark.Size() == 0 {
		return nil
	}
	switch info, err := os.Stat(s.file); {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("it is missing")
	case err == nil && info.Size() == 0:
		return errors.New("it is empty")
	}
	return nil
}
