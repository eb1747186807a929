package pyyaml

import "math/big"

// Equal tells whether a == b in Python: mappings and sets whatever their order, 1 == 1.0 == True, a naive time never
// equal to an aware one, aware times by the moment, and nan unequal to everything.
func Equal(a, b Value) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		y, ok := b.(string)
		return ok && x == y
	case Binary:
		y, ok := b.(Binary)
		return ok && x == y
	case Date:
		y, ok := b.(Date)
		return ok && x == y
	case DateTime:
		y, ok := b.(DateTime)
		return ok && x.Aware == y.Aware && x.Time.UnixMicro() == y.Time.UnixMicro()
	case bool, int, int64, *big.Int, float64:
		return classOf(b) == classNumber && equalNumbers(a, b)
	case []Value:
		return equalLists(x, b)
	case *Map:
		y, ok := b.(*Map)
		return ok && equalMaps(x, y)
	case *Set:
		y, ok := b.(*Set)
		return ok && equalMaps(x.m, y.m)
	case Pairs:
		return equalPairs(x, b)
	}
	return false
}

func equalNumbers(a, b Value) bool {
	if x, ok := a.(float64); ok && x != x {
		return false
	}
	if y, ok := b.(float64); ok && y != y {
		return false
	}
	return compareKeys(a, b) == 0
}

func equalLists(x []Value, b Value) bool {
	if y, ok := b.(Pairs); ok {
		return len(x) == 0 && len(y) == 0
	}
	y, ok := b.([]Value)
	if !ok || len(x) != len(y) {
		return false
	}
	for i := range x {
		if !Equal(x[i], y[i]) {
			return false
		}
	}
	return true
}

func equalPairs(x Pairs, b Value) bool {
	if y, ok := b.([]Value); ok {
		return len(x) == 0 && len(y) == 0
	}
	y, ok := b.(Pairs)
	if !ok || len(x) != len(y) {
		return false
	}
	for i := range x {
		if !Equal(x[i].Key, y[i].Key) || !Equal(x[i].Value, y[i].Value) {
			return false
		}
	}
	return true
}

func equalMaps(x, y *Map) bool {
	if x.Len() != y.Len() {
		return false
	}
	for k, v := range x.All() {
		w, ok := y.Get(k)
		if !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}
