package widget

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"nowcast/internal/tui/theme"
)

var plain = theme.New(theme.Options{})

// press returns the key message of a key as Bubble Tea names it.
func press(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"left": tea.KeyLeft, "right": tea.KeyRight, "up": tea.KeyUp, "down": tea.KeyDown, "home": tea.KeyHome, "end": tea.KeyEnd,
		"backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "space": tea.KeySpace,
	}
	if c, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: c}
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: []rune(rest)[0], Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func TestAPromptIsEdited(t *testing.T) {
	for _, tc := range []struct {
		name string
		keys []string
		want string
	}{
		{"typing goes to the end", []string{"!"}, "make plots!"},
		{"in the middle", []string{"home", "right", "x"}, "mxake plots"},
		{"backspace", []string{"backspace"}, "make plot"},
		{"delete", []string{"home", "delete"}, "ake plots"},
		{"a word back", []string{"ctrl+w"}, "make "},
		{"two words back", []string{"ctrl+w", "ctrl+w"}, ""},
		{"to the beginning", []string{"left", "ctrl+u"}, "s"},
		{"to the end", []string{"home", "ctrl+k"}, ""},
		{"beyond both ends", []string{"right", "right", "end", "x", "home", "left", "backspace", "y"}, "ymake plotsx"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := NewPrompt(plain, "> ", "make plots")
			for _, k := range tc.keys {
				p.Update(press(k))
			}
			if p.Value() != tc.want {
				t.Errorf("after %v it is %q, want %q", tc.keys, p.Value(), tc.want)
			}
		})
	}
}

func TestAPastedTextStaysOneLineAndBounded(t *testing.T) {
	p := NewPrompt(plain, "> ", "")
	p.Update(tea.PasteMsg{Content: "a\nb\x1b[31mc\n"})
	if want := "a b [31mc"; p.Value() != want {
		t.Errorf("pasted %q, want %q", p.Value(), want)
	}
	p.Update(tea.PasteMsg{Content: strings.Repeat("x", 10_000)})
	if got := len([]rune(p.Value())); got != promptLimit {
		t.Errorf("it took %d characters, want %d", got, promptLimit)
	}
	if got := ansi.StringWidth(p.View(40)); got > 40 {
		t.Errorf("it is drawn in %d cells, want at most 40", got)
	}
}

func TestTheCursorStaysInTheWindow(t *testing.T) {
	var s Scroll
	s.SetSize(100, 10)
	nav := NewNavigation()
	for _, tc := range []struct {
		key         string
		cursor, top int
	}{
		{"down", 1, 0}, {"pgdown", 10, 1}, {"end", 99, 90}, {"down", 99, 90}, {"pgup", 90, 90}, {"up", 89, 89}, {"home", 0, 0}, {"up", 0, 0},
	} {
		s.Key(nav, press(tc.key))
		if top, _ := s.Window(); s.Cursor != tc.cursor || top != tc.top {
			t.Errorf("after %s the cursor is at %d and the window at %d, want %d and %d", tc.key, s.Cursor, top, tc.cursor, tc.top)
		}
	}
	s.MoveTo(99)
	s.SetSize(5, 10)
	if top, end := s.Window(); s.Cursor != 4 || top != 0 || end != 5 {
		t.Errorf("with fewer rows: cursor %d, window %d to %d, want 4, 0 to 5", s.Cursor, top, end)
	}
}

func TestATableIsAsWideAsAsked(t *testing.T) {
	table := Table{Theme: plain, Columns: []Column{{Title: "STATE", Width: 9}, {Title: "WORKER", Width: 5, Flex: 1}, {Title: "TOOK", Width: 6, Right: true}}}
	for _, width := range []int{20, 24, 40, 200} {
		widths := table.Widths(width)
		row := table.Row([]Cell{{Text: "running"}, {Text: "make_plots_日本"}, {Text: "12s"}}, widths, width, false)
		if got := ansi.StringWidth(row); got != width {
			t.Errorf("a row of a table %d wide has %d cells: %q", width, got, row)
		}
		if got := ansi.StringWidth(table.Header(width)); got != width {
			t.Errorf("the header of a table %d wide has %d cells", width, got)
		}
	}
}

func TestDurationsAndClocksAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 420 * time.Millisecond: "420ms", 1420 * time.Millisecond: "1.4s", 12 * time.Second: "12s", 185 * time.Second: "3m05s",
		127 * time.Minute: "2h07m", 76 * time.Hour: "3d04h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
	now := time.Date(2031, 5, 17, 5, 41, 7, 0, time.UTC)
	for at, want := range map[time.Time]string{now: "05:41:07", now.Add(-6 * time.Hour): "05-16 23:41", {}: ""} {
		if got := Clock(at, now); got != want {
			t.Errorf("Clock(%v) = %q, want %q", at, got, want)
		}
	}
}

func TestAPagerWrapsScrollsAndKeepsToTheEnd(t *testing.T) {
	p := NewPager(plain, "")
	p.SetSize(20, 5)
	nav := NewNavigation()
	lines := []Line{{Label: "state", Text: "one two three four five"}, {Text: "six"}, {Text: "seven"}, {Text: "eight"}, {Text: "nine"}}
	p.SetLines("title", lines)
	if got := ansi.Strip(p.View()[1]); got != " state  one two     " {
		t.Errorf("the first line is %q", got)
	}
	p.Key(nav, press("end"))
	p.SetLines("title", append(lines, Line{Text: "ten"}))
	if got := strings.TrimSpace(ansi.Strip(p.View()[4])); got != "ten" {
		t.Errorf("at the end, a new line does not show: the last row is %q", got)
	}
	p.Key(nav, press("up"))
	p.SetLines("title", append(lines, Line{Text: "ten"}, Line{Text: "eleven"}))
	if got := strings.TrimSpace(ansi.Strip(p.View()[4])); got != "nine" {
		t.Errorf("scrolled up, the last row is %q, want nine", got)
	}
}
