package pyyaml

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"
)

// SortedKeys returns the keys of a mapping in the order in which Encode writes them: sorted if all of them compare in
// Python, else in order of insertion.
func SortedKeys(m *Map) []Value {
	entries := sortedEntries(m)
	keys := make([]Value, len(entries))
	for i := range entries {
		keys[i] = entries[i].Key
	}
	return keys
}

// sortedEntries returns the entries of m in the order of SortedKeys; they may be those of m itself and are only to read.
func sortedEntries(m *Map) []Pair {
	if m.Len() < 2 {
		if m == nil {
			return nil
		}
		return m.entries
	}
	c := classOf(m.entries[0].Key)
	sorted := true
	for i := range m.entries[1:] {
		if classOf(m.entries[i+1].Key) != c {
			return m.entries
		}
		sorted = sorted && compareKeys(m.entries[i].Key, m.entries[i+1].Key) <= 0
	}
	if sorted {
		return m.entries
	}
	entries := slices.Clone(m.entries)
	slices.SortStableFunc(entries, func(a, b Pair) int { return compareKeys(a.Key, b.Key) })
	return entries
}

// class is a set of types whose values compare with one another in Python.
type class uint8

const (
	classNone class = iota
	classStr
	classNumber
	classBytes
	classDate
	classNaive
	classAware
	classCollection
)

func classOf(v Value) class {
	switch v := v.(type) {
	case nil:
		return classNone
	case string:
		return classStr
	case bool, int, int64, *big.Int, float64:
		return classNumber
	case Binary:
		return classBytes
	case Date:
		return classDate
	case DateTime:
		if v.Aware {
			return classAware
		}
		return classNaive
	}
	return classCollection
}

// compareKeys compares two keys of the same class as Python does. Nan is neither less nor greater than anything.
func compareKeys(a, b Value) int {
	switch x := a.(type) {
	case string:
		return strings.Compare(x, b.(string))
	case Binary:
		return strings.Compare(string(x), string(b.(Binary)))
	case Date:
		y := b.(Date)
		return cmp.Or(cmp.Compare(x.Year, y.Year), cmp.Compare(x.Month, y.Month), cmp.Compare(x.Day, y.Day))
	case DateTime:
		return x.Time.Compare(b.(DateTime).Time)
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	}
	return compareNumbers(a, b)
}

// compareNumbers compares exactly, as Python does: a float is not the integer it looks like.
func compareNumbers(a, b Value) int {
	x, xInf := exact(a)
	y, yInf := exact(b)
	switch {
	case math.IsNaN(xInf) || math.IsNaN(yInf):
		return 0
	case xInf != 0 || yInf != 0:
		return cmp.Compare(xInf, yInf)
	}
	return x.Cmp(y)
}

// exact returns a number as a fraction, or as the infinity or nan that it is.
func exact(v Value) (*big.Rat, float64) {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewRat(1, 1), 0
		}
	case int:
		return new(big.Rat).SetInt64(int64(v)), 0
	case int64:
		return new(big.Rat).SetInt64(v), 0
	case *big.Int:
		return new(big.Rat).SetInt(v), 0
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, v
		}
		return new(big.Rat).SetFloat64(v), 0
	}
	return new(big.Rat), 0
}
