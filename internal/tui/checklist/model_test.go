package checklist

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"nowcast/internal/core/pyyaml"
	"nowcast/internal/tui/theme"
)

var noon = time.Date(2031, 5, 17, 12, 0, 0, 0, time.UTC)

func newPage(yaml string, changes ...Change) *Model {
	m := New(theme.New(theme.Options{}))
	m.SetSize(100, 30)
	v, err := pyyaml.Decode([]byte(yaml))
	if err != nil {
		panic(err)
	}
	values, _ := v.(*pyyaml.Map)
	m.Set(values, changes)
	return m
}

// shows returns the rows of the page without blanks at their ends.
func shows(m *Model) string {
	var out []string
	for _, l := range m.View(noon)[1:] {
		if l = strings.TrimRight(ansi.Strip(l), " "); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

func press(m *Model, keys ...string) {
	codes := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "left": tea.KeyLeft, "right": tea.KeyRight, "down": tea.KeyDown, "up": tea.KeyUp, "end": tea.KeyEnd, "home": tea.KeyHome, "space": tea.KeySpace}
	for _, k := range keys {
		if c, ok := codes[k]; ok {
			m.Update(tea.KeyPressMsg{Code: c})
			continue
		}
		m.Update(tea.KeyPressMsg{Code: []rune(k)[0], Text: k})
	}
}

const example = `
b: {x: 1, y: {deep: [needle, 2]}}
a: text
c: []
`

func TestTheTreeFolds(t *testing.T) {
	for _, tc := range []struct {
		name string
		keys []string
		want string
	}{
		{"closed at first, sorted", nil, "   a: text\n ▸ b: 2 entries  x: 1, y\n   c: no items"},
		{"space opens", []string{"down", "space"}, "   a: text\n ▾ b: 2 entries\n     x: 1\n   ▸ y: 1 entry  deep\n   c: no items"},
		{"and closes", []string{"down", "z", "z"}, "   a: text\n ▸ b: 2 entries  x: 1, y\n   c: no items"},
		{"E opens everything", []string{"E"}, "   a: text\n ▾ b: 2 entries\n     x: 1\n   ▾ y: 1 entry\n     ▾ deep: 2 items\n         - needle\n         - 2\n   c: no items"},
		{"C closes everything", []string{"E", "C"}, "   a: text\n ▸ b: 2 entries  x: 1, y\n   c: no items"},
		{"left goes out, then closes", []string{"down", "right", "down", "left", "left"}, "   a: text\n ▸ b: 2 entries  x: 1, y\n   c: no items"},
		{"search opens what has it", []string{"/", "N", "E", "E", "D", "enter"}, "   a: text\n ▾ b: 2 entries\n     x: 1\n   ▾ y: 1 entry\n     ▾ deep: 2 items\n         - needle\n         - 2\n   c: no items"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newPage(example)
			press(m, tc.keys...)
			if got := shows(m); got != tc.want {
				t.Errorf("it shows\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestASearchGoesRound(t *testing.T) {
	m := newPage("a: match\nb: {c: 1, d: match}\ne: other\nf: match\n")
	at := func() string { return strings.NewReplacer("\x00s", "/").Replace(m.path()) }
	press(m, "/", "m", "a", "t", "c", "h", "enter")
	for _, tc := range []struct{ key, want string }{
		{"", "/a"}, {"n", "/b/d"}, {"n", "/f"}, {"n", "/a"}, {"N", "/f"}, {"N", "/b/d"}, {"N", "/a"},
	} {
		if tc.key != "" {
			press(m, tc.key)
		}
		if at() != tc.want {
			t.Errorf("after %q the cursor is at %s, want %s", tc.key, at(), tc.want)
		}
	}
	press(m, "/", "x", "enter")
	if head := ansi.Strip(m.View(noon)[0]); !strings.Contains(head, "no such text") {
		t.Errorf("after a search in vain the heading is %q", head)
	}
}

func TestTheCursorAndTheFoldsStayWhenTheChecklistChanges(t *testing.T) {
	m := newPage("b: {x: 1}\nc: 2\n")
	press(m, "space", "down")
	v, _ := pyyaml.Decode([]byte("a: 0\nb: {w: 0, x: 1}\nc: 2\n"))
	m.Set(v.(*pyyaml.Map), nil)
	if got, want := shows(m), "   a: 0\n ▾ b: 2 entries\n     w: 0\n     x: 1\n   c: 2"; got != want {
		t.Errorf("it shows\n%s\nwant\n%s", got, want)
	}
	if r := m.rows[m.scroll.Cursor]; r.key != "x" {
		t.Errorf("the cursor is on %v, want x", r.key)
	}
}

func TestWhatHasChangedIsMarkedForAWhile(t *testing.T) {
	m := newPage("a: 1\nb: {x: 1, y: 2}\n", Change{At: noon.Add(-3 * time.Second), Author: "make_plots", Key: "b", Items: []pyyaml.Value{"x"}},
		Change{At: noon.Add(-11 * time.Second), Author: "sleep", Key: "a"})
	press(m, "E")
	for _, tc := range []struct {
		row  string
		want bool
	}{{"a:", false}, {"b:", true}, {"x:", true}, {"y:", false}} {
		for _, l := range strings.Split(shows(m), "\n") {
			if strings.Contains(l, tc.row) && strings.Contains(l, "* 3s ago by make_plots") != tc.want {
				t.Errorf("the row %q is marked: %v, want %v", l, !tc.want, tc.want)
			}
		}
	}
}

func TestEveryKindOfValueIsShownAsInTheChecklistFile(t *testing.T) {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	for _, tc := range []struct {
		value pyyaml.Value
		want  string
	}{
		{nil, "null"}, {true, "true"}, {int64(-5), "-5"}, {huge, "123456789012345678901234567890"},
		{1.5, "1.5"}, {2.0, "2.0"}, {1e300, "1e+300"}, {math.Inf(-1), "-.inf"}, {math.NaN(), ".nan"},
		{"text", "text"}, {"", "''"}, {"yes", "'yes'"}, {"12:30:00", "'12:30:00'"}, {"2031-05-17", "'2031-05-17'"}, {"a: b", "'a: b'"},
		{"it's: x", `"it's: x"`}, {"two\nlines", `"two\nlines"`}, {"\x1b[2J", `"\x1b[2J"`},
		{pyyaml.Binary("\x00\xff"), "binary 00ff"}, {pyyaml.Binary(strings.Repeat("a", 20)), "binary 616161616161616161616161... (20 bytes)"},
		{pyyaml.Date{Year: 2031, Month: 5, Day: 17}, "2031-05-17"},
		{pyyaml.DateTime{Time: noon}, "2031-05-17 12:00:00"}, {pyyaml.DateTime{Time: noon, Aware: true}, "2031-05-17 12:00:00+00:00"},
		{pyyaml.NewSet("a"), "1 member of a set"}, {pyyaml.Pairs{{Key: 1, Value: 2}}, "1 pair"}, {[]pyyaml.Value{}, "no items"},
	} {
		if got := scalar(tc.value); got != tc.want {
			t.Errorf("%#v is shown as %q, want %q", tc.value, got, tc.want)
		}
	}
}

func TestKeysThatLookTheSameAreDifferentEntries(t *testing.T) {
	values := pyyaml.NewMap(0)
	values.Set(int64(1), pyyaml.MapOf("x", int64(1)))
	values.Set("1", pyyaml.MapOf("x", int64(2)))
	m := New(theme.New(theme.Options{}))
	m.SetSize(60, 20)
	m.Set(values, nil)
	press(m, "space")
	if got := len(m.rows); got != 3 {
		t.Errorf("opening one of them shows %d rows, want 3:\n%s", got, shows(m))
	}
}

func BenchmarkFoldOutEverything(b *testing.B) {
	values := pyyaml.NewMap(0)
	for i := range 5000 {
		values.Set(fmt.Sprint("key ", i), pyyaml.MapOf("a", int64(1), "b", "text", "c", []pyyaml.Value{int64(1)}))
	}
	m := New(theme.New(theme.Options{}))
	m.SetSize(200, 50)
	m.Set(values, nil)
	press(m, "E")
	b.Run("change", func(b *testing.B) {
		for b.Loop() {
			m.Set(values, nil)
		}
	})
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			m.View(noon)
		}
	})
	b.Run("search in vain", func(b *testing.B) {
		m.query = "nowhere"
		for b.Loop() {
			m.find("", true, 1)
		}
	})
}

func TestATextIsCalledPlainOnlyIfYAMLReadsItAsText(t *testing.T) {
	const alphabet = "aeEfnNolsutrYyx019_-./ :#'"
	var try func(s string, more int)
	try = func(s string, more int) {
		if v, err := pyyaml.Decode([]byte(s)); plainly(s) && (err != nil || v != pyyaml.Value(s)) {
			t.Errorf("%q is called plain, but is %v, %v", s, v, err)
		}
		if more > 0 {
			for _, c := range alphabet {
				try(s+string(c), more-1)
			}
		}
	}
	try("", 3)
	for _, s := range []string{"true", "False", "null", "NULL", "yes", "Off", "forecast2", "/results/forcing", "nowcast-green", "run_NEMO", "a.b", "ends-", "x1e5", "e5", "f_1"} {
		try(s, 1)
	}
	for _, s := range []string{"forecast2", "/results/forcing/GRIB", "nowcast-green"} {
		if !plainly(s) {
			t.Errorf("%q is not called plain", s)
		}
	}
}
