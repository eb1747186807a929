package history

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Lock keeps a second log aggregator out of a directory until the file that it returns is closed, by Close or by the end of the
// process. Two of them would write each record twice, and over each other's lines.
func Lock(dir string) (*os.File, error) {
	name := dir + ".lock"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the log history: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another log aggregator works with %s (it holds %s): stop it first, or give this one a configuration "+
			"with another state dir (%w)", dir, name, err)
	}
	return f, nil
}
