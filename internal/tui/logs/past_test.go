package logs

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

// archive is a log aggregator that a test plays: all lines there ever were, oldest first, answered in pages.
type archive struct {
	lines  []widget.LogLine
	page   int
	looks  int  // how many lines it looks at for one answer; 0: all
	dense  bool // it does not know Until
	answer int  // questions answered
}

// newArchive returns one of n lines, three of which have the same time, and every tenth the same text.
func newArchive(n, page int) *archive {
	a := &archive{page: page}
	for i := range n {
		text := fmt.Sprint("line ", i)
		if i%10 == 0 {
			text = "hourly"
		}
		a.lines = append(a.lines, widget.LogLine{Time: noon.Add(time.Duration(i/3-n) * time.Second), Level: slog.Level(4 * (i % 2)), Name: fmt.Sprint("w", i%3), Text: text})
	}
	return a
}

func (a *archive) ask(q Ask) Answer {
	a.answer++
	from := len(a.lines)
	if q.Before != "" {
		fmt.Sscan(q.Before, &from)
	}
	out := Answer{Number: q.Number}
	var found []widget.LogLine
	looked := 0
	for ; from > 0 && len(found) < a.page && (a.looks == 0 || looked < a.looks); looked++ {
		from--
		l := a.lines[from]
		if l.Level < q.Filter.Level || q.Filter.Name != "" && l.Name != q.Filter.Name || !strings.Contains(l.Text, q.Search) {
			continue
		}
		if !q.Until.IsZero() && l.Time.After(q.Until) && !a.dense {
			continue
		}
		found = append(found, l)
	}
	slices.Reverse(found)
	out.Lines = found
	if from > 0 {
		out.Older, out.Reached = fmt.Sprint(from), a.lines[from].Time
	}
	return out
}

// serve answers what the page asks, and what it asks then.
func (a *archive) serve(m *Model, act Action) {
	for act.Kind == Older {
		act = m.Answer(a.ask(act.Ask))
	}
}

// console is a page whose buffer has the newest lines of the archive.
func (a *archive) console(live int) *Model {
	buf := widget.NewLogBuffer(live)
	for _, l := range a.lines[max(0, len(a.lines)-live):] {
		buf.Append(l)
	}
	m := New(theme.New(theme.Options{}), buf)
	m.SetSize(100, 12)
	return m
}

// holds fails the test unless the view of the past has exactly the newest lines that f chooses.
func (a *archive) holds(t *testing.T, m *Model, f widget.LogFilter) {
	t.Helper()
	var want []widget.LogLine
	for _, l := range a.lines {
		if f.Accepts(&l) {
			want = append(want, l)
		}
	}
	b := m.past.buf
	want = want[max(0, len(want)-b.Len()):]
	if len(want) != b.Len() {
		t.Fatalf("it has %d lines, want %d", b.Len(), len(want))
	}
	for i, w := range want {
		if got := *b.At(b.First() + uint64(i)); got != w {
			t.Fatalf("line %d of %d is %v, want %v", i, len(want), got, w)
		}
	}
}

func keyed(m *Model, name string) Action {
	return m.Update(pressed(name))
}

func TestThePastJoinsTheLiveLogWithoutAGapOrARepetition(t *testing.T) {
	for _, dense := range []bool{false, true} {
		for _, f := range []widget.LogFilter{{Level: slog.LevelInfo}, {Level: slog.LevelWarn}, {Level: slog.LevelInfo, Name: "w1"}} {
			a := newArchive(1000, 70)
			a.dense = dense
			m := a.console(200)
			m.live.SetFilter(f)
			for n := 0; m.past == nil || !m.past.end; n++ {
				if n > 100 {
					t.Fatal("it comes to no end")
				}
				a.serve(m, keyed(m, "home"))
				a.holds(t, m, f)
			}
			asked := a.answer
			a.serve(m, keyed(m, "home"))
			if a.answer != asked {
				t.Error("it asks for what is older than the first line")
			}
			if got := ansi.Strip(m.View(noon)[1]); !strings.Contains(got, "the beginning: no older lines") {
				t.Errorf("at the end it says %q", got)
			}
		}
	}
}

func TestTheLineUnderTheEyeStaysWhereItIs(t *testing.T) {
	a := newArchive(1000, 70)
	m := a.console(200)
	act := keyed(m, "home")
	before := ansi.Strip(strings.Join(m.View(noon)[2:], "\n"))
	a.serve(m, act)
	if after := ansi.Strip(strings.Join(m.View(noon)[2:], "\n")); after != before {
		t.Errorf("before the answer:\n%s\nafter it:\n%s", before, after)
	}
	first := m.pane().Current().Time
	keyed(m, "up")
	if got := m.pane().Current(); got == nil || got.Time.After(first) {
		t.Errorf("one up it is on %v, want what is before %v", got, first)
	}
}

func TestBelowThePastIsThePresent(t *testing.T) {
	a := newArchive(100, 70)
	m := a.console(20)
	a.serve(m, keyed(m, "home"))
	for range 100 {
		keyed(m, "pgdown")
	}
	if on, _ := m.live.Following(); m.past != nil || !on {
		t.Error("below the last line of the past it does not follow the live log")
	}
	a.serve(m, keyed(m, "home"))
	keyed(m, "F")
	if on, _ := m.live.Following(); m.past != nil || !on {
		t.Error("F does not lead to the newest line")
	}
	a.serve(m, keyed(m, "home"))
	keyed(m, "esc")
	if on, _ := m.live.Following(); m.past != nil || on {
		t.Error("esc does not lead back to where the live log was")
	}
}

func TestThePastIsBounded(t *testing.T) {
	for name, long := range map[string]int{"by lines": 0, "by bytes": 4000} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(40_000, 5000)
			for i := range a.lines {
				a.lines[i].Text += strings.Repeat("x", long)
			}
			m := a.console(1000)
			for m.past == nil || !m.past.end {
				a.serve(m, keyed(m, "home"))
				bytes := 0
				for n := m.past.buf.First(); n < m.past.buf.End(); n++ {
					bytes += len(m.past.buf.At(n).Text)
				}
				if m.past.buf.Len() > pastLines || bytes > pastBytes {
					t.Fatalf("it has %d lines, %d bytes", m.past.buf.Len(), bytes)
				}
			}
			keyed(m, "home")
			if got := m.pane().Current().Text; !strings.HasPrefix(got, "hourly") {
				t.Errorf("the oldest line is %.20q, want the first of all", got)
			}
			m.past.pane.Move(1 << 30)
			m.past.pane.Move(-1)
			keyed(m, "down")
			if m.past == nil {
				t.Error("below lines that had to make room it leads to the present, over a gap")
			}
		})
	}
}

func TestASearchOfEverythingGoesOnUntilItHasFound(t *testing.T) {
	a := newArchive(1000, 70)
	a.looks = 50 // of which none has it, until the last
	a.lines[3].Text, a.lines[3].Level = "storm surge", 0
	m := a.console(200)
	press(m, "/", "s", "u", "r", "g", "e", "enter")
	if got := ansi.Strip(m.View(noon)[0]); !strings.Contains(got, "enter: all history") {
		t.Errorf("a miss does not offer more: %q", got)
	}
	act := keyed(m, "enter")
	first := a.ask(act.Ask)
	m.Answer(first)
	if got, want := ansi.Strip(m.View(noon)[1]), `looking for lines with "surge" in all that is kept, now back to `+first.Reached.Format(time.DateTime); !strings.Contains(got, want) {
		t.Errorf("while it looks it says %q, want %q", got, want)
	}
	act.Ask = m.past.ask
	a.serve(m, act)
	if l := m.pane().Current(); m.pane().Len() != 1 || l.Text != "storm surge" {
		t.Fatalf("it found %d lines: %v", m.pane().Len(), l)
	}

	found := m.pane().Current().Time
	a.serve(m, keyed(m, "enter")) // the lines around
	if got := m.pane().Current(); !got.Time.Equal(found) {
		t.Errorf("among the lines around it is on one of %v, want %v", got.Time, found)
	}
	if got := strings.Join(m.View(noon), "\n"); !strings.Contains(ansi.Strip(got), "line 9") || !strings.Contains(got, theme.New(theme.Options{}).Match.Paint("surge")) {
		t.Errorf("around it there is no line 9, or it is not marked:\n%s", ansi.Strip(got))
	}
	keyed(m, "esc") // back to what was found
	if l := m.pane().Current(); m.pane().Len() != 1 || l.Text != "storm surge" {
		t.Errorf("esc leads to %d lines: %v", m.pane().Len(), l)
	}
	press(m, "/", "x", "x", "x", "enter")
	if act := keyed(m, "enter"); act.Kind != Older || act.Ask.Search != "surgexxx" {
		t.Errorf("another search among what was found asks for %+v", act)
	}
	keyed(m, "esc")
	a.serve(m, keyed(m, "enter"))
	a.serve(m, keyed(m, "enter"))
	a.serve(m, keyed(m, "v")) // about the same time
	if got := m.pane().Current(); got == nil || got.Time.Sub(found).Abs() > time.Second {
		t.Errorf("with another level it is on %v, want one of %v", got, found)
	}
}

// The beginning is where the first line is: above another it would say that nothing was before that one.
func TestTheBeginningIsSaidAboveTheFirstLineOnly(t *testing.T) {
	for _, tc := range []struct{ name, open, first, other string }{
		{"of the log", "", "the beginning: no older lines at INFO and above are kept", "older lines: home goes to the first, of "},
		{"of a search", "line", `the beginning: no older lines with "line" at INFO and above are kept`, `older lines with "line": home goes to the first, of `},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newArchive(200, 70)
			m := a.console(20)
			key := "home"
			if tc.open != "" {
				press(m, append(append([]string{"/"}, strings.Split(tc.open, "")...), "enter")...)
				key = "enter"
			}
			a.serve(m, keyed(m, key))
			for !m.past.end {
				a.serve(m, keyed(m, "home"))
			}
			says := func(after, want string) {
				t.Helper()
				if got := ansi.Strip(m.View(noon)[1]); !strings.Contains(got, want) {
					t.Errorf("after %s it says %q, want %q", after, got, want)
				}
			}
			says("the answer that brought the first line", tc.other+a.lines[0].Time.Format(time.DateTime))
			keyed(m, "home")
			says("home", tc.first)
			keyed(m, "down")
			says("a move that scrolls nothing", tc.first)
			keyed(m, "pgdown")
			says("a page down", tc.other)
			keyed(m, "n")
			press(m, "/", "9", "enter")
			says("a search", tc.other)
			keyed(m, "home")
			says("home again", tc.first)
		})
	}
}

func TestASearchThatFindsNothingSaysSo(t *testing.T) {
	a := newArchive(100, 70)
	m := a.console(20)
	press(m, "/", "q", "q", "enter")
	a.serve(m, keyed(m, "enter"))
	if got := ansi.Strip(m.View(noon)[1]); !strings.Contains(got, `no lines with "qq" at INFO and above in all that is kept`) {
		t.Errorf("it says %q", got)
	}
	keyed(m, "esc")
	if m.past != nil || m.pane().Query() != "qq" {
		t.Error("esc does not lead back to the live log and its search")
	}
}

func TestAnswersThatComeTooLateChangeNothing(t *testing.T) {
	a := newArchive(1000, 70)
	m := a.console(200)
	old := keyed(m, "home")
	keyed(m, "esc")
	if act := m.Answer(a.ask(old.Ask)); act.Kind != None || m.past != nil {
		t.Error("an answer after esc is taken in")
	}
	now := keyed(m, "home")
	m.Answer(a.ask(old.Ask))
	if m.past.buf.Len() != 200 || !m.past.underway {
		t.Error("the answer to an earlier question is taken for that to the last")
	}
	a.serve(m, now)
	a.holds(t, m, widget.LogFilter{})
}

func TestAfterAnErrorHomeAsksAgain(t *testing.T) {
	a := newArchive(1000, 70)
	m := a.console(200)
	act := keyed(m, "home")
	if act := m.Answer(Answer{Number: act.Ask.Number, Err: errors.New("no log_aggregator is connected")}); act.Kind != Refuse || !strings.Contains(act.Why, "no log_aggregator") {
		t.Errorf("it says %q", act.Why)
	}
	if got := ansi.Strip(m.View(noon)[1]); !strings.Contains(got, "older lines could not be read; home asks again") {
		t.Errorf("it says %q", got)
	}
	a.serve(m, keyed(m, "home"))
	a.holds(t, m, widget.LogFilter{})
	if m.past.buf.Len() <= 200 {
		t.Error("there are no older lines")
	}
}

// A question that is open when the operator looks at the lines around a match is asked again afterwards.
func TestWhatWasFoundGoesOnAfterALookAround(t *testing.T) {
	a := newArchive(1000, 40)
	m := a.console(20)
	press(m, "/", "h", "o", "u", "r", "l", "y", "enter")
	m.Answer(a.ask(keyed(m, "enter").Ask))
	keyed(m, "home") // asks for more
	a.serve(m, keyed(m, "enter"))
	keyed(m, "esc")
	before := m.pane().Len()
	a.serve(m, keyed(m, "home"))
	if m.past == nil || m.pane().Len() <= before {
		t.Errorf("after a look around, home loads nothing: %d lines before, %d after", before, m.pane().Len())
	}
}
