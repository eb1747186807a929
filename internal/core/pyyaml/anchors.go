package pyyaml

import "fmt"

// anchors are the names of the collections that stand in a document more than once. PyYAML goes by the identity of the
// object, and so do we: the pointer of a mapping or set, the first item and length of a list.
type anchors struct {
	id      map[identity]int // 0 until met for the second time in the order of the document
	written map[identity]bool
	last    int
}

type identity struct {
	pointer any // *Map, *Set, *Value or *Pair
	length  int
}

// identify returns the identity of a collection, and whether v has one. An empty list has none: nothing tells one from
// another, and [] is as good as an alias.
func identify(v Value) (identity, bool) {
	switch v := v.(type) {
	case *Map:
		return identity{v, 0}, v != nil
	case *Set:
		return identity{v, 0}, v != nil
	case []Value:
		if len(v) > 0 {
			return identity{&v[0], len(v)}, true
		}
	case Pairs:
		if len(v) > 0 {
			return identity{&v[0], len(v)}, true
		}
	}
	return identity{}, false
}

// findShared returns the anchors of v, or nil if every collection in it stands there once, which is nearly always.
func findShared(v Value) *anchors {
	s := sharing{}
	if !s.anyTwice(v) {
		return nil
	}
	a := &anchors{id: map[identity]int{}, written: map[identity]bool{}}
	a.number(v)
	return a
}

// sharing remembers the collections that have been met: a few in an array, so that a message costs no table.
type sharing struct {
	few  [16]identity
	n    int
	many map[identity]struct{}
}

func (s *sharing) anyTwice(v Value) bool {
	id, ok := identify(v)
	if !ok {
		return false
	}
	if s.met(id) {
		return true
	}
	switch v := v.(type) {
	case *Map:
		for i := range v.entries {
			if s.anyTwice(v.entries[i].Value) {
				return true
			}
		}
	case []Value:
		for _, item := range v {
			if s.anyTwice(item) {
				return true
			}
		}
	case Pairs:
		for _, p := range v {
			if s.anyTwice(p.Key) || s.anyTwice(p.Value) {
				return true
			}
		}
	}
	return false
}

func (s *sharing) met(id identity) bool {
	if s.many != nil {
		_, ok := s.many[id]
		s.many[id] = struct{}{}
		return ok
	}
	for i := range s.n {
		if s.few[i] == id {
			return true
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = id
		s.n++
		return false
	}
	s.many = make(map[identity]struct{}, 4*len(s.few))
	for _, old := range s.few {
		s.many[old] = struct{}{}
	}
	s.many[id] = struct{}{}
	return false
}

// number gives the names in PyYAML's order: that in which collections are met for the second time.
func (a *anchors) number(v Value) {
	id, ok := identify(v)
	if !ok {
		return
	}
	if n, met := a.id[id]; met {
		if n == 0 {
			a.last++
			a.id[id] = a.last
		}
		return
	}
	a.id[id] = 0
	switch v := v.(type) {
	case *Map:
		for _, e := range sortedEntries(v) {
			a.number(e.Value)
		}
	case []Value:
		for _, item := range v {
			a.number(item)
		}
	case Pairs:
		for _, p := range v {
			a.number(p.Key)
			a.number(p.Value)
		}
	}
}

// aliased writes an alias if v has been written before, and tells so. Otherwise it writes the anchor that v needs, if
// any, after which no collection can start on the same line.
func (e *encoder) aliased(v Value, p *place) bool {
	if e.anchors == nil {
		return false
	}
	id, _ := identify(v)
	n := e.anchors.id[id]
	if n == 0 {
		return false
	}
	if e.anchors.written[id] {
		e.word(fmt.Sprintf("*id%03d", n))
		return true
	}
	e.anchors.written[id] = true
	e.word(fmt.Sprintf("&id%03d", n))
	p.inline = false
	return false
}
