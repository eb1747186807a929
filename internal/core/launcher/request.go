package launcher

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// encode writes what to start as shim.c reads it.
func encode(r *record, boot, title, program string, argv, env []string) ([]byte, error) {
	text := []string{r.file, strconv.FormatInt(r.size, 10), boot, title, program, strconv.Itoa(len(argv))}
	text = append(append(append(text, argv...), strconv.Itoa(len(env))), env...)
	for _, s := range text {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, fmt.Errorf("a NUL is in %q, which no command line or environment can have", s)
		}
	}
	return []byte(strings.Join(text, "\x00") + "\x00"), nil
}

// memoryFile returns a file that is only in memory, for a request of any size.
func memoryFile(data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("launch", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "launch")
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, fmt.Errorf("write the command line and the environment into memory: %w", err)
	}
	return f, nil
}

// refusal makes an error of what keeper_tell wrote.
func refusal(text []byte) error {
	var step string
	var number syscall.Errno
	if _, err := fmt.Sscanf(string(text), "%s %d\n", &step, &number); err != nil {
		return fmt.Errorf("the keeper of workers says %q, which is not understood", text)
	}
	switch step {
	case "fork":
		return fmt.Errorf("no process can be made (ulimit -u, or the limit of the service): %w", number)
	case "open", "write":
		return fmt.Errorf("its record beside the output file cannot be written, so it was not started: %w", number)
	}
	return fmt.Errorf("%s: %w", step, number)
}
