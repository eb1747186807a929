package starlark

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"nowcast/internal/core/pyyaml"
)

// dict is a mapping of the configuration, the checklist or a payload as a rule sees it: a Python dict that
// cannot be changed. It reads the mapping it wraps, so it is valid only as long as that is not changed.
type dict struct {
	m     *pyyaml.Map
	where path
}

var (
	_ starlark.IterableMapping = (*dict)(nil)
	_ starlark.Sequence        = (*dict)(nil)
	_ starlark.HasAttrs        = (*dict)(nil)
	_ starlark.HasSetKey       = (*dict)(nil)
	_ starlark.Comparable      = (*dict)(nil)
)

func (d *dict) Type() string          { return "dict" }
func (d *dict) Freeze()               {}
func (d *dict) Truth() starlark.Bool  { return d.m.Len() > 0 }
func (d *dict) Len() int              { return d.m.Len() }
func (d *dict) Hash() (uint32, error) { return 0, errors.New("unhashable type: dict") }
func (d *dict) String() string        { return pyyaml.Repr(d.m) }

// missing is the error of a lookup that found nothing. It is how Check knows that a rule merely needs data.
type missing struct{ text string }

func (m *missing) Error() string { return m.text }

// keysShown is how many keys the error of a failed lookup lists.
const keysShown = 8

// Get is d[key] in a rule.
func (d *dict) Get(key starlark.Value) (starlark.Value, bool, error) {
	if s, ok := key.(symbol); ok {
		return s.lookedUpIn(d.where), true, nil
	}
	v, ok := d.get(key)
	if !ok {
		return nil, false, &missing{fmt.Sprintf("%s has no key %s%s", d.where, key, d.hint())}
	}
	return v, true, nil
}

func (d *dict) get(key starlark.Value) (starlark.Value, bool) {
	k, ok := unwrapKey(key)
	if !ok {
		return nil, false
	}
	v, ok := d.m.Get(k)
	if !ok {
		return nil, false
	}
	return wrap(v, path{&d.where, k}), true
}

func (d *dict) hint() string {
	if d.m.Len() == 0 {
		return ": it is empty"
	}
	var keys []string
	for k := range d.m.All() {
		if len(keys) == keysShown {
			keys = append(keys, "...")
			break
		}
		keys = append(keys, wrap(k, path{}).String())
	}
	return ": it has " + strings.Join(keys, ", ")
}

func (d *dict) readOnly() error { return fmt.Errorf("%s cannot be changed by a rule", d.where) }

// SetKey is d[key] = value in a rule.
func (d *dict) SetKey(_, _ starlark.Value) error { return d.readOnly() }

// Items returns the entries as a list of pairs.
func (d *dict) Items() []starlark.Tuple {
	items := make([]starlark.Tuple, 0, d.m.Len())
	for k, v := range d.m.All() {
		items = append(items, starlark.Tuple{wrap(k, path{}), wrap(v, path{&d.where, k})})
	}
	return items
}

// Iterate yields the keys in their order.
func (d *dict) Iterate() starlark.Iterator {
	next, stop := iter.Pull2(d.m.All())
	return &keyIterator{next, stop}
}

type keyIterator struct {
	next func() (pyyaml.Value, pyyaml.Value, bool)
	stop func()
}

func (i *keyIterator) Next(p *starlark.Value) bool {
	k, _, ok := i.next()
	if ok {
		*p = wrap(k, path{})
	}
	return ok
}

func (i *keyIterator) Done() { i.stop() }

// CompareSameType gives dicts Python's equality, also with one that the rule built itself.
func (d *dict) CompareSameType(op syntax.Token, other starlark.Value, depth int) (bool, error) {
	if op != syntax.EQL && op != syntax.NEQ {
		return false, fmt.Errorf("dict %s dict not implemented", op)
	}
	equal, err := d.equal(other, depth)
	return equal == (op == syntax.EQL), err
}

func (d *dict) equal(other starlark.Value, depth int) (bool, error) {
	o, ok := other.(starlark.IterableMapping)
	if !ok || starlark.Len(other) != d.m.Len() {
		return false, nil
	}
	for _, item := range o.Items() {
		mine, ok := d.get(item[0])
		if !ok {
			return false, nil
		}
		if same, err := starlark.EqualDepth(mine, item[1], depth-1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

var dictMethods = map[string]*starlark.Builtin{
	"get":    starlark.NewBuiltin("get", dictGet),
	"keys":   starlark.NewBuiltin("keys", dictKeys),
	"values": starlark.NewBuiltin("values", dictValues),
	"items":  starlark.NewBuiltin("items", dictItems),
}

// mutators are a Python dict's methods that change it.
var mutators = []string{"clear", "pop", "popitem", "setdefault", "update"}

// Attr is d.name in a rule.
func (d *dict) Attr(name string) (starlark.Value, error) {
	if b, ok := dictMethods[name]; ok {
		return b.BindReceiver(d), nil
	}
	if slices.Contains(mutators, name) {
		return nil, d.readOnly()
	}
	return nil, nil
}

// AttrNames lists the methods.
func (d *dict) AttrNames() []string { return []string{"get", "items", "keys", "values"} }

func dictGet(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key starlark.Value
	var fallback starlark.Value = starlark.None
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &key, &fallback); err != nil {
		return nil, err
	}
	d := b.Receiver().(*dict)
	if s, ok := key.(symbol); ok {
		return s.lookedUpIn(d.where), nil
	}
	if v, ok := d.get(key); ok {
		return v, nil
	}
	return fallback, nil
}

func dictKeys(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return listOf(b, args, kwargs, func(k, _ starlark.Value) starlark.Value { return k })
}

func dictValues(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return listOf(b, args, kwargs, func(_, v starlark.Value) starlark.Value { return v })
}

func dictItems(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return listOf(b, args, kwargs, func(k, v starlark.Value) starlark.Value { return starlark.Tuple{k, v} })
}

func listOf(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, of func(k, v starlark.Value) starlark.Value) (starlark.Value, error) {
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 0); err != nil {
		return nil, err
	}
	items := b.Receiver().(*dict).Items()
	elems := make([]starlark.Value, len(items))
	for i, item := range items {
		elems[i] = of(item[0], item[1])
	}
	return starlark.NewList(elems), nil
}
