package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Names of the unix sockets in SocketDir.
const (
	SocketFeedIn         = "feed-in.sock"         // daemons and workers publish to it
	SocketFeed           = "feed.sock"            // readers subscribe to it
	SocketControl        = "control.sock"         // operators' commands come in here
	SocketControlDaemons = "control-daemons.sock" // and go out to the daemons here
)

// longestSocketPath is what a unix socket address has room for.
const longestSocketPath = 107

// socketsRecord is the file in StateDir that names SocketDir when it is elsewhere.
const socketsRecord = "sockets"

// StatePath returns the path of a file or directory in the state directory.
func (c *Config) StatePath(name string) string { return filepath.Join(c.StateDir, name) }

// Socket returns the path of one of the unix sockets.
func (c *Config) Socket(name string) (string, error) {
	dir, err := c.SocketDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// SocketDir returns the directory of the unix sockets: the state directory, unless paths in it are too long for a
// socket. Then it is the one that EnsureStateDir recorded there. Without a record it is a directory under
// the user's runtime directory, or else under the one for temporary files, named after the state directory, so
// that a process that asks before the record exists finds what will be recorded.
func (c *Config) SocketDir() (string, error) {
	if fits(c.StateDir) {
		return c.StateDir, nil
	}
	dir, err := c.recordedSocketDir()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.derivedSocketDir()
	case err != nil:
		return "", err
	}
	return dir, nil
}

func fits(dir string) bool { return len(filepath.Join(dir, SocketControlDaemons)) <= longestSocketPath }

// recordedSocketDir returns what the record names. A record whose directory's parent is gone (the runtime
// directory of a user who has logged out) is as good as none.
func (c *Config) recordedSocketDir() (string, error) {
	data, err := os.ReadFile(c.StatePath(socketsRecord))
	if err != nil {
		return "", err
	}
	dir := strings.TrimSuffix(string(data), "\n")
	if !filepath.IsAbs(dir) || !fits(dir) {
		return "", fmt.Errorf("%s names %q, which is no directory for sockets: delete the file and start the daemons again",
			c.StatePath(socketsRecord), dir)
	}
	if _, err := os.Stat(filepath.Dir(dir)); err != nil {
		return "", err
	}
	return dir, nil
}

// defaultTempDir is for when TMPDIR is not set, or is itself too long.
const defaultTempDir = "/tmp"

func (c *Config) derivedSocketDir() (string, error) {
	sum := sha256.Sum256([]byte(c.StateDir))
	hash := hex.EncodeToString(sum[:6])
	ours := "nowcast-" + strconv.Itoa(os.Getuid()) + "-" + hash
	for _, d := range []struct{ parent, name string }{{c.runtimeDir, "nowcast-" + hash}, {c.tempDir, ours}, {defaultTempDir, ours}} {
		dir := filepath.Join(d.parent, d.name)
		if !filepath.IsAbs(d.parent) || !fits(dir) {
			continue
		}
		if _, err := os.Stat(d.parent); err != nil {
			continue
		}
		if info, err := os.Lstat(dir); err == nil {
			return dir, ownedByUs(dir, info) // somebody else could have made it to be talked to
		}
		return dir, nil
	}
	return "", fmt.Errorf("state directory %s is too long for unix sockets, and there is no %s: set state dir to a path of at most %d bytes",
		c.StateDir, defaultTempDir, longestSocketPath-len(SocketControlDaemons)-1)
}

// EnsureStateDir creates the state directory and the directory of the sockets, for their owner only. It refuses
// directories that belong to, or can be written to by, somebody else: whoever can write there controls the system.
func (c *Config) EnsureStateDir() error {
	if err := ensurePrivate(c.StateDir); err != nil {
		return err
	}
	dir, err := c.SocketDir()
	if err != nil || dir == c.StateDir {
		return err
	}
	if err := ensurePrivate(dir); err != nil {
		return err
	}
	return c.recordSocketDir(dir)
}

// recordSocketDir writes the record in one step, because other processes may be reading it.
func (c *Config) recordSocketDir(dir string) error {
	if recorded, err := c.recordedSocketDir(); err == nil && recorded == dir {
		return nil
	}
	f, err := os.CreateTemp(c.StateDir, socketsRecord+".*")
	if err != nil {
		return fmt.Errorf("record the directory of the sockets: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(dir + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), c.StatePath(socketsRecord))
	}
	if err != nil {
		return fmt.Errorf("record the directory of the sockets in %s: %w", c.StatePath(socketsRecord), err)
	}
	return nil
}

func ensurePrivate(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return fmt.Errorf("create the directory above state directory %s: %w", dir, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create state directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at state directory: %w", err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		// A link of our own is fine; in a directory that others write to, it could be theirs. Both ends are checked.
		if err := ownedByUs(dir, info); err != nil {
			return err
		}
		if info, err = os.Stat(dir); err != nil {
			return fmt.Errorf("look at state directory: %w", err)
		}
	}
	if !info.IsDir() {
		return fmt.Errorf("state directory %s is a file: move it away, or set state dir in the configuration", dir)
	}
	if err := ownedByUs(dir, info); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("state directory %s may be written to by others (mode %04o), who could control this system: "+
			"look at what is in it, then chmod 700 it, or set state dir in the configuration", dir, mode)
	} else if mode&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("close state directory to others: %w", err)
		}
	}
	return nil
}

func ownedByUs(dir string, info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("state directory %s belongs to user %d, and this is user %d: "+
			"run as its owner, or set state dir in the configuration", dir, st.Uid, os.Geteuid())
	}
	return nil
}
