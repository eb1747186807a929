package logging

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/feed"
)

// python runs a script with Debian's Python and JSON for its input and output.
func python(t *testing.T, script, zone string, in, out any) {
	t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", script)
	cmd.Stdin = strings.NewReader(string(data))
	cmd.Env = append(os.Environ(), "TZ="+zone, "PYTHONUTF8=1")
	answer, err := cmd.Output()
	if err != nil {
		stderr := ""
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = string(exit.Stderr)
		}
		t.Fatalf("python: %v\n%s", err, stderr)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatal(err)
	}
}

const formatScript = `
import json, logging, sys
answers = []
for c in json.load(sys.stdin):
    for f in "created", "msecs":
        c["record"][f] = float(c["record"][f])
    r = logging.makeLogRecord(dict(c["record"], msg=c["message"], args=None, exc_text=c["exc"] or None))
    try:
        answers.append(logging.Formatter(c["format"] or None, c["datefmt"] or None, c["style"]).format(r))
    except Exception as e:
        answers.append("Python fails: %r" % e)
json.dump(answers, sys.stdout)
`

type formatCase struct {
	Format  string         `json:"format"`
	Datefmt string         `json:"datefmt"`
	Style   string         `json:"style"`
	Message string         `json:"message"`
	Exc     string         `json:"exc"`
	Record  map[string]any `json:"record"`

	rec record
}

func newCase(format, datefmt, style, message, exc string, at time.Time) formatCase {
	r := record{time: at, level: warning, name: "run_NEMO", message: message, exc: exc}
	return formatCase{format, datefmt, style, message, strings.TrimSuffix(exc, "\n"), map[string]any{
		"created": float64(at.UnixMicro()) / 1e6, "msecs": float64(at.Nanosecond() / 1e6), "name": r.name, "logger_name": r.name,
		"levelno": r.level, "levelname": "WARNING", "process": os.Getpid(), "thread": os.Getpid(), "processName": "MainProcess",
		"threadName": "MainThread", "pathname": "(unknown file)", "filename": "(unknown file)", "module": "(unknown file)", "funcName": "(unknown function)", "lineno": 0,
	}, r}
}

func TestFormatsAreWrittenByteForByteAsPythonDoes(t *testing.T) {
	const zone = "America/Vancouver"
	inZone(t, zone)
	var times []time.Time
	for _, s := range []string{"2023-02-24T10:18:07.831455-08:00", "2031-05-17T23:59:59.000999Z", "2024-02-29T00:00:00.999999Z", "1999-12-31T08:00:00Z", "2023-03-12T10:30:00.5Z"} {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, at)
	}
	percent := []string{
		"", "%(message)s", ourFormat, "%(asctime)s %(levelname)s [%(logger_name)s] %(message)s", "%(asctime)-30s|", "%(asctime)10.4s|",
		"%(levelname)-8s|%(levelname)8s|%(levelname).1s|%(levelname)08s|%(levelname)+10s|%(levelname)- 10s", "%(name)r %(name)12r|", "100%% %(name)s %%",
		"%(levelno)d %(levelno)s %(levelno)05d %(levelno)+d %(levelno)-6d| %(levelno) d %(levelno)x %(levelno)o %(levelno)X %(levelno).4d %(levelno)6.4d %(levelno)i %(levelno)u",
		"%(levelno)f %(levelno).2f %(levelno)e %(levelno)g %(levelno)r %(levelno)6s|", "%(process)d %(processName)s %(thread)d %(threadName)s",
		"%(created)f %(created).3f %(created)s %(created)d %(created)r %(created)e %(created)g %(created)20.2F|", "%(msecs)03d %(msecs)s %(msecs)d %(msecs)f %(msecs)7.1f %(msecs)-8.0f| %(msecs)G",
		"%(pathname)s %(filename)s %(module)s %(funcName)s %(lineno)d", "ünïcödé ☂ %(message)-5s ☂", "%(message)3s%(message)s", "line\n%(message)s\tend",
	}
	braces := []string{
		"{message}", "{asctime} {levelname:8}|{levelname:<8}|{levelname:>8}|{levelname:.2}|{name!r}|{name!s:12}|", "{levelno:5}|{levelno:<5}|{levelno:>5}|{levelno:05d}|{levelno:x}|{levelno:f}|{levelno}",
		"{{{name}}} {created:.3f} {msecs:03.0f} {created} {msecs:g} {msecs:8.1f}|", "{process:d} {created:E}",
	}
	dollar := []string{"$message", "${asctime} ${levelname}: $name costs $$5 $levelno $msecs"}
	datefmts := []string{
		"", "%Y-%m-%d %H:%M:%S", "%a %A %b %B %c %d %j %U %w %W %x %X %y %Z %z %%", "%I:%M %p %P", "%e %k %l %C %D %F %g %G %h %n %r %R %s %t %T %u %V", "%-d/%-m/%y %-H:%-M:%-S %-I %-j",
		"%f %L %N %Q %q %v %i %J", "%Ey %OS %EY", "no directive", "%H:%M:%S,%f", "end %",
	}
	messages := []string{"running in process 12345", "", "two\nlines", "ends in newline\n", "☂ unicode, \U0001F30A", "100% {braces} $dollar 'quotes' \"both\""}
	excs := []string{"", "Traceback (most recent call last):\n  File \"x.py\", line 1\nValueError: no\n", "one line"}

	var cases []formatCase
	for style, formats := range map[string][]string{"%": percent, "{": braces, "$": dollar} {
		for _, format := range formats {
			for i, message := range messages {
				cases = append(cases, newCase(format, "", style, message, excs[i%3], times[i%len(times)]))
			}
		}
	}
	for _, datefmt := range datefmts {
		for _, at := range times {
			cases = append(cases, newCase("%(asctime)s|%(asctime)40s %(message)s", datefmt, "%", "m", "", at))
		}
	}
	var answers []string
	python(t, formatScript, zone, cases, &answers)
	for i, c := range cases {
		f, err := newFormatter(c.Format, c.Datefmt, c.Style)
		if err != nil {
			t.Errorf("%s %q %q: %v", c.Style, c.Format, c.Datefmt, err)
			continue
		}
		if got := string(f.append(nil, &c.rec)); got != answers[i] {
			t.Errorf("style %s, format %q, datefmt %q, message %q:\ngot  %q\nwant %q", c.Style, c.Format, c.Datefmt, c.Message, got, answers[i])
		}
	}
}

const treeScript = `
import json, logging, logging.config, os, sys
answers = []
for i, c in enumerate(json.load(sys.stdin)):
    logging.Logger.manager.loggerDict.clear()
    logging.root.setLevel(logging.WARNING)
    d = os.path.join(c["dir"], "python%d" % i)
    os.mkdir(d)
    for h in c["config"]["handlers"].values():
        h["filename"] = os.path.join(d, h["filename"])
    logging.config.dictConfig(c["config"])
    for name, level, message in c["records"]:
        logging.getLogger(name).log(level, message)
    answers.append({f: open(os.path.join(d, f)).read() for f in sorted(os.listdir(d))})
json.dump(answers, sys.stdout)
`

type treeCase struct {
	Dir     string         `json:"dir"`
	Config  map[string]any `json:"config"`
	Records [][3]any       `json:"records"`
}

// randomTree returns a configuration with up to five file handlers on a tree of loggers, and records for it.
func randomTree(r *rand.Rand, dir string) treeCase {
	levels := []any{nil, "NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "WARN", 100, 0, 25, 35}
	names := []string{"manager", "checklist", "a", "a.b", "a.b.c", "run_NEMO"}
	files := []string{"h0", "h1", "h2", "h3", "h4"}[:1+r.IntN(5)]
	handlers := map[string]any{}
	for _, h := range files {
		handler := map[string]any{"class": []string{classFile, classWatched}[r.IntN(2)], "filename": h, "encoding": "utf-8", "delay": r.IntN(2) == 0, "filters": []string{}}
		if r.IntN(2) == 0 {
			handler["level"] = levels[r.IntN(len(levels))]
		}
		if r.IntN(4) > 0 {
			handler["formatter"] = "simple"
		}
		handlers[h] = handler
	}
	logger := func() map[string]any {
		l := map[string]any{"qualname": "x", "formatter": "simple", "filters": []string{}} // the first two are in real files, and mean nothing
		if r.IntN(3) > 0 {
			l["level"] = levels[r.IntN(len(levels))]
		}
		if r.IntN(2) == 0 {
			l["propagate"] = r.IntN(2) == 0
		}
		if r.IntN(3) > 0 {
			l["handlers"] = files[:r.IntN(len(files)+1)]
		}
		return l
	}
	loggers := map[string]any{}
	for _, n := range names {
		if r.IntN(2) == 0 {
			loggers[n] = logger()
		}
	}
	c := treeCase{Dir: dir, Config: map[string]any{"version": 1, "disable_existing_loggers": r.IntN(2) == 0, "handlers": handlers, "loggers": loggers,
		"formatters": map[string]any{"simple": map[string]any{"format": "%(levelname)s [%(name)s] %(message)s"}}}}
	if r.IntN(5) > 0 {
		c.Config["root"] = logger()
	}
	for i := range 40 {
		c.Records = append(c.Records, [3]any{names[r.IntN(len(names))], []int{10, 20, 30, 40, 50, 15, 25}[r.IntN(7)], fmt.Sprintf("record %d", i)})
	}
	return c
}

func TestLevelsAndPropagationSendRecordsWherePythonSendsThem(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var cases []treeCase
	for range 150 {
		cases = append(cases, randomTree(r, t.TempDir()))
	}
	var answers []map[string]string
	python(t, treeScript, "UTC", cases, &answers)
	for i, c := range cases {
		text, err := json.Marshal(c.Config)
		if err != nil {
			t.Fatal(err)
		}
		l := open(t, load(t, "logging: "+string(text)+"\n"), "manager", Daemon, Options{})
		for _, rec := range c.Records {
			level := rec[1].(int)
			l.Logger(rec[0].(string)).Log(t.Context(), feed.SlogLevel(level), rec[2].(string))
		}
		for name, want := range answers[i] {
			if got := l.file(t, filepath.Base(name)); got != want {
				t.Errorf("case %d, handler %s, configuration %s:\ngot  %s\nwant %s", i, name, text, got, want)
			}
		}
	}
}
