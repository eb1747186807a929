package manager

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/statefile"
)

// replacedKey is the key of the alert that a checklist file took the place of the stored checklist.
const replacedKey = "checklist replaced"

// keepReplaced is how many checklists are kept whose place a file has taken.
const keepReplaced = 10

// replaced compares the stored checklist with the file that takes its place and, if they differ, keeps the stored one beside the file. An
// operator who has edited the file expects the alert; whoever copied an old file back by mistake needs it, and the checklist from before.
func (m *Manager) replaced(values *pyyaml.Map, why string) []engine.Alert {
	what := differences(m.checklist.Map(), values)
	if what == "" {
		return nil
	}
	// Its last line is ours and its checksum wrong, so whoever copies it back has edited the file, and open barriers stay open.
	kept, err := m.keepAside(append(m.checklist.AppendText(nil), trailerLine(nil, m.seq)...))
	text := fmt.Sprintf("%s: %s. The checklist from before is kept as %s; to go back to it, stop the manager, copy it over the file and start the manager", why, what, kept)
	if err != nil {
		text = fmt.Sprintf("%s: %s. The checklist from before could not be kept: %v", why, what, err)
	}
	m.Log.Warn(text)
	return []engine.Alert{{Key: replacedKey, Kind: "checklist replaced", Message: text}}
}

// keepAside keeps a checklist that is not the one any more, or never will be, in a file beside the checklist file.
func (m *Manager) keepAside(text []byte) (kept string, err error) {
	path := m.Config.ChecklistFile
	kept = statefile.Aside(path, "replaced", m.Now())
	err = statefile.Replace(kept, text)
	if all := statefile.Asides(path, "replaced"); len(all) > keepReplaced {
		for _, old := range all[:len(all)-keepReplaced] {
			_ = os.Remove(old)
		}
	}
	return kept, err
}

// differences says in words how two checklists differ, by their keys; "" if they do not.
func differences(before, after *pyyaml.Map) string {
	var gone, changed, added []string
	for key, was := range before.All() {
		if is, ok := after.Get(key); !ok {
			gone = append(gone, keyName(key))
		} else if !pyyaml.Equal(was, is) {
			changed = append(changed, keyName(key))
		}
	}
	for key := range after.All() {
		if _, ok := before.Get(key); !ok {
			added = append(added, keyName(key))
		}
	}
	if len(gone)+len(changed)+len(added) == 0 {
		return ""
	}
	return fmt.Sprintf("%s gone, %s changed, %s new", keys(gone), keys(changed), keys(added))
}

func keyName(key pyyaml.Value) string {
	if s, ok := key.(string); ok {
		return s
	}
	return pyyaml.Repr(key)
}

// keys counts keys and names the first of them.
func keys(names []string) string {
	const most = 5
	n := len(names)
	if n == 0 {
		return "0 keys"
	}
	if n > most {
		names = append(slices.Clone(names[:most]), "...")
	}
	word := "keys"
	if n == 1 {
		word = "key"
	}
	return fmt.Sprintf("%d %s (%s)", n, word, cut(strings.Join(names, ", "), 300))
}
