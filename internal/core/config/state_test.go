package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// longStateDir returns a configuration whose state directory has no room for a socket's path, with short
// directories for the runtime and for temporary files.
func longStateDir(t *testing.T) *Config {
	t.Helper()
	short, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	run := filepath.Join(short, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	return &Config{StateDir: filepath.Join(t.TempDir(), strings.Repeat("x", 100), ".nowcast"), runtimeDir: run, tempDir: short}
}

func socketDir(t *testing.T, c *Config) string {
	t.Helper()
	dir, err := c.SocketDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func wantMode(t *testing.T, dir string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s: got mode %04o, want %04o", dir, got, want)
	}
}

func TestSocketsAreInTheStateDirectoryWhereTheirPathsFit(t *testing.T) {
	c := &Config{StateDir: "/srv/" + strings.Repeat("x", longestSocketPath-len("/srv/")-len("/"+SocketControlDaemons))}
	if got := socketDir(t, c); got != c.StateDir {
		t.Errorf("got %s, want %s", got, c.StateDir)
	}
	c = &Config{StateDir: c.StateDir + "x", tempDir: "/tmp"}
	if got := socketDir(t, c); got == c.StateDir {
		t.Errorf("got %s, which has no room for a socket", got)
	}
}

func TestSocketsOfALongStateDirectoryAreFoundByEveryProcess(t *testing.T) {
	c := longStateDir(t)
	before := socketDir(t, c)
	if filepath.Dir(before) != c.runtimeDir || !fits(before) {
		t.Errorf("got %s, want a short one in %s", before, c.runtimeDir)
	}
	if err := c.EnsureStateDir(); err != nil {
		t.Fatal(err)
	}
	wantMode(t, c.StateDir, 0o700)
	wantMode(t, before, 0o700)
	record, err := os.ReadFile(c.StatePath(socketsRecord))
	if err != nil || string(record) != before+"\n" {
		t.Errorf("got record %q, %v; want %s", record, err, before)
	}
	other := *c
	other.runtimeDir, other.tempDir = "", t.TempDir()
	if got := socketDir(t, &other); got != before {
		t.Errorf("with another environment: got %s, want %s", got, before)
	}
	path, err := other.Socket(SocketFeed)
	if want := filepath.Join(before, "feed.sock"); err != nil || path != want {
		t.Errorf("got %s, %v; want %s", path, err, want)
	}
}

func TestARecordInARuntimeDirectoryThatIsGoneIsReplaced(t *testing.T) {
	c := longStateDir(t)
	if err := c.EnsureStateDir(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(c.runtimeDir); err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureStateDir(); err != nil {
		t.Fatal(err)
	}
	got := socketDir(t, c)
	if filepath.Dir(got) != c.tempDir {
		t.Errorf("got %s, want one in %s", got, c.tempDir)
	}
	wantMode(t, got, 0o700)
}

func TestARecordThatMakesNoSenseIsAnError(t *testing.T) {
	c := longStateDir(t)
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.StatePath(socketsRecord), []byte("somewhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := c.SocketDir(); err == nil || !strings.Contains(err.Error(), `names "somewhere"`) {
		t.Errorf("got %s, %v; want an error that quotes the record", got, err)
	}
}

func TestADirectoryForTemporaryFilesThatIsTooLongIsNotUsed(t *testing.T) {
	c := &Config{StateDir: "/" + strings.Repeat("x", 120), tempDir: "/" + strings.Repeat("y", 120)}
	if got := socketDir(t, c); filepath.Dir(got) != defaultTempDir {
		t.Errorf("got %s, want one in %s", got, defaultTempDir)
	}
}

func TestTheStateDirectoryIsClosedToOthers(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(dir string) error
		want    string // "" for success
	}{
		{"one that is absent is created, with what is above it", func(string) error { return nil }, ""},
		{"one that others may read is closed", func(dir string) error { return mkdirMode(dir, 0o755) }, ""},
		{"one that the group may write to is refused", func(dir string) error { return mkdirMode(dir, 0o770) }, "may be written to by others (mode 0770)"},
		{"one that everybody may write to is refused", func(dir string) error { return mkdirMode(dir, 0o777) }, "may be written to by others (mode 0777)"},
		{"a file is refused", func(dir string) error {
			if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
				return err
			}
			return os.WriteFile(dir, nil, 0o600)
		}, "is a file"},
		{"a link of our own is followed", func(dir string) error {
			if err := mkdirMode(dir+".real", 0o700); err != nil {
				return err
			}
			return os.Symlink(dir+".real", dir)
		}, ""},
		{"a link to a directory that others may write to is refused", func(dir string) error {
			if err := mkdirMode(dir+".real", 0o777); err != nil {
				return err
			}
			return os.Symlink(dir+".real", dir)
		}, "may be written to by others"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &Config{StateDir: filepath.Join(t.TempDir(), "logs", ".nowcast")}
			t.Cleanup(func() {
				if dir, err := c.SocketDir(); err == nil {
					os.RemoveAll(dir)
				}
			})
			if err := test.prepare(c.StateDir); err != nil {
				t.Fatal(err)
			}
			err := c.EnsureStateDir()
			if test.want == "" {
				if err != nil {
					t.Fatalf("got %v, want no error", err)
				}
				wantMode(t, c.StateDir, 0o700)
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func mkdirMode(dir string, mode os.FileMode) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}
