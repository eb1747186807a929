package pyyaml

import (
	"strings"
	"testing"
)

// addSeeds adds the documents of the other tests to the corpus in testdata/fuzz.
func addSeeds(f *testing.F) {
	for _, doc := range written {
		f.Add([]byte(doc))
	}
	for _, c := range documents {
		f.Add([]byte(c.doc))
	}
	for _, v := range goValues(40) {
		f.Add(Encode(v))
	}
}

// FuzzDecode: nothing makes it panic, and what it reads it can write and read again.
func FuzzDecode(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Decode(Encode(v))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%q\n%q", err, data, Encode(v))
		}
		if got, want := sortedDescription(again), sortedDescription(v); got != want {
			t.Fatalf("value after writing\ngot  %s\nwant %s\n%q", got, want, Encode(v))
		}
		PFormat(v)
		Repr(v)
	})
}

// FuzzFastPath: whatever the fast path accepts, the general one reads as the same value.
func FuzzFastPath(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := decodeFast(data)
		if !ok {
			return
		}
		want, err := decodeSlow(data, nil)
		if err != nil {
			t.Fatalf("only the fast path reads %q: %v", data, err)
		}
		if describe(got) != describe(want) {
			t.Fatalf("got  %s\nwant %s\n%q", describe(got), describe(want), data)
		}
	})
}

func TestTheFastPathTakesWhatMessagesAreMadeOf(t *testing.T) {
	for _, doc := range []string{
		"payload: null\nsource: sleep\ntype: success\n",
		"payload:\n  sleep time: 5\n  2001-01-01: []\n  empty:\n",
		"payload:\n  a: 'yes'\n  b: \"\\xE9 \\uD800\"\n  c:\n  - 1\n  - -1.5e+3\n  - - x\n    - {}\n  - k: v\n    l:\n      m: n\nsource: it's\n",
		"a: \"" + strings.Repeat("x", 70) + " \\n\\\n  \\ y\"\n",
		"- a\n- b: c\n",
	} {
		if _, ok := decodeFast([]byte(doc)); !ok {
			t.Errorf("not taken: %q", doc)
		}
	}
}

func TestTheFastPathAgreesWithTheGeneralOne(t *testing.T) {
	taken := 0
	for i, v := range goValues(3000) {
		doc := Encode(v)
		got, ok := decodeFast(doc)
		if !ok {
			continue
		}
		taken++
		want, err := decodeSlow(doc, nil)
		if err != nil || describe(got) != describe(want) {
			t.Errorf("value %d: got %s\nwant %s (%v)\n%s", i, describe(got), describe(want), err, doc)
		}
	}
	if taken < 150 {
		t.Errorf("only %d of 3000 documents went the fast way", taken)
	}
}
