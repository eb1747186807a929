package pyyaml

import (
	"slices"
	"strconv"
	"testing"
)

func TestReprAndPFormatAreThoseOfPython(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	docs := [][]byte{
		[]byte("!!set {}"), []byte("!!pairs [a: 1, b: [x, y]]"), []byte("!!omap []"), []byte("[]"), []byte("{}"), []byte("!!set {3}"),
		[]byte("a: 'it''s'\nb: '\"'\nc: '''\"'\n1: 2\n~: 3\n2001-01-01: 4\nd: 2001-01-01 00:00:00\ne: 2001-01-01 10:00:01.5-03:30\n"),
		[]byte("!!pairs\n- aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: [bbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccc]\n- d: e\n"),
	}
	for seed := range 600 {
		docs = append(docs, split(p.ask('G', strconv.AppendInt(nil, int64(seed), 10)))[0])
	}
	for i, doc := range docs {
		v, err := Decode(doc)
		if err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
		if orderedByChance(v) {
			continue
		}
		if got, want := Repr(v), string(p.ask('R', doc)); got != want {
			t.Errorf("document %d: repr\ngot  %s\nwant %s", i, got, want)
		}
		if got, want := PFormat(v), string(p.ask('P', doc)); got != want {
			t.Errorf("document %d: pformat\ngot  %s\nwant %s", i, got, want)
		}
	}
}

// orderedByChance finds what Python orders by hash or by address, or in a circle: sets, times of both kinds as keys, and
// numbers of several types among other keys (False < b"" < 0 by name, but not by value).
func orderedByChance(v Value) bool {
	switch v := v.(type) {
	case *Set:
		return v.Len() > 1
	case []Value:
		return slices.ContainsFunc(v, orderedByChance)
	case *Map:
		classes, types := map[class]bool{}, map[string]bool{}
		for key, item := range v.All() {
			if orderedByChance(item) {
				return true
			}
			classes[classOf(key)] = true
			types[pythonType(key)] = true
		}
		return len(classes) > 1 && len(types) != len(classes)
	}
	return false
}
