package checklist

import (
	"fmt"
	"strconv"

	"nowcast/internal/core/pyyaml"
)

// row is one entry in sight or above or below it.
type row struct {
	path  string
	depth int
	key   pyyaml.Value // of a mapping; the index (int64) in a list
	list  bool         // key is an index
	value pyyaml.Value
}

// childPath names the entry of key in the container at path. It depends on type and value of the key, so that 1 and "1" differ.
func childPath(path string, key pyyaml.Value) string {
	switch k := key.(type) {
	case string:
		return path + "\x00s" + k
	case int64:
		return path + "\x00i" + strconv.FormatInt(k, 10)
	}
	return path + "\x00" + fmt.Sprintf("%T%v", key, key)
}

// parents returns the paths of the containers that an entry is in, outermost first.
func parents(path string) []string {
	var all []string
	for i := 1; i < len(path); i++ {
		if path[i] == 0 {
			all = append(all, path[:i])
		}
	}
	return all
}

// children calls f for each entry of a container in the order in which it is shown, until f returns false. Others have none.
func (m *Model) children(v pyyaml.Value, sorted map[*pyyaml.Map][]pyyaml.Value, f func(key, value pyyaml.Value, list bool) bool) {
	switch v := v.(type) {
	case *pyyaml.Map:
		for _, k := range m.keys(v, sorted) {
			value, _ := v.Get(k)
			if !f(k, value, false) {
				return
			}
		}
	case []pyyaml.Value:
		for i, value := range v {
			if !f(int64(i), value, true) {
				return
			}
		}
	case *pyyaml.Set:
		i := int64(0)
		for member := range v.All() {
			if !f(i, member, true) {
				return
			}
			i++
		}
	case pyyaml.Pairs:
		for _, p := range v {
			if !f(p.Key, p.Value, false) {
				return
			}
		}
	}
}

// keys returns the keys of a mapping in order. Mappings change in place but only grow, so the length tells whether the
// order known from last time still holds.
func (m *Model) keys(v *pyyaml.Map, sorted map[*pyyaml.Map][]pyyaml.Value) []pyyaml.Value {
	keys, ok := m.sorted[v]
	if !ok || len(keys) != v.Len() {
		keys = pyyaml.SortedKeys(v)
	}
	if sorted != nil {
		sorted[v] = keys
	}
	return keys
}

// size returns how many entries a container has, -1 for a scalar.
func size(v pyyaml.Value) int {
	switch v := v.(type) {
	case *pyyaml.Map:
		return v.Len()
	case []pyyaml.Value:
		return len(v)
	case *pyyaml.Set:
		return v.Len()
	case pyyaml.Pairs:
		return len(v)
	}
	return -1
}

// maxDepth bounds the indentation; what is deeper is not folded out.
const maxDepth = 40

// flatten appends the entries of a container and of what is folded out in it.
func (m *Model) flatten(v pyyaml.Value, path string, depth int, sorted map[*pyyaml.Map][]pyyaml.Value) {
	m.children(v, sorted, func(key, value pyyaml.Value, list bool) bool {
		p := childPath(path, key)
		m.rows = append(m.rows, row{p, depth, key, list, value})
		if size(value) > 0 && depth < maxDepth && m.open[p] {
			m.flatten(value, p, depth+1, sorted)
		}
		return true
	})
}

// expandAll folds out everything below a container.
func (m *Model) expandAll(v pyyaml.Value, path string, depth int) {
	m.children(v, nil, func(key, value pyyaml.Value, _ bool) bool {
		if size(value) > 0 && depth < maxDepth {
			p := childPath(path, key)
			m.open[p] = true
			m.expandAll(value, p, depth+1)
		}
		return true
	})
}

// words returns what the search compares: an entry's key and scalar value, texts without quotes.
func words(key, value pyyaml.Value, list bool) string {
	k, v := "", ""
	if !list {
		k = bare(key) + ": "
	}
	if size(value) < 0 {
		v = bare(value)
	}
	return k + v
}

// bare is scalar without the question whether a text needs quotes, which takes too long for a whole checklist.
func bare(v pyyaml.Value) string {
	if s, ok := v.(string); ok {
		return s
	}
	return scalar(v)
}
