package launches

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"nowcast/internal/core/launch"
	"nowcast/internal/tui/widget"
)

// KeyMap has the page's keys.
type KeyMap struct {
	Details, Relaunch, Edit, Kill, KillHard, Logs, Output, Show, Filter, Merged, Level, Release key.Binding
	Move                                                                                        widget.Navigation
}

func newKeyMap() KeyMap {
	bind := func(k, desc string) key.Binding { return key.NewBinding(key.WithKeys(k), key.WithHelp(k, desc)) }
	return KeyMap{
		Details:  bind("enter", "details: why, command, reports, causes, log; of a barrier, who is missing"),
		Relaunch: bind("r", "relaunch: with the same arguments"),
		Edit:     bind("e", "edit: relaunch with other arguments"),
		Kill:     bind("x", "end: with TERM; calls off what waits, gives up what is unknown"),
		KillHard: bind("X", "kill: with KILL, at once"),
		Logs:     bind("l", "log: of this launch, on page 3"),
		Output:   bind("o", "output: the end of what it printed"),
		Show:     bind("f", "failed: only those that failed by themselves, only running ones, all"),
		Filter:   bind("/", "find: by worker, arguments, host, state, cause"),
		Merged:   bind("m", "log: below the table, its own or that of all"),
		Level:    bind("v", "level: of the log of all"),
		Release:  bind("b", "release: the barrier, now"),
		Move:     widget.NewNavigation(),
	}
}

// AboutLaunch tells whether k does something with the selected launch.
func (m KeyMap) AboutLaunch(k tea.KeyPressMsg) bool {
	return key.Matches(k, m.Relaunch, m.Edit, m.Kill, m.KillHard, m.Logs, m.Output)
}

// Kind is what an operator wants.
type Kind int

// Kinds of actions. The root model carries them out; those that change something it asks about first.
const (
	None     Kind = iota
	Details       // of Launch, or of Barrier if it is nil
	Relaunch      // Launch with its own arguments
	Edit          // Launch with arguments to be typed
	Kill          // Launch with Signal
	Logs          // of Launch
	Output        // of Launch
	Release       // Barrier
	Refuse        // nothing can be done: Why
)

// Action is what a key asks for.
type Action struct {
	Kind    Kind
	Launch  *launch.Launch
	Barrier Barrier
	Signal  string
	Why     string
}

// Typing tells whether keys are text now.
func (m *Model) Typing() bool { return m.prompt != nil }

// Update takes a key or a paste.
func (m *Model) Update(msg tea.Msg) Action {
	if m.prompt != nil {
		m.typed(msg)
		return Action{}
	}
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return Action{}
	}
	switch {
	case m.scroll.Key(m.Keys.Move, k):
		m.newest = m.scroll.Cursor == slices.IndexFunc(m.rows, isLaunch)
		m.follow()
	case key.Matches(k, m.Keys.Show):
		m.show = (m.show + 1) % shows
		m.list()
	case key.Matches(k, m.Keys.Filter):
		m.prompt = widget.NewPrompt(m.theme, "/", m.text)
	case key.Matches(k, m.Keys.Merged):
		m.merged, m.own = m.showsOwn(), !m.showsOwn()
		m.follow()
	case key.Matches(k, m.Keys.Level):
		m.merged, m.own, m.level = true, false, widget.NextLevel(m.level)
		m.follow()
	case k.String() == "esc" && (m.text != "" || m.show != All):
		m.text, m.show = "", All
		m.list()
	case k.String() == "esc": // back to how the page began
		m.newest, m.merged, m.own = true, false, false
		m.scroll.MoveTo(0)
		m.list()
	case key.Matches(k, m.Keys.Release):
		return m.release()
	default:
		return m.act(k)
	}
	return Action{}
}

// typed edits the text filter.
func (m *Model) typed(msg tea.Msg) {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "enter":
			m.prompt = nil
			return
		case "esc", "ctrl+c":
			m.prompt, m.text = nil, ""
			m.list()
			return
		}
	}
	m.prompt.Update(msg)
	m.text = widget.Lower(m.prompt.Value())
	m.list()
}

// act answers keys that are about the selected launch.
func (m *Model) act(k tea.KeyPressMsg) Action {
	var kind Kind
	signal := ""
	switch {
	case key.Matches(k, m.Keys.Details):
		kind = Details
	case key.Matches(k, m.Keys.Relaunch):
		kind = Relaunch
	case key.Matches(k, m.Keys.Edit):
		kind = Edit
	case key.Matches(k, m.Keys.Kill):
		kind, signal = Kill, "TERM"
	case key.Matches(k, m.Keys.KillHard):
		kind, signal = Kill, "KILL"
	case key.Matches(k, m.Keys.Logs):
		kind = Logs
	case key.Matches(k, m.Keys.Output):
		kind = Output
	default:
		return Action{}
	}
	l := m.Selected()
	m.newest = false // what is being dealt with must not slip away
	switch b := m.barrier(); {
	case b != nil && kind == Details:
		return Action{Kind: Details, Barrier: *b}
	case b != nil:
		return Action{Kind: Refuse, Why: "this is a barrier: b releases it, enter says who is missing"}
	case l == nil:
		return Action{Kind: Refuse, Why: "no launch is selected"}
	case kind == Kill && l.State.Final():
		return Action{Kind: Refuse, Why: Title(l) + " has ended: nothing to end"}
	case kind == Kill && l.State == launch.Starting:
		return Action{Kind: Refuse, Why: Title(l) + " is starting: it has no process yet"}
	}
	return Action{Kind: kind, Launch: l, Signal: signal}
}

// barrier returns the barrier under the cursor, nil if there is none.
func (m *Model) barrier() *Barrier {
	if m.scroll.Cursor < len(m.rows) {
		return m.rows[m.scroll.Cursor].barrier
	}
	return nil
}

// release picks the barrier under the cursor, or the only one.
func (m *Model) release() Action {
	if b := m.barrier(); b != nil {
		return Action{Kind: Release, Barrier: *b}
	}
	switch len(m.barriers) {
	case 0:
		return Action{Kind: Refuse, Why: "no barrier is open"}
	case 1:
		return Action{Kind: Release, Barrier: m.barriers[0]}
	}
	return Action{Kind: Refuse, Why: "several barriers are open: put the cursor on one (home)"}
}

// Footer returns the keys worth a place at the bottom of the screen, the most useful first.
func (m *Model) Footer() []key.Binding {
	k := m.Keys
	show := k.Show
	show.SetHelp("f", [...]string{"failed", "running", "all"}[m.show])
	keys := []key.Binding{k.Details, k.Relaunch, k.Kill, k.Logs, show, k.Filter, k.Merged, k.Output, k.Edit, k.Level}
	if len(m.barriers) > 0 {
		keys = slices.Insert(keys, 2, k.Release)
	}
	return keys
}

// Help returns all keys.
func (m *Model) Help() []key.Binding {
	k, n := m.Keys, m.Keys.Move
	return []key.Binding{
		k.Details, k.Output, k.Logs, k.Relaunch, k.Edit, k.Kill, k.KillHard, k.Release, k.Show, k.Filter, k.Merged, k.Level,
		n.All(),
	}
}
