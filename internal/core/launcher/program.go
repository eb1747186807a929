package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// findProgram returns the file that argv[0] names in the PATH of env. It looks in the environment the worker gets, not in
// ours, because that is where the worker's owner looks for the mistake.
func findProgram(program string, env []string) (string, error) {
	if program == "" {
		return "", errors.New("the command line is empty")
	}
	if strings.Contains(program, "/") {
		return program, executable(program)
	}
	path := variable(env, "PATH")
	var denied error
	for _, dir := range filepath.SplitList(path) {
		if dir == "" {
			dir = "."
		}
		file := filepath.Join(dir, program)
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && denied == nil {
			denied = err
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", fmt.Errorf("there is no program %s in PATH=%s", program, path)
}

func executable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return fmt.Errorf("there is no program %s: %w", file, err)
	case info.IsDir():
		return fmt.Errorf("%s is a directory, not a program", file)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod +x %s", file, file)
	}
	return nil
}

// explain says what an error of exec means for a file that exists and is executable.
func explain(program string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("start %s: the interpreter named in its first line, or its loader, does not exist: %w", program, err)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("start %s: it is neither a binary of this machine nor a script with #! in its first line: %w", program, err)
	case errors.Is(err, syscall.E2BIG):
		return fmt.Errorf("start %s: the arguments and the environment are too long: %w", program, err)
	}
	return fmt.Errorf("start %s: %w", program, err)
}

// variable returns the value of name in env; as in execve, a later entry does not override an earlier one.
func variable(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// withVariables returns env with the variables of set, which replace entries of the same name.
func withVariables(env []string, set ...string) []string {
	out := make([]string, 0, len(env)+len(set))
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		replaced := false
		for _, s := range set {
			n, _, _ := strings.Cut(s, "=")
			replaced = replaced || n == name
		}
		if !replaced {
			out = append(out, e)
		}
	}
	return append(out, set...)
}
