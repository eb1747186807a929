package pyyaml

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// written are documents as people write them, for what no dump has in it.
var written = []string{
	"a: &x\n  b: 1 # c\n  c: [1, 2,\n   3]\nd:\n  <<: *x\n  e: 'f\n   g'\n",
	"- >-\n  folded\n  text\n\n   more\n  end\n- |+\n  lit\n\n- |2\n   x\n- \"a\\\n   b\"\n",
	"? complex key\n: - 1\n  - 2\n? x\n: y\n",
	"{a: b, 'c': [d, e: f, ? g : h], \"i\": {}, j, k: }\n",
	"%YAML 1.1\n%TAG ! tag:yaml.org,2002:\n---\n!str 12: !float 3\n...\n",
	"a: plain\n  over lines # c\nb:   spaced   \n# comment\n\nc: - no\n",
	"- - - a\n    - b\n  -\n    - c\n-\n  d: e\n- f: g\n  h:\n  - i\n",
	"a: !!binary aGVsbG8=\nb: ! x\nc: !!timestamp 2001-1-1\nd: ~\ne:\nf: {<<: {x: 1}, y: 2}\n",
	"# head\na:\n  # in\n  b: 1 # tail\n  # foot\n\n# next\nc: # none\n  - 1\n  # foot of list\n- 2\n",
	"a: 'it''s'\nb: \"tab\\there \\x41 \\u00e9\"\nc: a#b\ne: http://x.y/z?q=1&r=2\nf: [http://x, a:b, ::c]\n",
}

// damage changes up to three places of a document.
func damage(r *rand.Rand, doc []byte) []byte {
	const junk = "\n\n  -:?,[]{}#&*!|>'\"%@`\\a0._~=<yn\t\r\u0085\u00e9"
	for range r.IntN(4) {
		at, c := r.IntN(len(doc)), junk[r.IntN(len(junk))]
		switch r.IntN(4) {
		case 0:
			doc = slices.Delete(doc, at, min(at+1, len(doc)-1))
		case 1:
			doc[at] = c
		case 2:
			doc = slices.Insert(doc, at, c)
		case 3:
			piece := bytes.Clone(doc[at:min(at+r.IntN(12), len(doc))])
			doc = slices.Insert(doc, r.IntN(len(doc)), piece...)
		}
	}
	return doc
}

// The general parser refuses a little of what PyYAML reads ([?], [a:, b], a tab before the first word of a block) and
// reads a little of what PyYAML refuses (tabs as white space). What both read must be one value.
func TestDamagedDocumentsAreNotReadDifferently(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	r := rand.New(rand.NewPCG(1, 2))
	both, onlyOurs, onlyTheirs := 0, 0, 0
	const rounds = 3000
	for i := range rounds {
		doc := []byte(written[i%len(written)])
		if i%3 == 0 {
			parts := split(p.ask('G', strconv.AppendInt(nil, int64(i%400), 10)))
			if dump := parts[i%2]; len(dump) > 0 && len(dump) < 1000 {
				doc = dump
			}
		}
		doc = damage(r, doc)
		want, refusal := p.load(doc)
		v, err := Decode(doc)
		switch {
		case refusal == "" && err == nil:
			both++
			if got := describe(v); got != want {
				t.Errorf("got  %s\nwant %s\n%q", got, want, doc)
			}
		case refusal == "":
			onlyTheirs++
			t.Logf("only PyYAML reads %q: %v", doc, err)
		case err == nil:
			onlyOurs++
		}
	}
	if both < rounds/5 {
		t.Errorf("%d documents were read by both, want a fifth of %d for the test to say something", both, rounds)
	}
	if onlyOurs > rounds/100 || onlyTheirs > rounds/100 {
		t.Errorf("of %d documents %d are only read by us and %d only by PyYAML, want one in a hundred at most", rounds, onlyOurs, onlyTheirs)
	}
}
