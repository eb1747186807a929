package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs the command without a terminal.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	p := &program{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err, LookupEnv: func(string) (string, bool) { return "", false }}
	code = p.run(args)
	return code, out.String(), err.String()
}

func TestMistakesHaveAnExitCodeAndSayWhatToDo(t *testing.T) {
	dir := t.TempDir()
	config := writeConfig(t, dir)
	broken := filepath.Join(dir, "broken.yaml")
	if err := os.WriteFile(broken, []byte("zmq: {host: localhost}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no configuration", nil, exitUsage, "usage: nowcast-tui CONFIG"},
		{"an unknown flag", []string{"--colour", config}, exitUsage, "unknown flag: --colour; see nowcast-tui --help"},
		{"a broken configuration", []string{broken}, exitUsage, "broken.yaml"},
		{"a file that is not there", []string{filepath.Join(dir, "none.yaml")}, exitUsage, "none.yaml"},
		{"no terminal", []string{config}, exitFailed, "not a terminal: for text, use nowcastd status"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, _, stderr := run(t, tc.args...)
			if code != tc.code || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit code %d, %q; want %d and %q", code, stderr, tc.code, tc.want)
			}
		})
	}
}

func TestHelpHasAnExample(t *testing.T) {
	code, stdout, _ := run(t, "--help")
	if code != 0 || !strings.Contains(stdout, "nowcast-tui nowcast.yaml") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

func TestTheThemeFollowsTheEnvironment(t *testing.T) {
	for _, tc := range []struct {
		env              map[string]string
		noColour, wantsA bool
	}{
		{nil, false, false},
		{map[string]string{"NO_COLOR": "1", "LANG": "en_CA.UTF-8"}, true, false},
		{map[string]string{"LANG": "en_CA.utf8"}, false, false},
		{map[string]string{"LC_ALL": "C", "LANG": "en_CA.UTF-8"}, false, true},
		{map[string]string{"LANG": "en_CA.ISO-8859-1"}, false, true},
	} {
		p := &program{LookupEnv: func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok }}
		if o := p.theme(); o.NoColour != tc.noColour || o.ASCII != tc.wantsA {
			t.Errorf("in %v the theme is %+v", tc.env, o)
		}
	}
}
