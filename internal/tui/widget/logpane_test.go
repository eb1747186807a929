package widget

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"nowcast/internal/tui/theme"
)

var start = time.Date(2031, 5, 17, 5, 0, 0, 0, time.UTC)

// fill appends n lines "line 0", "line 1", ... to a buffer of size lines.
func fill(size, n int) *LogBuffer {
	b := NewLogBuffer(size)
	for i := range n {
		b.Append(LogLine{Time: start.Add(time.Duration(i) * time.Second), Name: "manager", Text: fmt.Sprint("line ", i)})
	}
	return b
}

// messages returns the last word or two of each row that a pane shows.
func messages(p *LogPane) []string {
	var out []string
	for _, row := range p.View(time.UTC, true) {
		row = ansi.Strip(row)
		if len(row) > p.prefix() {
			out = append(out, strings.TrimSpace(row[min(p.prefix(), len(row)):]))
		}
	}
	return out
}

func newPane(b *LogBuffer, height int) *LogPane {
	p := NewLogPane(plain, b)
	p.SetSize(80, height)
	return p
}

func TestALogFollowsUntilItIsScrolledUp(t *testing.T) {
	b := fill(100, 10)
	p := newPane(b, 3)
	if got, want := messages(p), []string{"line 7", "line 8", "line 9"}; !slices.Equal(got, want) {
		t.Fatalf("it shows %q, want %q", got, want)
	}
	p.Move(-1)
	b.Append(LogLine{Time: start, Name: "x", Text: "line 10"})
	p.Sync()
	if got, want := messages(p), []string{"line 7", "line 8", "line 9"}; !slices.Equal(got, want) {
		t.Errorf("scrolled up, it shows %q, want %q", got, want)
	}
	if on, fresh := p.Following(); on || fresh != 1 {
		t.Errorf("following %v with %d new lines, want false and 1", on, fresh)
	}
	p.Follow(true)
	if got, want := messages(p), []string{"line 8", "line 9", "line 10"}; !slices.Equal(got, want) {
		t.Errorf("following again, it shows %q, want %q", got, want)
	}
	p.Move(-1)
	p.Move(+1)
	if on, _ := p.Following(); !on {
		t.Errorf("moved down to the last line it does not follow")
	}
}

func TestALogForgetsTheOldestWithoutMoving(t *testing.T) {
	b := fill(10, 10)
	p := newPane(b, 3)
	p.Move(-4) // to line 5
	for i := 10; i < 13; i++ {
		b.Append(LogLine{Time: start, Text: fmt.Sprint("line ", i)})
		p.Sync()
	}
	if got, want := messages(p), []string{"line 5", "line 6", "line 7"}; !slices.Equal(got, want) {
		t.Errorf("it shows %q, want %q", got, want)
	}
	for i := 13; i < 40; i++ {
		b.Append(LogLine{Time: start, Text: fmt.Sprint("line ", i)})
	}
	p.Sync()
	if got, want := messages(p), []string{"line 30", "line 31", "line 32"}; !slices.Equal(got, want) {
		t.Errorf("after all it showed is gone it shows %q, want %q", got, want)
	}
}

func TestALogIsFilteredByLevelNameAndLaunch(t *testing.T) {
	b := NewLogBuffer(100)
	b.Append(LogLine{Level: slog.LevelDebug, Name: "a", Text: "1", Launch: 7})
	b.Append(LogLine{Level: slog.LevelWarn, Name: "b", Text: "2"})
	b.Append(LogLine{Level: slog.LevelError, Name: "a", Text: "3"})
	p := newPane(b, 3)
	for _, tc := range []struct {
		f    LogFilter
		want string
	}{
		{LogFilter{Level: slog.LevelDebug}, "1 2 3"},
		{LogFilter{Level: slog.LevelWarn}, "2 3"},
		{LogFilter{Level: slog.LevelDebug, Name: "a"}, "1 3"},
		{LogFilter{Level: slog.LevelDebug, Launch: 7}, "1"},
		{LogFilter{Level: slog.LevelDebug, Launch: 8}, ""},
	} {
		p.SetFilter(tc.f)
		if got := strings.TrimSpace(strings.Join(messages(p), " ")); got != tc.want {
			t.Errorf("with %+v it shows %q, want %q", tc.f, got, tc.want)
		}
	}
}

func TestASearchFindsTheNewestMatchAndGoesOn(t *testing.T) {
	b := fill(100, 50)
	p := newPane(b, 5)
	at := func() string {
		if l := p.Current(); l != nil {
			return l.Text
		}
		return ""
	}
	for _, tc := range []struct {
		what string
		do   func() bool
		ok   bool
		want string
	}{
		{"typing 4", func() bool { return p.Search("E 4") }, true, "line 49"},
		{"older", p.Older, true, "line 48"},
		{"older", p.Older, true, "line 47"},
		{"newer", p.Newer, true, "line 48"},
		{"another text", func() bool { return p.Search("line 12") }, true, "line 12"},
		{"no older one", p.Older, false, "line 12"},
		{"a logger name", func() bool { return p.Search("MANAGER") }, true, "line 12"},
		{"a text that is not there", func() bool { return p.Search("nothing") }, false, "line 12"},
	} {
		if ok := tc.do(); ok != tc.ok || at() != tc.want {
			t.Errorf("%s: found %v at %q, want %v at %q", tc.what, ok, at(), tc.ok, tc.want)
		}
	}
}

func TestASearchShowsAMatchThatIsFarToTheRight(t *testing.T) {
	b := NewLogBuffer(10)
	b.Append(LogLine{Text: strings.Repeat("x", 500) + "needle" + strings.Repeat("y", 500)})
	p := newPane(b, 3)
	p.Search("needle")
	if got := messages(p)[0]; !strings.Contains(got, "needle") {
		t.Errorf("it shows %q", got)
	}
}

func TestARecordOfManyLinesIsScrolledRowByRow(t *testing.T) {
	b := NewLogBuffer(10)
	b.Append(LogLine{Text: "before"})
	b.Append(LogLine{Text: "Traceback:\n  one\n  two\n  three\nValueError"})
	p := newPane(b, 3)
	if got, want := messages(p), []string{"two", "three", "ValueError"}; !slices.Equal(got, want) {
		t.Errorf("it shows %q, want %q", got, want)
	}
	p.Move(-3)
	if got, want := messages(p), []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("three rows up it shows %q, want %q", got, want)
	}
	p.Home()
	if got, want := messages(p), []string{"before", "Traceback:", "one"}; !slices.Equal(got, want) {
		t.Errorf("at the beginning it shows %q, want %q", got, want)
	}
}

func TestLongLinesAreWrappedOrScrolled(t *testing.T) {
	b := NewLogBuffer(10)
	b.Append(LogLine{Text: strings.Repeat("a", 60) + " " + strings.Repeat("b", 30)})
	p := newPane(b, 4)
	p.SetWrap(true)
	if got := messages(p); len(got) < 2 || !strings.HasSuffix(got[1], "b") {
		t.Errorf("wrapped, it shows %q", got)
	}
	p.SetWrap(false)
	p.Sideways(61)
	if got := messages(p)[0]; got != strings.Repeat("b", 30) {
		t.Errorf("scrolled by 61, it shows %q", got)
	}
}

// Whatever happens to a log and its pane, the pane shows exactly its rows, and following it shows the newest.
func TestALogPaneSurvivesAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := NewLogBuffer(1 + r.IntN(30))
		p := newPane(b, r.IntN(12))
		for range 300 {
			switch r.IntN(12) {
			case 0, 1, 2, 3:
				b.Append(LogLine{Level: slog.Level(r.IntN(4)*4 - 4), Launch: int64(r.IntN(3)), Text: strings.Repeat("word\n", r.IntN(4)) + strings.Repeat("long ", r.IntN(40))})
			case 4:
				p.Sync()
			case 5:
				p.Move(r.IntN(21) - 10)
			case 6:
				p.SetFilter(LogFilter{Level: slog.Level(r.IntN(4)*4 - 4), Launch: int64(r.IntN(3))})
			case 7:
				p.SetSize(20+r.IntN(120), r.IntN(12))
			case 8:
				p.SetWrap(r.IntN(2) == 0)
			case 9:
				p.Search([]string{"word", "long", "none", ""}[r.IntN(4)])
			case 10:
				p.Follow(r.IntN(2) == 0)
			case 11:
				b.TakeBack(b.First() + uint64(r.IntN(b.Len()+1)))
				b.DropOldest(r.IntN(3))
			}
			if r.IntN(2) == 0 {
				p.Sync()
				rows := p.View(time.UTC, true)
				if len(rows) != p.height {
					t.Fatalf("it shows %d rows, want %d", len(rows), p.height)
				}
				for _, row := range rows {
					if got := ansi.StringWidth(row); got != p.width {
						t.Fatalf("a row has %d cells, want %d: %q", got, p.width, row)
					}
				}
			}
		}
	}
}

func BenchmarkLogPaneTakesInALine(b *testing.B) {
	buf := NewLogBuffer(20_000)
	p := newPane(buf, 40)
	l := LogLine{Time: start, Name: "manager", Text: "received message from make_plots: (success nemo forecast publish) plots for forecast done"}
	b.ReportAllocs()
	for b.Loop() {
		buf.Append(l)
		p.Sync()
	}
}

func BenchmarkLogPaneView(b *testing.B) {
	p := NewLogPane(plain, fill(20_000, 20_000))
	p.SetSize(200, 45)
	p.Search("line 19")
	p.Follow(true)
	for b.Loop() {
		p.View(time.UTC, true)
	}
}

// What is put before the oldest line moves nothing that is in sight, and the buffer keeps to its size.
func TestLinesPutBeforeTheOldestMoveNothingInSight(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		size := 20 + r.IntN(60)
		buf := NewLogBuffer(size)
		oldest := 10_000
		var want []string // what the buffer has
		add := func(n int) {
			var lines []LogLine
			for i := range n {
				lines = append(lines, LogLine{Text: fmt.Sprint(oldest - n + i), Level: slog.Level(4 * r.IntN(2))})
			}
			oldest -= n
			buf.Prepend(lines)
			texts := make([]string, n)
			for i := range lines {
				texts[i] = lines[i].Text
			}
			want = append(texts, want...)
			want = want[:min(len(want), size)]
		}
		add(1 + r.IntN(40))
		p := NewLogPane(theme.New(theme.Options{}), buf)
		p.SetSize(60, 1+r.IntN(10))
		p.Home()
		for range 10 {
			p.Move(r.IntN(5))
			p.Follow(false)
			before := p.View(time.UTC, true)
			line := p.Current().Text
			add(r.IntN(8))
			p.Sync()
			if i := slices.Index(want, line); i >= 0 && i+p.Height() < len(want) {
				if got := p.View(time.UTC, true); !slices.Equal(got, before) {
					t.Fatalf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(got, "\n"))
				}
			}
			if buf.Len() != len(want) || p.Len() != len(want) {
				t.Fatalf("the buffer has %d lines, the pane %d, want %d", buf.Len(), p.Len(), len(want))
			}
			for i, w := range want {
				if got := buf.At(buf.First() + uint64(i)).Text; got != w {
					t.Fatalf("line %d is %s, want %s", i, got, w)
				}
			}
		}
	}
}

func TestGoToFindsTheLineOfATime(t *testing.T) {
	buf := NewLogBuffer(100)
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	for i := range 50 {
		buf.Append(LogLine{Time: at(10 + 2*i), Text: fmt.Sprint(10 + 2*i)})
	}
	p := NewLogPane(theme.New(theme.Options{}), buf)
	p.SetSize(60, 9)
	for second, want := range map[int]string{0: "10", 10: "10", 11: "10", 12: "12", 57: "56", 108: "108", 1000: "108"} {
		p.GoTo(at(second))
		if got := p.Current().Text; got != want {
			t.Errorf("at %d it is on %s, want %s", second, got, want)
		}
	}
}
