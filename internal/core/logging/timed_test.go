package logging

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// timedScript writes records with a clock of its own, and answers what is in the directory at the end.
const timedScript = `
import datetime, json, logging.handlers, os, sys, time
class Clock:
    now = 0.0
    def time(self): return self.now
    def __getattr__(self, name): return getattr(time, name)
clock = logging.handlers.time = Clock()
c = json.load(sys.stdin)
answers = []
for i, case in enumerate(c["cases"]):
    d = os.path.join(c["dir"], str(i))
    os.mkdir(d)
    path = os.path.join(d, "x.log")
    for name in case["there"]:
        open(os.path.join(d, name), "w").close()
    os.utime(path, (case["start"], case["start"]))
    clock.now = case["start"]
    at = datetime.time.fromisoformat(case["at"]) if case["at"] else None
    h = logging.handlers.TimedRotatingFileHandler(path, when=case["when"], interval=case["interval"], backupCount=case["backups"], utc=case["utc"], atTime=at)
    for n, t in enumerate(case["times"]):
        clock.now = t
        h.emit(logging.makeLogRecord({"msg": "record %d" % n}))
    h.close()
    answers.append({f: open(os.path.join(d, f)).read() for f in sorted(os.listdir(d))})
json.dump(answers, sys.stdout)
`

type timedCase struct {
	When     string   `json:"when"`
	Interval int64    `json:"interval"`
	Backups  int      `json:"backups"`
	UTC      bool     `json:"utc"`
	At       string   `json:"at"`
	Start    int64    `json:"start"`
	Times    []int64  `json:"times"`
	There    []string `json:"there"`
}

func randomTimedCase(r *rand.Rand) timedCase {
	whens := map[string]int64{"S": 1, "m": 60, "H": hour, "D": day, "midnight": day, "W0": 7 * day, "w3": 7 * day, "W6": 7 * day}
	names := []string{"S", "m", "H", "D", "midnight", "midnight", "W0", "w3", "W6"}
	c := timedCase{When: names[r.IntN(len(names))], Interval: 1 + r.Int64N(3), Backups: r.IntN(4), UTC: r.IntN(3) == 0,
		There: []string{"x.log", "x.log.2001-01-01", "x.log.2001-01-01_01", "x.log.1", "y.log.2001-01-01", "x.log.2001-01-01.gz"}}
	unit := whens[c.When]
	if daily := unit >= day && c.When != "D"; daily && r.IntN(2) == 0 {
		c.At = []string{"05:30:00", "00:00:00", "23:59:59", "02:30:00"}[r.IntN(4)]
	}
	// Around the two changes of the clocks of 2023 in Vancouver, and on ordinary days.
	base := []int64{1678615200, 1699174800, 1688000000}[r.IntN(3)]
	c.Start = base - unit*3 + r.Int64N(unit*4)
	now := c.Start
	for range 12 {
		now += r.Int64N(unit*c.Interval*3/2 + 2)
		c.Times = append(c.Times, now)
	}
	return c
}

func TestTimedRollingMatchesPythonsAlsoWhenTheClocksChange(t *testing.T) {
	const zone = "America/Vancouver"
	inZone(t, zone)
	r := rand.New(rand.NewPCG(3, 4))
	var cases []timedCase
	for range 150 {
		cases = append(cases, randomTimedCase(r))
	}
	var answers []map[string]string
	python(t, timedScript, zone, map[string]any{"dir": t.TempDir(), "cases": cases}, &answers)
	rolled := 0
	for i, c := range cases {
		at := ""
		if c.At != "" {
			at = fmt.Sprintf(", atTime: '%s'", c.At)
		}
		config := load(t, fileSection(classTimed, fmt.Sprintf(", when: %s, interval: %d, backupCount: %d, utc: %v%s", c.When, c.Interval, c.Backups, c.UTC, at)))
		dir := filepath.Dir(config.File)
		for _, name := range c.There {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Unix(c.Start, 0)
		if err := os.Chtimes(filepath.Join(dir, "x.log"), start, start); err != nil {
			t.Fatal(err)
		}
		l := open(t, config, "manager", Daemon, Options{})
		for n, second := range c.Times {
			record := slog.NewRecord(time.Unix(second, 0), slog.LevelInfo, fmt.Sprintf("record %d", n), 0)
			if err := l.Logger("manager").Handler().Handle(t.Context(), record); err != nil {
				t.Fatal(err)
			}
		}
		got := l.files(t, "[xy].log*")
		if diff := cmp.Diff(answers[i], got); diff != "" {
			t.Fatalf("case %d, %+v (-want +got):\n%s", i, c, diff)
		}
		rolled += len(got) - len(c.There)
	}
	if rolled < 150 {
		t.Errorf("got %d rolled files in all, so the cases try too little", rolled)
	}
}

func TestAFileThatAnotherProcessHasRolledIsNotRolledAgain(t *testing.T) {
	inZone(t, "UTC")
	config := load(t, fileSection(classTimed, ", when: midnight, backupCount: 3"))
	path := filepath.Join(filepath.Dir(config.File), "x.log")
	if err := os.WriteFile(path, []byte("yesterday\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	midnight := time.Now().Truncate(day * time.Second)
	if err := os.Chtimes(path, midnight.Add(-time.Hour), midnight.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	one := open(t, config, "one", Daemon, Options{})
	two := open(t, config, "two", Worker, Options{})
	one.Logger("one").Info("first")
	two.Logger("two").Info("second")
	rolled := "x.log." + midnight.Add(-time.Hour).Format(time.DateOnly)
	if diff := cmp.Diff(map[string]string{"x.log": "first\nsecond\n", rolled: "yesterday\n"}, (&opened{dir: filepath.Dir(path)}).files(t, "x.log*")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
