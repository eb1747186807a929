package checklist

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"nowcast/internal/core/pyyaml"
)

func text(c *Checklist) string { return string(c.AppendText(nil)) }

func TestAMappingUpdatesAMappingAndEverythingElseReplaces(t *testing.T) {
	c := New(nil)
	for i, step := range []struct {
		payload pyyaml.Value
		op      Op
		want    string
	}{
		{pyyaml.MapOf("a", int64(1)), Set, "key:\n  a: 1\n"},
		{pyyaml.MapOf("b", pyyaml.MapOf("c", nil)), Update, "key:\n  a: 1\n  b:\n    c: null\n"},
		{pyyaml.MapOf("b", "over"), Update, "key:\n  a: 1\n  b: over\n"},
		{pyyaml.MapOf(), Update, "key:\n  a: 1\n  b: over\n"},
		{"text", Set, "key: text\n"},
		{pyyaml.MapOf("d", true), Set, "key:\n  d: true\n"},
		{[]pyyaml.Value{int64(1)}, Set, "key:\n- 1\n"},
	} {
		ch := c.Report("key", step.payload)
		c.Apply(ch)
		if got := text(c); ch.Op != step.op || got != step.want {
			t.Errorf("step %d: got %s and\n%s\nwant %s and\n%s", i, ch.Op, got, step.op, step.want)
		}
	}
	c.Apply(Change{Op: Clear})
	if got := text(c); got != "{}\n" {
		t.Errorf("after clear: got %q", got)
	}
}

func TestAnUpdateDoesNotReachIntoWhatWasReportedBefore(t *testing.T) {
	c := New(nil)
	first := pyyaml.MapOf("a", int64(1))
	c.Apply(c.Report("key", first))
	c.Apply(c.Report("key", pyyaml.MapOf("a", int64(2), "b", int64(3))))
	if !pyyaml.Equal(first, pyyaml.MapOf("a", int64(1))) {
		t.Errorf("the first payload became %s", pyyaml.Encode(first))
	}
}

// random returns a value as workers report it, keys and texts among them that YAML must quote or put on several lines.
func random(r *rand.Rand, depth int) pyyaml.Value {
	switch n := r.IntN(10); {
	case n < 3 && depth > 0:
		m := pyyaml.NewMap(0)
		for range r.IntN(5) {
			m.Set(randomKey(r), random(r, depth-1))
		}
		return m
	case n == 3 && depth > 0:
		return []pyyaml.Value{random(r, depth-1), random(r, depth-1)}
	case n == 4:
		return nil
	case n == 5:
		return r.Float64()
	}
	return randomKey(r)
}

func randomKey(r *rand.Rand) pyyaml.Value {
	keys := []pyyaml.Value{"", "a", "run date", "yes", "12:30", "two\nlines", strings.Repeat("long ", 40), "é", int64(3), 2.5, true, nil,
		pyyaml.Date{Year: 2031, Month: 5, Day: 17}, "a: b", "- x", "?"}
	return keys[r.IntN(len(keys))]
}

func TestTheTextInPiecesIsTheTextAsAWhole(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := New(nil)
		var log []Change
		for range 40 {
			key, _ := randomKey(r).(string)
			ch := c.Report(key, random(r, 3))
			if r.IntN(30) == 0 {
				ch = Change{Op: Clear}
			}
			log = append(log, ch)
			c.Apply(ch)
			if r.IntN(2) == 0 {
				continue // several changes between two texts
			}
			if got, want := text(c), string(pyyaml.Encode(c.Map())); got != want {
				t.Fatalf("seed %d after %v:\ngot\n%s\nwant\n%s", seed, ch, got, want)
			}
		}
		again := New(nil)
		for _, ch := range log {
			stored, err := ParseChange(ch.Op, ch.YAML())
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			again.Apply(stored)
		}
		if !pyyaml.Equal(again.Map(), c.Map()) {
			t.Fatalf("seed %d: replayed changes give\n%s\nwant\n%s", seed, text(again), text(c))
		}
	}
}

func TestKeysThatAreNotTextAndNanAreKept(t *testing.T) {
	c := New(pyyaml.MapOf(int64(1), "one", "m", pyyaml.MapOf(math.NaN(), "x")))
	c.Apply(c.Report("m", pyyaml.MapOf("y", int64(1))))
	for range 2 {
		if got := text(c); !strings.Contains(got, "1: one\n") || !strings.Contains(got, ".nan: x\n") || !strings.Contains(got, "y: 1\n") {
			t.Errorf("got\n%s", got)
		}
	}
}

func TestParseChangeRefusesWhatIsNotAnEntry(t *testing.T) {
	for _, text := range []string{"", "a", "- a", "{}", "1: x", "a: ["} {
		if ch, err := ParseChange(Set, []byte(text)); err == nil {
			t.Errorf("%q: got %v", text, ch)
		}
	}
}

func BenchmarkTextOf10MBAfterOneChange(b *testing.B) {
	for _, shape := range []string{"one key", "many keys"} {
		b.Run(shape, func(b *testing.B) {
			c := New(nil)
			for i := range 100_000 {
				key, sub := "files", fmt.Sprint("file ", i)
				if shape == "many keys" {
					key, sub = sub, key
				}
				c.Apply(c.Report(key, pyyaml.MapOf(sub, strings.Repeat("x", 100))))
			}
			buf := c.AppendText(nil)
			for b.Loop() {
				c.Apply(c.Report("changed", pyyaml.MapOf("a", int64(1))))
				buf = c.AppendText(buf[:0])
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}
