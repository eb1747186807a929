package tui

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/launches"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/widget"
)

// ask is a question to the operator: yes or no, one of several, or a line to be typed.
type ask struct {
	question string
	warning  string         // what else will happen; of a prompt: what enter does
	choices  []choice       // none: yes or no
	prompt   *widget.Prompt // nil: a key answers
	problem  string         // why what was typed will not do

	yes   func() tea.Cmd                     // on yes
	typed func(line string) (tea.Cmd, error) // on enter; it may open the next question
}

// choice is one of several answers.
type choice struct {
	key, text string
	do        func() tea.Cmd
}

// key answers the question, or edits the line.
func (a *ask) key(m *Model, k tea.KeyPressMsg) tea.Cmd {
	switch {
	case k.String() == "esc" || k.String() == "ctrl+c":
		m.ask = nil
		m.say("nothing was done", false)
	case a.prompt == nil && a.choices == nil && (k.String() == "y" || k.String() == "Y"):
		m.ask = nil
		return a.yes()
	case a.prompt == nil && (k.String() == "n" || k.String() == "N" || k.String() == "q"):
		m.ask = nil
		m.say("nothing was done", false)
	case a.prompt != nil && k.String() == "enter":
		m.ask = nil
		cmd, err := a.typed(a.prompt.Value())
		if err != nil {
			m.ask, a.problem = a, err.Error()
		}
		return cmd
	case a.prompt != nil:
		a.problem = ""
		a.prompt.Update(k)
	}
	for _, c := range a.choices {
		if k.String() == c.key {
			m.ask = nil
			return c.do()
		}
	}
	return nil
}

// view draws the question in at most rows lines.
func (a *ask) view(m *Model, width, rows int) []string {
	lines := []string{widget.Heading(m.theme, a.question, "", width)}
	if a.prompt != nil {
		foot := cmp.Or(a.warning, "enter goes on, esc leaves it")
		if a.problem != "" {
			foot = a.problem
		}
		return append(lines, " "+a.prompt.View(width-1), m.theme.Faint.Paint(widget.Fit(" "+widget.Clean(foot), width, m.theme.Mark.Cut)))
	}
	lines = lines[:0]
	for _, l := range widget.Wrap(widget.Clean(a.question), width-2) {
		lines = append(lines, m.theme.Title.Paint(widget.Fit(" "+l, width, m.theme.Mark.Cut)))
	}
	if a.warning != "" {
		for _, l := range widget.Wrap(widget.Clean(a.warning), width-2) {
			lines = append(lines, m.theme.Warn.Paint(widget.Fit(" "+l, width, m.theme.Mark.Cut)))
		}
	}
	if over := len(lines) + 2 - rows; over > 0 {
		lines = lines[:max(1, len(lines)-over)]
	}
	return append(append([]string{m.theme.Faint.Paint(strings.Repeat(m.theme.Mark.Rule, width))}, lines...), a.answers(m))
}

// answers draws the keys that answer.
func (a *ask) answers(m *Model) string {
	all := append(slices.Clone(a.choices), choice{key: "n", text: "no"})
	if a.choices == nil {
		all = []choice{{key: "y", text: "yes"}, {key: "n", text: "no"}}
	}
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = m.theme.Key.Paint(c.key) + " " + c.text
	}
	return " " + strings.Join(texts, "   ")
}

// do sends a command to the manager and says so.
func (m *Model) do(about, command string, args any) tea.Cmd {
	return m.doAt(link.Manager, about, command, args)
}

// doAt sends a command to a daemon and says so.
func (m *Model) doAt(target, about, command string, args any) tea.Cmd {
	m.say("asked the "+short(target)+" to "+about+": waiting for its answer", false)
	m.status.until = m.now.Add(24 * time.Hour) // the answer takes its place
	return m.link.Do(target, about, command, args)
}

// answered shows the answer to a command. An error stays until the next key.
func (m *Model) answered(a link.Answer) {
	if a.Err != nil {
		m.say(fmt.Sprintf("could not %s: %v", a.About, a.Err), true)
		return
	}
	text := "done: " + a.About
	var l launch.Launch
	if json.Unmarshal(a.Result, &l) == nil && l.ID != 0 && strings.HasPrefix(a.About, "launch ") {
		text = fmt.Sprintf("launched as %d: %s", l.ID, launches.Command(&l))
	}
	m.say(text, false)
}

// sayFor is how long a good answer is shown.
const sayFor = 8 * time.Second

// say shows a line above the keys.
func (m *Model) say(text string, bad bool) {
	m.status = status{text: widget.Clean(text), bad: bad, until: m.now.Add(sayFor)}
	if bad {
		m.status.until = m.now.Add(24 * time.Hour)
	}
}
