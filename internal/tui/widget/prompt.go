package widget

import (
	"slices"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/tui/theme"
)

// promptLimit bounds what can be typed or pasted, in runes; what is beyond it is not taken.
const promptLimit = 4096

// Prompt is a one-line text input with a label. It is our own because the text input of bubbles brings programs that
// read the clipboard; a terminal pastes by itself.
type Prompt struct {
	theme *theme.Theme
	label string
	text  []rune
	at    int // the cursor is before this rune
}

// NewPrompt returns a prompt with the cursor after value.
func NewPrompt(t *theme.Theme, label, value string) *Prompt {
	text := []rune(value)
	return &Prompt{theme: t, label: label, text: text, at: len(text)}
}

// Value returns what was typed.
func (p *Prompt) Value() string { return string(p.text) }

// Update takes a key or a paste.
func (p *Prompt) Update(msg tea.Msg) {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		p.insert(msg.Content)
	case tea.KeyPressMsg:
		p.key(msg)
	}
}

func (p *Prompt) key(k tea.KeyPressMsg) {
	switch k.Keystroke() {
	case "left", "ctrl+b":
		p.at = max(0, p.at-1)
	case "right", "ctrl+f":
		p.at = min(len(p.text), p.at+1)
	case "home", "ctrl+a":
		p.at = 0
	case "end", "ctrl+e":
		p.at = len(p.text)
	case "backspace", "ctrl+h":
		p.cut(max(0, p.at-1), p.at)
	case "delete", "ctrl+d":
		p.cut(p.at, min(len(p.text), p.at+1))
	case "ctrl+w", "alt+backspace":
		p.cut(p.wordBefore(), p.at)
	case "ctrl+u":
		p.cut(0, p.at)
	case "ctrl+k":
		p.cut(p.at, len(p.text))
	default:
		p.insert(k.Text)
	}
}

// insert puts text at the cursor; control characters, line breaks among them, become spaces.
func (p *Prompt) insert(text string) {
	add := []rune(strings.TrimRight(text, "\r\n"))
	add = add[:min(len(add), promptLimit-len(p.text))]
	for i, r := range add {
		if unicode.IsControl(r) {
			add[i] = ' '
		}
	}
	p.text = slices.Insert(p.text, p.at, add...)
	p.at += len(add)
}

func (p *Prompt) cut(from, to int) {
	p.text = slices.Delete(p.text, from, to)
	p.at = from
}

// wordBefore returns where the word before the cursor begins.
func (p *Prompt) wordBefore() int {
	i := p.at
	for i > 0 && p.text[i-1] == ' ' {
		i--
	}
	for i > 0 && p.text[i-1] != ' ' {
		i--
	}
	return i
}

// View draws the prompt in width cells, scrolled so that the cursor is seen.
func (p *Prompt) View(width int) string {
	room := max(width-Width(p.label)-2, 1)
	before := Clean(string(p.text[:p.at]))
	under, after := " ", ""
	if p.at < len(p.text) {
		under, after = Clean(string(p.text[p.at:p.at+1])), Clean(string(p.text[p.at+1:]))
	}
	if over := Width(before) + Width(under) - room; over > 0 {
		before = Skip(before, over)
	}
	rest := max(room-Width(before)-Width(under), 0)
	return p.theme.Key.Paint(p.label) + before + p.theme.Selected.Paint(under) + Fit(after, rest, p.theme.Mark.Cut)
}
