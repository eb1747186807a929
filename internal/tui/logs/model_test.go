package logs

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"nowcast/internal/tui/theme"
	"nowcast/internal/tui/widget"
)

var noon = time.Date(2031, 5, 17, 12, 0, 0, 0, time.UTC)

func newPage(lines int) (*Model, *widget.LogBuffer) {
	buf := widget.NewLogBuffer(1000)
	for i := range lines {
		buf.Append(widget.LogLine{Time: noon, Level: slog.Level(4 * (i%4 - 1)), Name: fmt.Sprint("w", i%2), Text: fmt.Sprint("line ", i)})
	}
	m := New(theme.New(theme.Options{}), buf)
	m.SetSize(100, 12)
	return m, buf
}

func press(m *Model, keys ...string) {
	for _, k := range keys {
		m.Update(pressed(k))
	}
}

func pressed(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "left": tea.KeyLeft, "right": tea.KeyRight, "down": tea.KeyDown, "up": tea.KeyUp,
		"end": tea.KeyEnd, "home": tea.KeyHome, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	}
	if c, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: c}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func TestTheHeadingSaysWhatIsShown(t *testing.T) {
	for _, tc := range []struct {
		keys []string
		want string
	}{
		{nil, "log of all, INFO and above ─"},
		{nil, "─ following ─"},
		{[]string{"up"}, "─ paused (F follows) ─"},
		{[]string{"up", "F"}, "─ following ─"},
		{[]string{"home", "end"}, "─ following ─"},
		{[]string{"v"}, "log of all, WARNING and above ─"},
		{[]string{"v", "v"}, "log of all, ERROR and above ─"},
		{[]string{"v", "v", "v"}, "log of all ─"},
		{[]string{"v", "v", "v", "v"}, "log of all, INFO and above ─"},
		{[]string{"s"}, "log of w1, INFO and above (esc shows all)"},
		{[]string{"s", "s"}, "log of all, INFO and above ─"},
		{[]string{"s", "v", "esc"}, "log of all, INFO and above ─"},
		{[]string{"/", "1", "7", "enter"}, "log of all, INFO and above, /17 (esc shows all)"},
		{[]string{"/", "1", "7", "enter", "n"}, "no more matches in this direction at INFO and above"},
		{[]string{"/", "q", "q"}, "no such text at INFO and above "},
		{[]string{"v", "v", "v", "/", "q", "q"}, "no such text "},
		{[]string{"/", "1", "7", "esc"}, "log of all, INFO and above ─"},
	} {
		m, _ := newPage(40)
		press(m, tc.keys...)
		if got := ansi.Strip(m.View(noon)[0]); !strings.Contains(got, tc.want) {
			t.Errorf("after %v the heading is %q, want %q in it", tc.keys, got, tc.want)
		}
	}
}

func TestNewLinesAreCountedWhilePaused(t *testing.T) {
	m, buf := newPage(40)
	press(m, "pgup")
	for range 123 {
		buf.Append(widget.LogLine{Time: noon, Text: "more"})
	}
	m.Sync()
	if got := ansi.Strip(m.View(noon)[0]); !strings.Contains(got, "paused, 123 new (F follows)") {
		t.Errorf("the heading is %q", got)
	}
}

func TestWarningsErrorsAndCriticalsAreWords(t *testing.T) {
	for width, words := range map[int][]string{80: {"DEBUG", "INFO", "WARN ", "ERROR"}, 120: {"DEBUG", "INFO", "WARNING", "ERROR"}} {
		m, _ := newPage(40)
		m.SetSize(width, 12)
		press(m, "v", "v", "v")
		got := ansi.Strip(strings.Join(m.View(noon), "\n"))
		for _, word := range words {
			if !strings.Contains(got, word) {
				t.Errorf("in %d columns there is no %s in\n%s", width, word, got)
			}
		}
	}
}

func TestASearchIsHighlighted(t *testing.T) {
	m, _ := newPage(40)
	press(m, "/", "L", "I", "N", "E", " ", "3", "8", "enter")
	want := theme.New(theme.Options{}).Match.Paint("line 38")
	if got := strings.Join(m.View(noon), "\n"); !strings.Contains(got, want) {
		t.Errorf("there is no %q in\n%q", want, got)
	}
}
