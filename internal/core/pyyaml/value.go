// Package pyyaml reads and writes YAML 1.1 exactly as PyYAML's safe_load and dump do.
//
// Every value that crosses the wire, the configuration file and the checklist file are such values. The package
// promises that a value decoded from what PyYAML wrote, and encoded again, is an equal Python value when PyYAML
// reads it, and that hostile input (alias bombs, deep nesting, tags that safe_load refuses) is an error, never a
// crash and never unbounded work. It opens no files and imports only yaml.v3, whose parser it drives and whose
// YAML 1.2 resolver it does not use.
package pyyaml

import (
	"iter"
	"math"
	"math/big"
	"time"
)

// Value is what yaml.safe_load can yield. Its dynamic type is one of:
//
//	nil        None
//	bool       bool
//	int64      int that fits
//	*big.Int   int that does not fit an int64 (never otherwise)
//	float64    float, with inf and nan
//	string     str
//	Binary     bytes
//	Date       datetime.date
//	DateTime   datetime.datetime
//	[]Value    list
//	*Map       dict
//	*Set       set
//	Pairs      list of 2-tuples, from !!pairs and !!omap
//
// Values are immutable by convention once they have left the function that built them: everyone may keep
// and share them, nobody changes them.
type Value = any

// Binary is a Python bytes value. It is a string so that it can be a mapping key.
type Binary string

// Date is a Python datetime.date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateTime is a Python datetime.datetime with microsecond precision. If Aware is false it is naive: Time is then
// the wall clock expressed in UTC. If Aware is true the location of Time is a fixed zone with the offset written.
type DateTime struct {
	Time  time.Time
	Aware bool
}

// Pair is one item of Pairs.
type Pair struct{ Key, Value Value }

// Pairs is a list of 2-tuples.
type Pairs []Pair

// Map is a Python dict: keys of any scalar type, in order of insertion, equal as Python has it (1, 1.0 and True are
// one key). Make one with NewMap.
type Map struct {
	entries []Pair
	index   map[any]int // hashKey to position; nil as long as looking through entries is quicker
}

// smallMap is the number of entries up to which a linear search beats a hash table, and saves its memory: a message
// and most payloads are such maps.
const smallMap = 8

// NewMap returns an empty mapping with room for n entries.
func NewMap(n int) *Map {
	m := &Map{entries: make([]Pair, 0, n)}
	if n > smallMap {
		m.index = make(map[any]int, n)
	}
	return m
}

// MapOf returns a mapping with string keys from alternating keys and values, for literals in code and tests.
func MapOf(keysAndValues ...any) *Map {
	m := NewMap(len(keysAndValues) / 2)
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		m.Set(keysAndValues[i], keysAndValues[i+1])
	}
	return m
}

// Len returns the number of entries; it is 0 for a nil mapping.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.entries)
}

// Get returns the value at key, and whether there is one. A nil mapping has none.
func (m *Map) Get(key Value) (Value, bool) {
	if m == nil {
		return nil, false
	}
	i := m.find(key)
	if i < 0 {
		return nil, false
	}
	return m.entries[i].Value, true
}

// Set stores value at key. As in Python, a key that is there keeps its place and its first spelling.
func (m *Map) Set(key, value Value) {
	if i := m.find(key); i >= 0 {
		m.entries[i].Value = value
		return
	}
	m.entries = append(m.entries, Pair{key, value})
	switch {
	case m.index != nil:
		m.index[hashKey(key)] = len(m.entries) - 1
	case len(m.entries) > smallMap:
		m.index = make(map[any]int, 2*len(m.entries))
		for i, e := range m.entries {
			m.index[hashKey(e.Key)] = i
		}
	}
}

// find returns the position of key, or -1. It only reads, so that many goroutines may look into one mapping.
func (m *Map) find(key Value) int {
	if m.index != nil {
		if i, ok := m.index[hashKey(key)]; ok {
			return i
		}
		return -1
	}
	if s, ok := key.(string); ok {
		for i := range m.entries {
			if k, ok := m.entries[i].Key.(string); ok && k == s {
				return i
			}
		}
		return -1
	}
	h := hashKey(key)
	for i := range m.entries {
		if hashKey(m.entries[i].Key) == h {
			return i
		}
	}
	return -1
}

// All yields the entries in order of insertion.
func (m *Map) All() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		if m == nil {
			return
		}
		for _, e := range m.entries {
			if !yield(e.Key, e.Value) {
				return
			}
		}
	}
}

// Clone returns a mapping with the same entries; the values are shared.
func (m *Map) Clone() *Map {
	c := NewMap(m.Len())
	for k, v := range m.All() {
		c.Set(k, v)
	}
	return c
}

// Set is a Python set of scalars in order of insertion. Make one with NewSet.
type Set struct{ m *Map }

// NewSet returns a set of the given members.
func NewSet(members ...Value) *Set {
	s := &Set{NewMap(len(members))}
	for _, v := range members {
		s.Add(v)
	}
	return s
}

// Add puts a member into the set.
func (s *Set) Add(v Value) { s.m.Set(v, nil) }

// Has tells whether v is a member.
func (s *Set) Has(v Value) bool {
	_, ok := s.m.Get(v)
	return ok
}

// Len returns the number of members.
func (s *Set) Len() int { return s.m.Len() }

// All yields the members in order of insertion.
func (s *Set) All() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for k := range s.m.All() {
			if !yield(k) {
				return
			}
		}
	}
}

type (
	bigKey  string
	timeKey struct {
		ns    int64
		aware bool
	}
	nanKey struct{}
)

// hashKey maps keys that Python considers equal to one comparable Go value.
func hashKey(key Value) any {
	switch k := key.(type) {
	case string, int64, Binary, Date, nil:
		return k
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case int:
		return int64(k)
	case float64:
		if k == math.Trunc(k) && k >= -1<<63 && k < 1<<63 {
			return int64(k)
		}
		if math.IsNaN(k) {
			return nanKey{} // Python finds a nan by identity, and every nan that safe_load makes is the same object: one key
		}
		if k == math.Trunc(k) && !math.IsInf(k, 0) {
			i, _ := big.NewFloat(k).Int(nil)
			return bigKey(i.String())
		}
		return k
	case *big.Int:
		return bigKey(k.String())
	case DateTime:
		return timeKey{k.Time.UnixMicro(), k.Aware}
	}
	return key
}
