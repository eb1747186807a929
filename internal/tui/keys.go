package tui

import "charm.land/bubbles/v2/key"

// keyMap has the keys that work on every page.
type keyMap struct {
	Pages                         [pages]key.Binding
	NextPage, PreviousPage        key.Binding
	Help, Quit, Hide, HideAll, Go key.Binding
	Suspend                       key.Binding
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
		Hide:         bind("a", "hide alert: the one that is shown", "a"),
		HideAll:      bind("A", "hide alerts: all of them", "A"),
		Go:           bind("g", "do it: what the alert offers", "g"),
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
	return append(k.Pages[:], k.NextPage, k.PreviousPage, k.Hide, k.HideAll, k.Go, k.Help, k.Quit)
}
