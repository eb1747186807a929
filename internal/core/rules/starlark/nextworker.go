package starlark

import (
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"nowcast/internal/core/launch"
)

// nextWorker is what NextWorker(...) returns to a rule.
type nextWorker struct{ launch.NextWorker }

func (n *nextWorker) Type() string          { return "NextWorker" }
func (n *nextWorker) Freeze()               {}
func (n *nextWorker) Truth() starlark.Bool  { return true }
func (n *nextWorker) Hash() (uint32, error) { return starlark.String(n.Module).Hash() }
func (n *nextWorker) String() string {
	return fmt.Sprintf("NextWorker(%q, args=%q, host=%q)", n.Module, n.Args, n.Host)
}

// Attr gives a rule module, args and host back.
func (n *nextWorker) Attr(name string) (starlark.Value, error) {
	switch name {
	case "module":
		return starlark.String(n.Module), nil
	case "host":
		return starlark.String(n.Host), nil
	case "args":
		elems := make([]starlark.Value, len(n.Args))
		for i, a := range n.Args {
			elems[i] = starlark.String(a)
		}
		return starlark.NewList(elems), nil
	}
	return nil, nil
}

// AttrNames lists the attributes.
func (n *nextWorker) AttrNames() []string { return []string{"args", "host", "module"} }

// newNextWorker is NextWorker(module, args=[], host="localhost"). A worker's arguments are words on a command line, so
// anything but text is a mistake; it is told here, where the rule's line is known, and not when the worker fails to start.
func newNextWorker(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var module, host starlark.Value = nil, starlark.String(launch.Localhost)
	var words starlark.Value = starlark.Tuple{}
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "module", &module, "args?", &words, "host?", &host); err != nil {
		return nil, err
	}
	m, ok := text(module)
	if !ok || m == "" {
		return nil, fmt.Errorf("NextWorker: module is %s, not the dotted name of a module", module)
	}
	h, ok := text(host)
	if !ok || h == "" {
		return nil, fmt.Errorf("NextWorker %s: host is %s, not the name of a host", m, host)
	}
	iterable, ok := words.(starlark.Sequence)
	if !ok {
		return nil, fmt.Errorf("NextWorker %s: args is %s %s, not a list of strings", m, words.Type(), words)
	}
	n := &nextWorker{launch.NextWorker{Module: m, Args: make([]string, 0, iterable.Len()), Host: h}}
	for word := range starlark.Elements(iterable) {
		w, ok := text(word)
		if !ok {
			return nil, fmt.Errorf("NextWorker %s: args[%d] is %s %s, not a string: use str(...)", m, len(n.Args), word.Type(), word)
		}
		n.Args = append(n.Args, w)
	}
	return n, nil
}

// text returns what a string, or a placeholder that stands for one, says.
func text(v starlark.Value) (string, bool) {
	if s, ok := v.(symbol); ok {
		return s.text, true
	}
	return starlark.AsString(v)
}

const expected = "expected a list of NextWorker, None, or (list of NextWorker, set of worker names)"

// next turns what a rule returned into a launch.Next.
func next(result starlark.Value, limit int) (launch.Next, error) {
	if result == starlark.None {
		return launch.Next{}, nil
	}
	if pair, ok := result.(starlark.Tuple); ok && len(pair) == 2 && isCollection(pair[0]) {
		workers, err := workersOf(pair[0], limit)
		if err != nil {
			return launch.Next{}, err
		}
		await, err := awaitOf(pair[1])
		return launch.Next{Workers: workers, Await: await}, err
	}
	workers, err := workersOf(result, limit)
	return launch.Next{Workers: workers}, err
}

func isCollection(v starlark.Value) bool {
	switch v.(type) {
	case *starlark.List, starlark.Tuple, *starlark.Set:
		return true
	}
	return false
}

func workersOf(v starlark.Value, limit int) ([]launch.NextWorker, error) {
	if _, one := v.(*nextWorker); one {
		return nil, errors.New("returned one NextWorker: put it in a list, [NextWorker(...)]")
	}
	list, ok := v.(starlark.Sequence)
	if !ok || !isCollection(v) {
		return nil, fmt.Errorf("returned %s: %s", excerpt(v), expected)
	}
	if list.Len() > limit {
		return nil, fmt.Errorf("returned %d workers: at most %d may be launched by one message", list.Len(), limit)
	}
	workers := make([]launch.NextWorker, 0, list.Len())
	for elem := range starlark.Elements(list) {
		n, ok := elem.(*nextWorker)
		if !ok {
			return nil, fmt.Errorf("returned a list whose item %d is %s: %s", len(workers), excerpt(elem), expected)
		}
		workers = append(workers, n.NextWorker)
	}
	return workers, nil
}

func awaitOf(v starlark.Value) ([]string, error) {
	list, ok := v.(starlark.Sequence)
	if !ok || !isCollection(v) {
		return nil, fmt.Errorf("returned a pair whose second part is %s: %s", excerpt(v), expected)
	}
	var all []string
	for elem := range starlark.Elements(list) {
		element, times, err := awaited(elem)
		if err != nil {
			return nil, err
		}
		if len(all)+times > mostAwaited {
			return nil, fmt.Errorf("returned a pair whose second part waits for more than %d reports", mostAwaited)
		}
		all = append(all, slices.Repeat([]string{element}, times)...)
	}
	slices.Sort(all)
	return all, nil
}

// mostAwaited is how many reports one barrier may wait for.
const mostAwaited = 1000

// awaited reads one thing that a barrier waits for: a name, a name with arguments, a NextWorker, or (name, how many).
func awaited(elem starlark.Value) (element string, times int, err error) {
	times = 1
	if pair, ok := elem.(starlark.Tuple); ok && len(pair) == 2 {
		if elem, err = pair[0], starlark.AsInt(pair[1], &times); err != nil || times < 1 {
			return "", 0, fmt.Errorf("returned a pair whose second part has %s: how many launches of it are waited for is a number from 1 up", excerpt(pair))
		}
	}
	if n, ok := elem.(*nextWorker); ok {
		return launch.Await(n.Module, n.Args), times, nil
	}
	words, ok := text(elem)
	if name, args := launch.Awaited(words); ok && name != "" {
		return launch.Await(name, args), times, nil
	}
	return "", 0, fmt.Errorf("returned a pair whose second part has %s, not the name of a worker: %s", excerpt(elem), expected)
}

// excerptLength is how much of a wrong value an error message shows.
const excerptLength = 60

func excerpt(v starlark.Value) string {
	s := v.String()
	if len(s) > excerptLength {
		s = s[:excerptLength] + "..."
	}
	return v.Type() + " " + s
}
