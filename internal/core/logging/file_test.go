package logging

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func fileSection(class, more string) string {
	return `
logging:
  version: 1
  handlers:
    file: {class: ` + class + `, filename: x.log` + more + `}
  root: {level: DEBUG, handlers: [file]}
`
}

func TestDaemonsGoOnInTheNewFileWhenTheirsIsRenamed(t *testing.T) {
	for _, class := range []string{classRotating, classWatched} {
		l := open(t, load(t, fileSection(class, "")), "manager", Daemon, Options{})
		path := filepath.Join(l.dir, "x.log")
		l.Logger("manager").Info("one")
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		l.later(t, "two")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		l.later(t, "three")
		want(t, class+" renamed", l.file(t, "x.log.1"), "one\n")
		want(t, class, l.file(t, "x.log"), "three\n")
	}
}

func TestWorkersRollARotatingFileBeforeItIsFull(t *testing.T) {
	l := open(t, load(t, fileSection(classRotating, ", maxBytes: 10, backupCount: 2")), "sleep", Worker, Options{})
	for _, m := range []string{"1234", "5678", "abcd", "efgh", "a long one that never fits", "x"} {
		l.Logger("sleep").Info(m)
	}
	want(t, "x.log", l.file(t, "x.log"), "x\n")
	want(t, "x.log.1", l.file(t, "x.log.1"), "a long one that never fits\n")
	want(t, "x.log.2", l.file(t, "x.log.2"), "efgh\n")
	if _, err := os.Stat(filepath.Join(l.dir, "x.log.3")); err == nil {
		t.Error("got a third backup, want two")
	}
}

func TestRollingMatchesPythons(t *testing.T) {
	const script = `
import json, logging.handlers, os, sys
c = json.load(sys.stdin)
answers = []
for i, (limit, backups, messages) in enumerate(c["cases"]):
    d = os.path.join(c["dir"], str(i))
    os.mkdir(d)
    h = logging.handlers.RotatingFileHandler(os.path.join(d, "x.log"), maxBytes=limit, backupCount=backups)
    for m in messages:
        h.emit(logging.makeLogRecord({"msg": m}))
    answers.append({f: open(os.path.join(d, f)).read() for f in os.listdir(d)})
json.dump(answers, sys.stdout)
`
	var cases [][3]any
	var messages []string
	for i := range 60 {
		messages = append(messages, strings.Repeat(strconv.Itoa(i%10), i%17))
	}
	for limit := 0; limit < 60; limit += 7 {
		for backups := range 4 {
			cases = append(cases, [3]any{limit, backups, messages})
		}
	}
	var answers []map[string]string
	python(t, script, "UTC", map[string]any{"dir": t.TempDir(), "cases": cases}, &answers)
	for i, c := range cases {
		l := open(t, load(t, fileSection(classRotating, fmt.Sprintf(", maxBytes: %d, backupCount: %d", c[0], c[1]))), "sleep", Worker, Options{})
		for _, m := range messages {
			l.Logger("sleep").Info(m)
		}
		got := map[string]string{}
		files, err := filepath.Glob(filepath.Join(l.dir, "x.log*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			got[filepath.Base(f)] = l.file(t, filepath.Base(f))
		}
		if fmt.Sprint(got) != fmt.Sprint(answers[i]) {
			t.Errorf("maxBytes %v, backupCount %v:\ngot  %v\nwant %v", c[0], c[1], got, answers[i])
		}
	}
}

func TestModeWEmptiesTheFileAtStart(t *testing.T) {
	c := load(t, fileSection(classFile, ", mode: w"))
	open(t, c, "manager", Daemon, Options{}).Logger("manager").Info("one")
	l := open(t, c, "manager", Daemon, Options{})
	l.later(t, "two")
	l.later(t, "three")
	want(t, "file", l.file(t, "x.log"), "two\nthree\n")
}

func TestDelayOpensTheFileWithTheFirstRecord(t *testing.T) {
	l := open(t, load(t, fileSection(classFile, ", delay: true")), "manager", Daemon, Options{})
	if _, err := os.Stat(filepath.Join(l.dir, "x.log")); err == nil {
		t.Error("got a file at start, want none")
	}
	l.Logger("manager").Info("one")
	want(t, "file", l.file(t, "x.log"), "one\n")
}

func TestAFileThatCannotBeWrittenIsReportedOnceAndTriedAgain(t *testing.T) {
	l := open(t, load(t, fileSection(classWatched, "")), "manager", Daemon, Options{})
	path := filepath.Join(l.dir, "x.log")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	l.Logger("manager").Info("lost")
	l.Logger("manager").Info("lost")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l.later(t, "written")
	want(t, "file", l.file(t, "x.log"), "written\n")
	want(t, "stderr", l.err.String(), "log file "+path+" cannot be written, so log records are missing from it: open "+path+": is a directory\n"+
		"log file "+path+" can be written again; 2 records are not in it\n")
}

func TestALineThatIsCutOffByAFullDiskDoesNotSpoilTheNext(t *testing.T) {
	l := open(t, load(t, fileSection(classWatched, "")), "manager", Daemon, Options{})
	l.Logger("manager").Info("one")
	// A limit on the size of files stands for the disk: it cuts the second line off after two bytes.
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	full := limit
	full.Cur = uint64(len("one\ntw"))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	l.Logger("manager").Info("two")
	l.Logger("manager").Info("lost")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	l.Logger("manager").Info("three")
	want(t, "file", l.file(t, "x.log"), "one\ntw\nthree\n")
	if got := l.err.String(); !strings.HasSuffix(got, "can be written again; 2 records are not in it\n") {
		t.Errorf("got stderr %q", got)
	}
}

// TestWriteRecords is not a test: it is the other process of the next one.
func TestWriteRecords(t *testing.T) {
	dir, name := os.Getenv("NOWCAST_TEST_DIR"), os.Getenv("NOWCAST_TEST_NAME")
	if dir == "" {
		return
	}
	s := &section{handlers: []handlerSpec{{name: "f", class: classRotating, path: filepath.Join(dir, "x.log"), limit: 3000, backups: 500, format: mustFormatter(defaultFormat)}},
		root: loggerSpec{level: info, handlers: []string{"f"}}}
	l := newLog(name, Worker, Options{})
	tree, err := l.buildSection(load(t, ""), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.tree.Store(tree)
	for i := range 400 {
		l.Logger(name).Info(fmt.Sprintf("%s %d %s", name, i, strings.Repeat("x", i%40)))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestProcessesThatShareAFileLoseNoRecordAndMixNoLines(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const processes = 4
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			cmd := exec.Command(self, "-test.run=^TestWriteRecords$")
			cmd.Env = append(os.Environ(), "NOWCAST_TEST_DIR="+dir, "NOWCAST_TEST_NAME="+strconv.Itoa(p))
			if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "cannot") {
				t.Errorf("process %d: %v\n%s", p, err, out)
			}
		})
	}
	wg.Wait()
	files, err := filepath.Glob(filepath.Join(dir, "x.log*"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			seen[strings.TrimSuffix(line, "\n")]++
		}
	}
	for p := range processes {
		for i := range 400 {
			line := fmt.Sprintf("%d %d %s", p, i, strings.Repeat("x", i%40))
			if seen[line] != 1 {
				t.Errorf("got %d of %q, want 1", seen[line], line)
			}
			delete(seen, line)
		}
	}
	if len(seen) > 0 || len(files) < 10 {
		t.Errorf("got %d lines that nobody wrote, in %d files: %v", len(seen), len(files), seen)
	}
}
