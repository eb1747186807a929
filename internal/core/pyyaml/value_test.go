package pyyaml

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func keysOf(m *Map) (keys []Value) {
	for k := range m.All() {
		keys = append(keys, k)
	}
	return keys
}

func TestKeysThatPythonHoldsEqualAreOneKey(t *testing.T) {
	noon := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, filler := range []int{0, 2 * smallMap} { // below and above the size that has an index
		for _, c := range []struct {
			name string
			a, b Value
			same bool
		}{
			{"an integer and its float", int64(1), 1.0, true},
			{"one and true", true, int64(1), true},
			{"the least integer and its float", int64(math.MinInt64), -0x1p63, true},
			{"a large integer and its float", new(big.Int).Lsh(big.NewInt(1), 70), 0x1p70, true},
			{"a number and its string", int64(1), "1", false},
			{"a string and bytes", "a", Binary("a"), false},
			{"one moment in two zones", DateTime{noon, true}, DateTime{noon.In(time.FixedZone("", 3600)), true}, true},
			{"a naive and an aware time", DateTime{noon, false}, DateTime{noon, true}, false},
			{"a date and its midnight", Date{2020, 1, 1}, DateTime{noon, false}, false},
			{"nan and nan, which PyYAML makes one object of", nan(), nan(), true},
			{"infinity and infinity", math.Inf(1), math.Inf(1), true},
			{"null and the empty string", nil, "", false},
		} {
			m := NewMap(0)
			for i := range filler {
				m.Set(int64(100+i), nil)
			}
			m.Set(c.a, "first")
			m.Set(c.b, "second")
			want := filler + 2
			if c.same {
				want--
			}
			if m.Len() != want {
				t.Errorf("%s, beside %d others: got %d keys, want %d", c.name, filler, m.Len(), want)
			}
			if got, ok := m.Get(c.b); c.same && (!ok || got != "second") {
				t.Errorf("%s, beside %d others: got %v, want the second value", c.name, filler, got)
			}
		}
	}
}

func TestAMapKeepsTheOrderAndTheFirstSpellingOfItsKeys(t *testing.T) {
	m := MapOf("b", 1, int64(1), 2, "a", 3)
	m.Set(true, 4)
	if diff := cmp.Diff([]Value{"b", int64(1), "a"}, keysOf(m)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if got, _ := m.Get(1.0); got != 4 {
		t.Errorf("got %v, want 4", got)
	}
}

func TestACloneIsItsOwnMap(t *testing.T) {
	m := MapOf("a", 1)
	c := m.Clone()
	c.Set("b", 2)
	if m.Len() != 1 || c.Len() != 2 {
		t.Errorf("got %d and %d entries, want 1 and 2", m.Len(), c.Len())
	}
}

func TestANilMapIsEmpty(t *testing.T) {
	var m *Map
	if _, ok := m.Get("a"); ok || m.Len() != 0 || len(keysOf(m)) != 0 || len(SortedKeys(m)) != 0 {
		t.Error("a nil mapping has something in it")
	}
	if got := string(Encode(m)); got != "{}\n" {
		t.Errorf("got %q, want an empty mapping", got)
	}
}

func TestASetHasEachMemberOnce(t *testing.T) {
	s := NewSet("a", int64(1), true, "a")
	if s.Len() != 2 || !s.Has(1.0) || s.Has("b") {
		t.Errorf("got %v, want a and 1", Repr(s))
	}
}

func TestSortedKeysAreSortedOnlyIfPythonCanSortThem(t *testing.T) {
	for _, c := range []struct {
		name      string
		in, order []Value
	}{
		{"strings by code point", []Value{"b", "a", "é", "Z", "\U0001f600", "\uffff"}, []Value{"Z", "a", "b", "é", "\uffff", "\U0001f600"}},
		{"numbers by value", []Value{2.5, int64(2), math.Inf(-1), true, int64(-7)}, []Value{math.Inf(-1), int64(-7), true, int64(2), 2.5}},
		{"strings and numbers not at all", []Value{"b", int64(1), "a"}, []Value{"b", int64(1), "a"}},
		{"null and a string not at all", []Value{"b", nil, "a"}, []Value{"b", nil, "a"}},
	} {
		m := NewMap(0)
		for _, k := range c.in {
			m.Set(k, nil)
		}
		if diff := cmp.Diff(c.order, SortedKeys(m)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
