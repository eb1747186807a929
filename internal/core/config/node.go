package config

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"nowcast/internal/core/pyyaml"
)

// loader collects what is wrong with one file.
type loader struct {
	file     string
	lines    *pyyaml.Lines
	lookup   func(string) (string, bool)
	errs     Errors
	warnings Errors
}

// node is a value together with where it stands, so that every complaint about it can say so.
type node struct {
	*loader
	value pyyaml.Value
	keys  []string
	line  int
}

func (n node) errorf(remedy, format string, args ...any) {
	n.errs = append(n.errs, n.complaint(remedy, format, args))
}

func (n node) warnf(remedy, format string, args ...any) {
	n.warnings = append(n.warnings, n.complaint(remedy, format, args))
}

func (n node) complaint(remedy, format string, args []any) Error {
	return Error{File: n.file, Line: n.line, Key: joinKeys(n.keys), Problem: fmt.Sprintf(format, args...), Remedy: remedy}
}

// child returns the value at a key of a mapping, and whether it is there. An absent one stands where its parent does.
func (n node) child(key pyyaml.Value) (node, bool) {
	m, _ := n.value.(*pyyaml.Map)
	v, ok := m.Get(key)
	c := node{n.loader, v, append(slices.Clip(n.keys), keyText(key)), n.line}
	if line := n.lines.Key(m, key); line > 0 {
		c.line = line
	}
	return c, ok
}

// children returns all values of a mapping in their order, each with its key.
func (n node) children() ([]pyyaml.Value, []node) {
	var keys []pyyaml.Value
	var nodes []node
	m, _ := n.value.(*pyyaml.Map)
	for key := range m.All() {
		c, _ := n.child(key)
		keys, nodes = append(keys, key), append(nodes, c)
	}
	return keys, nodes
}

// items returns the values of a list.
func (n node) items() []node {
	list, _ := n.value.([]pyyaml.Value)
	nodes := make([]node, len(list))
	for i, v := range list {
		nodes[i] = node{n.loader, v, append(slices.Clip(n.keys), fmt.Sprintf("item %d", i+1)), n.line}
		if line := n.lines.Item(list, i); line > 0 {
			nodes[i].line = line
		}
	}
	return nodes
}

// section returns the mapping at a key, and whether there is one. What is absent, null or no mapping is an empty one; if
// it is required, that is an error.
func (n node) section(key string, required string) (node, bool) {
	c, ok := n.child(key)
	switch c.value.(type) {
	case *pyyaml.Map:
		return c, true
	case nil:
		if required != "" && !ok {
			c.errorf(required, "is missing")
		} else if required != "" {
			c.errorf(required, "is empty")
		}
	default:
		c.errorf("write keys and values below it, indented", "is %s, not a mapping", describe(c.value))
	}
	c.value = pyyaml.NewMap(0)
	return c, false
}

// text returns a string. What is absent or null is ""; if it is required, that is an error.
func (n node) text(key string, required string) (string, node) {
	c, ok := n.child(key)
	switch v := c.value.(type) {
	case string:
		if v == "" && required != "" {
			c.errorf(required, "is empty")
		}
		return v, c
	case nil:
		if required != "" && !ok {
			c.errorf(required, "is missing")
		} else if required != "" {
			c.errorf(required, "is empty")
		}
	default:
		c.errorf("write text; quote it if it looks like something else", "is %s, not text", describe(v))
	}
	return "", c
}

// unknownKeys warns of keys that nothing reads.
func (n node) unknownKeys(known ...string) {
	keys, nodes := n.children()
	for i, key := range keys {
		if text, ok := key.(string); !ok || !slices.Contains(known, text) {
			nodes[i].warnf("delete it or correct its spelling; known here: "+strings.Join(known, ", "), "is not a key that is used here")
		}
	}
}

// keyText shows a key in a path.
func keyText(key pyyaml.Value) string {
	if s, ok := key.(string); ok {
		return s
	}
	return describe(key)
}

// describe shows a value in a complaint, as the YAML reader understood it.
func describe(v pyyaml.Value) string {
	switch v := v.(type) {
	case nil:
		return "empty"
	case string:
		return strconv.Quote(v)
	case int64:
		return "the number " + strconv.FormatInt(v, 10)
	case float64:
		return "the number " + strconv.FormatFloat(v, 'g', -1, 64)
	case *big.Int:
		return "the number " + v.String()
	case bool:
		if v {
			return "the truth value true"
		}
		return "the truth value false"
	case pyyaml.Date, pyyaml.DateTime:
		return "a date"
	case []pyyaml.Value, pyyaml.Pairs:
		return "a list"
	case *pyyaml.Map:
		return "a mapping"
	case *pyyaml.Set:
		return "a set"
	}
	return "binary data"
}
