package scheduler

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
)

// question is what testdata/due.py is asked about one entry.
type question struct {
	Every string    `json:"every"`
	At    string    `json:"at"`
	Start [7]int    `json:"start"` // year to microsecond
	Late  []float64 `json:"late"`  // how late each due time is noticed, seconds
}

// TestDueTimesAreThoseOfThePythonPackage compares due times, and refusals, over random entries and starts. In UTC: what becomes of
// a clock that is set differs on purpose (see next). So does an entry without at: the package counts from when the last
// launch was over, and drifts; therefore such entries are never late here.
func TestDueTimesAreThoseOfThePythonPackage(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 2026))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	var questions []question
	for range 2000 {
		q := question{
			Every: pick("minute", "hour", "day", "week", "minutes", "hours", "days", "weeks", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
			Start: [7]int{2024 + random.IntN(5), 1 + random.IntN(12), 1 + random.IntN(28), random.IntN(24), random.IntN(60), random.IntN(60), 1 + random.IntN(999999)},
		}
		two := func(n int) string { return fmt.Sprintf("%02d", random.IntN(n)) }
		q.At = pick("", two(25)+":"+two(61), two(24)+":"+two(60), two(25)+":"+two(60)+":"+two(60), two(24)+":"+two(60)+":"+two(60), ":"+two(61), ":"+two(60), "9:30", "noon")
		for range 8 {
			late := 0.0
			if q.At != "" { // else it would drift
				late = 0.001 + random.Float64()*0.9
			}
			q.Late = append(q.Late, late)
		}
		questions = append(questions, q)
	}
	compared, refused := 0, 0
	for i, answer := range askPython(t, questions) {
		q := questions[i]
		p, wrong := parse(&config.Scheduled{Every: q.Every, At: q.At, Timezone: "UTC"})
		if (answer.Error != "") != (len(wrong) > 0) {
			t.Errorf("every %s at %q: Python says %q, here %v", q.Every, q.At, answer.Error, wrong)
			continue
		}
		if answer.Error != "" {
			refused++
			continue
		}
		due := moment(q.Start)
		for n, want := range answer.Due {
			if due = p.next(due); !due.Equal(moment(want)) {
				t.Errorf("every %s at %q from %v: due time %d: got %v, want %v", q.Every, q.At, moment(q.Start), n, due, moment(want))
				break
			}
			compared++
		}
	}
	if compared < 4000 || refused < 100 {
		t.Errorf("compared %d due times and %d refusals, want more", compared, refused)
	}
}

type pythonDue struct {
	Due   [][7]int
	Error string
}

func askPython(t *testing.T, questions []question) []pythonDue {
	t.Helper()
	var in strings.Builder
	for _, q := range questions {
		b, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(b, '\n'))
	}
	c := exec.Command("/usr/bin/python3", "testdata/due.py")
	c.Stdin = strings.NewReader(in.String())
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: is Debian's python3-schedule installed?\n%s", err, stderr.String())
	}
	var answers []pythonDue
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		var a pythonDue
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		answers = append(answers, a)
	}
	if len(answers) != len(questions) {
		t.Fatalf("got %d answers to %d questions\n%s", len(answers), len(questions), stderr.String())
	}
	return answers
}

func moment(f [7]int) time.Time {
	return time.Date(f[0], time.Month(f[1]), f[2], f[3], f[4], f[5], f[6]*1000, time.UTC)
}
