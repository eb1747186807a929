package widget

import (
	"strings"

	"charm.land/bubbles/v2/key"

	"nowcast/internal/tui/theme"
)

// Footer draws as many keys as fit into width cells; last are the ones that are always there. Of a binding's description it
// shows the words before the colon: what is behind it is for the help.
func Footer(t *theme.Theme, keys, last []key.Binding, width int) string {
	var b strings.Builder
	used := 1
	b.WriteByte(' ')
	reserve := 0
	for _, k := range last {
		reserve += hintWidth(k)
	}
	add := func(k key.Binding) {
		word, _, _ := strings.Cut(k.Help().Desc, ":")
		b.WriteString(t.Key.Paint(k.Help().Key) + " " + t.Faint.Paint(word) + "  ")
		used += hintWidth(k)
	}
	for _, k := range keys {
		if used+hintWidth(k)+reserve > width {
			break
		}
		add(k)
	}
	for _, k := range last {
		if used+hintWidth(k) <= width {
			add(k)
		}
	}
	return b.String() + Blank(width-used)
}

func hintWidth(k key.Binding) int {
	word, _, _ := strings.Cut(k.Help().Desc, ":")
	return Width(k.Help().Key) + 1 + Width(word) + 2
}
