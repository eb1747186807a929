// Package theme has the console's colours and marks, and is the only place that knows lipgloss.
//
// A Theme is a value handed to whoever draws; there is no global style. Colours are the sixteen of the terminal's own
// palette, so that the operator's choice of light or dark holds here too, and they only repeat what a word or a mark already
// says: with colour off nothing is lost. It comes last in the data flow: words become cells here.
package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Style paints text. The zero value paints nothing.
type Style struct{ open, close string }

// Paint returns text in the style. Text must not contain escape sequences.
func (s Style) Paint(text string) string {
	if s.open == "" || text == "" {
		return text
	}
	return s.open + text + s.close
}

// of takes the sequences out of a lipgloss style once, so that painting a cell costs one concatenation.
func of(l lipgloss.Style) Style {
	open, end, _ := strings.Cut(l.Render("x"), "x")
	return Style{open, end}
}

// Theme is everything that decides how the console looks.
type Theme struct {
	Plain    Style // everything else
	Title    Style // names of views, column titles
	Faint    Style // what matters least: rules, units, old things
	Key      Style // keys in the footer
	Selected Style // the row under the cursor
	Tab      Style // the open page's tab
	Good     Style
	Busy     Style
	Warn     Style
	Bad      Style
	Critical Style
	Match    Style // what a search found
	Fresh    Style // what has just changed

	Mark Marks
}

// Marks are the signs beside the words. Each is one cell wide.
type Marks struct {
	Good, Bad, Busy, Wait, Start, Lost, Again, Warn, Fresh, Open, Closed, Leaf, Dot, Rule, Cursor, Cut string
}

var (
	unicodeMarks = Marks{
		Good: "✓", Bad: "✗", Busy: "●", Wait: "○", Start: "◐", Lost: "?", Again: "↻", Warn: "!", Fresh: "*",
		Open: "▾", Closed: "▸", Leaf: " ", Dot: "·", Rule: "─", Cursor: "▌", Cut: "…",
	}
	asciiMarks = Marks{
		Good: "+", Bad: "x", Busy: ">", Wait: ".", Start: "-", Lost: "?", Again: "r", Warn: "!", Fresh: "*",
		Open: "-", Closed: "+", Leaf: " ", Dot: "|", Rule: "-", Cursor: ">", Cut: "~",
	}
)

// Options choose a theme.
type Options struct {
	NoColour bool // bold, faint and reverse only
	Light    bool // the background is light: the palette's yellow and cyan cannot be read there
	ASCII    bool // for terminals that are not UTF-8
}

// New returns a theme.
func New(o Options) *Theme {
	plain := lipgloss.NewStyle()
	colour := func(ansi string) lipgloss.Style {
		if o.NoColour {
			return plain
		}
		return plain.Foreground(lipgloss.Color(ansi))
	}
	busy, warn, fresh := "6", "3", "5"
	if o.Light {
		busy, warn, fresh = "4", "5", "4"
	}
	t := &Theme{
		Title: of(plain.Bold(true)), Faint: of(plain.Faint(true)), Key: of(plain.Bold(true)),
		Selected: of(plain.Reverse(true)), Tab: of(plain.Bold(true).Reverse(true)),
		Good: of(colour("2")), Busy: of(colour(busy)), Warn: of(colour(warn).Bold(true)), Bad: of(colour("1").Bold(true)),
		Critical: of(colour("1").Bold(true).Reverse(true)), Match: of(colour("3").Reverse(true)), Fresh: of(colour(fresh).Bold(true)),
		Mark: unicodeMarks,
	}
	if o.ASCII {
		t.Mark = asciiMarks
	}
	return t
}
