package workers

import (
	"bytes"
	"math/big"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func shell(name, script string) Command {
	return Command{Name: name, Argv: []string{"sh", "-c", script}}
}

func TestCommandAsAWorker(t *testing.T) {
	for _, tt := range []struct {
		name       string
		command    Command
		wantStatus int
		wantTold   told
		wantOut    string
		wantErr    string
		wantLog    string // between the first lines and the message
	}{
		{
			name:     "exit status 0 is a success",
			command:  shell("test_worker", "echo one; echo; echo two"),
			wantTold: told{Type: "success", Payload: "None"},
			wantOut:  "one\n\ntwo\n",
			wantLog:  "INFO [test_worker] one\nINFO [test_worker] two\n",
		}, {
			name:     "a last line of JSON is the payload",
			command:  shell("test_worker", `echo working; printf '{"files": ["a.nc", 3, 1.0, 1e3, 123456789012345678901], "ok": true, "yes": "no"}'`),
			wantTold: told{Type: "success", Payload: "{'files': ['a.nc', 3, 1.0, 1000.0, 123456789012345678901], 'ok': True, 'yes': 'no'}"},
			wantOut:  `working` + "\n" + `{"files": ["a.nc", 3, 1.0, 1e3, 123456789012345678901], "ok": true, "yes": "no"}`,
			wantLog:  "INFO [test_worker] working\nINFO [test_worker] {\"files\": [\"a.nc\", 3, 1.0, 1e3, 123456789012345678901], \"ok\": true, \"yes\": \"no\"}\n",
		}, {
			name:     "a last line of YAML is the payload",
			command:  shell("test_worker", "echo '{forecast: [2031-05-17, yes]}'; echo"),
			wantTold: told{Type: "success", Payload: "{'forecast': [datetime.date(2031, 5, 17), True]}"},
			wantOut:  "{forecast: [2031-05-17, yes]}\n\n",
			wantLog:  "INFO [test_worker] {forecast: [2031-05-17, yes]}\n",
		}, {
			name:     "standard error is logged as warnings",
			command:  shell("test_worker", "echo 'a: warning' >&2"),
			wantTold: told{Type: "success", Payload: "None"},
			wantErr:  "a: warning\n",
			wantLog:  "WARNING [test_worker] a: warning\n",
		}, {
			name:       "another exit status is a failure",
			command:    shell("test_worker", "echo 'a: 1'; exit 3"),
			wantStatus: 3,
			wantTold:   told{Type: "failure", Payload: "None"},
			wantOut:    "a: 1\n",
			wantLog:    "INFO [test_worker] a: 1\nERROR [test_worker] sh exited with status 3\n",
		}, {
			name:       "the end by a signal is a failure",
			command:    shell("test_worker", "kill -KILL $$"),
			wantStatus: 137,
			wantTold:   told{Type: "failure", Payload: "None"},
			wantLog:    "ERROR [test_worker] sh was ended by signal: killed\n",
		}, {
			name:       "a program that does not exist is a failure",
			command:    Command{Name: "test_worker", Argv: []string{"/nowhere/program"}},
			wantStatus: 127,
			wantTold:   told{Type: "failure", Payload: "None"},
			wantLog:    "ERROR [test_worker] start /nowhere/program: fork/exec /nowhere/program: no such file or directory\n",
		}, {
			name:       "a directory is no program and a failure",
			command:    Command{Name: "test_worker", Argv: []string{"/etc/"}},
			wantStatus: 126,
			wantTold:   told{Type: "failure", Payload: "None"},
			wantLog:    "ERROR [test_worker] start /etc/: fork/exec /etc/: permission denied\n",
		}, {
			name:     "the type is chosen with a suffix",
			command:  Command{Name: "several", Argv: []string{"true"}, Type: "forecast"},
			wantTold: told{Type: "success forecast", Payload: "None"},
		}, {
			name:       "a failure without that suffix is the plain one",
			command:    Command{Name: "several", Argv: []string{"false"}, Type: "forecast"},
			wantStatus: 1,
			wantTold:   told{Type: "failure", Payload: "None"},
			wantLog:    "ERROR [several] false exited with status 1\n",
		}, {
			name:     "the only type needs no choice",
			command:  Command{Name: "single", Argv: []string{"true"}},
			wantTold: told{Type: "success today", Payload: "None"},
		}, {
			name:     "a progress bar is logged as it ends",
			command:  shell("test_worker", `printf '10%%\r50%%\r100%%\r\n'`),
			wantTold: told{Type: "success", Payload: "None"},
			wantOut:  "10%\r50%\r100%\r\n",
			wantLog:  "INFO [test_worker] 100%\n",
		}, {
			name:     "nothing comes from standard input",
			command:  shell("test_worker", "cat; echo end"),
			wantTold: told{Type: "success", Payload: "None"},
			wantOut:  "end\n",
			wantLog:  "INFO [test_worker] end\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := startManager(t, "normal")
			s := newSite(t, m.port)
			c := newConsole(nil)
			tt.command.ConfigFile = s.config
			if got := RunCommand(tt.command, c.Process); got != tt.wantStatus {
				t.Errorf("got status %d, want %d", got, tt.wantStatus)
			}
			got := m.next(t)
			tt.wantTold.Source, tt.wantTold.Other = tt.command.Name, []string{}
			if diff := cmp.Diff(tt.wantTold, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			m.none(t)
			if c.out.String() != tt.wantOut || c.err.String() != tt.wantErr {
				t.Errorf("got output %q and %q, want %q and %q", &c.out, &c.err, tt.wantOut, tt.wantErr)
			}
			log := s.lines(t)
			end := strings.Index(log, "DEBUG [")
			if diff := cmp.Diff(begin(tt.command.Name)+tt.wantLog, log[:max(0, end)]); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommandThatIsNotRun(t *testing.T) {
	s := newSite(t, noPort)
	for _, tt := range []struct {
		name    string
		command Command
		want    string
	}{
		{"several types and no choice", Command{Name: "several", Argv: []string{"true"}},
			"there are several types of success; choose one with --type: success forecast, success nowcast"},
		{"a type that is not registered", Command{Name: "several", Argv: []string{"true"}, Type: "hindcast"},
			`there is no message type "success hindcast", only: success forecast, success nowcast`},
		{"no type of failure", Command{Name: "no_failure", Argv: []string{"true"}}, "no message type failure is registered"},
		{"a worker that is not registered", Command{Name: "stranger", Argv: []string{"true"}}, "message registry: stranger"},
		{"no command", Command{Name: "test_worker"}, "there is no command to run"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newConsole(nil)
			tt.command.ConfigFile = s.config
			if got := RunCommand(tt.command, c.Process); got != 125 || !strings.Contains(c.err.String(), tt.want) {
				t.Errorf("got status %d and %q, want 125 and %q", got, &c.err, tt.want)
			}
		})
	}
}

func TestSignalsArePassedOnToTheCommand(t *testing.T) {
	m := startManager(t, "normal")
	s := newSite(t, m.port)
	c := newConsole(nil)
	c.Process.Stdout = &watcher{buffer: &c.out, seen: func(text string) {
		switch {
		case strings.HasSuffix(text, "ready\n"):
			c.signals <- syscall.SIGINT
		case strings.HasSuffix(text, "not yet\n"):
			c.signals <- syscall.SIGTERM
		}
	}}
	command := shell("test_worker", `trap 'echo not yet' INT; trap 'echo goodbye; exit 5' TERM; echo ready; while :; do sleep 0.05; done`)
	command.ConfigFile = s.config
	if got := RunCommand(command, c.Process); got != 5 {
		t.Errorf("got status %d, want 5", got)
	}
	m.none(t)
	if got, want := c.out.String(), "ready\nnot yet\ngoodbye\n"; got != want {
		t.Errorf("got output %q, want %q", got, want)
	}
	if got, want := s.lines(t), "interrupt signal (SIGINT or Ctrl-C) received; shutting down"; !strings.Contains(got, want) {
		t.Errorf("got log\n%s\nwant %q", got, want)
	}
}

// watcher calls seen with all that was written so far.
type watcher struct {
	buffer *bytes.Buffer
	seen   func(string)
}

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.buffer.Write(p)
	w.seen(w.buffer.String())
	return n, err
}

func TestCommandThatLeavesSomethingInTheBackground(t *testing.T) {
	m := startManager(t, "normal")
	s := newSite(t, m.port)
	c := newConsole(nil)
	command := shell("test_worker", "sleep 60 & echo $!")
	command.ConfigFile = s.config
	begun := time.Now()
	if got := RunCommand(command, c.Process); got != 0 {
		t.Errorf("got status %d, want 0", got)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := m.next(t); got.Type != "success" {
		t.Errorf("got %+v, want success", got)
	}
	if got, want := s.lines(t), "WARNING [test_worker] sh has left something in the background"; !strings.Contains(got, want) {
		t.Errorf("got log\n%s\nwant %q", got, want)
	}
	if pid, ok := new(big.Int).SetString(strings.TrimSpace(c.out.String()), 10); ok {
		syscall.Kill(int(pid.Int64()), syscall.SIGKILL)
	}
}

func TestDebugModeOfACommandShowsItsOutputOnce(t *testing.T) {
	s := newSite(t, noPort)
	c := newConsole(nil)
	command := shell("test_worker", "echo one")
	command.ConfigFile, command.Debug = s.config, true
	if got := RunCommand(command, c.Process); got != 0 {
		t.Errorf("got status %d, want 0; %s", got, &c.err)
	}
	if got := c.out.String(); strings.Count(got, "one") != 1 || !strings.Contains(got, "INFO [test_worker] one\n") {
		t.Errorf("got %q, want one as a log line", got)
	}
}

func TestStandardInputOfACommand(t *testing.T) {
	s := newSite(t, noPort)
	file := s.dir + "/in"
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	c := newConsole(nil)
	RunCommand(Command{Name: "test_worker", ConfigFile: s.config, Argv: []string{"cat"}, Debug: true, Stdin: in}, c.Process)
	if got, want := c.out.String(), "INFO [test_worker] from a file\n"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCommandDoesNotReadFromATerminal(t *testing.T) {
	s := newSite(t, noPort)
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	c := newConsole(nil)
	RunCommand(Command{Name: "test_worker", ConfigFile: s.config, Argv: []string{"sh", "-c", "cat; echo end"}, Debug: true, Stdin: terminal}, c.Process)
	if got, want := c.out.String(), "INFO [test_worker] end\n"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
