package pyyaml

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

func (c *constructor) list(n *yaml.Node, depth int) (built, error) {
	if n.Kind != yaml.SequenceNode {
		return built{}, at(n, fmt.Errorf("expected a sequence, but found %s", kindName(n)))
	}
	if err := checkFlow(n); err != nil {
		return built{}, err
	}
	list := make([]Value, len(n.Content))
	sum := built{value: list, size: 1, height: 1}
	for i, item := range n.Content {
		b, err := c.node(item, depth+1)
		if err != nil {
			return built{}, err
		}
		list[i] = b.value
		sum.contain(b)
		c.lines.setItem(list, i, item.Line)
	}
	return sum, nil
}

// checkFlow refuses [a:, b], where PyYAML sees a mapping and yaml.v3 the string "a:".
func checkFlow(n *yaml.Node) error {
	if n.Style&yaml.FlowStyle == 0 {
		return nil
	}
	for _, part := range n.Content {
		if part.Kind == yaml.ScalarNode && part.Style&^yaml.TaggedStyle == 0 && strings.HasSuffix(part.Value, ":") {
			return at(part, fmt.Errorf("%q: write a space after the colon, or quotes around the string", part.Value))
		}
	}
	return nil
}

// contain adds a part to the size and height of the whole. The parts are at most the limit each, and there are fewer of
// them than bytes in the document, so nothing overflows.
func (b *built) contain(part built) {
	b.size += part.size
	b.height = max(b.height, part.height+1)
}

// mapping constructs a dict: first what is merged into it, then its own entries, the last of equal keys winning.
func (c *constructor) mapping(n *yaml.Node, depth int) (*Map, built, error) {
	if n.Kind != yaml.MappingNode {
		return nil, built{}, at(n, fmt.Errorf("expected a mapping, but found %s", kindName(n)))
	}
	if err := checkFlow(n); err != nil {
		return nil, built{}, err
	}
	m := NewMap(len(n.Content) / 2)
	sum := built{size: 1, height: 1}
	for i := 0; i < len(n.Content); i += 2 {
		if isKey(n.Content[i], "!!merge", kindMerge) {
			if err := c.merge(m, n.Content[i+1], depth, &sum); err != nil {
				return nil, built{}, err
			}
		}
	}
	var own map[any]bool
	if c.lines != nil {
		own = map[any]bool{}
	}
	for i := 0; i < len(n.Content); i += 2 {
		if isKey(n.Content[i], "!!merge", kindMerge) {
			continue
		}
		key, err := c.key(n.Content[i], depth, &sum)
		if err != nil {
			return nil, built{}, err
		}
		value, err := c.node(n.Content[i+1], depth+1)
		if err != nil {
			return nil, built{}, err
		}
		sum.contain(value)
		m.Set(key, value.value)
		c.lines.setKey(m, key, n.Content[i].Line)
		if own != nil {
			if h := hashKey(key); own[h] {
				c.lines.addDuplicate(key, n.Content[i].Line)
			} else {
				own[h] = true
			}
		}
	}
	return m, sum, nil
}

// isKey tells whether a key is the merge key or the value key, which only mean something as keys.
func isKey(n *yaml.Node, tag string, k kind) bool {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return false
	}
	if n.Style&yaml.TaggedStyle != 0 {
		return n.Tag == tag
	}
	return n.Style == 0 && implicitKind(n.Value) == k
}

// key constructs the key of a dict or a member of a set, which must be hashable.
func (c *constructor) key(n *yaml.Node, depth int, sum *built) (Value, error) {
	if isKey(n, "!!value", kindValue) {
		sum.size++
		return "=", nil
	}
	b, err := c.node(n, depth+1)
	if err != nil {
		return nil, err
	}
	switch b.value.(type) {
	case []Value, *Map, *Set, Pairs:
		return nil, at(n, fmt.Errorf("a list, mapping or set cannot be a key"))
	}
	sum.contain(b)
	return b.value, nil
}

// merge copies into m the entries of the mapping, or of each of a list of mappings, of which the earlier go before the
// later ones.
func (c *constructor) merge(m *Map, n *yaml.Node, depth int, sum *built) error {
	if n.Kind == yaml.AliasNode {
		if _, ok := c.done[n.Alias]; !ok {
			_, err := c.alias(n, depth)
			return err
		}
		n = n.Alias
	}
	if n.Kind == yaml.SequenceNode {
		for i := len(n.Content) - 1; i >= 0; i-- {
			if err := c.mergeOne(m, n.Content[i], depth, sum); err != nil {
				return err
			}
		}
		return nil
	}
	return c.mergeOne(m, n, depth, sum)
}

func (c *constructor) mergeOne(m *Map, n *yaml.Node, depth int, sum *built) error {
	b, ok := c.done[n]
	if !ok {
		var err error
		if b, err = c.node(n, depth); err != nil {
			return err
		}
	}
	from, ok := b.value.(*Map)
	if !ok {
		return at(n, fmt.Errorf("expected a mapping, or a list of mappings, to merge"))
	}
	if c.merged += 1 + from.Len(); c.merged > maxMerged {
		return at(n, errExpansion)
	}
	for k, v := range from.All() {
		m.Set(k, v)
		c.lines.setKey(m, k, c.lines.Key(from, k))
	}
	sum.size += b.size
	sum.height = max(sum.height, b.height)
	return nil
}

func setOf(m *Map) *Set {
	if m == nil {
		return nil
	}
	s := &Set{NewMap(m.Len())}
	for k := range m.All() {
		s.Add(k)
	}
	return s
}

// pairs constructs the list of 2-tuples that PyYAML makes of !!pairs, and of !!omap.
func (c *constructor) pairs(n *yaml.Node, depth int) (built, error) {
	if n.Kind != yaml.SequenceNode {
		return built{}, at(n, fmt.Errorf("expected a sequence, but found %s", kindName(n)))
	}
	pairs := make(Pairs, len(n.Content))
	sum := built{value: pairs, size: 1, height: 2}
	for i, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		if item.Kind != yaml.MappingNode || len(item.Content) != 2 {
			return built{}, at(item, fmt.Errorf("expected a mapping of length 1"))
		}
		key, err := c.node(item.Content[0], depth+2)
		if err != nil {
			return built{}, err
		}
		value, err := c.node(item.Content[1], depth+2)
		if err != nil {
			return built{}, err
		}
		pairs[i] = Pair{key.value, value.value}
		key.height++
		value.height++
		sum.contain(key)
		sum.contain(value)
	}
	return sum, nil
}
