package widget

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestCleanShowsWhatCannotBeShown(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain text is itself", "launching make_plots", "launching make_plots"},
		{"colour is taken out", "\x1b[31;1mERROR\x1b[0m: bad", "ERROR: bad"},
		{"cursor movement is taken out", "\x1b[2J\x1b[10;10Hgotcha", "gotcha"},
		{"a link keeps its text", "\x1b]8;;http://x\x1b\\text\x1b]8;;\x07", "text"},
		{"a broken sequence is seen", "\x1b[31", "^[[31"},
		{"a lone escape is seen", "a\x1bcb", "a^[cb"},
		{"control characters are seen", "bell\a null\x00 del\x7f cr\rx", "bell^G null^@ del^? cr^Mx"},
		{"C1 controls are seen", "\u009b31m", `\u009b31m`},
		{"tabs go to their stops", "a\tb\t\tc", "a       b               c"},
		{"bytes that are not UTF-8 are seen", "caf\xe9 \xff\xfe", `caf\xe9 \xff\xfe`},
		{"wide characters stay", "日本語", "日本語"},
		{"accents stay", "e\u0301te\u0301", "e\u0301te\u0301"},
		{"an emoji that terminals join or not is reduced", "👩\u200d🚀 ok", "👩 ok"},
		{"a sign with a variation selector loses it", "⚠\ufe0f hot", "⚠ hot"},
		{"a flag stays", "🇨🇦", "🇨🇦"},
		{"bidirectional controls are replaced", "a\u202eb", "a\ufffdb"},
		{"a line break is seen", "a\nb", "a^Jb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Clean(tc.in); got != tc.want {
				t.Errorf("Clean(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestCleanCutsAVeryLongLineAndSaysSo(t *testing.T) {
	got := Clean(strings.Repeat("x", 1<<20))
	if len(got) > maxLine+100 || !strings.Contains(got, "bytes more of 1048576)") {
		t.Errorf("Clean of 1 MB has %d bytes and ends %q", len(got), got[len(got)-60:])
	}
}

func TestCleanLinesAlwaysHasALine(t *testing.T) {
	for in, want := range map[string]int{"": 1, "\n": 1, "a\r\nb": 2, "a\n\nb\n": 3} {
		if got := len(CleanLines(in)); got != want {
			t.Errorf("CleanLines(%q) has %d lines, want %d", in, got, want)
		}
	}
}

// disturbs returns why a cleaned text could disturb the screen, "" if it cannot.
func disturbs(s string) string {
	if !utf8.ValidString(s) {
		return "it is not UTF-8"
	}
	if i := strings.IndexFunc(s, unicode.IsControl); i >= 0 {
		return "there is a control character in it"
	}
	if g, w := ansi.StringWidth(s), ansi.StringWidthWc(s); g != w {
		return "terminals disagree about its width"
	}
	if Width(s) != ansi.StringWidth(s) {
		return "Width is wrong"
	}
	return ""
}

func FuzzCleanTextNeverDisturbsTheScreen(f *testing.F) {
	for _, s := range []string{
		"", "plain", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b1m", "a\tb", "日本語", "👩\u200d🚀", "🇨🇦🇨", "e\u0301\u0301\u0301",
		"\u1100\u1161\u11a8", "कि", "\u200b\u200d\ufe0f", "\xff\xc3(", "\u202eabc", "a\u00ad", "ﷺ", "\x1b", "👍🏽", "1\ufe0f\u20e3",
	} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, w int) {
		c := Clean(s)
		if why := disturbs(c); why != "" {
			t.Errorf("Clean(%q) = %q: %s", s, c, why)
		}
		w &= 255
		if got := Width(Fit(c, w, "…")); got != w && w > 0 {
			t.Errorf("Fit(%q, %d) is %d cells wide", c, w, got)
		}
		if got := Width(FitRight(c, w, "…")); got != w && w > 0 {
			t.Errorf("FitRight(%q, %d) is %d cells wide", c, w, got)
		}
		if got, want := Width(Skip(c, w)), max(0, Width(c)-w); got != want {
			t.Errorf("Skip(%q, %d) is %d cells wide, want %d", c, w, got, want)
		}
		if w > 1 {
			for _, l := range Wrap(c, w) {
				if Width(l) > w {
					t.Errorf("Wrap(%q, %d) has the line %q of %d cells", c, w, l, Width(l))
				}
			}
		}
		for _, l := range CleanLines(s) {
			if why := disturbs(l); why != "" {
				t.Errorf("CleanLines(%q) has %q: %s", s, l, why)
			}
		}
	})
}

func TestFitIsExactlyAsWideAsAsked(t *testing.T) {
	for _, tc := range []struct {
		in   string
		w    int
		want string
	}{
		{"abc", 5, "abc  "}, {"abcdef", 4, "abc…"}, {"日本語", 4, "日… "}, {"日本語", 5, "日本…"}, {"abc", 0, ""}, {"abc", 1, "…"},
	} {
		if got := Fit(tc.in, tc.w, "…"); got != tc.want {
			t.Errorf("Fit(%q, %d) = %q, want %q", tc.in, tc.w, got, tc.want)
		}
	}
}

func TestIndexFoldIgnoresTheCaseOfLetters(t *testing.T) {
	for _, tc := range []struct {
		s, lower string
		want     int
	}{
		{"Make_Plots", "plots", 5}, {"abc", "x", -1}, {"abc", "", 0}, {"AAB", "ab", 1}, {"été", "té", 2}, {"a", "ab", -1},
	} {
		if got := IndexFold(tc.s, tc.lower); got != tc.want {
			t.Errorf("IndexFold(%q, %q) = %d, want %d", tc.s, tc.lower, got, tc.want)
		}
	}
}

func BenchmarkCleanPlainLine(b *testing.B) {
	for b.Loop() {
		Clean("success: 2.5km 18 hour download completed of /results/forcing/atmospheric/continental2.5/GRIB/20310516/18")
	}
}

func TestWrapBreaksAtBlanksAndInLongWords(t *testing.T) {
	for _, tc := range []struct {
		in   string
		w    int
		want string
	}{
		{"", 5, ""}, {"one two", 7, "one two"}, {"one two three", 8, "one two|three"}, {"abcdefgh", 3, "abc|def|gh"}, {"日本語", 4, "日本|語"}, {"日本語", 1, "日本語"},
	} {
		if got := strings.Join(Wrap(tc.in, tc.w), "|"); got != tc.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", tc.in, tc.w, got, tc.want)
		}
	}
}

func BenchmarkWrapLongWideLine(b *testing.B) {
	line := Clean(strings.Repeat("日", maxLine/3))
	for b.Loop() {
		Wrap(line, 2)
	}
}
