package pyyaml

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// documents are read by PyYAML and by us, and must be the same value, or refused by both if refused is set.
var documents = []struct {
	name, doc string
	refused   string // part of our error
}{
	{name: "nothing", doc: ""},
	{name: "only a comment", doc: "# nothing\n"},
	{name: "an empty document", doc: "---\n"},
	{name: "an empty document with an end", doc: "---\n...\n"},
	{name: "a directive", doc: "%YAML 1.1\n---\na\n"},
	{name: "every boolean", doc: "[yes, Yes, YES, no, No, NO, true, True, TRUE, false, False, FALSE, on, On, ON, off, Off, OFF]"},
	{name: "what is no boolean", doc: "[y, Y, n, N, yES, oN, tRUE, Y es]"},
	{name: "every null", doc: "[~, null, Null, NULL, nULL, nul]"},
	{name: "a null as key and value", doc: "~: ~\n"},
	{name: "integers", doc: "[0, -0, +0, 00, 0_, 0123, -0123, 089, 0x1F, -0xff_f, 0b101, +0b1, 1_000, 1__0_, -1, +1, 123456789012345678901234567890]"},
	{name: "integers of 64 bits and one more", doc: "[9223372036854775807, 9223372036854775808, -9223372036854775808, -9223372036854775809]"},
	{name: "sexagesimals", doc: "[05:15, 5:15, 12:30:00, 190:20:30, -1:30, 1:60, 1:5, 1_0:00, 190:20:30.15, 1:2:3._5, 0:30, 00:30.5]"},
	{name: "floats", doc: "[1.0, 1., .5, -.5, +1.5, 1e5, 1.e5, 1.5e5, 1.5e+5, 1.5E-5, 1_0.5_0, .inf, -.Inf, +.INF, .nan, .NaN, -.nan, 1.7e+400, 5.0e-324]"},
	{name: "dates", doc: "[2001-01-01, 2001-1-1, 0001-01-01, 9999-12-31, 2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43.1 -5, 2001-12-15 2:59:43Z]"},
	{name: "times", doc: "[2001-01-01 00:00:00, 2001-1-1 1:00:00.123456789, '2001-01-01', 2001-01-01T00:00:00+05:30, 2001-01-01 00:00:00.]"},
	{name: "a date that does not exist", doc: "2001-02-29", refused: "line 1"},
	{name: "a month that does not exist", doc: "a: 2001-99-99", refused: "line 1"},
	{name: "an hour that does not exist", doc: "2001-01-01 24:00:00", refused: "line 1"},
	{name: "year nought", doc: "0000-01-01", refused: "line 1"},
	{name: "an offset of a day", doc: "2001-01-01 00:00:00+24:00", refused: "line 1"},
	{name: "digits that are all lines", doc: "0b_", refused: "not an integer"},
	{name: "a merge", doc: "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3, z: 4}\n"},
	{name: "a merge after the key it does not replace", doc: "b: {y: 3, <<: {x: 1, y: 2}}\n"},
	{name: "a merge of several", doc: "- &a {x: 1}\n- &b {x: 2, y: 2}\n- {<<: [*a, *b]}\n- {<<: *a, <<: *b}\n"},
	{name: "a merge of a merge", doc: "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n"},
	{name: "a merge of a list that has an anchor", doc: "a: &l [{x: &n [1]}, {y: 2}]\nb: {<<: *l}\n"},
	{name: "a merge in a set", doc: "!!set {<<: {a, b}, c}"},
	{name: "a merge of a string", doc: "<<: a", refused: "to merge"},
	{name: "a merge of a list of strings", doc: "<<: [a]", refused: "to merge"},
	{name: "the merge key as a value", doc: "a: <<", refused: `"!!merge"`},
	{name: "the merge key in quotes", doc: "'<<': {a: 1}\n\"=\": 1\n"},
	{name: "the value key", doc: "=: 1"},
	{name: "the value key as a value", doc: "a: =", refused: `"!!value"`},
	{name: "duplicate keys", doc: "a: 1\nb: 2\na: 3\n"},
	{name: "keys that are equal", doc: "{1: a, 1.0: b, true: c, 0: d, false: e, -0.0: f}"},
	{name: "nan as a key twice", doc: "{.nan: a, .nan: b}"},
	{name: "keys of every type", doc: "{1: a, 1.5: b, ~: c, yes: d, 2001-01-01: e, !!binary aGk=: f, 2001-01-01 00:00:00: g, x: h}"},
	{name: "a list as a key", doc: "? [a]\n: b\n", refused: "cannot be a key"},
	{name: "a mapping as a key", doc: "{{a: b}: c}", refused: "cannot be a key"},
	{name: "a set of lists", doc: "!!set {[a]}", refused: "cannot be a key"},
	{name: "explicit tags", doc: "[!!str 1, !!int '1', !!float 1, !!float 1e5, !!float inf, !!bool 'YES', !!null x, !!timestamp 2001-1-1, !!str , !!seq [], !!map {}]"},
	{name: "tags written out", doc: "[!<tag:yaml.org,2002:str> 1, !<tag:yaml.org,2002:int> '1']"},
	{name: "a handle for the standard tags", doc: "%TAG !y! tag:yaml.org,2002:\n---\n!y!str 1\n"},
	{name: "a binary", doc: "[!!binary aGVsbG8=, !!binary '', !!binary 'aG Vs\tbG8=', !!binary 'aGk=aGk=']"},
	{name: "a binary in lines", doc: "!!binary |\n  aGVs\n  bG8=\n"},
	{name: "a binary cut short", doc: "!!binary aGVsb", refused: "base64"},
	{name: "a binary that is no ASCII", doc: "!!binary aé==", refused: "base64"},
	{name: "sets", doc: "[!!set {a, b}, !!set {}, !!set {1: 2, 1.0: 3}]"},
	{name: "a set in lines", doc: "!!set\n? a\n? b\n"},
	{name: "pairs", doc: "!!pairs [a: 1, a: 2, [x]: 3]"},
	{name: "an ordered mapping", doc: "!!omap\n- a: 1\n- b: {c: d}\n"},
	{name: "pairs of two", doc: "!!pairs [{a: 1, b: 2}]", refused: "length 1"},
	{name: "pairs of a scalar", doc: "!!pairs [a]", refused: "length 1"},
	{name: "a tag on the wrong kind", doc: "!!int [1]", refused: "expected a scalar"},
	{name: "a list that is no list", doc: "!!seq {}", refused: "expected a sequence"},
	{name: "a mapping that is no mapping", doc: "!!map a", refused: "expected a mapping"},
	{name: "a set that is no mapping", doc: "!!set [a]", refused: "expected a mapping"},
	{name: "a boolean that is none", doc: "!!bool perhaps", refused: "not a boolean"},
	{name: "an integer that is none", doc: "!!int x", refused: "not an integer"},
	{name: "a float that is none", doc: "!!float 0x1p4", refused: "not a number"},
	{name: "a python object", doc: "a:\n  b: !!python/object/apply:os.system ['true']\n", refused: `line 2: could not determine a constructor for the tag "!!python/object/apply:os.system"`},
	{name: "a python tuple", doc: "!!python/tuple [1]", refused: "!!python/tuple"},
	{name: "a local tag", doc: "!mine 1", refused: "!mine"},
	{name: "an unknown standard tag", doc: "!!thing {}", refused: "!!thing"},
	{name: "aliases", doc: "a: &a [1, &b {x: y}]\nb: *a\nc: *b\nd: &s text\ne: *s\n"},
	{name: "an unknown alias", doc: "*a", refused: "unknown anchor"},
	{name: "an anchor given twice", doc: "[&a 1, &a 2]", refused: "already on line 1"},
	{name: "several documents", doc: "a\n---\nb\n", refused: "single document"},
	{name: "a second document that is empty", doc: "a: 1\n---\n", refused: "single document"},
	{name: "a document end", doc: "a: 1\n...\n"},
	{name: "an unclosed list", doc: "[a", refused: "yaml"},
	{name: "an unclosed quote", doc: "a: 'b", refused: "yaml"},
	{name: "a list beside its key", doc: "key: - x", refused: "yaml"},
	{name: "a mapping beside its key", doc: "a: b: c", refused: "yaml"},
	{name: "wrong indentation", doc: "a:\n    b: 1\n  c: 2\n", refused: "yaml"},
	{name: "a tab as indentation", doc: "a:\n\tb: 1\n", refused: "yaml"},
	{name: "a control character", doc: "a: \x01", refused: "line 1: character U+0001"},
	{name: "a nought byte", doc: "a\x00", refused: "character U+0000"},
	{name: "no UTF-8", doc: "a: b\nc: \xff", refused: "line 2: byte 0xff is not UTF-8"},
	{name: "a surrogate in UTF-8", doc: "a: \xed\xa0\x80", refused: "not UTF-8"},
	{name: "a byte order mark", doc: "\ufeffa: 1\n"},
	{name: "UTF-16, little end first", doc: utf16Doc("a: é\U0001f600\n", false)},
	{name: "UTF-16, big end first", doc: utf16Doc("a: é\U0001f600\n", true)},
	{name: "UTF-16 cut short", doc: "\xff\xfea", refused: "odd number"},
	{name: "UTF-16 with half a pair", doc: "\xff\xfe\x3d\xd8a\x00", refused: "surrogate pair"},
	{name: "line ends of other systems", doc: "a: b\r\nc: 'd\r\n  e'\r\nf: |\r\n  g\r\n"},
	{name: "rare line breaks", doc: "a: 'b\u0085 c'\nd: \"e\u2028 f\"\n"},
	{name: "escapes", doc: `"\0\a\b\t\n\v\f\r\e\ \"\/\\\N\_\L\P\x41\u00e9\U0001F600"`},
	{name: "surrogates", doc: `["\ud83d\ude00", "\uDCFFx", '\ud800', "\\ud800", "\\\ud800"]`},
	{name: "surrogates beside what stands in for them", doc: "[\"\\udcff\U0010dcff\\U000fdcff\", '\\U000edcff', \U000ddcff]"},
	{name: "escaped slashes", doc: `["a\/b", 'a\/b', a\/b, "\\/", "\\\/"]`},
	{name: "an escaped slash beside what stands in for it", doc: `["a\U0000002Fb", 'a\U0000002Fb']`},
	{name: "an unknown escape", doc: `"\q"`, refused: "yaml"},
	{name: "a character beyond the last", doc: `"\U00110000"`, refused: "yaml"},
	{name: "a folded text", doc: "- >\n a\n b\n\n c\n  d\n e\n- >+\n a\n\n- >-\n a\n- |2\n   a\n"},
	{name: "plain text in lines", doc: "a: b\n  c\n\n  d\ne: 'f\n  g\n\n  h'\n"},
	{name: "comments everywhere", doc: "# a\nb: # c\n  - d # e\n  # f\n  - g\n# h\ni: j # k\n"},
	{name: "colons and hashes in text", doc: "a: b:c#d\ne: http://f:80/#g\n'h': i\n"},
	{name: "flow in flow", doc: "{a: [b, {c: d, e}], f: g, \"h\":i}"},
	{name: "a mapping in a list in brackets", doc: "[a: b, ? c : d, e]"},
	{name: "complex keys", doc: "? a\n: b\n? |\n  c\n: d\n? e\n"},
}

func utf16Doc(s string, bigEndian bool) string {
	var b strings.Builder
	for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(s))...) {
		if bigEndian {
			b.Write([]byte{byte(u >> 8), byte(u)})
		} else {
			b.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	return b.String()
}

func TestDocumentsAreReadAsPyYAMLReadsThem(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	for _, c := range documents {
		t.Run(c.name, func(t *testing.T) {
			want, refusal := p.load([]byte(c.doc))
			v, err := Decode([]byte(c.doc))
			if c.refused == "" {
				if err != nil || refusal != "" {
					t.Fatalf("refused: %v, by PyYAML: %s", err, refusal)
				}
				if got := describe(v); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				return
			}
			if refusal == "" {
				t.Errorf("PyYAML reads it as %s", want)
			}
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("got %v (%v), want an error with %q", Repr(v), err, c.refused)
			}
		})
	}
}

func TestLinesTellWhereKeysAndItemsStand(t *testing.T) {
	doc := "# head\na: 1\nb:\n- x\n-\n  y: {z: 2}\na: 3\nbase: &base\n  m: 4\nc:\n  <<: *base\n  n: 5\n  n: 6\n"
	v, lines, err := DecodeLines([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	root := v.(*Map)
	b, _ := root.Get("b")
	list := b.([]Value)
	c, _ := root.Get("c")
	got := []int{lines.Key(root, "a"), lines.Key(root, "b"), lines.Item(list, 0), lines.Item(list, 1), lines.Key(list[1].(*Map), "y"),
		lines.Key(c.(*Map), "m"), lines.Key(c.(*Map), "n"), lines.Key(root, "none"), lines.Item(list, 2), lines.Item([]Value{1}, 0)}
	want := []int{7, 3, 4, 6, 6, 9, 13, 0, 0, 0}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d of the list: got %d, want %d", i, got[i], want[i])
		}
	}
	duplicates := lines.Duplicates()
	if len(duplicates) != 2 || duplicates[0] != (Duplicate{7, "a"}) || duplicates[1] != (Duplicate{13, "n"}) {
		t.Errorf("duplicates: got %v, want a on line 7 and n on line 13", duplicates)
	}
}

func TestEqualIsPythonsEquality(t *testing.T) {
	day := Date{2020, 1, 1}
	at := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC)
	inParis := at.In(time.FixedZone("", 3600))
	for _, c := range []struct {
		name string
		a, b Value
		want bool
	}{
		{"an integer and the float", int64(1), 1.0, true},
		{"an integer and true", int64(1), true, true},
		{"a large integer and a float that rounds it", int64(1<<53 + 1), float64(1 << 53), false},
		{"nan and nan", nan(), nan(), false},
		{"a string and bytes", "a", Binary("a"), false},
		{"a string and its number", "1", int64(1), false},
		{"null and false", nil, false, false},
		{"mappings in another order", MapOf("a", nil, "b", nil), MapOf("b", nil, "a", nil), true},
		{"mappings with other keys", MapOf("a", nil), MapOf("b", nil), false},
		{"lists of other lengths", []Value{nil}, []Value{nil, nil}, false},
		{"a list and a set", []Value{"a"}, NewSet("a"), false},
		{"sets in another order", NewSet("a", int64(1)), NewSet(true, "a"), true},
		{"an empty list and no pairs", []Value{}, Pairs{}, true},
		{"pairs", Pairs{{"a", int64(1)}}, Pairs{{"a", 1.0}}, true},
		{"pairs and a list of lists", Pairs{{"a", "b"}}, []Value{[]Value{"a", "b"}}, false},
		{"a date and a time", day, DateTime{at, false}, false},
		{"a naive and an aware time", DateTime{at, false}, DateTime{at, true}, false},
		{"one moment in two zones", DateTime{at, true}, DateTime{inParis, true}, true},
	} {
		if got := Equal(c.a, c.b); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
		if got := Equal(c.b, c.a); got != c.want {
			t.Errorf("%s, the other way round: got %v, want %v", c.name, got, c.want)
		}
	}
}

// nan is nan, which no constant is.
func nan() float64 { z := 0.0; return z / z }
