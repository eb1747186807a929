package pyyaml

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

var awkward = strings.Fields("yes No ON off y n true null ~ .inf -.INF .nan 0 00 0123 089 0x1F 0b101 1_000 1e5 1.5e+5 1. .5 12:30 190:20:30.15 " +
	"2001-01-01 2001-99-99 2001-1-1 - -- --- ... = << ? : a: :a a:b #x x#y [x] {x} &x *x !x |x >x 'x \"x %x @x `x -x 'x' \"x\" \\n \\ é 😀")

var pieces = []string{"a", "word ", " ", "  ", "\n", "\n\n", "\t", "'", `"`, `\`, ": ", " #", "- ", "---", "é", "\u0085", "\u2028", "\ufeff", "\x00",
	"\x7f", "\xed\xa0\x80", "\xed\xb3\xbf", "😀", "\U0010ffff", "\r\n", "[", ",", strings.Repeat("x", 75), "looooooong "}

// generator makes values of every kind.
type generator struct {
	*rand.Rand
	shared []Value
}

// goValues returns n values, always the same.
func goValues(n int) []Value {
	values := make([]Value, n)
	for i := range values {
		g := generator{Rand: rand.New(rand.NewPCG(7, uint64(i)))}
		values[i] = g.value(0)
	}
	return values
}

func (g *generator) str() string {
	switch g.IntN(4) {
	case 0:
		return awkward[g.IntN(len(awkward))]
	case 1:
		return strings.Repeat("some words ", g.IntN(20)) + "end"
	case 2:
		return "plain_word" + awkward[g.IntN(20)]
	}
	var s strings.Builder
	for range g.IntN(12) {
		s.WriteString(pieces[g.IntN(len(pieces))])
	}
	return s.String()
}

func (g *generator) scalar() Value {
	switch g.IntN(14) {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2:
		return g.Int64N(2000) - 1000
	case 3:
		return []Value{int64(math.MaxInt64), int64(math.MinInt64), int64(-1), int64(0)}[g.IntN(4)]
	case 4:
		n := new(big.Int).Lsh(big.NewInt(g.Int64()|1<<62), uint(1+g.UintN(900)))
		return n.Neg(n)
	case 5:
		return []Value{math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1), 1e16, 1e-5, 5e-324, math.MaxFloat64}[g.IntN(8)]
	case 6:
		if f := math.Float64frombits(g.Uint64()); !math.IsNaN(f) {
			return f
		}
		return 0.1
	case 7:
		return Date{1 + g.IntN(9999), time.Month(1 + g.IntN(12)), 1 + g.IntN(28)}
	case 8:
		return g.dateTime()
	case 9:
		b := make([]byte, g.IntN(130))
		for i := range b {
			b[i] = byte(g.Uint32())
		}
		return Binary(b)
	}
	return g.str()
}

func (g *generator) dateTime() DateTime {
	zone, aware := time.UTC, g.IntN(2) == 0
	if aware {
		zone = time.FixedZone("", 60*(g.IntN(2*1440-1)-1439))
	}
	micros := []int{0, 1, 500000, 999999}[g.IntN(4)]
	return DateTime{time.Date(1+g.IntN(9998), 1, 1+g.IntN(365), g.IntN(24), g.IntN(60), g.IntN(60), 1000*micros, zone), aware}
}

func (g *generator) key(same bool) Value {
	if same {
		return g.str()
	}
	if k := g.scalar(); k == k { // nan has no place in any order
		return k
	}
	return int64(1)
}

func (g *generator) value(depth int) Value {
	if depth > 4 || g.IntN(10) < 3+depth {
		return g.scalar()
	}
	if len(g.shared) > 0 && g.IntN(8) == 0 {
		return g.shared[g.IntN(len(g.shared))]
	}
	n, same := []int{0, 1, 2, 3, 12}[g.IntN(5)], g.IntN(3) > 0
	var v Value
	switch g.IntN(7) {
	case 0, 1:
		list := make([]Value, n)
		for i := range list {
			list[i] = g.value(depth + 1)
		}
		v = list
	case 2:
		s := NewSet()
		for range n {
			s.Add(g.key(same))
		}
		v = s
	case 3:
		pairs := make(Pairs, n)
		for i := range pairs {
			pairs[i] = Pair{g.key(false), g.value(depth + 1)}
		}
		v = pairs
	default:
		m := NewMap(n)
		for range n {
			m.Set(g.key(same), g.value(depth+1))
		}
		v = m
	}
	if g.IntN(4) == 0 {
		g.shared = append(g.shared, v)
	}
	return v
}

// sortedDescription is describe for values whose mappings may be in another order.
func sortedDescription(v Value) string {
	switch v := v.(type) {
	case *Map:
		var parts []string
		for k, x := range v.All() {
			parts = append(parts, describe(k)+"="+sortedDescription(x))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, " ") + "}"
	case []Value:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = sortedDescription(v[i])
		}
		return "[" + strings.Join(parts, " ") + "]"
	case Pairs:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = "(" + sortedDescription(v[i].Key) + " " + sortedDescription(v[i].Value) + ")"
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return describe(v)
}

// hasPairs tells whether there are Pairs in v, which yaml.dump writes differently.
func hasPairs(v Value) bool {
	switch v := v.(type) {
	case Pairs:
		return true
	case []Value:
		return slices.ContainsFunc(v, hasPairs)
	case *Map:
		for _, x := range v.All() {
			if hasPairs(x) {
				return true
			}
		}
	}
	return false
}
