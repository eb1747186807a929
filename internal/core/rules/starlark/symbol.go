package starlark

import (
	"errors"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"nowcast/internal/core/rules"
)

// symbol is the placeholder that stands for a payload, the checklist and everything found in them while a rule is
// probed. It answers whatever is asked with another placeholder that says where it comes from, so that what the rule
// does with it can be read in the arguments of the workers it returns: <payload[host]>.
type symbol struct {
	text   string // what it stands for, with the placeholders in angle brackets
	assume rules.Assumption
}

var (
	_ starlark.Mapping   = symbol{}
	_ starlark.Sequence  = symbol{}
	_ starlark.HasAttrs  = symbol{}
	_ starlark.HasBinary = symbol{}
	_ starlark.Container = symbol{}
)

func newSymbol(name string, a rules.Assumption) symbol { return symbol{"<" + name + ">", a} }

func (s symbol) String() string        { return s.text }
func (s symbol) Type() string          { return "placeholder" }
func (s symbol) Freeze()               {}
func (s symbol) Truth() starlark.Bool  { return s.assume == rules.Everything }
func (s symbol) Hash() (uint32, error) { return starlark.String(s.text).Hash() }
func (s symbol) AttrNames() []string   { return nil }
func (s symbol) Len() int              { return 1 }

// bare is the text without its angle brackets, which children put around the whole.
func (s symbol) bare() string          { return strings.NewReplacer("<", "", ">", "").Replace(s.text) }
func (s symbol) child(n string) symbol { return newSymbol(s.bare()+n, s.assume) }

// lookedUpIn is what a real mapping at where answers when a placeholder is its key.
func (s symbol) lookedUpIn(where path) symbol {
	return newSymbol(where.String()+"["+s.bare()+"]", s.assume)
}

// Get is s[key].
func (s symbol) Get(key starlark.Value) (starlark.Value, bool, error) {
	if k, ok := text(key); ok {
		return s.child("[" + k + "]"), true, nil
	}
	return s.child("[" + key.String() + "]"), true, nil
}

// Has is "key in s".
func (s symbol) Has(starlark.Value) (bool, error) { return s.assume == rules.Everything, nil }

// Attr lets a placeholder have every method of a dict and of a string.
func (s symbol) Attr(name string) (starlark.Value, error) { return symbolMethod{s, name}, nil }

// Binary makes s + "x" and "x" + s a placeholder too; the other operators change nothing.
func (s symbol) Binary(op syntax.Token, other starlark.Value, side starlark.Side) (starlark.Value, error) {
	o, ok := text(other)
	switch {
	case op == syntax.IN || op == syntax.NOT_IN:
		return nil, nil // not handled here: "s in other" is for other to answer
	case op != syntax.PLUS || !ok:
		return s, nil
	case side == starlark.Left:
		return symbol{s.text + o, s.assume}, nil
	}
	return symbol{o + s.text, s.assume}, nil
}

// Iterate yields one placeholder.
func (s symbol) Iterate() starlark.Iterator { return &once{s: s.child("[0]")} }

type once struct {
	s    symbol
	done bool
}

func (o *once) Next(p *starlark.Value) bool {
	if o.done {
		return false
	}
	*p, o.done = o.s, true
	return true
}

func (o *once) Done() {}

// symbolMethod is s.name before it is called.
type symbolMethod struct {
	of   symbol
	name string
}

func (m symbolMethod) String() string        { return m.of.text + "." + m.name }
func (m symbolMethod) Name() string          { return m.name }
func (m symbolMethod) Type() string          { return "placeholder" }
func (m symbolMethod) Freeze()               {}
func (m symbolMethod) Truth() starlark.Bool  { return true }
func (m symbolMethod) Hash() (uint32, error) { return 0, errors.New("unhashable type: placeholder") }

// CallInternal answers the call with a placeholder, or with a yes or no as assumed.
func (m symbolMethod) CallInternal(_ *starlark.Thread, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	switch m.name {
	case "startswith", "endswith", "isdigit":
		return m.of.Truth(), nil
	case "items":
		item := starlark.Tuple{m.of.child(".key"), m.of.child("[0]")}
		return starlark.NewList([]starlark.Value{item}), nil
	case "get":
		return m.get(args)
	}
	return m.of.child("." + m.name), nil
}

func (m symbolMethod) get(args starlark.Tuple) (starlark.Value, error) {
	switch {
	case len(args) == 0:
		return nil, errors.New("get: missing argument for key")
	case m.of.assume == rules.Everything:
		v, _, err := m.of.Get(args[0])
		return v, err
	case len(args) > 1:
		return args[1], nil
	}
	return starlark.None, nil
}
