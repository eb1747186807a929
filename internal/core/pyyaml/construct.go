package pyyaml

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// constructor turns the nodes of one document into values, as PyYAML's SafeConstructor does.
type constructor struct {
	mask  surrogateMask
	lines *Lines // nil unless asked for
	limit int    // size that the document may unfold to

	anchors map[string]*yaml.Node // every anchor met so far
	done    map[*yaml.Node]built  // anchored nodes that are complete
	merged  int                   // what merge keys have copied
}

// built is a value with what it would be if every alias in it were written out.
type built struct {
	value  Value
	size   int // nodes and characters
	height int // levels of collections in it
}

var errExpansion = errors.New("alias expansion too large")

// at puts the line before an error, which is how every complaint about a document starts.
func at(n *yaml.Node, err error) error { return fmt.Errorf("line %d: %w", n.Line, err) }

// node constructs n, depth levels below the root.
func (c *constructor) node(n *yaml.Node, depth int) (built, error) {
	if n.Kind == yaml.AliasNode {
		return c.alias(n, depth)
	}
	if n.Anchor != "" {
		if b, ok := c.done[n]; ok { // met again inside a list that is merged
			return b, nil
		}
		if first := c.anchors[n.Anchor]; first != nil {
			return built{}, at(n, fmt.Errorf("anchor %q is already on line %d", n.Anchor, first.Line))
		}
		if c.anchors == nil {
			c.anchors, c.done = map[string]*yaml.Node{}, map[*yaml.Node]built{}
		}
		c.anchors[n.Anchor] = n
	}
	b, err := c.construct(n, depth)
	if err != nil {
		return built{}, err
	}
	if n.Anchor != "" {
		c.done[n] = b
	}
	if b.size > c.limit && c.anchors != nil {
		return built{}, at(n, errExpansion)
	}
	return b, nil
}

// alias shares the value that the anchor has. It counts as if it were a copy, since whoever walks the value meets it
// as one.
func (c *constructor) alias(n *yaml.Node, depth int) (built, error) {
	b, ok := c.done[n.Alias]
	if !ok {
		return built{}, at(n, fmt.Errorf("alias *%s stands for something that contains it", n.Value))
	}
	if depth+b.height > MaxDepth {
		return built{}, at(n, errDepth)
	}
	return b, nil
}

var errDepth = fmt.Errorf("nested deeper than %d levels", MaxDepth)

func (c *constructor) construct(n *yaml.Node, depth int) (built, error) {
	if n.Kind == yaml.ScalarNode {
		text := c.mask.unmask(n.Value, n.Style&yaml.DoubleQuotedStyle != 0)
		v, err := scalar(n, text)
		return built{value: v, size: 1 + len(text)}, err
	}
	if depth >= MaxDepth {
		return built{}, at(n, errDepth)
	}
	tag := n.Tag
	if n.Style&yaml.TaggedStyle == 0 { // yaml.v3 tags what has no tag; that is its opinion, not the document's
		tag = "!!seq"
		if n.Kind == yaml.MappingNode {
			tag = "!!map"
		}
	}
	switch tag {
	case "!!seq":
		return c.list(n, depth)
	case "!!map":
		m, b, err := c.mapping(n, depth)
		b.value = m
		return b, err
	case "!!set":
		m, b, err := c.mapping(n, depth)
		b.value = setOf(m)
		return b, err
	case "!!omap", "!!pairs":
		return c.pairs(n, depth)
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!binary", "!!timestamp":
		return built{}, at(n, fmt.Errorf("expected a scalar for %s, but found %s", tag, kindName(n)))
	}
	return built{}, at(n, errTag(tag))
}

func errTag(tag string) error {
	return fmt.Errorf("could not determine a constructor for the tag %q", tag)
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a sequence"
	case yaml.MappingNode:
		return "a mapping"
	}
	return "a scalar"
}

// scalar constructs from the text of a scalar, by its explicit tag or else by its form.
func scalar(n *yaml.Node, text string) (Value, error) {
	var v Value
	var err error
	if n.Style&yaml.TaggedStyle != 0 {
		v, err = makeTagged(n.Tag, text)
	} else if n.Style == 0 {
		v, err = makeImplicit(text)
	} else {
		v = text
	}
	if err != nil {
		return nil, at(n, fmt.Errorf("%.60q: %w", text, err))
	}
	return v, nil
}

// makeImplicit constructs a plain scalar without a tag.
func makeImplicit(s string) (Value, error) {
	switch implicitKind(s) {
	case kindNull:
		return nil, nil
	case kindBool:
		return makeBool(s)
	case kindInt:
		return makeInt(s)
	case kindFloat:
		return makeFloat(s)
	case kindTimestamp:
		return makeTimestamp(s)
	case kindMerge:
		return nil, errTag("!!merge") // it is a key of a mapping or nothing
	case kindValue:
		return nil, errTag("!!value")
	}
	return s, nil
}

func makeTagged(tag, s string) (Value, error) {
	switch tag {
	case "!!str":
		return s, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		return makeBool(s)
	case "!!int":
		return makeInt(strings.TrimSpace(s))
	case "!!float":
		return makeFloat(s)
	case "!!binary":
		return makeBinary(s)
	case "!!timestamp":
		return makeTimestamp(strings.TrimSuffix(s, "\n")) // as a $ in Python's expression has it
	case "!!seq", "!!omap", "!!pairs":
		return nil, fmt.Errorf("expected a sequence for %s, but found a scalar", tag)
	case "!!map", "!!set":
		return nil, fmt.Errorf("expected a mapping for %s, but found a scalar", tag)
	}
	return nil, errTag(tag)
}

func makeBool(s string) (Value, error) {
	switch strings.ToLower(s) {
	case "yes", "true", "on":
		return true, nil
	case "no", "false", "off":
		return false, nil
	}
	return nil, errors.New("not a boolean")
}
