package pyyaml

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// aliasBomb is the "billion laughs": each level has the one before nine times.
func aliasBomb(levels int) string {
	var b strings.Builder
	b.WriteString("l0: &l0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n")
	for i := 1; i < levels; i++ {
		fmt.Fprintf(&b, "l%d: &l%d [%s*l%d]\n", i, i, strings.Repeat(fmt.Sprintf("*l%d,", i-1), 8), i-1)
	}
	return b.String()
}

// staircase is a block mapping in a block mapping and so on, each on a line of its own.
func staircase(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func mergeBomb() string {
	var b strings.Builder
	b.WriteString("- &a {")
	for i := range 1000 {
		fmt.Fprintf(&b, "k%d: 1, ", i)
	}
	b.WriteString("}\n")
	b.WriteString(strings.Repeat("- {<<: *a}\n", 20000))
	return b.String()
}

func mergeChain() string {
	var b strings.Builder
	b.WriteString("- &m0 {a: 1}\n")
	for i := 1; i < 900; i++ {
		fmt.Fprintf(&b, "- &m%d {k%d: 1, <<: [*m%d, *m%d]}\n", i, i, i-1, i-1)
	}
	return b.String()
}

func megabyteOf(s string) string { return strings.Repeat(s, 1<<20/len(s)) }

var hostile = []struct{ name, doc, refused string }{
	{"an alias bomb", aliasBomb(40), "alias expansion too large"},
	{"an alias bomb as large as can be", "a: &a [" + strings.Repeat("x,", 10000) + "]\nb: [" + strings.Repeat("*a,", 10000) + "]\n", "alias expansion too large"},
	{"aliases of a long string", "a: &a " + strings.Repeat("x", 100000) + "\nb: [" + strings.Repeat("*a,", 10000) + "]\n", "alias expansion too large"},
	{"a merge bomb", mergeBomb(), "alias expansion too large"},
	{"a chain of merges", mergeChain(), "alias expansion too large"},
	{"aliases in aliases, deeper than allowed", deepAliases(1200), "nested deeper"},
	{"a list of itself", "&a [*a]", "contains it"},
	{"a mapping of itself", "&a {b: {c: *a}}", "contains it"},
	{"a mapping merged with itself", "&a {<<: *a}", "contains it"},
	{"20,000 brackets", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), "exceeded max depth"},
	{"20,000 braces", strings.Repeat("{a: ", 20000) + strings.Repeat("}", 20000), "exceeded max depth"},
	{"20,000 dashes", strings.Repeat("- ", 20000) + "a", "exceeded max depth"},
	{"20,000 question marks", strings.Repeat("? ", 20000) + "a", "exceeded max depth"},
	{"a flow list one level too deep", strings.Repeat("[", 1001) + strings.Repeat("]", 1001), "nested deeper than 1000"},
	{"a block list one level too deep", strings.Repeat("- ", 1001) + "a\n", "nested deeper than 1000"},
	{"a block mapping one level too deep", staircase(1001), "nested deeper than 1000"},
	{"a megabyte of brackets", megabyteOf("["), "exceeded max depth"},
	{"a megabyte of braces", megabyteOf("{"), "exceeded max depth"},
	{"a megabyte of keys in braces", megabyteOf("{a: "), "exceeded max depth"},
	{"a megabyte of dashes", megabyteOf("- "), "exceeded max depth"},
	{"a megabyte of anchored brackets", megabyteOf("&a ["), "exceeded max depth"},
	{"a megabyte of tags", megabyteOf("!!set {"), "exceeded max depth"},
	{"a megabyte of steps", staircase(1400), "nested deeper"},
	{"a megabyte of colons", megabyteOf(": "), "yaml"},
	{"a megabyte of noughts", megabyteOf("\x00"), "not allowed"},
	{"a megabyte of tabs", megabyteOf("\t"), "yaml"},
	{"a long integer", megabyteOf("1"), "more than 4300 digits"},
	{"a long binary integer", "0b" + megabyteOf("1"), "more than 4300 digits"},
	{"a long octal integer", "0" + strings.Repeat("7", 5000), "more than 4300 digits"},
	{"a long sexagesimal", "1" + megabyteOf(":1"), "more than 4300 digits"},
	{"a long sexagesimal float", "1" + megabyteOf(":1") + ".5", "not a number"},
	{"a long integer by tag", "!!int " + megabyteOf("x"), "more than 4300 digits"},
	{"more parts than are taken", strings.Repeat("[],", maxMarks), "parts"},
	{"a megabyte of document starts", megabyteOf("--- a\n"), "single document"},
}

// deepAliases nests by aliases: each level holds the one before.
func deepAliases(levels int) string {
	var b strings.Builder
	b.WriteString("- &a0 []\n")
	for i := 1; i < levels; i++ {
		fmt.Fprintf(&b, "- &a%d [*a%d]\n", i, i-1)
	}
	return b.String()
}

func TestHostileDocumentsAreRefusedAtLittleCost(t *testing.T) {
	const mostMemory = 64 << 20 // what it allocates bounds what it does; BenchmarkHostile has the time
	for _, c := range hostile {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := Decode([]byte(c.doc))
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: got %.100s (%.200v), want an error with %q", c.name, Repr(v), err, c.refused)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > mostMemory {
			t.Errorf("%s: allocated %d MB, want less than %d", c.name, used>>20, mostMemory>>20)
		}
	}
}

func TestWhatIsOnlyLargeIsTaken(t *testing.T) {
	for name, doc := range map[string]string{
		"a thousand levels":           strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
		"a thousand steps":            staircase(1000),
		"a megabyte of comments":      megabyteOf("#\n"),
		"a megabyte of indented ones": "a:\n" + megabyteOf("   # b\n") + "  c: 1\n",
		"a megabyte of blank lines":   megabyteOf(" \n"),
		"a megabyte of items":         megabyteOf("- x # y\n"),
		"a megabyte of commas":        "[" + megabyteOf("a,") + "]",
		"a megabyte of quotes":        megabyteOf("'"),
		"a megabyte of escapes":       `"` + megabyteOf(`\ud800`) + `"`,
		"a megabyte of backslashes":   megabyteOf(`\`) + `\ud800`,
		"many uses of a small anchor": "a: &a [1, 2]\nb: [" + strings.Repeat("*a,", 50000) + "]\n",
		"three megabytes of prose":    "a: |\n" + strings.Repeat("  Well, so - as they say: one, two # three\n", 80000),
	} {
		if _, err := Decode([]byte(doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkHostile shows how long each hostile document takes to be refused: well below a second.
func BenchmarkHostile(b *testing.B) {
	for _, c := range hostile {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Decode([]byte(c.doc)); err == nil {
					b.Fatal("it was taken")
				}
			}
		})
	}
}
