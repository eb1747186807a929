package tui

import "charm.land/bubbles/v2/key"

// keyMap has the keys that work on every page.
type keyMap struct {
	Pages                  [pages]key.Binding
	NextPage, PreviousPage key.Binding
	Help, Quit, Alerts, Go key.Binding
	Suspend, Back          key.Binding
}

func newKeyMap() keyMap {
	bind := func(help, desc string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc))
	}
	k := keyMap{
		NextPage:     bind("tab", "next page", "tab"),
		PreviousPage: bind("shift+tab", "previous page", "shift+tab"),
		Help:         bind("?", "help", "?"),
		Quit:         bind("q", "quit: nothing stops, this is only a view", "q", "ctrl+c"),
		Alerts:       bind("a", "alerts: page 5, where a acknowledges one; esc leads back", "a"),
		Go:           bind("g", "go: do what the newest alert offers", "g"),
		Back:         bind("esc", "back", "esc", "enter", "q"),
		Suspend:      bind("ctrl+z", "suspend", "ctrl+z"),
	}
	for p := range pages {
		n := string(rune('1' + int(p)))
		k.Pages[p] = bind(n, p.String(), n)
	}
	return k
}

// help returns them for the help.
func (k keyMap) help() []key.Binding {
	pages := key.NewBinding(key.WithHelp("1 2 3 4 5", "the pages, also tab and shift+tab"))
	return []key.Binding{pages, k.Alerts, k.Go, k.Help, k.Quit}
}
