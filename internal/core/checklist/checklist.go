// Package checklist is the state of the day: a mapping from checklist keys to what workers reported under them.
//
// A Checklist belongs to one goroutine. It keeps its file form in pieces, so that a change costs what the change is
// worth and not what the whole checklist is worth.
package checklist

import (
	"bytes"

	"nowcast/internal/core/pyyaml"
)

// Op is a kind of change.
type Op string

// The kinds of change.
const (
	Update Op = "update" // merge a mapping into the mapping that is there
	Set    Op = "set"    // put a value in place of what is there
	Clear  Op = "clear"  // empty the checklist
)

// Change is one change. Applied in order, changes rebuild a checklist.
type Change struct {
	Op    Op
	Key   string       // checklist key; "" with Clear
	Value pyyaml.Value // what the worker reported; nil with Clear
}

// YAML returns the change's key and value as a one-entry mapping in YAML, nil with Clear.
func (c Change) YAML() []byte {
	if c.Op == Clear {
		return nil
	}
	return pyyaml.AppendEntry(nil, c.Key, c.Value, 0)
}

// ParseChange is the inverse of Change.YAML.
func ParseChange(op Op, text []byte) (Change, error) {
	if op == Clear {
		return Change{Op: Clear}, nil
	}
	v, err := pyyaml.Decode(text)
	if err != nil {
		return Change{}, err
	}
	m, _ := v.(*pyyaml.Map)
	for k, v := range m.All() {
		if key, ok := k.(string); ok {
			return Change{op, key, v}, nil
		}
	}
	return Change{}, errNotAnEntry
}

type sentinel string

func (s sentinel) Error() string { return string(s) }

const errNotAnEntry = sentinel("a checklist change is not a mapping with one text key")

// Checklist is a checklist and its cached text. The zero value is not ready; use New.
type Checklist struct {
	values *pyyaml.Map
	texts  map[string]*entryText // by checklist key
	order  []pyyaml.Value        // keys as they stand in the file; nil after a key was added
}

// entryText is the cached text of one top-level entry.
type entryText struct {
	text  []byte         // nil after a change
	parts map[any][]byte // of a mapping: text of each entry, by key; a changed one is missing
	order []pyyaml.Value // of a mapping: keys as they stand in the file; nil after one was added
}

// New returns a checklist with the entries of values, which it takes over; nil is an empty one.
func New(values *pyyaml.Map) *Checklist {
	if values == nil {
		values = pyyaml.NewMap(0)
	}
	return &Checklist{values: values, texts: map[string]*entryText{}}
}

// Map returns the live mapping, to be read until the next change and not to be changed.
func (c *Checklist) Map() *pyyaml.Map { return c.values }

// Report returns the change that a worker's payload means for the checklist (specs: compat section 1, step 6a): a mapping
// updates a mapping, everything else replaces.
func (c *Checklist) Report(key string, payload pyyaml.Value) Change {
	stored, _ := c.values.Get(key)
	_, isMap := payload.(*pyyaml.Map)
	if old, ok := stored.(*pyyaml.Map); ok && isMap && old != nil {
		return Change{Update, key, payload}
	}
	return Change{Set, key, payload}
}

// Apply makes a change.
func (c *Checklist) Apply(ch Change) {
	switch ch.Op {
	case Clear:
		*c = *New(nil)
	case Set:
		c.set(ch.Key, ch.Value)
	case Update:
		c.update(ch)
	}
}

func (c *Checklist) set(key string, value pyyaml.Value) {
	if _, ok := c.values.Get(key); !ok {
		c.order = nil
	}
	if m, ok := value.(*pyyaml.Map); ok {
		value = m.Clone() // ours from now on: updates are made in place
	}
	c.values.Set(key, value)
	delete(c.texts, key)
}

func (c *Checklist) update(ch Change) {
	stored, _ := c.values.Get(ch.Key)
	old, ok := stored.(*pyyaml.Map)
	news, isMap := ch.Value.(*pyyaml.Map)
	if !ok || !isMap {
		c.set(ch.Key, ch.Value)
		return
	}
	t := c.texts[ch.Key]
	for k, v := range news.All() {
		if t != nil {
			if _, there := old.Get(k); !there {
				t.order = nil
			}
			delete(t.parts, pyyaml.HashKey(k))
		}
		old.Set(k, v)
	}
	if t != nil {
		t.text = nil
	}
}

// AppendText appends the file form of the checklist, exactly as PyYAML would dump it, and returns the longer slice. Its cost
// is a copy of what did not change and an encoding of what did.
func (c *Checklist) AppendText(dst []byte) []byte {
	if c.values.Len() == 0 {
		return append(dst, "{}\n"...)
	}
	if c.order == nil {
		c.order = pyyaml.SortedKeys(c.values)
	}
	for _, key := range c.order {
		v, _ := c.values.Get(key)
		dst = append(dst, c.entry(key, v)...)
	}
	return dst
}

func (c *Checklist) entry(key, value pyyaml.Value) []byte {
	name, ok := key.(string)
	if !ok { // from a checklist file somebody edited: no worker can change it
		return pyyaml.AppendEntry(nil, key, value, 0)
	}
	t := c.texts[name]
	if t == nil {
		t = &entryText{}
		c.texts[name] = t
	}
	if t.text == nil {
		t.render(name, value)
	}
	return t.text
}

func (t *entryText) render(key string, value pyyaml.Value) {
	m, ok := value.(*pyyaml.Map)
	head, simple := blockKey(key)
	if !ok || m.Len() == 0 || !simple {
		t.text = pyyaml.AppendEntry(nil, key, value, 0)
		return
	}
	if t.parts == nil {
		t.parts = make(map[any][]byte, m.Len())
	}
	if t.order == nil {
		t.order = pyyaml.SortedKeys(m)
	}
	t.text = append(t.text, head...)
	for _, k := range t.order {
		t.text = append(t.text, t.part(m, k)...)
	}
}

func (t *entryText) part(m *pyyaml.Map, key pyyaml.Value) []byte {
	h := pyyaml.HashKey(key)
	part, ok := t.parts[h]
	if !ok {
		v, _ := m.Get(key)
		part = pyyaml.AppendEntry(nil, key, v, 2)
		t.parts[h] = part
	}
	return part
}

// blockKey returns the line that opens a nested mapping, and whether the key is one that stands on a line of its own
// (PyYAML writes long and multi-line keys with a question mark, and what follows them differently).
func blockKey(key string) ([]byte, bool) {
	line, ok := bytes.CutSuffix(pyyaml.AppendEntry(nil, key, pyyaml.NewMap(0), 0), []byte(" {}\n"))
	return append(line, '\n'), ok && !bytes.HasPrefix(line, []byte("? "))
}
